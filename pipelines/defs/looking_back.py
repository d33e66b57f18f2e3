"""What was known on an earlier day, as partitions: the last day of every half-year, each a published set of its own.

Wiring only: what is left out and why is `run --as-of` (decision 7). Each day is made by that command in a process of
its own, which holds the lock of the data directory by itself; this step therefore must not hold it.
"""

import subprocess
import sys
from pathlib import Path

import dagster as dg

from pipelines.defs.raw import POOL
from pipelines.settings import load_settings

AS_OF_KEY = dg.AssetKey(["published", "as_of"])
HALF_YEARS = dg.TimeWindowPartitionsDefinition(
    start="2015-06-30",
    fmt="%Y-%m-%d",
    cron_schedule="0 0 L 6,12 *",
    timezone="Europe/Amsterdam",
    # The day itself can be looked back at, not only once the next one has come.
    end_offset=1,
)
_DONE = (0, 1)
_LONGEST_REASON = 2000


def as_of_asset() -> dg.AssetsDefinition:
    """`published/as_of`: the published set as it would have been at the end of a half-year."""

    @dg.asset(
        key=AS_OF_KEY,
        group_name="looking_back",
        partitions_def=HALF_YEARS,
        kinds={"duckdb", "parquet"},
        description=(
            "The published set of what was known on the last day of a half-year, from the vintages that are kept, in "
            "`as-of/<day>/published/`. Launch one day, or a backfill over years."
        ),
        pool=POOL,
    )
    def _as_of(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        from pipelines.publish.publication import current

        settings = load_settings(as_of=context.partition_key)
        outcome = run_as_of(context.partition_key)
        manifest = current(settings)
        if outcome.returncode not in _DONE or manifest is None:
            raise dg.Failure(
                description=f"run --as-of {context.partition_key} ended with {outcome.returncode}: "
                + (outcome.stderr.strip()[-_LONGEST_REASON:] or "it published nothing"),
                allow_retries=False,
            )
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": sum(manifest["row_counts"].values()),
                "file": dg.MetadataValue.path(str(settings.published_path)),
                "git_revision": manifest["git_revision"],
                "vintages": len(manifest["vintages"]),
            }
        )

    return _as_of


def run_as_of(day: str) -> subprocess.CompletedProcess[str]:
    """`nulmeting run --as-of` in a process of its own; ended with this one when the run is stopped."""
    program = Path(sys.executable).with_name("nulmeting")
    return subprocess.run(  # noqa: S603 - our own program, with a day that Dagster checked
        [str(program), "run", "--as-of", day],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
