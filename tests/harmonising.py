"""The project's own SQL of the geography on small given tables, in memory and without dbt.

How to use it, for instance to re-aggregate figures to the borders of another year:

    from tests.harmonising import harmonise

    found = harmonise(
        figures,                      # indicator_id, region_code, period_code, value; obs_status where it is not plain
        indicators=[{"indicator_id": "lasten_671", "aggregation": "sum", "value_kind": "amount"}],
        history=parse_history(...),   # pipelines.geography.history
        reference_year=2023,
    )
    on_2023 = found.filter(pc.equal(found["geography"], "2023"))

`figures` and `indicators` are rows or Arrow tables; what an indicator leaves out is null, and `obs_status` follows
from the value (A, or L where it is null). A figure is left out, or null with L, where a region did not deliver it;
null with M says that it cannot exist. Millions of rows are no problem. The result has the columns of `core.harmonised`.
For other models of the geography, or several steps on one warehouse, use `Warehouse`.

What belongs here: rendering the models as dbt would, with the project's macros, and standing in for the tables they
read. What does not: any rule of harmonising, and the question whether dbt builds the models, which is for
`integration/test_dbt_models.py`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import duckdb
import jinja2
import pyarrow as pa
import pyarrow.compute as pc
import yaml

from pipelines.declarations.declared_schema import SCHEMAS as DECLARED
from pipelines.geography.history import History, parse_history
from pipelines.geography.tables import SCHEMAS as GEOGRAPHY
from pipelines.geography.weights import region_weights, unmapped_regions
from pipelines.periods import PERIOD_SCHEMA, period_table
from pipelines.settings import PROJECT_ROOT
from pipelines.warehouse.figures import create_figures
from pipelines.warehouse.raw_tables import ACCOUNTS

DBT_PROJECT = PROJECT_ROOT / "dbt_project"
SETTING = pa.schema([("today", pa.date32()), ("reference_year", pa.int32()), ("price_year", pa.int32())])
PREFERRED = pa.schema(
    [
        *((name, pa.string()) for name in ("indicator_id", "region_code", "period_code")),
        ("value", pa.float64()),
        ("obs_status", pa.string()),
    ]
)
TODAY = dt.date(2026, 7, 1)

Rows = pa.Table | Iterable[Mapping[str, Any]]

# In the order in which they can be built; each stands on those before it.
_BASE = ("stg_figures", "core_period", "core_indicator", "core_neighbourhood", "core_region_member", "core_region")
# What stands on the figures too, and is built just before the model that reads it.
_BEFORE = {"core_harmonised": ("core_placement", "core_member_figure", "core_brought")}


def harmonise(
    figures: Rows,
    *,
    indicators: Rows,
    history: History | None = None,
    reference_year: int = 2026,
) -> pa.Table:
    """The figures on published borders and on those of the reference year, as `core.harmonised` has them."""
    with Warehouse(history, reference_year) as warehouse:
        warehouse.put("declared.indicator", indicators)
        warehouse.put_figures(figures)
        warehouse.build("core_harmonised")
        return warehouse.table("core.harmonised")


class Warehouse:
    """A warehouse in memory with every table that the geography reads, empty but for the history and the calendar."""

    def __init__(self, history: History | None = None, reference_year: int = 2026) -> None:
        self._connection = duckdb.connect(config={"threads": 2})
        for schema in ("raw", "declared", "staging", "core", "marts"):
            self._connection.execute(f"create schema {schema}")
        for schema, tables in (("declared", DECLARED), ("raw", {**GEOGRAPHY, **ACCOUNTS})):
            for name, columns in tables.items():
                self._replace(f'{schema}."{name}"', columns.empty_table())
        create_figures(self._connection, [])
        self._replace("declared.period", PERIOD_SCHEMA.empty_table())
        self.put_history(history or parse_history([]), reference_year)

    def __enter__(self) -> Warehouse:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def put_history(self, history: History, reference_year: int) -> None:
        """Another history, or other borders: quicker than another warehouse."""
        self._replace("raw.region", history.regions)
        self._replace("raw.region_change", history.changes)
        self._replace("raw.region_weight", region_weights(history, reference_year))
        self._replace("raw.region_unmapped", unmapped_regions(history, reference_year))
        setting = {"today": [TODAY], "reference_year": [reference_year], "price_year": [None]}
        self._replace("declared.setting", pa.table(setting, schema=SETTING))

    def put(self, table: str, rows: Rows) -> None:
        """Fill a table of `declared` or `raw`; columns that the rows leave out are null."""
        columns = self._connection.execute(f"select * from {table} limit 0").to_arrow_table().schema
        self._replace(table, _as_table(rows, columns))

    def put_raw(self, table: str, rows: pa.Table) -> None:
        """Make a raw table of a shape of its own, `raw.figure` among them."""
        self._connection.execute(f"drop view if exists {table}")
        self._replace(table, rows)

    def put_figures(self, figures: Rows) -> None:
        """Stand in for `core.preferred`, and let the calendar hold the periods of these figures and their years."""
        table = _as_table(figures, PREFERRED)
        status = pc.coalesce(table["obs_status"], pc.if_else(pc.is_valid(table["value"]), "A", "L"))
        table = table.set_column(PREFERRED.get_field_index("obs_status"), "obs_status", status)
        self._replace("core.preferred", table)
        codes = pc.unique(table["period_code"])
        years = pc.unique(pc.utf8_slice_codeunits(codes, 0, 4))
        self._replace("declared.period", period_table(pa.concat_arrays([codes, years])))

    def build(self, *models: str) -> None:
        """Make views of what every model of the geography stands on, and then a table of each of these models."""
        wanted = [before for model in models for before in (*_BEFORE.get(model, ()), model)]
        for model in dict.fromkeys((*_BASE, *wanted)):
            kind = "table" if model in models else "view"
            self._connection.execute(f"create or replace {kind} {relation(model)} as {rendered(model)}")

    def table(self, name: str) -> pa.Table:
        """All rows of a table or view."""
        return self.query(f"select * from {name}")

    def query(self, sql: str) -> pa.Table:
        """What a query gives."""
        return self._connection.execute(sql).to_arrow_table()

    def _replace(self, name: str, table: pa.Table) -> None:
        self._connection.register("incoming", table)
        self._connection.execute(f"create or replace table {name} as select * from incoming")
        self._connection.unregister("incoming")


def _as_table(rows: Rows, schema: pa.Schema) -> pa.Table:
    if not isinstance(rows, pa.Table):
        return pa.Table.from_pylist([dict(row) for row in rows], schema=schema)
    if unknown := set(rows.column_names).difference(schema.names):
        raise ValueError(f"found a column {min(unknown)}, expected some of {', '.join(schema.names)}")
    given = {name: rows[name] for name in rows.column_names}
    columns = [given.get(field.name, pa.nulls(rows.num_rows, field.type)) for field in schema]
    return pa.table(columns, names=schema.names).cast(schema)


def relation(model: str) -> str:
    """Where a model stands in the warehouse: `core.harmonised` for core_harmonised."""
    if model.startswith("core_"):
        return f'core."{model.removeprefix("core_")}"'
    return f'{"staging" if model.startswith("stg_") else "marts"}."{model}"'


@cache
def rendered(model: str) -> str:
    """The SQL of a model, with the project's macros applied."""
    (path,) = (DBT_PROJECT / "models").rglob(f"{model}.sql")
    # How a table comes about (macros/reuse) is dbt's own matter; what a query says is in the macros above it.
    macros = [macro.read_text(encoding="utf-8") for macro in sorted((DBT_PROJECT / "macros").glob("*.sql"))]
    variables = yaml.safe_load((DBT_PROJECT / "dbt_project.yml").read_text(encoding="utf-8")).get("vars", {})
    environment = jinja2.Environment(
        extensions=["jinja2.ext.do"],
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - SQL, not HTML
    )
    environment.globals |= {
        "ref": relation,
        "source": lambda schema, table: f'{schema}."{table}"',
        "var": lambda name, default=None: variables.get(name, default),
        "config": lambda **_: "",
    }
    return environment.from_string("\n".join([*macros, path.read_text(encoding="utf-8")])).render()


def values(found: pa.Table, geography: str, column: str = "value") -> dict[tuple[str, ...], Any]:
    """One column of `core.harmonised` on one geography, by (indicator_id, region_code, period_code)."""
    rows = found.filter(pc.equal(found["geography"], geography)).to_pylist()
    keys: Sequence[str] = ("indicator_id", "region_code", "period_code")
    return {tuple(row[key] for key in keys): row[column] for row in rows}
