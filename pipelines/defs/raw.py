"""Assets of the raw layer: one per declared source, the regions read from them, and the accounts.

Wiring only: what a delivery means is in `pipelines.deliveries`, what a region is in `pipelines.geography`.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from pipelines import progress
from pipelines.declarations.load import Declarations, load_declarations
from pipelines.declarations.source import CbsV3Connector, CbsV4Connector, FolderConnector, Source
from pipelines.declarations.tables import TABLES as DECLARED
from pipelines.defs.materialised import delivery_metadata
from pipelines.defs.retries import tried_again
from pipelines.run_folder import RunFolder
from pipelines.settings import Settings, load_settings
from pipelines.step_timings import REUSED

if TYPE_CHECKING:
    from pipelines.deliveries import SourceLoad

POOL = "warehouse"
GEOGRAPHY = ("region", "region_change", "region_weight", "region_unmapped", "region_problem", "neighbourhood")
ACCOUNTS = ("delivery", "quarantine", "no_data_row")
OF_PERSONS = ("client_event", "person_household", "person_spell")
ALL_TOGETHER = (*ACCOUNTS, "figure", *OF_PERSONS)


def raw_key(name: str) -> dg.AssetKey:
    return dg.AssetKey(["raw", name])


def raw_assets(declarations: Declarations) -> list[dg.AssetsDefinition]:
    """The assets of the raw layer for the sources of one profile."""
    of_cbs, others = list[Source](), list[Source]()
    for source in declarations.sources:
        (of_cbs if isinstance(source.connector, CbsV4Connector | CbsV3Connector) else others).append(source)
    history = [raw_key(source.source_id) for source in of_cbs if source.defines_regions]
    neighbourhoods = [raw_key(source.source_id) for source in of_cbs if source.defines_neighbourhoods]
    return [
        *(_cbs_asset(source) for source in of_cbs),
        _geography_asset(history, neighbourhoods),
        _declared_asset(),
        _run_steps_asset(),
        *(_delivered_asset(source) for source in others),
        _accounts_asset(declarations.sources),
    ]


def _describe(source: Source) -> dict[str, Any]:
    return {
        "key": raw_key(source.source_id),
        "group_name": "raw",
        "description": f"{source.title}. {source.publisher}. {source.origin.citation}",
        "kinds": {"file" if isinstance(source.connector, FolderConnector) else "api", "duckdb"},
        "metadata": {"licence": source.licence, "cadence": source.cadence, "url": source.url or ""},
        "tags": {"fictional": str(source.origin.fictional).lower()},
        "pool": POOL,
    }


def _cbs_asset(source: Source) -> dg.AssetsDefinition:
    @dg.asset(**_describe(source), required_resource_keys={"run_lock"})
    def _asset(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        from pipelines.connectors.snapshot import SnapshotStore
        from pipelines.deliveries import fetch_cbs_source, load_cbs_source
        from pipelines.warehouse.connection import connect
        from pipelines.warehouse.load import replace_tables

        progress.begin(f"Ophalen: {source.title}")
        settings = load_settings()
        store = SnapshotStore(settings.snapshots_dir)
        with tried_again(context, source), tempfile.TemporaryDirectory(prefix="nulmeting-") as scratch:
            arrived = fetch_cbs_source(source, settings, store, Path(scratch))

        def load() -> "SourceLoad":
            loaded, regions = load_cbs_source(source, settings, store, arrived)
            if (source.defines_regions or source.defines_neighbourhoods) and regions is not None:
                with connect(settings.warehouse_path) as connection:
                    replace_tables(connection, "raw", {f"region_code_{source.source_id}": regions})
            return loaded

        return _loaded(context, settings, source, [arrived.told], load)

    return _asset


def _delivered_asset(source: Source) -> dg.AssetsDefinition:
    """A source whose deliveries name their regions: read once the regions are known."""

    @dg.asset(**_describe(source), deps=[raw_key(name) for name in GEOGRAPHY], required_resource_keys={"run_lock"})
    def _asset(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        from pipelines.connectors.snapshot import SnapshotStore
        from pipelines.deliveries import load_folder_source
        from pipelines.deliveries.swing import fetch_swing_source, load_swing_source
        from pipelines.geography.lookup import declared_lookup
        from pipelines.reuse import made_of
        from pipelines.warehouse.connection import connect

        progress.begin(f"Inlezen: {source.title}")
        settings = load_settings()
        declarations = load_declarations(settings.sources_dir, settings.profile)
        store = SnapshotStore(settings.snapshots_dir)
        with connect(settings.warehouse_path) as connection:
            published = connection.execute("select region_code, region_name from raw.region order by all").fetchall()
            codes = connection.execute("select distinct region_code from raw.neighbourhood order by all").fetchall()
        named = [declarations.regions, declarations.groups, declarations.aliases_for(source.source_id)]
        inputs: list[Any] = [made_of.digest(published, codes, named), made_of.key_of(settings, source)]
        if is_folder := isinstance(source.connector, FolderConnector):
            inputs.append(made_of.delivered(settings, source))
        else:
            with tried_again(context, source):
                arrived = fetch_swing_source(source, settings, store)
            inputs.append(arrived.told)

        def load() -> "SourceLoad":
            lookup = declared_lookup(declarations, source.source_id, published, (code for (code,) in codes))
            if is_folder:
                return load_folder_source(source, settings, store, lookup)
            return load_swing_source(source, settings, store, lookup, arrived)

        return _loaded(context, settings, source, inputs, load)

    return _asset


def _loaded(
    context: dg.AssetExecutionContext,
    settings: Settings,
    source: Source,
    inputs: list[Any],
    load: Callable[[], "SourceLoad"],
) -> dg.MaterializeResult:
    """The source in the warehouse: as it stands, where it was made of the same, else loaded anew."""
    from pipelines.reuse import made_of, steps
    from pipelines.warehouse.connection import connect
    from pipelines.warehouse.load import load_source

    step = f"raw.{source.source_id}"

    def made_of_all() -> str:
        # What is kept of the source last: loading it may keep something.
        told = (made_of.program(), settings.profile, settings.as_of, source.model_dump_json(), *inputs)
        return made_of.digest(*told, made_of.kept(settings, source.source_id))

    with connect(settings.warehouse_path) as connection:
        told = steps.recall(connection, step, made_of_all())
    if told is None:
        loaded = load()
        for problem in loaded.problems[:20]:
            context.log.warning(str(problem))
        told = _told(loaded)
        with connect(settings.warehouse_path) as connection:
            load_source(connection, loaded.source_id, loaded.rows, loaded.accounts)
            steps.remember(connection, step, made_of_all(), told)
        told[REUSED] = False
    else:
        told[REUSED] = True
    return dg.MaterializeResult(metadata={**told, "preview": dg.MetadataValue.md(told["preview"])})


def _told(loaded: "SourceLoad") -> dict[str, Any]:
    """What a source that was loaded tells of itself: sizes and examples only where they say nothing of persons."""
    current = [delivery for delivery in loaded.deliveries if delivery.is_current]
    shown = loaded.rows.slice(0, 5 if loaded.may_show_rows else 0)
    sizes = {
        "dagster/row_count": loaded.rows.num_rows,
        "rows_loaded": loaded.rows_loaded,
        "rows_quarantined": loaded.rows_quarantined,
    }
    return {
        **(sizes if loaded.may_tell_sizes else {}),
        **delivery_metadata(loaded),
        "vintages": [delivery.snapshot.vintage_id for delivery in current],
        "preview": preview_table(shown.to_pylist()),
    }


def preview_table(rows: list[dict[str, Any]]) -> str:
    """A few rows as a Markdown table."""
    if not rows:
        return ""
    names = list(rows[0])
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    lines += ["| " + " | ".join("" if row[name] is None else str(row[name]) for name in names) + " |" for row in rows]
    return "\n".join(lines)


def _geography_asset(history: list[dg.AssetKey], neighbourhoods: list[dg.AssetKey]) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name="geography",
        specs=[
            dg.AssetSpec(
                raw_key(name),
                group_name="geography",
                description=text,
                kinds={"duckdb"},
                deps=[*history, *neighbourhoods],
            )
            for name, text in zip(
                GEOGRAPHY,
                (
                    "Every region of the publishers, with the days between which its code was valid.",
                    "Every municipal reorganisation, with the inhabitants, dwellings and hectares that moved.",
                    "Where the figures of every code go on the borders of the reference year.",
                    "Codes without a place on the borders of the reference year, with the reason.",
                    "What the publishers' own lists of regions leave unclear, or say twice and differently.",
                    "Wijken and buurten of every yearly edition.",
                ),
                strict=True,
            )
        ],
        required_resource_keys={"run_lock"},
        pool=POOL,
    )
    def geography(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        from pipelines.geography.tables import geography_tables
        from pipelines.warehouse.connection import connect
        from pipelines.warehouse.load import replace_tables

        progress.begin("Gemeentelijke herindelingen")
        settings = load_settings()
        with connect(settings.warehouse_path) as connection:
            codes, parts = (
                [
                    connection.execute(f'select * from raw."region_code_{key.path[-1]}"').to_arrow_table()
                    for key in keys
                    if _exists(connection, f"region_code_{key.path[-1]}")
                ]
                for keys in (history, neighbourhoods)
            )
            tables = geography_tables(codes, settings.reference_year, parts)
            replace_tables(connection, "raw", tables)
        for name in GEOGRAPHY:
            yield dg.MaterializeResult(asset_key=raw_key(name), metadata={"dagster/row_count": tables[name].num_rows})

    return geography


def _exists(connection: Any, table: str) -> bool:
    return bool(
        connection.execute(
            "select 1 from duckdb_tables() where schema_name = 'raw' and table_name = ?", [table]
        ).fetchall()
    )


def _declared_asset() -> dg.AssetsDefinition:
    @dg.multi_asset(
        name="declarations",
        specs=[
            dg.AssetSpec(
                dg.AssetKey(["declared", name]),
                group_name="declared",
                deps=[raw_key("region")],
                description="What the reviewed files under `sources/` declare.",
                kinds={"yaml", "duckdb"},
            )
            for name in DECLARED
        ],
        required_resource_keys={"run_lock"},
        pool=POOL,
    )
    def declarations(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        from pipelines.declarations.tables import write_declared
        from pipelines.warehouse.connection import connect

        settings = load_settings()
        with connect(settings.warehouse_path) as connection:
            counts = write_declared(connection, settings)
        for name in DECLARED:
            yield dg.MaterializeResult(
                asset_key=dg.AssetKey(["declared", name]), metadata={"dagster/row_count": counts[name]}
            )

    return declarations


def _run_steps_asset() -> dg.AssetsDefinition:
    @dg.asset(
        key=dg.AssetKey(["runs", "step"]),
        group_name="declared",
        description="Every step of every earlier run: how long it took, how many rows it made, how it ended.",
        kinds={"duckdb"},
        required_resource_keys={"run_lock"},
        pool=POOL,
    )
    def run_steps(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        from pipelines.step_timings import write_run_steps
        from pipelines.warehouse.connection import connect

        settings = load_settings()
        with connect(settings.warehouse_path) as connection:
            count = write_run_steps(connection, settings)
        return dg.MaterializeResult(metadata={"dagster/row_count": count})

    return run_steps


def _accounts_asset(sources: Sequence[Source]) -> dg.AssetsDefinition:
    keys = [raw_key(source.source_id) for source in sources]
    made_here = {f"raw.{name}" for name in (*OF_PERSONS, "figure")}

    @dg.multi_asset(
        name="row_accounts",
        specs=[
            dg.AssetSpec(raw_key(name), group_name="raw", deps=keys, description=text, kinds={"duckdb"})
            for name, text in zip(
                ALL_TOGETHER,
                (
                    "Every vintage of every delivery, and where each of its rows went.",
                    "Rows and files that were refused, with what was found and what was expected.",
                    "Rows recognised as holding no data: printed totals, footers and notes.",
                    "The figures of all sources in one long shape; what the models read.",
                    "The events of all sources about persons, under pseudonyms; nothing of them is published.",
                    "The household of persons, under pseudonyms of both; nothing of it is published.",
                    "Use as tables about persons give it, under pseudonyms; nothing of it is published.",
                ),
                strict=True,
            )
        ],
        required_resource_keys={"run_lock"},
        pool=POOL,
    )
    def row_accounts(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        from pipelines.privacy.deliveries import protect_deliveries
        from pipelines.reuse import made_of, steps
        from pipelines.reuse.contents import measured
        from pipelines.warehouse.accounts import rows_refused
        from pipelines.warehouse.client_events import create_client_events
        from pipelines.warehouse.connection import connect
        from pipelines.warehouse.figures import create_figures
        from pipelines.warehouse.load import forget_other_sources

        settings = load_settings()
        with connect(settings.warehouse_path) as connection:
            forget_other_sources(connection, tuple(source.source_id for source in sources))
            declarations = load_declarations(settings.sources_dir, settings.profile)
            held = measured(connection, ["raw"], besides=made_here)
            inputs = made_of.digest(made_of.program(), declarations.profile, declarations.fingerprint, held)
            told = steps.recall(connection, "row_accounts", inputs)
            if told is None:
                if any(source.suppression for source in sources):
                    protect_deliveries(connection, declarations)
                create_figures(connection, sources)
                create_client_events(connection, sources)
                told = {
                    name: connection.execute(f"select count(*) from raw.{name}").fetchall()[0][0]
                    for name in ALL_TOGETHER
                }
                steps.remember(connection, "row_accounts", inputs, told)
            counts, refused = told, rows_refused(connection)
        RunFolder(settings, context.run.run_id).write("row_accounts", {"counts": counts, "refused": refused})
        for name in ALL_TOGETHER:
            size = {} if name in OF_PERSONS else {"dagster/row_count": counts[name]}
            yield dg.MaterializeResult(asset_key=raw_key(name), metadata=size)

    return row_accounts
