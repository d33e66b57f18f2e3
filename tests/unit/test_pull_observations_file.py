"""The file that a table is pulled into: its columns, and that it appears whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.pull.found import Block, Page, PullError
from pipelines.pull.observations_file import (
    NAME,
    ObservationsFile,
    columns_of,
    notes_of,
    remove_leftovers,
)

STATUSES = {"2015JJ00": "Definitief", "2016KW02": "Voorlopig"}


def encoded(*texts: str) -> pa.DictionaryArray:
    return pa.array(texts, pa.string()).dictionary_encode()


def block(measure: str, *values: float | None, **more: Any) -> Block:
    return Block(measure, pa.array(values, pa.float64()), more.get("attributes", "None"), more.get("texts"))


def page(codes: Mapping[str, Sequence[str]], *blocks: Block) -> Page:
    return Page({name: encoded(*texts) for name, texts in codes.items()}, blocks, None, "sign")


def write(folder: Path, *pages: Page, dimensions: tuple[str, ...] = ("RegioS", "Perioden"), **more: Any) -> Path:
    period = more.get("period", "Perioden" if "Perioden" in dimensions else None)
    notes = {"filter": more.get("filter", "")}
    with ObservationsFile(folder, dimensions, period, STATUSES, notes) as file:
        for one in pages:
            file.add(one)
        return file.finish(more.get("vintage", "v1"))


def rows(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return found


def test_every_figure_of_every_block_becomes_a_row_with_trimmed_codes(tmp_path: Path) -> None:
    codes = {"RegioS": ["GM0001  ", "GM0002"], "Perioden": ["2015JJ00", "2016KW02 "]}
    attributes = encoded("None", "Impossible")
    path = write(
        tmp_path,
        page(codes, block("A_1", 1, 2), block("B_2", 3, None, attributes=attributes, texts=pa.array([None, "."]))),
    )
    assert path == tmp_path / "v1" / NAME
    assert rows(path) == [
        {
            "measure": measure,
            "RegioS": region,
            "Perioden": raw,
            "value": value,
            "value_attribute": attribute,
            "string_value": text,
            "period_code": period,
            "period_status": status,
        }
        for measure, region, raw, value, attribute, text, period, status in (
            ("A_1", "GM0001", "2015JJ00", 1.0, "None", None, "2015", "Definitief"),
            ("A_1", "GM0002", "2016KW02", 2.0, "None", None, "2016Q2", "Voorlopig"),
            ("B_2", "GM0001", "2015JJ00", 3.0, "None", None, "2015", "Definitief"),
            ("B_2", "GM0002", "2016KW02", None, "Impossible", ".", "2016Q2", "Voorlopig"),
        )
    ]


def test_columns_are_texts_and_numbers_for_whoever_reads_them(tmp_path: Path) -> None:
    path = write(tmp_path, page({"RegioS": ["NL01"], "Perioden": ["2015JJ00"]}, block("A_1", 1)))
    types = {field.name: field.type for field in pq.read_schema(path)}
    assert types.pop("value") == pa.float64()
    assert set(types.values()) == {pa.string()}


def test_codes_stay_right_over_many_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.pull.observations_file._ROW_GROUP", 4)
    regions = [f"GM{number:04d}" for number in range(30)]
    pages = [
        page({"RegioS": regions[at : at + 3], "Perioden": ["2015JJ00", "2016KW02", "2014MM01"]}, block("A_1", at, 1, 2))
        for at in range(0, 30, 3)
    ]
    path = write(tmp_path, *pages)
    assert pq.read_metadata(path).num_row_groups == 5
    found = rows(path)
    assert [row["RegioS"] for row in found] == regions
    assert [row["period_code"] for row in found[:3]] == ["2015", "2016Q2", "2014M01"]
    assert [row["period_status"] for row in found[:3]] == ["Definitief", "Voorlopig", None]


def test_a_table_without_periods_has_none(tmp_path: Path) -> None:
    (only,) = rows(write(tmp_path, page({"Woonplaatsen": ["WP1"]}, block("A_1", 1)), dimensions=("Woonplaatsen",)))
    assert (only["period_code"], only["period_status"]) == (None, None)


def test_a_table_without_dimensions_has_its_figures(tmp_path: Path) -> None:
    (only,) = rows(write(tmp_path, page({}, block("A_1", 1)), dimensions=()))
    assert (only["measure"], only["value"]) == ("A_1", 1.0)


def test_a_period_that_none_knows_has_no_code(tmp_path: Path) -> None:
    codes = {"RegioS": ["NL01"] * 2, "Perioden": ["2015JJ00", "onbekend"]}
    found = rows(write(tmp_path, page(codes, block("A_1", 1, 2))))
    assert [row["period_code"] for row in found] == ["2015", None]
    assert [row["Perioden"] for row in found] == ["2015JJ00", "onbekend"]


def test_an_empty_table_is_a_file_without_rows(tmp_path: Path) -> None:
    path = write(tmp_path)
    assert pq.read_table(path).num_rows == 0
    assert pq.read_schema(path).names == columns_of(("RegioS", "Perioden"))


@pytest.mark.parametrize("name", ["value", "measure", "period_code", "Value", "Measure"])
def test_a_dimension_may_be_called_as_it_likes(tmp_path: Path, name: str) -> None:
    path = write(
        tmp_path, page({name: ["x"], "Perioden": ["2015JJ00"]}, block("A_1", 1)), dimensions=(name, "Perioden")
    )
    column = name if name in ("Value", "Measure") else f"{name}_"
    assert rows(path)[0][column] == "x"
    assert rows(path)[0]["value"] == 1.0


def test_nothing_appears_before_the_file_is_finished(tmp_path: Path) -> None:
    with ObservationsFile(tmp_path, ("RegioS",), None, {}, {}) as file:
        file.add(page({"RegioS": ["NL01"]}, block("A_1", 1)))
        assert [path.name[0] for path in tmp_path.iterdir()] == ["."]
    assert list(tmp_path.iterdir()) == []


def test_an_error_leaves_the_file_of_before(tmp_path: Path) -> None:
    path = write(tmp_path, page({"RegioS": ["NL01"], "Perioden": ["2015JJ00"]}, block("A_1", 1)))
    before = path.read_bytes()
    with (
        pytest.raises(RuntimeError),
        ObservationsFile(tmp_path, ("RegioS",), None, {}, {}) as file,
    ):
        file.add(page({"RegioS": ["NL01"]}, block("A_1", 2)))
        raise RuntimeError
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["v1"]


def test_the_same_vintage_again_replaces_the_file(tmp_path: Path) -> None:
    one = {"RegioS": ["NL01"], "Perioden": ["2015JJ00"]}
    write(tmp_path, page(one, block("A_1", 1)))
    path = write(tmp_path, page(one, block("A_1", 2)), filter="x eq 'y'")
    assert [row["value"] for row in rows(path)] == [2.0]
    assert notes_of(path) == {"filter": "x eq 'y'"}
    assert [entry.name for entry in tmp_path.iterdir()] == ["v1"]


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    left = tmp_path / ".writing-abc"
    left.mkdir()
    (left / NAME).write_bytes(b"PAR1")
    remove_leftovers(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_none_is_told(tmp_path: Path) -> None:
    assert notes_of(tmp_path / NAME) == {}
    (tmp_path / NAME).write_bytes(b"no Parquet")
    with pytest.raises(PullError, match="cannot be read"):
        notes_of(tmp_path / NAME)
