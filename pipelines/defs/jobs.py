"""The jobs: what a run can be asked to make. When they run by themselves is in `schedules` and `sensors`."""

from collections.abc import Iterable, Sequence
from typing import Any

import dagster as dg

from pipelines.declarations.load import Declarations
from pipelines.declarations.source import FolderConnector
from pipelines.defs.looking_back import AS_OF_KEY
from pipelines.defs.run_tags import run_tags
from pipelines.settings import Settings

MONITOR, DELIVERIES, PUBLISH, LOOKING_BACK = "monitor", "deliveries", "publish", "looking_back"
PUBLISHED_KEY = dg.AssetKey(["published", "nulmeting"])


def all_that_follows(sources: Iterable[str]) -> dg.AssetSelection:
    """The raw tables of these sources, the declarations, and all that is made of either; without checks.

    The declarations are among them because a source may be a new one.
    """
    begin = dg.AssetSelection.assets(*(dg.AssetKey(["raw", source_id]) for source_id in sources))
    following = (begin | dg.AssetSelection.groups("declared")).downstream().required_multi_asset_neighbors()
    return (following - dg.AssetSelection.assets(AS_OF_KEY)).without_checks()


def jobs(settings: Settings, declarations: Declarations, checks: Sequence[dg.AssetChecksDefinition]) -> dict[str, Any]:
    """The four jobs, by name. The expectations of a layer are one step: a job has all checks of a layer or none."""
    everything = dg.AssetSelection.checks(*checks)
    files = [source.source_id for source in declarations.sources if isinstance(source.connector, FolderConnector)]
    published = dg.AssetSelection.assets(PUBLISHED_KEY).without_checks()

    def job(name: str, selection: dg.AssetSelection, description: str) -> Any:
        return dg.define_asset_job(
            name,
            selection=selection,
            description=description,
            tags=run_tags(settings),
            executor_def=dg.in_process_executor,
        )

    made = [
        job(
            MONITOR,
            dg.AssetSelection.all() - dg.AssetSelection.assets(AS_OF_KEY),
            "The main job: every source through raw, core and marts, checked, and published.",
        ),
        job(
            DELIVERIES,
            all_that_follows(files) | everything,
            "The files of municipalities and all that is made of them, checked, and published; asks no publisher. "
            "Needs one finished run of `monitor`, for the regions.",
        ),
        job(
            PUBLISH,
            published | everything,
            "Checks the tables that stand, and publishes them again; reads and builds nothing.",
        ),
        job(
            LOOKING_BACK,
            dg.AssetSelection.assets(AS_OF_KEY),
            "What was known at the end of a half-year, in a folder of its own; a backfill makes years of them.",
        ),
    ]
    return {one.name: one for one in made}
