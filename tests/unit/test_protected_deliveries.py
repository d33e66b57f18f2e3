"""Deliveries of counts of persons: what of them becomes a figure, and what a declaration may not say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
import yaml
from pydantic import ValidationError

from pipelines.declarations.load import Declarations, load_declarations
from pipelines.declarations.marked_yaml import DeclarationError
from pipelines.geography.neighbourhoods import NEIGHBOURHOODS_SCHEMA
from pipelines.privacy.deliveries import protect_deliveries
from pipelines.warehouse.connection import SCHEMAS
from pipelines.warehouse.figures import create_figures
from pipelines.warehouse.raw_tables import raw_schema
from tests.harmonising import Warehouse

SOURCE: dict[str, Any] = {
    "source_id": "loket",
    "title": "Cliënten van het loket",
    "publisher": "Gemeente Voorbeeld",
    "licence": "geen",
    "cadence": "half_yearly",
    "profiles": ["sample"],
    "origin": {"producer": "Gemeente Voorbeeld", "citation": "Proef", "fictional": True},
    "connector": {"kind": "folder", "pattern": "loket_*.csv"},
    "reader": {
        "kind": "delimited",
        "encoding": "utf-8",
        "delimiter": ";",
        "key": ["gebied", "periode"],
        "columns": [
            {"header": "Gebied", "name": "gebied", "type": "region_code"},
            {"header": "Periode", "name": "periode", "type": "period"},
            *(
                {"header": name, "name": name, "type": "integer", "minimum": 0, "nullable": True}
                for name in ("wmo", "jeugd", "samen")
            ),
            {"header": "tevreden", "name": "tevreden", "type": "percentage", "nullable": True},
        ],
    },
    "series": [
        {"item": "wmo", "indicator_id": "clienten_wmo"},
        {"item": "jeugd", "indicator_id": "clienten_jeugd"},
        {"item": "samen", "indicator_id": "clienten"},
        {"item": "tevreden", "indicator_id": "tevreden"},
    ],
    "suppression": {"k": 10, "round_to": 5, "sums": [{"total": "samen", "parts": ["wmo", "jeugd"]}]},
}
INDICATORS = [
    *(
        {"indicator_id": name, "unit": "count", "value_kind": "flow", "aggregation": "sum"}
        for name in ("clienten_wmo", "clienten_jeugd", "clienten")
    ),
    {"indicator_id": "tevreden", "unit": "pct", "value_kind": "share", "aggregation": "none"},
    {
        "indicator_id": "clienten_per_1000",
        "unit": "per_1000",
        "value_kind": "rate",
        "aggregation": "recompute",
        "numerator_id": "clienten",
        "denominator_id": "tevreden",
    },
]
REGIONS = {
    "regions": [
        {"code": "VB00", "name": "Voorbeeldland", "region_type": "land", "is_fictional": True},
        *(
            {"code": f"VB000{number}", "name": f"Dorp {number}", "region_type": "gemeente", "is_fictional": True}
            for number in (1, 2, 3)
        ),
    ],
    "groups": [
        {
            "code": "SV-DORPEN",
            "name": "Dorpen",
            "region_type": "samenwerking",
            "members": ["VB0001", "VB0002", "VB0003"],
            "is_fictional": True,
        }
    ],
}


def declared(folder: Path, **changes: Any) -> Declarations:
    """The declarations of this one source, with some of it changed."""
    source = {name: value for name, value in {**SOURCE, **changes}.items() if value is not None}
    defaults = {
        "label_nl": "Proef",
        "label_en": "Trial",
        "law": "wmo",
        "desired_direction": "none",
        "description_nl": "Proef.",
        "sources": ["loket"],
    }
    catalogue = folder / "catalogue"
    catalogue.mkdir(parents=True, exist_ok=True)
    (folder / "municipal").mkdir(exist_ok=True)
    (folder / "municipal" / "loket.yml").write_text(yaml.safe_dump(source), encoding="utf-8")
    indicators = [{**defaults, **indicator} for indicator in INDICATORS]
    (catalogue / "indicators.yml").write_text(yaml.safe_dump({"indicators": indicators}), encoding="utf-8")
    (catalogue / "regions.yml").write_text(yaml.safe_dump(REGIONS), encoding="utf-8")
    return load_declarations(folder, "sample")


Row = tuple[str, str, str, int | None, int | None, int | None]


@pytest.fixture
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        for schema in SCHEMAS:
            connection.execute(f"create schema {schema}")
        connection.register("shape", NEIGHBOURHOODS_SCHEMA.empty_table())
        connection.execute("create table raw.neighbourhood as select * from shape")
        connection.unregister("shape")
        yield connection


def seen(connection: duckdb.DuckDBPyConnection, declarations: Declarations, rows: Sequence[Row]) -> dict[Any, Any]:
    """Rows of (vintage, region, period, wmo, jeugd, samen) as `raw.figure` shows them, by item and the first three."""
    source = declarations.source("loket")
    schema = raw_schema(source)
    names = ("vintage_id", "region_code", "periode", "wmo", "jeugd", "samen")
    filled: list[Mapping[str, Any]] = [dict(zip(names, row, strict=True)) | {"tevreden": 80.0} for row in rows]
    connection.register("rows", pa.Table.from_pylist([dict(row) for row in filled], schema=schema))
    connection.execute("create or replace table raw.loket as select * from rows")
    protect_deliveries(connection, declarations)
    create_figures(connection, declarations.sources)
    found = connection.execute(
        "select item, vintage_id, region_code, period_code, value, source_flag from raw.figure"
    ).fetchall()
    assert len(found) == 4 * len(rows)
    return {tuple(row[:4]): "hidden" if row[5] == "hidden" and row[4] is None else row[4] for row in found}


def test_small_counts_of_a_delivery_are_no_figures_and_the_rest_is_rounded(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    found = seen(
        warehouse, declared(tmp_path), [("v1", "VB0001", "2025H1", 3, 42, 45), ("v1", "VB0002", "2025H1", 31, 42, 73)]
    )
    assert found == {
        ("wmo", "v1", "VB0001", "2025H1"): "hidden",
        ("jeugd", "v1", "VB0001", "2025H1"): "hidden",
        ("samen", "v1", "VB0001", "2025H1"): 45,
        ("tevreden", "v1", "VB0001", "2025H1"): 80,
        ("wmo", "v1", "VB0002", "2025H1"): 30,
        ("jeugd", "v1", "VB0002", "2025H1"): 40,
        ("samen", "v1", "VB0002", "2025H1"): 75,
        ("tevreden", "v1", "VB0002", "2025H1"): 80,
    }


def test_what_was_not_delivered_stays_not_delivered(warehouse: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    found = seen(warehouse, declared(tmp_path), [("v1", "VB0001", "2025H1", None, 0, 40)])
    assert found["wmo", "v1", "VB0001", "2025H1"] is None
    assert found["jeugd", "v1", "VB0001", "2025H1"] == 0
    assert found["samen", "v1", "VB0001", "2025H1"] == 40


@pytest.mark.parametrize("total", ["SV-DORPEN", "VB00"])
def test_a_total_over_regions_does_not_give_a_small_count_away(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path, total: str
) -> None:
    rows: list[Row] = [
        ("v1", "VB0001", "2025H1", 4, None, None),
        ("v1", "VB0002", "2025H1", 20, None, None),
        ("v1", "VB0003", "2025H1", 60, None, None),
        ("v1", total, "2025H1", 84, None, None),
    ]
    found = seen(warehouse, declared(tmp_path), rows)
    wmo = {region: value for (item, _, region, _), value in found.items() if item == "wmo"}
    assert wmo == {"VB0001": "hidden", "VB0002": "hidden", "VB0003": 60, total: 85}


def test_wijken_do_not_give_each_other_away_by_their_municipality(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    wijken = [
        {
            "edition_year": 2025,
            "region_code": code,
            "region_name": code,
            "region_type": "wijk",
            "municipality_code": "VB0001",
            "source_id": "x",
            "is_fictional": True,
        }
        for code in ("VBWK000101", "VBWK000102", "VBWK000103")
    ]
    warehouse.register("wijken", pa.Table.from_pylist(wijken, schema=NEIGHBOURHOODS_SCHEMA))
    warehouse.execute("insert into raw.neighbourhood select * from wijken")
    rows: list[Row] = [
        ("v1", "VBWK000101", "2025H1", 4, None, None),
        ("v1", "VBWK000102", "2025H1", 20, None, None),
        ("v1", "VBWK000103", "2025H1", 60, None, None),
        ("v1", "VB0001", "2025H1", 84, None, None),
    ]
    found = seen(warehouse, declared(tmp_path), rows)
    wmo = {region: value for (item, _, region, _), value in found.items() if item == "wmo"}
    assert wmo == {"VBWK000101": "hidden", "VBWK000102": "hidden", "VBWK000103": 60, "VB0001": 85}


def test_a_year_does_not_give_a_half_year_away(warehouse: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Clients of both half-years stand in the year once, so that it is less than the half-years together."""
    rows: list[Row] = [
        ("v1", "VB0001", "2025H1", 6, None, None),
        ("v1", "VB0001", "2025H2", 9, None, None),
        ("v1", "VB0001", "2025", 10, None, None),
    ]
    found = seen(warehouse, declared(tmp_path), rows)
    assert found["wmo", "v1", "VB0001", "2025"] == "hidden"


def test_a_later_vintage_does_not_show_what_an_earlier_one_hides(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """The second delivery leaves out the small count: by itself it would show what went with it in the first."""
    rows: list[Row] = [("v1", "VB0001", "2025H1", 3, 42, 45), ("v2", "VB0001", "2025H1", None, 42, 45)]
    found = seen(warehouse, declared(tmp_path), rows)
    assert found["jeugd", "v2", "VB0001", "2025H1"] == "hidden"
    assert found["samen", "v2", "VB0001", "2025H1"] == found["samen", "v1", "VB0001", "2025H1"] == 45


def test_a_hidden_count_is_an_observation_that_is_suppressed(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    seen(warehouse, declared(tmp_path), [("v1", "VB0001", "2025H1", 3, 42, 45)])
    with Warehouse() as models:
        models.put_raw("raw.figure", warehouse.execute("from raw.figure").to_arrow_table())
        models.put("raw.delivery", [{"vintage_id": "v1", "source_id": "loket", "is_current": True}])
        models.put("declared.source", [{"source_id": "loket"}])
        models.put(
            "declared.series",
            [
                {"source_id": "loket", "item": item, "indicator_id": item, "factor": 1, "rank": 0, "adds_up": False}
                for item in ("wmo", "jeugd", "samen")
            ],
        )
        models.build("core_series_item", "core_observation")
        found = models.query("select indicator_id, value, obs_status from core.observation order by all").to_pylist()
    assert found == [
        {"indicator_id": "jeugd", "value": None, "obs_status": "Q"},
        {"indicator_id": "samen", "value": 45, "obs_status": "A"},
        {"indicator_id": "wmo", "value": None, "obs_status": "Q"},
    ]


def test_of_a_source_that_was_never_protected_nothing_is_shown(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    declarations = declared(tmp_path)
    source = declarations.source("loket")
    row = {"vintage_id": "v1", "region_code": "VB0001", "periode": "2025H1", "wmo": 3}
    warehouse.register("rows", pa.Table.from_pylist([row], schema=raw_schema(source)))
    warehouse.execute("create table raw.loket as select * from rows")
    create_figures(warehouse, [source])
    assert warehouse.execute("select count(*) from raw.figure").fetchall() == [(0,)]


def test_nothing_of_the_work_is_left_behind(warehouse: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    seen(warehouse, declared(tmp_path), [("v1", "VB0001", "2025H1", 3, 42, 45)])
    left = warehouse.execute("select table_name from duckdb_tables() where temporary").fetchall()
    assert left == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"series": [*SOURCE["series"], {"item": "samen", "indicator_id": "clienten_per_1000"}]},
            "no rate of a count that is protected",
        ),
        ({"series": [{"item": "wmo", "indicator_id": "clienten", "factor": 10}]}, "found 10, expected 1 for a count"),
        ({"suppression": {"sums": [{"total": "alles", "parts": ["wmo"]}]}}, "found 'alles', expected an item"),
    ],
)
def test_a_declaration_that_would_give_counts_away_is_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(DeclarationError, match=message):
        declared(tmp_path, **changes)


def test_a_count_that_may_be_no_whole_number_is_refused(tmp_path: Path) -> None:
    columns = [*SOURCE["reader"]["columns"], {"header": "anders", "name": "anders", "type": "number"}]
    with pytest.raises((DeclarationError, ValidationError), match="'anders' is no integer with a minimum of 0"):
        declared(tmp_path, reader={**SOURCE["reader"], "columns": columns})
