"""The dbt models as assets, and between core and marts what numpy makes: breaks, small counts, the benchmark."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, dbt_assets

from pipelines import progress
from pipelines.defs.materialised import table_metadata
from pipelines.defs.raw import POOL
from pipelines.settings import Settings, load_settings
from pipelines.step_timings import REUSED

if TYPE_CHECKING:
    import duckdb

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

        progress.begin(step)
        settings = load_settings()
        selected = {unique_id: key for key, unique_id in _unique_ids(manifest).items()}
        wanted = [unique_id for unique_id, key in selected.items() if key in context.selected_asset_keys]
        built = _built(settings, name, manifest, wanted)
        with connect(settings.warehouse_path) as connection:
            shown = {unique_id: table_metadata(connection, selected[unique_id]) for unique_id in built}
        for unique_id, told in built.items():
            yield dg.MaterializeResult(asset_key=selected[unique_id], metadata={**told, **shown[unique_id]})

    return _layer


def _built(settings: Settings, layer: str, manifest: Mapping[str, Any], wanted: list[str]) -> dict[str, dict[str, Any]]:
    """Builds the models, but for what stands; what each tells of itself, by unique id."""
    from pipelines.reuse import made_of, steps
    from pipelines.reuse.contents import note_for_dbt, noted
    from pipelines.warehouse.connection import connect

    read = _read_by(manifest, wanted)

    def made_of_all(held: Mapping[str, str]) -> str:
        # With what the models themselves hold: where one was built by hand, all are looked at again.
        return made_of.digest(made_of.program(), sorted(wanted), {name: held.get(name) for name in read})

    with connect(settings.warehouse_path) as connection:
        inputs = made_of_all(note_for_dbt(connection))
        told = steps.recall(connection, layer, inputs)
    if told is not None:
        return {unique_id: {**one, REUSED: True} for unique_id, one in told.items()}

    from pipelines.warehouse.transform import build

    runs = build(settings.warehouse_path, [manifest["nodes"][unique_id]["name"] for unique_id in wanted])
    with connect(settings.warehouse_path) as connection:
        sizes = dict(
            connection.execute(
                "select schema_name || '.' || table_name, estimated_size from duckdb_tables()"
            ).fetchall()
        )
        told = {}
        for run in runs:
            relation = _relation(manifest["nodes"][run.unique_id])
            size = {"dagster/row_count": sizes[relation]} if relation in sizes else {}
            told[run.unique_id] = {"seconds": round(run.seconds, 3), **size}
        steps.remember(connection, layer, made_of_all(noted(connection)), told)
    return {run.unique_id: {**told[run.unique_id], REUSED: run.reused} for run in runs}


def _read_by(manifest: Mapping[str, Any], models: Collection[str]) -> list[str]:
    """The relations that these models are and read, directly or through others, sorted."""
    nodes = {**manifest["nodes"], **manifest["sources"]}
    found: set[str] = set()
    waiting = list(models)
    while waiting:
        unique_id = waiting.pop()
        if unique_id not in found:
            found.add(unique_id)
            waiting += nodes[unique_id].get("depends_on", {}).get("nodes", [])
    return sorted(_relation(nodes[unique_id]) for unique_id in found)


def _relation(node: Mapping[str, Any]) -> str:
    return f"{node['schema']}.{node.get('alias') or node['name']}"


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

        progress.begin("Trendbreuken zoeken")
        settings = load_settings()

        def detect(connection: "duckdb.DuckDBPyConnection") -> dict[str, int]:
            return detect_in_warehouse(connection, settings.false_alarms_per_1000)

        told = _computed(context, settings, "breaks", [settings.false_alarms_per_1000], detect)
        for name in BREAKS:
            yield dg.MaterializeResult(
                asset_key=dg.AssetKey(["breaks", name]),
                metadata={"dagster/row_count": told[name], REUSED: told[REUSED]},
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

        progress.begin("Kleine aantallen verbergen")
        told = _computed(context, load_settings(), "privacy", [], protect_in_warehouse)
        return dg.MaterializeResult(
            metadata={"dagster/row_count": told["counts"], "hidden": told["hidden"], REUSED: told[REUSED]}
        )

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

        progress.begin("Referentiegemeenten en structuur berekenen")
        told = _computed(context, load_settings(), "benchmark", [], benchmark_in_warehouse)
        for name in descriptions:
            yield dg.MaterializeResult(
                asset_key=dg.AssetKey(["benchmark", name]),
                metadata={"dagster/row_count": told[name], REUSED: told[REUSED]},
            )

    return cost_benchmark_references


def _computed(
    context: dg.AssetExecutionContext,
    settings: Settings,
    step: str,
    told_to: list[Any],
    compute: Callable[["duckdb.DuckDBPyConnection"], dict[str, int]],
) -> dict[str, Any]:
    """The tables of a step between the models: as they stand, where it reads what it read before, else computed.

    What it reads are the assets that it depends on.
    """
    from pipelines.reuse import made_of, steps
    from pipelines.reuse.contents import measured
    from pipelines.warehouse.connection import connect

    read = sorted(".".join(key.path) for key in context.assets_def.dependency_keys)
    with connect(settings.warehouse_path) as connection:
        held = measured(connection, {name.partition(".")[0] for name in read}, only=read)
        inputs = made_of.digest(made_of.program(), told_to, held)
        told = steps.recall(connection, step, inputs)
        if told is not None:
            return {**told, REUSED: True}
        told = dict(compute(connection))
        steps.remember(connection, step, inputs, told)
    return {**told, REUSED: False}


def read_manifest() -> dict[str, Any]:
    """The dbt manifest, parsed anew when the project's files changed."""
    from pipelines.warehouse.transform import ensure_manifest

    return json.loads(ensure_manifest().read_text(encoding="utf-8"))
