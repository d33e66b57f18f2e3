"""The expectations of each layer as Dagster asset checks.

One step per layer. What is expected stands in `expectations/`; here the results become asset checks, and the
failing rows become findings for the alerts.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from expectations.check import Check
from expectations.suites_core import core_checks
from expectations.suites_marts import marts_checks
from expectations.suites_raw import raw_checks
from pipelines import progress
from pipelines.declarations.load import Declarations
from pipelines.defs.raw import POOL, preview_table
from pipelines.run_folder import RunFolder
from pipelines.settings import load_settings

GATES = {"raw": "raw.delivery", "core": "core.panel", "marts": "marts.indicator_municipality"}
"""The table of each layer that everything after the layer waits for."""

_STEPS = {
    "raw": "Leveringen toetsen",
    "core": "Kerntabellen toetsen",
    "marts": "Marts toetsen",
}


def check_assets(declarations: Declarations) -> list[dg.AssetChecksDefinition]:
    """One definition per layer with all its checks, and a gate."""
    return [
        _layer_checks("raw", raw_checks(declarations.sources)),
        _layer_checks("core", core_checks()),
        _layer_checks("marts", marts_checks()),
    ]


def _asset_key(asset: str) -> dg.AssetKey:
    return dg.AssetKey(asset.split("."))


def _gate(layer: str) -> dg.AssetCheckSpec:
    """Holds back everything after the layer when one of its blocking checks failed.

    Tables of a layer build on each other within one step, so that their own checks cannot stand between them.
    """
    return dg.AssetCheckSpec(
        f"{GATES[layer].replace('.', '_')}__structure_sound",
        asset=_asset_key(GATES[layer]),
        description="Geen blokkerende toets op deze laag is mislukt. Anders stopt de run hier.",
        blocking=True,
    )


def _layer_checks(layer: str, checks: Sequence[Check]) -> dg.AssetChecksDefinition:
    gate = _gate(layer)

    @dg.multi_asset_check(
        name=f"{layer}_expectations",
        specs=[
            gate,
            *(
                dg.AssetCheckSpec(
                    check.name,
                    asset=_asset_key(check.asset),
                    description=check.description_nl,
                    metadata={"severity": check.severity},
                )
                for check in checks
            ),
        ],
        required_resource_keys={"run_lock"},
        pool=POOL,
    )
    def _checks(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        from expectations.docs import DocsStore
        from expectations.findings import to_findings
        from expectations.run import fetch_from, run_checks
        from pipelines.warehouse.connection import connect

        progress.begin(_STEPS[layer])
        settings = load_settings()
        with connect(settings.warehouse_path) as connection:
            names = _names(connection)
            docs = DocsStore(settings.data_docs_dir, context.run.run_id, names)
            results = run_checks(fetch_from(connection), checks, docs)
        RunFolder(settings, context.run.run_id).write(
            f"checks_{layer}",
            {
                "evaluated": [result.check.name for result in results if result.evaluated],
                "findings": [finding.to_json() for finding in to_findings(results, names)],
                "results": [
                    {
                        "check": result.check.name,
                        "severity": result.check.severity,
                        "passed": result.passed,
                        "failing_count": result.failing_count,
                        "title_nl": result.check.title_nl,
                    }
                    for result in results
                ],
            },
        )
        blocking = [result.check.name for result in results if result.blocks]
        yield dg.AssetCheckResult(
            passed=not blocking,
            asset_key=gate.asset_key,
            check_name=gate.name,
            severity=dg.AssetCheckSeverity.ERROR,
            metadata={"failed": blocking},
        )
        for result in results:
            yield dg.AssetCheckResult(
                passed=result.passed,
                asset_key=_asset_key(result.check.asset),
                check_name=result.check.name,
                severity=dg.AssetCheckSeverity.WARN
                if result.check.severity == "warning"
                else dg.AssetCheckSeverity.ERROR,
                description=result.error or result.observed,
                metadata={
                    "severity": result.check.severity,
                    "failing_rows": result.failing_count,
                    "preview": dg.MetadataValue.md(preview_table(result.preview)),
                    "what_to_do": result.check.next_step_nl,
                    "page": dg.MetadataValue.path(str(docs.folder / docs.address(result.check))),
                },
            )

    return _checks


def _names(connection: Any) -> dict[str, str]:
    """Labels that people read, for the codes that stand in failing rows."""
    names: dict[str, str] = {}
    for query in (
        "select region_code, region_name from core.region",
        "select indicator_id, label_nl from core.indicator",
    ):
        schema_table = query.rsplit(" ", 1)[-1].split(".")
        if connection.execute(
            "select 1 from duckdb_tables() where schema_name = ? and table_name = ?", schema_table
        ).fetchall():
            names.update(connection.execute(query).fetchall())
    return names
