"""The Dagster code location: everything that `dg dev` shows and a run executes, for one profile."""

from __future__ import annotations

import os
import warnings

os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")

import dagster as dg

from pipelines.declarations.load import load_declarations
from pipelines.defs.checks import check_assets
from pipelines.defs.jobs import alert_after_failure, alert_after_success, daily, end_killed_runs, half_yearly, monitor
from pipelines.defs.models import model_assets, read_manifest
from pipelines.defs.publish import published_asset
from pipelines.defs.raw import raw_assets
from pipelines.defs.resources import RunLock
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
        marts = sorted(models[-1].keys, key=lambda key: key.to_user_string())
        return dg.Definitions(
            assets=[*raw_assets(declarations), *models, published_asset(marts)],
            asset_checks=check_assets(declarations),
            jobs=[monitor],
            schedules=[half_yearly, daily],
            sensors=[alert_after_success, alert_after_failure, end_killed_runs],
            resources={"run_lock": RunLock()},
            executor=dg.in_process_executor,
        )


defs = build_definitions()
