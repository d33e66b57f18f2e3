"""What measures are called: by their title, by that of their group in front of it, and last of all by their code."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from pipelines.declarations.source import CbsV4Connector, CbsV4Reader, Series, Source
from pipelines.readers.cbs_lists import list_of
from pipelines.readers.cbs_measures import measure_names, measures_meant, unexpected_units
from tests.cbs_sources import source_of

GROUPS = [
    {"Id": "E", "Title": "Elektriciteit "},
    {"Id": "G", "Title": "Aardgas"},
    {"Id": "X", "Title": "Aardgas"},
]


def entries(*rows: dict[str, Any]) -> pa.Table:
    return list_of(rows, "MeasureCodes")


def measure(code: str, title: str | None, group: str | None = None) -> dict[str, Any]:
    return {"Identifier": code, "Title": title, "MeasureGroupId": group}


MEASURES = entries(
    measure("M1", "Aantal inwoners "),
    measure("M2", "Appartement", "E"),
    measure("M3", "Appartement", "G"),
    measure("M4", "Hoekwoning", "G"),
    measure("M5", "Tussenwoning", "G"),
    measure("M6", "Tussenwoning", "X"),
    measure("M7", None),
)


def test_a_title_that_is_one_measure_s_own_is_its_name_and_another_gets_its_group_or_its_code() -> None:
    assert measure_names(MEASURES, entries(*GROUPS)) == [
        "Aantal inwoners",
        "Elektriciteit: Appartement",
        "Aardgas: Appartement",
        "Hoekwoning",
        "Tussenwoning (M5)",
        "Tussenwoning (M6)",
        "M7",
    ]


def test_without_groups_equal_titles_are_told_apart_by_their_codes() -> None:
    assert measure_names(MEASURES, None)[1:3] == ["Appartement (M2)", "Appartement (M3)"]


@pytest.mark.parametrize(
    ("title", "codes"),
    [
        ("Aantal inwoners", ("M1",)),
        (" Aantal inwoners ", ("M1",)),
        ("aantal inwoners", ()),
        ("Aantal", ()),
        ("Appartement", ("M2", "M3")),
        ("Aardgas: Appartement", ("M3",)),
        ("Aardgas: Hoekwoning", ("M4",)),
        ("Aardgas: Tussenwoning", ("M5", "M6")),
        ("Tussenwoning (M6)", ("M6",)),
    ],
)
def test_a_declared_title_means_all_measures_that_have_it_or_the_one_that_is_called_so(
    title: str, codes: tuple[str, ...]
) -> None:
    assert measures_meant([title], MEASURES, entries(*GROUPS)) == (codes, () if codes else (title.strip(),))


def test_measures_come_in_the_tables_order_each_once() -> None:
    meant, lacking = measures_meant(
        ["Hoekwoning", "Woningen", "Appartement", "Aardgas: Appartement", "Woningen"], MEASURES, entries(*GROUPS)
    )
    assert (meant, lacking) == (("M2", "M3", "M4"), ("Woningen",))


def source(*series: Series) -> Source:
    return source_of(CbsV4Connector(kind="cbs_v4", table="00001ned"), CbsV4Reader(kind="cbs_v4"), series=series)


@pytest.mark.parametrize(
    ("declared", "found", "is_wrong"),
    [
        ("x 1 000", "x 1000", False),
        ("x 1000", "x 1\xa0000 ", False),
        ("per 1 000 inwoners", "per 10 000 inwoners", True),
        ("aantal", None, True),
        ("%", "aantal", True),
        (None, "aantal", False),
    ],
)
def test_a_unit_is_compared_with_the_declared_one_and_spaces_do_not_count(
    declared: str | None, found: str | None, is_wrong: bool
) -> None:
    series = Series(item="Cliënten|T001024", indicator_id="clienten", unit=declared)
    wrong = unexpected_units(["Ander|T001024", "Cliënten|T001024", None], ["", found, found], source(series))
    assert wrong == ({1: declared} if is_wrong else {})


def test_a_series_that_stands_for_several_items_is_held_to_its_unit_in_each_of_them() -> None:
    series = Series(item="Cliënten|A*", indicator_id="clienten", unit="aantal", adds_up=True)
    wrong = unexpected_units(["Cliënten|A1", "Cliënten|A2", "Cliënten|T1"], ["aantal", "%", "%"], source(series))
    assert wrong == {1: "aantal"}
