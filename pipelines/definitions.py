"""The Dagster code location: everything that `dg dev` shows and a run executes, for one profile."""

from __future__ import annotations

import os
import warnings

os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")

import dagster as dg

from pipelines.declarations.load import load_declarations
from pipelines.defs.checks import check_assets
from pipelines.defs.freshness import with_freshness
from pipelines.defs.jobs import PUBLISHED_KEY, jobs
from pipelines.defs.looking_back import as_of_asset
from pipelines.defs.models import model_assets, read_manifest
from pipelines.defs.publish import published_asset
from pipelines.defs.raw import raw_assets
from pipelines.defs.resources import RunLock
from pipelines.defs.schedules import schedules
from pipelines.defs.sensors import sensors
from pipelines.settings import load_settings


def build_definitions() -> dg.Definitions:
    """The definitions for the configured profile."""
    settings = load_settings()
    declarations = load_declarations(settings.sources_dir, settings.profile)
    with warnings.catch_warnings():
        # pools and required resource keys on assets are marked beta; this project pins the version it uses
        warnings.simplefilter("ignore", category=dg.BetaWarning)
        warnings.simplefilter("ignore", category=dg.PreviewWarning)
        models = model_assets(read_manifest())
        checks = check_assets(declarations)
        # Besides the marts it waits for the gates of the layers before them: a job that builds nothing has those too.
        gates = [dg.AssetKey(["raw", "delivery"]), dg.AssetKey(["core", "panel"])]
        marts = sorted(models[-1].keys, key=lambda key: key.to_user_string())
        made = [*raw_assets(declarations), *models, published_asset([*marts, *gates])]
        by_name = jobs(settings, declarations, checks)
        return dg.Definitions(
            assets=[*with_freshness(made, declarations, PUBLISHED_KEY), as_of_asset()],
            asset_checks=checks,
            jobs=list(by_name.values()),
            schedules=schedules(declarations),
            sensors=sensors(declarations, by_name),
            resources={"run_lock": RunLock()},
            executor=dg.in_process_executor,
        )


defs = build_definitions()
