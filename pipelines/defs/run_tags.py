"""What every run is labelled with, so that runs can be told apart and found again in the interface.

`nulmeting/launched_by` is `interface`, `schedule`, `sensor` or `cli`; what a sensor launches a run for stands beside it
(`nulmeting/source`, `nulmeting/modified`).
"""

from pipelines.revision import git_revision, release
from pipelines.settings import Settings
from pipelines.step_timings import LAUNCHED_BY

COMMAND_LINE = "cli"
BY_SCHEDULE = {LAUNCHED_BY: "schedule"}
BY_SENSOR = {LAUNCHED_BY: "sensor"}
SOURCE = "nulmeting/source"
MODIFIED = "nulmeting/modified"


def run_tags(settings: Settings) -> dict[str, str]:
    """The tags of a job: whoever launches it otherwise than in the interface says so."""
    return {
        LAUNCHED_BY: "interface",
        "nulmeting/profile": settings.profile,
        "nulmeting/release": release(),
        "nulmeting/revision": git_revision(),
    }
