"""CBS's own tables of Iv3, one a book year: what their cells become by the declarations of the profile `live`.

The tables are made here, with the columns, the padded keys and the blanks that the publisher's have.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from pydantic import ValidationError

from pipelines.declarations.expand import declared_tables
from pipelines.declarations.load import Declarations, load_declarations
from pipelines.declarations.source import CbsV3Connector, Source
from pipelines.periods import period_table
from pipelines.readers.account import ReadResult
from pipelines.readers.cbs_v3 import read_observations_v3
from pipelines.settings import PROJECT_ROOT
from pipelines.warehouse.figures import create_figures
from tests.harmonising import Warehouse

PLACINGS = ("k_1ePlaatsing_1", "k_2ePlaatsing_2")
Cell = tuple[str, str, str, str, float | None, float | None]


@cache
def live() -> Declarations:
    return load_declarations(PROJECT_ROOT / "sources", "live")


def answers(
    cells: Iterable[Cell],
    titles: tuple[str, str] = ("1e plaatsing", "2e plaatsing"),
    listed: Iterable[Cell] | None = None,
) -> dict[str, bytes]:
    """A table as its service answers: taakveld, category, municipality, report, and two moments of publication.

    `listed` are the cells of which the codes are known, where they are others than those that came.
    """
    cells = list(cells)
    listed = cells if listed is None else listed
    widths = {"TaakveldBalanspost": 6, "Categorie": 8, "Gemeenten": 9, "Verslagsoort": 8}
    rows = [
        {
            "ID": number,
            **{name: str(key).ljust(width) for (name, width), key in zip(widths.items(), cell, strict=False)},
            **dict(zip(PLACINGS, cell[4:], strict=True)),
        }
        for number, cell in enumerate(cells)
    ]
    properties = [{"Key": name, "Type": "Dimension", "Title": name} for name in widths]
    properties += [
        {"Key": key, "Type": "Topic", "Title": title, "Unit": "1 000 euro", "Datatype": "Long"}
        for key, title in zip(PLACINGS, titles, strict=True)
    ]
    lists = {
        name: [{"Key": key.ljust(width), "Title": key} for key in sorted({str(cell[place]) for cell in listed})]
        for place, (name, width) in enumerate(widths.items())
    }
    contents: dict[str, Any] = {"DataProperties": properties, **lists, "TypedDataSet": rows}
    return {f"{name}.json": json.dumps({"value": content}).encode() for name, content in contents.items()}


def read(cells: Iterable[Cell], source_id: str = "cbs_iv3_2023", year: str = "2023", **more: Any) -> ReadResult:
    return read_observations_v3(answers(cells, **more), live().source(source_id), year)


def observed(result: ReadResult, source_id: str) -> dict[tuple[str, str, str], tuple[float | None, str]]:
    """Value and status by indicator, region and period, by the project's own SQL."""
    source: Source = live().source(source_id)
    declared = declared_tables(
        replace(live(), sources=(source,)),
        pa.table({"region_code": pa.array(["GM9901"]), "region_type": pa.array(["gemeente"])}),
        dt.date(2026, 7, 1),
    )
    with duckdb.connect() as connection:
        connection.execute("create schema raw")
        rows = result.rows.append_column("vintage_id", pa.repeat("v1", result.rows.num_rows))
        connection.register("delivered", rows)
        connection.execute(f"create table raw.{source_id} as select * from delivered")
        create_figures(connection, [source])
        figures = connection.execute("select * from raw.figure").to_arrow_table()
    with Warehouse() as warehouse:
        for name in ("indicator", "series", "source"):
            warehouse.put(f"declared.{name}", declared[name])
        warehouse.put("declared.period", period_table(["2022", "2023", "2025"]))
        warehouse.put_raw("raw.figure", figures)
        delivery = {"vintage_id": "v1", "source_id": source_id, "is_current": True, "vintage_date": dt.date(2025, 1, 1)}
        warehouse.put("raw.delivery", [delivery])
        warehouse.build("core_series_item", "core_observation")
        found = warehouse.table("core.observation").to_pylist()
    return {
        (row["indicator_id"], row["region_code"], row["period_code"]): (row["value"], row["obs_status"])
        for row in found
    }


def test_a_cell_is_of_its_year_and_keeps_the_report_it_is_of() -> None:
    result = read([("6.71a", "L3.8", "GM9901", "2023X005", 11, 12), ("6.1", "B3.8", "GM9901", "2023X000", 7, None)])
    assert result.problems == ()
    found = {
        (row["item"], row["period_raw"], row["period_code"], row["region_code"]): row["value"]
        for row in result.rows.to_pylist()
    }
    assert found == {
        ("1e plaatsing|6.71a|L3.8", "2023X005", "2023", "GM9901"): 11.0,
        ("2e plaatsing|6.71a|L3.8", "2023X005", "2023", "GM9901"): 12.0,
        ("1e plaatsing|6.1|B3.8", "2023X000", "2023", "GM9901"): 7.0,
    }
    # the cell that is empty holds no figure, and is accounted for
    assert (result.rows_in, result.rows_loaded, result.rows_no_data) == (4, 3, 1)


def test_a_taakveld_is_the_sum_of_its_categories_and_letters_in_euros_per_side_and_report() -> None:
    result = read(
        [
            ("6.71", "L1.1", "GM9901", "2023X005", 1, 1),
            ("6.71a", "L3.8", "GM9901", "2023X005", 20, 30),
            ("6.71a", "L4.2", "GM9901", "2023X005", None, None),
            ("6.71b", "L3.8", "GM9901", "2023X005", 100, 200),
            ("6.71b", "B3.4.2", "GM9901", "2023X005", 5, 6),
            ("6.71b", "L3.8", "GM9901", "2023X000", 90, None),
            ("6.73a", "L3.8", "GM9901", "2023X005", 3, 4),
        ]
    )
    found = observed(result, "cbs_iv3_2023")
    assert found["iv3_lasten_6_71", "GM9901", "2023"] == (231_000.0, "A")
    assert found["iv3_lasten_6_71a", "GM9901", "2023"] == (30_000.0, "A")
    assert found["iv3_baten_6_71", "GM9901", "2023"] == (6_000.0, "A")
    assert found["iv3_begroot_lasten_6_71", "GM9901", "2023"] == (90_000.0, "A")
    assert found["iv3_lasten_6_73", "GM9901", "2023"] == (4_000.0, "A")


def test_the_first_moment_counts_where_the_second_has_not_come_also_when_that_is_a_column_of_zeros() -> None:
    result = read(
        [
            ("6.1", "L3.8", "GM9901", "2023X005", 11, None),
            ("6.1", "L3.8", "GM9902", "2023X005", 21, 0),
            ("6.1", "L3.8", "GM9903", "2023X005", 31, 32),
        ]
    )
    found = observed(result, "cbs_iv3_2023")
    assert [found["iv3_lasten_6_1", region, "2023"][0] for region in ("GM9901", "GM9902", "GM9903")] == [
        11_000.0,
        21_000.0,
        32_000.0,
    ]


def test_a_municipality_of_nothing_but_zeros_delivered_no_accounts_and_keeps_its_budget() -> None:
    result = read(
        [
            ("6.1", "L3.8", "GM9901", "2023X005", 0, 0),
            ("6.3", "L3.8", "GM9901", "2023X005", 0, 0),
            ("6.1", "L3.8", "GM9901", "2023X000", 9, 9),
            ("6.1", "L3.8", "GM9902", "2023X005", 0, 0),
            ("6.3", "L3.8", "GM9902", "2023X005", 8, 8),
        ]
    )
    found = observed(result, "cbs_iv3_2023")
    assert found["iv3_lasten_6_1", "GM9901", "2023"] == (None, "L")
    assert found["iv3_begroot_lasten_6_1", "GM9901", "2023"] == (9_000.0, "A")
    assert found["iv3_lasten_6_1", "GM9902", "2023"] == (0.0, "A")


@pytest.mark.parametrize("cells", [[("6.1", "L3.8", "GM9901", "2023X005", 11, None)], []])
def test_a_table_reads_the_same_with_and_without_its_empty_rows(cells: list[Cell]) -> None:
    empty: list[Cell] = [("6.3", "L3.8", code, "2023X005", None, None) for code in ("GM9901", "GM9902")]
    whole, skipped = read([*cells, *empty]), read(cells, listed=[*cells, *empty])
    assert not skipped.refused
    assert skipped.problems == whole.problems == ()
    assert skipped.rows.equals(whole.rows)
    assert observed(skipped, "cbs_iv3_2023") == observed(whole, "cbs_iv3_2023")
    assert (whole.rows_in - skipped.rows_in, whole.rows_no_data - skipped.rows_no_data) == (4, 4)
    told = () if cells else ("45063NED: no figure in any row that was asked for",)
    assert skipped.notices == (*whole.notices, *told)


def test_every_table_of_iv3_is_asked_for_without_its_empty_rows() -> None:
    iv3 = [source for source in live().sources if source.source_id.startswith("cbs_iv3")]
    assert len(iv3) == 3
    assert all(isinstance(source.connector, CbsV3Connector) and source.connector.skip_empty for source in iv3)


def test_a_source_of_which_empty_cells_mean_something_cannot_skip_them() -> None:
    declared = live().source("cbs_iv3_2023").model_dump()
    with pytest.raises(ValidationError, match="skip_empty"):
        Source.model_validate({**declared, "empty_is_zero": False})


@pytest.mark.parametrize("titles", [("1e plaatsing", "2e plaatsing"), ("1ste plaatsing", "2de plaatsing")])
def test_a_code_means_what_it_means_in_the_list_of_its_book_year(titles: tuple[str, str]) -> None:
    old = read([("6.72", "L3.8", "GM9901", "2022X005", 5, 6)], "cbs_iv3_2017", "2022", titles=titles)
    new = read([("6.711", "L3.8", "GM9901", "2025X005", 5, 6)], "cbs_iv3_2025", "2025", titles=titles)
    booked = {key: value for key, value in observed(old, "cbs_iv3_2017").items() if value[0] != 0}
    assert booked == {("iv3_lasten_6_72", "GM9901", "2022"): (6_000.0, "A")}
    booked = {key: value for key, value in observed(new, "cbs_iv3_2025").items() if value[0] != 0}
    assert booked == {("iv3_lasten_6_711", "GM9901", "2025"): (6_000.0, "A")}


def test_what_a_delivered_report_leaves_empty_is_a_cost_of_nothing_and_an_absent_report_is_not() -> None:
    found = observed(read([("6.1", "L3.8", "GM9901", "2023X005", 11, 12)]), "cbs_iv3_2023")
    assert found["iv3_lasten_6_2", "GM9901", "2023"] == (0.0, "A")
    assert ("iv3_begroot_lasten_6_1", "GM9901", "2023") not in found


def test_every_book_year_has_its_table() -> None:
    tables = {
        year: table
        for source_id in ("cbs_iv3_2017", "cbs_iv3_2023", "cbs_iv3_2025")
        for table, year in live().source(source_id).connector.tables  # type: ignore[union-attr]
    }
    numbers = [45038, 45042, 45046, 45050, 45054, 45059, 45063, 45067, 45071, 45078]
    assert tables == {str(2017 + place): f"{number}NED" for place, number in enumerate(numbers)}
