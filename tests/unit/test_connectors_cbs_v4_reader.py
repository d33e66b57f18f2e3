"""Reading observations: typed rows, and an account of every one that is not among them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.declarations.source import (
    CbsV4Connector,
    CbsV4Reader,
    FolderConnector,
    Series,
    Source,
    SwingReader,
)
from pipelines.readers.account import REASONS, ReadResult
from pipelines.readers.cbs_v4 import REGION_CODE, read_observations, read_region_codes
from pipelines.warehouse.raw_tables import CBS
from tests.cbs_sources import files_of, source_of
from tests.servers import codes, listed, observation, small_table

TABLE = "00001ned"


def source(**reader: Any) -> Source:
    return source_of(CbsV4Connector(kind="cbs_v4", table=TABLE), CbsV4Reader(kind="cbs_v4", **reader))


def answers(*rows: Mapping[str, Any], page_size: int = 100, **lists: bytes) -> dict[str, bytes]:
    """The files of a snapshot of the small table with these observations."""
    return files_of(small_table(TABLE, rows, page_size) | lists, "Observations")


def read(*rows: Mapping[str, Any], reader: Mapping[str, Any] | None = None, **lists: Any) -> ReadResult:
    result = read_observations(answers(*rows, **lists), source(**(reader or {})))
    assert {problem.reason for problem in result.problems} <= REASONS
    return result


def test_observations_become_rows_with_trimmed_codes_and_the_publishers_labels() -> None:
    result = read(
        observation(7, "GM0001  ", "2016HJ02", Value=12.5),
        observation(8, "GM0002", "2015JJ00", Value=None, ValueAttribute="Impossible", StringValue="   . "),
    )

    assert result.rows.schema == CBS
    assert result.rows.to_pylist() == [
        {
            "row_id": 7,
            "item": "Bevolking op 1 januari",
            "measure": "M000352",
            "unit": "aantal",
            "region_code": "GM0001",
            "period_raw": "2016HJ02",
            "period_code": "2016H2",
            "period_status": "Voorlopig",
            "value": 12.5,
            "value_attribute": "None",
            "string_value": None,
        },
        {
            "row_id": 8,
            "item": "Bevolking op 1 januari",
            "measure": "M000352",
            "unit": "aantal",
            "region_code": "GM0002",
            "period_raw": "2015JJ00",
            "period_code": "2015",
            "period_status": "Definitief",
            "value": None,
            "value_attribute": "Impossible",
            "string_value": ".",
        },
    ]
    assert (result.rows_in, result.rows_loaded, result.rows_quarantined, result.problems) == (2, 2, 0, ())


def test_a_titled_dimension_stands_in_the_item_by_its_title_and_two_of_one_title_by_their_code_too() -> None:
    kinds = listed(
        {"Identifier": "A1 ", "Title": "Huisarts "},
        {"Identifier": "A2", "Title": "Anders"},
        {"Identifier": "A3", "Title": "Anders"},
    )
    rows = [
        observation(number, "GM0001", "2015JJ00", Verwijzer=code) for number, code in enumerate(("A1", "A2 ", "A3"))
    ]
    lists = {"Dimensions": codes("Verwijzer", "RegioS", "Perioden"), "VerwijzerCodes": kinds}
    result = read(*rows, reader={"dimensions": ("Verwijzer",), "titled": ("Verwijzer",)}, **lists)
    assert result.rows["item"].to_pylist() == [
        "Bevolking op 1 januari|Huisarts",
        "Bevolking op 1 januari|Anders (A2)",
        "Bevolking op 1 januari|Anders (A3)",
    ]


def test_only_a_declared_dimension_may_be_titled() -> None:
    with pytest.raises(ValueError, match="'Verwijzer' is not among the dimensions"):
        CbsV4Reader(kind="cbs_v4", titled=("Verwijzer",))


def test_pages_are_read_as_one_table() -> None:
    result = read(page_size=4)
    assert result.rows["row_id"].to_pylist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("row", "column", "reason", "found"),
    [
        (observation(1, "GM9999", "2015JJ00"), "RegioS", "unknown_region", "'GM9999'"),
        (observation(1, None, "2015JJ00"), "RegioS", "unknown_region", "None"),
        (observation(1, "  ", "2015JJ00"), "RegioS", "unknown_region", "'  '"),
        (observation(1, "GM0001", "2031JJ00"), "Perioden", "unknown_period", "'2031JJ00'"),
        (observation(1, "GM0001", "2015ZZ00"), "Perioden", "unknown_period", "'2015ZZ00'"),
        (observation(1, "GM0001", "2015JJ00", Measure="M9"), "Measure", "unknown_item", "'M9'"),
        (observation(1, "GM0001", "2015JJ00", Value="12a"), "Value", "not_a_number", "'12a'"),
        (observation(1, "GM0001", "2015JJ00", Value="1,5"), "Value", "not_a_number", "'1,5'"),
        (observation(1, "GM0001", "2015JJ00", Value=float("inf")), "Value", "not_a_number", "inf"),
        (observation(1, "GM0001", "2015JJ00", Value=float("nan")), "Value", "not_a_number", "nan"),
        (observation(1, "GM0001", "2015JJ00", Id=None), "Id", "missing_value", "None"),
    ],
)
def test_an_observation_that_cannot_be_is_quarantined_by_itself(
    row: dict[str, Any], column: str, reason: str, found: str
) -> None:
    good = observation(0, "GM0002", "2015JJ00")
    # A code in the list of periods that is no period is unknown all the same.
    periods = listed(*({"Identifier": code, "Status": "Definitief"} for code in ("2015JJ00", "2015ZZ00")))
    result = read(good, row, PeriodenCodes=periods)

    assert result.rows["row_id"].to_pylist() == [0]
    assert (result.rows_in, result.rows_loaded, result.rows_quarantined) == (2, 1, 1)
    (problem,) = result.problems
    assert (problem.column_name, problem.reason, problem.found) == (column, reason, found)
    assert str(problem).startswith(f"{TABLE}/Observations.json:2 ({column}): found {found}, expected ")


def test_a_problem_names_the_page_and_the_number_of_the_observation_in_it() -> None:
    rows = [observation(number, "GM0001", "2015JJ00") for number in range(5)]
    for row, region in zip(rows, ("GM0001", "GM0002", "GM0003", "XX", "YY"), strict=True):
        row["RegioS"] = region
    result = read(*rows, page_size=2)
    assert [(problem.file, problem.line) for problem in result.problems] == [
        (f"{TABLE}/Observations-0002.json", 2),
        (f"{TABLE}/Observations-0003.json", 1),
    ]
    assert json.loads(result.problems[0].raw_text)["RegioS"] == "XX"


def test_all_that_share_a_key_are_quarantined_because_neither_can_be_preferred() -> None:
    result = read(
        observation(0, "GM0001", "2015JJ00", Value=1),
        observation(1, "GM0002", "2015JJ00"),
        observation(2, "GM0001 ", "2015JJ00", Value=2),
    )
    assert result.rows["row_id"].to_pylist() == [1]
    assert [problem.reason for problem in result.problems] == ["duplicate_key", "duplicate_key"]
    assert "one observation for each Measure and RegioS and Perioden" in result.problems[0].expected


def test_a_twin_whose_value_is_wrong_is_a_twin_all_the_same() -> None:
    result = read(observation(0, "GM0001", "2015JJ00", Value="n.v.t."), observation(1, "GM0001", "2015JJ00", Value=2))
    assert result.rows.num_rows == 0
    assert [problem.reason for problem in result.problems] == ["duplicate_key", "duplicate_key"]


def test_rows_without_a_known_key_are_no_twins() -> None:
    result = read(observation(0, "XX", "2015JJ00"), observation(1, "XX", "2015JJ00"))
    assert [problem.reason for problem in result.problems] == ["unknown_region", "unknown_region"]


def test_numbers_written_as_text_are_read_and_noticed() -> None:
    result = read(observation(0, "GM0001", "2015JJ00", Value="12.5"), observation(1, "GM0002", "2015JJ00"))
    assert result.rows["value"].to_pylist() == [12.5, 101.0]
    assert result.notices == (f"{TABLE}/Observations.json: values written as text",)


WITH_SEX: dict[str, Any] = {
    "Dimensions": codes("Geslacht", "RegioS", "Perioden"),
    "GeslachtCodes": codes("T001038", "3000", "4000"),
}


def test_items_are_the_measures_title_and_the_declared_dimensions_in_declared_order() -> None:
    table: dict[str, Any] = {
        "Dimensions": codes("Geslacht", "Leeftijd", "RegioS", "Perioden"),
        "GeslachtCodes": codes("3000 ", "4000"),
        "LeeftijdCodes": codes("10000"),
    }
    rows = [
        observation(number, "GM0001", "2015JJ00", Geslacht=sex, Leeftijd="10000 ")
        for number, sex in enumerate(("4000", "3000  "))
    ]
    result = read(*rows, reader={"dimensions": ("Leeftijd", "Geslacht")}, **table)
    assert result.rows["item"].to_pylist() == [
        "Bevolking op 1 januari|10000|4000",
        "Bevolking op 1 januari|10000|3000",
    ]


def test_a_dimension_that_is_not_declared_must_not_let_figures_fall_together() -> None:
    rows = [observation(number, "GM0001", "2015JJ00", Geslacht=sex) for number, sex in enumerate(("3000", "4000"))]
    result = read(*rows, **WITH_SEX)

    assert result.refused
    assert (result.rows_in, result.rows_loaded, result.rows_quarantined) == (2, 0, 2)
    (problem,) = result.problems
    assert str(problem) == (
        f"{TABLE} (Geslacht): found 2 codes (3000, 4000), "
        "expected one code: filter on this dimension, or declare it among the dimensions"
    )


def test_a_dimension_that_is_not_declared_may_have_one_code() -> None:
    row = observation(0, "GM0001", "2015JJ00", Geslacht="T001038")
    assert read(row, **WITH_SEX).rows["item"].to_pylist() == ["Bevolking op 1 januari"]


def test_an_unknown_code_of_a_declared_dimension_is_an_unknown_item() -> None:
    row = observation(0, "GM0001", "2015JJ00", Geslacht="9")
    result = read(row, reader={"dimensions": ("Geslacht",)}, **WITH_SEX)
    assert [(problem.column_name, problem.reason) for problem in result.problems] == [("Geslacht", "unknown_item")]


def test_measures_of_one_title_stay_apart_by_their_code() -> None:
    measures = listed(
        {"Identifier": "M1", "Title": "Productie", "Unit": "mln kWh"},
        {"Identifier": "M2", "Title": "Productie ", "Unit": "%"},
        {"Identifier": "M3", "Title": "Vermogen", "Unit": "megawatt"},
    )
    rows = [observation(number, "GM0001", "2015JJ00", Measure=f"M{number}") for number in (1, 2, 3)]
    result = read(*rows, MeasureCodes=measures)
    assert result.rows["item"].to_pylist() == ["Productie (M1)", "Productie (M2)", "Vermogen"]
    assert result.rows["unit"].to_pylist() == ["mln kWh", "%", "megawatt"]


def test_a_table_without_regions_has_none() -> None:
    row = observation(0, None, "2015JJ00")
    del row["RegioS"]
    result = read(row, reader={"region_dimension": None}, Dimensions=codes("Perioden"))
    assert result.rows["region_code"].to_pylist() == [None]
    assert result.rows_loaded == 1


def test_a_status_that_the_publisher_does_not_give_is_null() -> None:
    result = read(observation(0, "GM0001", "2015JJ00"), PeriodenCodes=codes("2015JJ00"))
    assert result.rows["period_status"].to_pylist() == [None]


def test_two_kinds_of_period_are_two_periods() -> None:
    periods = codes("2016JJ00", "2016SJ00", "2016KW01", "2016MM01", "20160101")
    rows = [
        observation(number, "GM0001", period)
        for number, period in enumerate(("2016JJ00", "2016SJ00", "2016KW01", "2016MM01", "20160101"))
    ]
    found = read(*rows, PeriodenCodes=periods).rows["period_code"].to_pylist()
    assert len(set(found)) == 5
    assert found[0] == "2016"


@pytest.mark.parametrize(
    ("files", "reason", "found"),
    [
        pytest.param({"Observations.json": b'{"value": []}'}, "empty_file", "no observations", id="no rows"),
        pytest.param({"Observations.json": b'{"value": [{"Id": 1'}, "unknown_format", "JSON parse error", id="broken"),
        pytest.param({"Observations.json": b"\xff\xfe{"}, "wrong_encoding", "utf-8", id="other encoding"),
        pytest.param({"Observations.json": b'{"values": []}'}, "unknown_format", "no list named", id="no list"),
        pytest.param({"MeasureCodes.json": b"<html>"}, "unknown_format", "Expecting value", id="broken codes"),
        pytest.param({"MeasureCodes.json": b'{"value":[1]}'}, "unknown_format", "int", id="codes of another shape"),
        pytest.param({"MeasureCodes.json": None}, "unknown_format", "no MeasureCodes.json", id="codes missing"),
        pytest.param({"RegioSCodes.json": None}, "unknown_format", "no RegioSCodes.json", id="regions missing"),
        pytest.param({"Dimensions.json": None}, "unknown_format", "no Dimensions.json", id="no dimensions"),
        pytest.param({"Dimensions.json": codes("Perioden")}, "missing_column", "unknown: RegioS", id="new column"),
        pytest.param(
            {"Dimensions.json": codes("RegioS", "Perioden", "Geslacht")},
            "missing_column",
            "missing: Geslacht",
            id="lost column",
        ),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_with_one_reason(
    files: dict[str, bytes | None], reason: str, found: str
) -> None:
    given_files = {name: content for name, content in (answers() | files).items() if content is not None}

    result = read_observations(given_files, source())

    assert result.refused
    assert result.rows.num_rows == 0
    assert result.rows_in == result.rows_quarantined > 0
    (problem,) = result.problems
    assert problem.reason == reason
    assert found in problem.found
    assert problem.file.startswith(TABLE)


@pytest.mark.parametrize(
    "reader", [{"region_dimension": "Gemeente"}, {"period_dimension": "Jaar"}, {"dimensions": ("Geslacht",)}]
)
def test_a_declared_dimension_that_the_table_has_not_is_a_missing_column(reader: dict[str, Any]) -> None:
    result = read(reader=reader)
    assert result.refused
    assert [problem.reason for problem in result.problems] == ["missing_column"]
    assert result.problems[0].found == "dimensions Perioden, RegioS"


def test_the_rows_of_a_refused_table_are_counted_over_all_its_pages() -> None:
    files = answers(page_size=2)
    files["Observations-0002.json"] = b"{"
    result = read_observations(files, source())
    assert result.refused
    assert result.rows_quarantined == 4
    assert result.problems[0].file == f"{TABLE}/Observations-0002.json"


def test_region_codes_are_trimmed_and_keep_their_history_as_written() -> None:
    found = read_region_codes(answers(), source())
    assert found.schema == REGION_CODE
    assert found.to_pylist() == [
        {"source_id": "cbs_klein", "edition": None, **region}
        for region in (
            {"region_code": "GM0001", "region_name": "Aap", "description": "Eerste"},
            {"region_code": "GM0002", "region_name": "Noot", "description": ""},
            {"region_code": "GM0003", "region_name": "Mies", "description": None},
        )
    ]
    assert read_region_codes(answers(), source(region_dimension=None)).num_rows == 0


def test_a_table_that_is_refused_for_its_region_codes_has_none() -> None:
    files = answers() | {"RegioSCodes.json": b"<html>"}
    assert read_observations(files, source()).refused
    assert read_region_codes(files, source()).num_rows == 0


# Editions, codes of a table's own, groups of measures, units


def edition(*rows: Mapping[str, Any], declared: Source | None = None, **lists: Any) -> ReadResult:
    """The small table as one of several, of the year 2023; it has no period dimension."""
    without = [{name: value for name, value in row.items() if name != "Perioden"} for row in rows]
    files = answers(*without, Dimensions=codes("RegioS"), **lists)
    del files["PeriodenCodes.json"]
    return read_observations(files, declared or source(period_dimension=None), "2023")


def test_all_figures_of_an_edition_are_of_its_period() -> None:
    result = edition(observation(0, "GM0001", None), observation(1, "GM0002", None))
    assert result.problems == ()
    found = [(row["period_raw"], row["period_code"], row["period_status"]) for row in result.rows.to_pylist()]
    assert found == [("2023", "2023", None)] * 2


def test_an_edition_whose_figures_share_a_key_is_told_without_its_period() -> None:
    result = edition(observation(0, "GM0001", None), observation(1, "GM0001", None))
    assert [problem.reason for problem in result.problems] == ["duplicate_key", "duplicate_key"]
    assert result.problems[0].expected == "one observation for each Measure and RegioS"


def test_an_edition_may_hold_the_one_period_that_it_is_of() -> None:
    files = answers(observation(0, "GM0001", "2015JJ00"))
    result = read_observations(files, source(), "2015")
    assert result.rows["period_code"].to_pylist() == ["2015"]
    two = answers(observation(0, "GM0001", "2015JJ00"), observation(1, "GM0001", "2016HJ02"))
    assert [problem.column_name for problem in read_observations(two, source(), "2015").problems] == ["Perioden"]


def test_an_edition_of_what_is_no_period_of_the_warehouse_is_refused() -> None:
    for name in ("2023JJ00", "dit jaar"):
        result = read_observations(answers(), source(period_dimension=None), name)
        assert [(problem.reason, problem.found) for problem in result.problems] == [
            ("unknown_period", f"the edition {name!r}")
        ]


def test_a_table_without_a_period_dimension_must_be_an_edition() -> None:
    result = read(reader={"period_dimension": None})
    assert result.refused
    assert result.problems[0].reason == "unknown_period"


def test_the_regions_of_an_edition_say_of_which_one_they_are() -> None:
    found = read_region_codes(answers(), source(), "2023")
    assert found["edition"].to_pylist() == ["2023"] * 3


def test_an_edition_names_its_own_table_in_a_problem() -> None:
    declared = source(period_dimension=None).model_copy(
        update={"connector": CbsV4Connector(kind="cbs_v4", editions={"2022": "00022ned", "2023": "00023ned"})}
    )
    result = edition(observation(0, "XX", None), declared=declared)
    assert result.problems[0].file == "00023ned/Observations.json"


def test_a_code_that_only_this_table_writes_so_becomes_the_one_that_all_others_use() -> None:
    regions = codes("NL00 ", "GM0001")
    rows = [observation(0, "NL00", "2015JJ00"), observation(1, "GM0001", "2015JJ00")]
    declared = {"region_codes": {"NL00": "NL01"}}

    assert read(*rows, RegioSCodes=regions, reader=declared).rows["region_code"].to_pylist() == ["NL01", "GM0001"]
    files = answers(*rows, RegioSCodes=regions)
    assert read_region_codes(files, source(**declared))["region_code"].to_pylist() == ["NL01", "GM0001"]


def test_a_table_that_writes_the_country_in_both_ways_has_it_twice() -> None:
    rows = [observation(0, "NL00", "2015JJ00"), observation(1, "NL01", "2015JJ00")]
    result = read(*rows, RegioSCodes=codes("NL00", "NL01"), reader={"region_codes": {"NL00": "NL01"}})
    assert [problem.reason for problem in result.problems] == ["duplicate_key", "duplicate_key"]


def test_measures_of_one_title_are_told_apart_by_their_groups() -> None:
    measures = listed(
        {"Identifier": "M1", "Title": "Appartement", "Unit": "kWh", "MeasureGroupId": "E"},
        {"Identifier": "M2", "Title": "Appartement", "Unit": "m3", "MeasureGroupId": "G"},
        {"Identifier": "M3", "Title": "Hoekwoning", "Unit": "m3", "MeasureGroupId": "G"},
    )
    groups = listed({"Id": "E", "Title": "Elektriciteit"}, {"Id": "G", "Title": "Aardgas "})
    rows = [observation(number, "GM0001", "2015JJ00", Measure=f"M{number}") for number in (1, 2, 3)]
    result = read(*rows, MeasureCodes=measures, MeasureGroups=groups)
    assert result.rows["item"].to_pylist() == ["Elektriciteit: Appartement", "Aardgas: Appartement", "Hoekwoning"]


def test_pages_of_slices_are_one_table() -> None:
    files = answers(page_size=2)
    pages = [files.pop(name) for name in sorted(files) if name.startswith("Observations")]
    files |= {f"Observations-0001-{number:04d}.json": page for number, page in enumerate(pages[:2], start=1)}
    files["Observations-0002-0001.json"] = pages[2]
    files["slice.json"] = b'{"filter": null}'
    assert sorted(read_observations(files, source()).rows["row_id"].to_pylist()) == [0, 1, 2, 3, 4, 5]


def in_units(found: str, *declared: Series) -> ReadResult:
    """Two observations of one measure in the unit that was found, and one of another."""
    measures = listed(
        {"Identifier": "M1", "Title": "Cliënten", "Unit": found},
        {"Identifier": "M2", "Title": "Inwoners", "Unit": "aantal"},
    )
    rows = [
        observation(0, "GM0001", "2015JJ00", Measure="M2"),
        observation(1, "GM0001", "2015JJ00", Measure="M1"),
        observation(2, "GM0002", "2015JJ00", Measure="M1"),
    ]
    files = answers(*rows, MeasureCodes=measures)
    return read_observations(files, source().model_copy(update={"series": declared}))


def test_figures_in_another_unit_than_the_declared_one_are_quarantined_as_a_series() -> None:
    result = in_units("per 10 000 inwoners", Series(item="Cliënten", indicator_id="x", unit="per 1 000 inwoners"))

    assert result.rows["item"].to_pylist() == ["Inwoners"]
    assert (result.rows_in, result.rows_loaded, result.rows_quarantined) == (3, 1, 2)
    (problem,) = result.problems
    assert problem.reason == "unexpected_unit"
    assert str(problem) == (
        f"{TABLE}/Observations.json:2 (Unit): found 'per 10 000 inwoners' for Cliënten (2 observations), "
        "expected the declared unit 'per 1 000 inwoners'"
    )


def test_figures_in_the_declared_unit_or_without_one_are_read() -> None:
    series = (Series(item="Cliënten", indicator_id="x", unit="x 1 000"), Series(item="Inwoners", indicator_id="y"))
    assert in_units("x 1000", *series).rows_loaded == 3


def test_a_source_of_another_kind_is_wrong_use() -> None:
    swing = source().model_copy(
        update={
            "reader": SwingReader(kind="swing", items=("a",)),
            "connector": FolderConnector(kind="folder", pattern="*"),
        }
    )
    with pytest.raises(TypeError, match="found a swing reader"):
        read_observations(answers(), swing)


_ANY_ROW = st.builds(
    lambda region, period, measure, value: observation(0, region, period, Measure=measure, Value=value),
    st.sampled_from(["GM0001", " GM0001", "GM0002", "GM0003", "GM9999", "", None]),
    st.sampled_from(["2015JJ00", "2016HJ02", "2016HJ03", None]),
    st.sampled_from(["M000352", "M000352 ", "M1"]),
    st.one_of(st.none(), st.floats(-1e9, 1e9), st.integers(-(2**53), 2**53), st.sampled_from(["x", "1"])),
)


@settings(deadline=None)
@given(rows=st.lists(_ANY_ROW, min_size=1, max_size=12), page_size=st.integers(1, 5))
def test_every_row_is_loaded_or_quarantined_once_and_what_is_loaded_has_unique_known_keys(
    rows: list[dict[str, Any]], page_size: int
) -> None:
    numbered = [row | {"Id": number} for number, row in enumerate(rows)]

    result = read(*numbered, page_size=page_size)

    rejected = [json.loads(problem.raw_text)["Id"] for problem in result.problems]
    assert sorted([*result.rows["row_id"].to_pylist(), *rejected]) == list(range(len(rows)))
    assert rejected == sorted(rejected)
    keys = list(zip(*(result.rows[name].to_pylist() for name in ("item", "region_code", "period_code")), strict=True))
    assert len(set(keys)) == len(keys)
    assert set(result.rows["region_code"].to_pylist()) <= {"GM0001", "GM0002", "GM0003"}
    for row in result.rows.to_pylist():
        given_value = numbered[row["row_id"]]["Value"]
        assert row["value"] == (None if given_value is None else pytest.approx(float(given_value)))
    assert pa.types.is_string(result.rows.schema.field("item").type)
