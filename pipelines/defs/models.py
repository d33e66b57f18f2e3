"""The dbt models as assets, and between core and marts what numpy makes: breaks, small counts, the benchmark."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, dbt_assets

from pipelines import progress
from pipelines.defs.materialised import table_metadata
from pipelines.defs.raw import POOL
from pipelines.settings import load_settings

CORE = "fqn:nulmeting.staging fqn:nulmeting.core resource_type:seed"
# What is said once the breaks are known stands in schema core, and is built with the marts.
MARTS = "fqn:nulmeting.comparison fqn:nulmeting.marts"
BREAKS = ("detected", "detectable", "attribution", "event_effect")


class LayerTranslator(DagsterDbtTranslator):
    """Asset keys say the layer and the table: `core/observation`, `marts/trend_break`."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        if dbt_resource_props["resource_type"] == "source":
            return dg.AssetKey([dbt_resource_props["source_name"], dbt_resource_props["name"]])
        return dg.AssetKey(
            [dbt_resource_props["schema"], dbt_resource_props.get("alias") or dbt_resource_props["name"]]
        )

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        # A seed has no query to show below its description.
        if dbt_resource_props["resource_type"] == "seed":
            return str(dbt_resource_props["description"])
        return super().get_description(dbt_resource_props)

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        return str(dbt_resource_props["schema"])


def model_assets(manifest: Mapping[str, Any]) -> list[dg.AssetsDefinition]:
    """Core models, what numpy makes of them, marts: in that order, each running dbt or numpy inside this process."""
    return [
        _dbt_layer(manifest, "core_models", CORE, "Kerntabellen bouwen"),
        _breaks_asset(),
        _privacy_asset(),
        _benchmark_asset(),
        _dbt_layer(manifest, "marts_models", MARTS, "Marts bouwen"),
    ]


def _dbt_layer(manifest: Mapping[str, Any], name: str, select: str, step: str) -> dg.AssetsDefinition:
    @dbt_assets(
        manifest=manifest,
        select=select,
        name=name,
        dagster_dbt_translator=LayerTranslator(),
        pool=POOL,
        required_resource_keys={"run_lock"},
    )
    def _layer(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        from pipelines.warehouse.connection import connect
        from pipelines.warehouse.transform import build

        progress.begin(step)
        settings = load_settings()
        selected = {manifest_id: key for key, manifest_id in _unique_ids(manifest).items()}
        wanted = [uid for uid, key in selected.items() if key in context.selected_asset_keys]
        runs = build(settings.warehouse_path, [manifest["nodes"][uid]["name"] for uid in wanted])
        with connect(settings.warehouse_path) as connection:
            counts = dict(
                connection.execute(
                    "select schema_name || '.' || table_name, estimated_size from duckdb_tables()"
                ).fetchall()
            )
            shown = {run.unique_id: table_metadata(connection, selected[run.unique_id]) for run in runs}
        for run in runs:
            key = selected[run.unique_id]
            metadata: dict[str, Any] = {"seconds": round(run.seconds, 3), **shown[run.unique_id]}
            if ".".join(key.path) in counts:
                metadata["dagster/row_count"] = counts[".".join(key.path)]
            yield dg.MaterializeResult(asset_key=key, metadata=metadata)

    return _layer


def _unique_ids(manifest: Mapping[str, Any]) -> dict[dg.AssetKey, str]:
    translator = LayerTranslator()
    return {
        translator.get_asset_key(node): unique_id
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] in ("model", "seed")
    }


def _breaks_asset() -> dg.AssetsDefinition:
    descriptions = (
        "Every break found on core.panel, with its size, score and attributed events.",
        "Per series the smallest lasting level shift that would have been found.",
        "Per break the candidate events and their shares.",
        "Per event and indicator whether the event shows in the data, and its size.",
    )

    @dg.multi_asset(
        name="trend_breaks",
        specs=[
            dg.AssetSpec(
                dg.AssetKey(["breaks", name]),
                group_name="breaks",
                description=text,
                kinds={"numpy", "duckdb"},
                deps=[
                    dg.AssetKey(["core", "panel"]),
                    dg.AssetKey(["core", "event"]),
                    dg.AssetKey(["declared", "event_scope"]),
                    dg.AssetKey(["declared", "region_member"]),
                ],
            )
            for name, text in zip(BREAKS, descriptions, strict=True)
        ],
        required_resource_keys={"run_lock"},
        pool=POOL,
    )
    def trend_breaks(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        from pipelines.breaks.tables import detect_in_warehouse
        from pipelines.warehouse.connection import connect

        progress.begin("Trendbreuken zoeken")
        settings = load_settings()
        with connect(settings.warehouse_path) as connection:
            counts = detect_in_warehouse(connection, settings.false_alarms_per_1000)
        for name in BREAKS:
            yield dg.MaterializeResult(
                asset_key=dg.AssetKey(["breaks", name]), metadata={"dagster/row_count": counts[name]}
            )

    return trend_breaks


def _privacy_asset() -> dg.AssetsDefinition:
    @dg.asset(
        key=dg.AssetKey(["privacy", "shown"]),
        group_name="privacy",
        description="What may be shown of every count of persons: small ones hidden, others too, the rest rounded.",
        kinds={"numpy", "duckdb"},
        deps=[dg.AssetKey(["core", "protected_cell"]), dg.AssetKey(["core", "protected_sum"])],
        required_resource_keys={"run_lock"},
        pool=POOL,
    )
    def shown_counts(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        from pipelines.privacy.tables import protect_in_warehouse
        from pipelines.warehouse.connection import connect

        progress.begin("Kleine aantallen verbergen")
        with connect(load_settings().warehouse_path) as connection:
            found = protect_in_warehouse(connection)
        return dg.MaterializeResult(metadata={"dagster/row_count": found["counts"], "hidden": found["hidden"]})

    return shown_counts


def _benchmark_asset() -> dg.AssetsDefinition:
    descriptions = {
        "reference_set": "Per municipality, year and reference group how many members it has, or why none.",
        "reference_member": "The members of every reference group, chosen or nearest in structure, with distances.",
        "structure_expected": "What structure makes a municipality expect to spend per item, from a fit on all others.",
        "corrected": "The mean of a reference group, moved to the structure of the municipality that compares.",
    }
    core = ("benchmark_cost", "region_name", "structure")
    declared = ("reference_group", "reference_group_member", "structure_characteristic")

    @dg.multi_asset(
        name="cost_benchmark_references",
        specs=[
            dg.AssetSpec(
                dg.AssetKey(["benchmark", name]),
                group_name="benchmark",
                description=text,
                kinds={"numpy", "duckdb"},
                deps=[
                    *(dg.AssetKey(["core", table]) for table in core),
                    *(dg.AssetKey(["declared", table]) for table in declared),
                ],
            )
            for name, text in descriptions.items()
        ],
        required_resource_keys={"run_lock"},
        pool=POOL,
    )
    def cost_benchmark_references(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        from pipelines.benchmark.tables import benchmark_in_warehouse
        from pipelines.warehouse.connection import connect

        progress.begin("Referentiegemeenten en structuur berekenen")
        with connect(load_settings().warehouse_path) as connection:
            counts = benchmark_in_warehouse(connection)
        for name in descriptions:
            yield dg.MaterializeResult(
                asset_key=dg.AssetKey(["benchmark", name]), metadata={"dagster/row_count": counts[name]}
            )

    return cost_benchmark_references


def read_manifest() -> dict[str, Any]:
    """The dbt manifest, parsed anew when the project's files changed."""
    from pipelines.warehouse.transform import ensure_manifest

    return json.loads(ensure_manifest().read_text(encoding="utf-8"))
