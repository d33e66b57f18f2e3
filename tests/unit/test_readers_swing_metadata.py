"""The metadata file beside a Swing export: its units are held against those that are declared."""

from __future__ import annotations

import pytest

from pipelines.declarations.source import Series, Source, SwingReader
from pipelines.readers.account import ReadResult
from pipelines.readers.refusal import RefusedFileError
from pipelines.readers.swing import read_swing
from pipelines.readers.swing_metadata import (
    DescribedSwingReader,
    is_metadata,
    metadata_names,
    read_metadata,
    same_unit,
)
from tests.unit.reader_sources import REGIONS, saved, source_of, workbook

EXPORT = b"period;geolevel;geoitem;hulp;opvang\n2016;gemeente;373;450;46,5\n2016;gemeente;383;x;1\n"
READER = SwingReader(kind="swing", items=("hulp", "opvang"), metadata="{name}_metadata.*")


def source(**units: str | None) -> Source:
    series = tuple(Series(item=item, indicator_id=item, unit=unit) for item, unit in units.items())
    return source_of(READER, series=series)


def read(declared: Source, metadata: str | bytes, name: str = "gmsd_metadata.csv") -> ReadResult:
    content = metadata.encode() if isinstance(metadata, str) else metadata
    units = read_metadata({name: content}, READER)
    reader = DescribedSwingReader(**READER.model_dump(), units=units)
    return read_swing("gmsd.csv", EXPORT, declared, reader, REGIONS)


PER_1000 = source(hulp="per 1.000 inwoners", opvang="per 1.000 inwoners")


def test_a_column_in_another_unit_is_quarantined_and_the_rest_of_its_lines_is_not() -> None:
    result = read(
        PER_1000,
        'code;name;description;unit;source\nhulp;Hulp;"Cliënten;\nper jaar";per 10.000 inwoners;CBS\n'
        "opvang;Opvang;;per 1 000 inwoners;CBS\n",
    )
    assert [(row["item"], row["region_code"], row["value"]) for row in result.rows.to_pylist()] == [
        ("opvang", "GM0373", 46.5),
        ("opvang", "GM0383", 1.0),
    ]
    (problem,) = result.problems
    assert str(problem) == (
        'gmsd.csv:1:4 (hulp): found the unit "per 10.000 inwoners" in gmsd_metadata.csv, expected the declared unit '
        '"per 1.000 inwoners"'
    )
    assert (result.rows_in, result.rows_loaded, result.rows_no_data, result.rows_quarantined) == (3, 2, 1, 0)


def test_the_units_of_a_workbook_count_like_those_of_a_text() -> None:
    book = workbook([["Indicator code", "Unit"], ["hulp", "per 10 000 inwoners"], ["opvang", "Per 1.000  inwoners"]])
    assert {problem.column_name for problem in read(PER_1000, saved(book), "gmsd_metadata.xlsx").problems} == {"hulp"}


def test_what_nobody_says_is_told() -> None:
    declared = source(hulp="per 1.000 inwoners", opvang=None)
    result = read(declared, "code;unit\nopvang;%\nhulp;\n")
    assert result.notices == (
        "no unit is given for hulp: the declared one is not confirmed",
        'opvang comes in the unit "%", and none is declared',
    )
    assert {problem.reason for problem in result.problems} == {"not_a_number"}


def test_a_declared_metadata_file_that_is_not_there_is_told() -> None:
    result = read_swing("gmsd.csv", EXPORT, PER_1000, READER, REGIONS)
    assert result.notices == ("no unit is given for hulp, opvang: the declared one is not confirmed",)
    assert result.rows_loaded == 1


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ("code;naam\nhulp;Hulp\n", "missing_column"),
        ("", "empty_file"),
        ("code;unit\nhulp;%\nhulp;per 1.000 inwoners\n", "unexpected_unit"),
        ("code;unit;bsn\nhulp;%;123456782\n", "personal_data"),
    ],
)
def test_metadata_that_cannot_be_used_leaves_the_units_unknown_and_refuses_the_export(
    metadata: str, reason: str
) -> None:
    with pytest.raises(RefusedFileError) as caught:
        read(PER_1000, metadata)
    assert [problem.reason for problem in caught.value.problems] == [reason]
    assert "123456782" not in str(caught.value)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("per 1.000 inwoners", "per 1 000 inwoners"),
        ("per 1.000 inwoners", "per 1000 Inwoners "),
        ("per 10.000 inwoners", "per 10\u00a0000  inwoners"),
        ("%", " % "),
    ],
)
def test_one_unit_may_be_written_in_several_ways(one: str, other: str) -> None:
    assert same_unit(one, other)


@pytest.mark.parametrize(
    "other",
    ["per 10.000 inwoners", "per 100 inwoners", "per 1.000 huishoudens", "per 1,000 inwoners", "per 1.00 inwoners", ""],
)
def test_units_that_differ_are_not_taken_for_one(other: str) -> None:
    assert not same_unit("per 1.000 inwoners", other)


def test_the_metadata_of_an_export_is_found_by_its_name() -> None:
    names = ["gmsd.csv", "gmsd_metadata.csv", "gmsd_metadata.xlsx", "anders_metadata.csv"]
    assert metadata_names("gmsd.csv", names, READER) == ["gmsd_metadata.csv", "gmsd_metadata.xlsx"]
    assert [name for name in names if is_metadata(name, READER)] == names[1:]
    without = READER.model_copy(update={"metadata": None})
    assert metadata_names("gmsd.csv", names, without) == []
    assert not is_metadata("gmsd_metadata.csv", without)


def test_several_metadata_files_are_read_as_one() -> None:
    units = read_metadata({"a.csv": b"code;unit\nhulp;%\n", "b.csv": b"code;unit\nopvang;aantal\nhulp;%\n"}, READER)
    assert {item: (unit.unit, unit.file) for item, unit in units.items()} == {
        "hulp": ("%", "b.csv"),
        "opvang": ("aantal", "b.csv"),
    }
