"""How often a source appears: what is expected of it, from monthly to once in four years, and when it is late."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pipelines.declarations.expand import declared_tables
from pipelines.declarations.load import DeclarationError, load_declarations
from pipelines.declarations.rhythms import Rhythm, in_rhythm
from pipelines.declarations.source import Source
from pipelines.periods import expand_periods, period_range
from pipelines.settings import PROJECT_ROOT
from tests.unit.test_declared_tables import KNOWN, SOURCE, declared, entry

TODAY = dt.date(2020, 5, 31)
RHYTHM: dict[str, Any] = {
    "source_id": "monitor",
    "title": "Monitor",
    "publisher": "GGD",
    "cadence": "four_yearly",
    "because_nl": "Niet aangesloten.",
    "reference": "002",
    "expected": [entry(["GM0373"], ["2014.."], ["wmo_hulp"], due_days=365)],
}


def expected_of(cadence: str, *entries: dict[str, Any], today: dt.date = TODAY) -> list[dict[str, Any]]:
    source = Source.model_validate({**SOURCE, "cadence": cadence, "expected": list(entries)})
    return _rows(declared_tables(declared(sources=(source,)), KNOWN, today)["expected"])


def _rows(table: pa.Table) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def periods_of(rows: list[dict[str, Any]], measured: bool = True) -> list[str]:
    return [row["period_code"] for row in rows if row["in_rhythm"] == measured]


@pytest.mark.parametrize(
    ("cadence", "first", "measured"),
    [
        ("monthly", "2020M03", ["2020M03", "2020M04", "2020M05"]),
        ("quarterly", "2019Q4", ["2019Q4", "2020Q1", "2020Q2"]),
        ("half_yearly", "2019H1", ["2019H1", "2019H2", "2020H1"]),
        ("yearly", "2018", ["2018", "2019", "2020"]),
        ("two_yearly", "2015", ["2015", "2017", "2019"]),
        ("four_yearly", "2010", ["2010", "2014", "2018"]),
        # a quarter that is published once a year, and a year that is revised every half-year
        ("yearly", "2018Q4", ["2018Q4", "2019Q4"]),
        ("half_yearly", "2019", ["2019", "2020"]),
        ("once", "2019", ["2019", "2020"]),
    ],
)
def test_a_source_is_expected_in_its_rhythm_up_to_the_day_of_the_run(
    cadence: str, first: str, measured: list[str]
) -> None:
    rows = expected_of(cadence, entry(["GM0373"], [f"{first}.."], ["Cliënten|A1"]))
    assert periods_of(rows) == measured
    assert {*periods_of(rows), *periods_of(rows, measured=False)} == set(expand_periods([f"{first}.."], until=TODAY))


@given(st.integers(1, 60), st.sampled_from([("two_yearly", 2), ("four_yearly", 4), ("yearly", 1)]))
def test_the_first_year_is_measured_and_then_every_so_many(years: int, rhythm: tuple[Any, int]) -> None:
    cadence, step = rhythm
    found = in_rhythm(period_range("1990", str(1989 + years)), cadence)
    assert [place for place, flag in enumerate(found) if flag] == list(range(0, years, step))


def test_years_that_are_named_one_by_one_are_all_measured() -> None:
    rows = expected_of("four_yearly", entry(["GM0373"], ["2018", "2019", "2020"], ["Cliënten|A1"]))
    assert periods_of(rows) == ["2018", "2019", "2020"]


def test_a_year_that_one_entry_wants_is_measured_though_another_skips_it() -> None:
    rows = expected_of(
        "four_yearly",
        entry(["GM0373"], ["2014..2018"], ["Cliënten|A1"], due_days=1),
        entry(["GM0373"], ["2016"], ["Cliënten|A1"], due_days=10),
    )
    assert periods_of(rows) == ["2014", "2016", "2018"]
    assert next(row for row in rows if row["period_code"] == "2016")["due_date"] == dt.date(2017, 1, 10)


def test_a_figure_is_late_for_its_own_term_and_for_ninety_days_without_one() -> None:
    rows = expected_of(
        "yearly",
        entry(["GM0373"], ["2018"], ["Cliënten|A1"], due_days=31),
        entry(["GM0373"], ["2018"], ["Cliënten|A2"], due_days=31, late_days=0),
    )
    assert {row["item"]: (row["due_date"], row["late_until"]) for row in rows} == {
        "Cliënten|A1": (dt.date(2019, 1, 31), dt.date(2019, 5, 1)),
        "Cliënten|A2": (dt.date(2019, 1, 31), dt.date(2019, 1, 31)),
    }


def test_a_range_without_an_end_needs_a_day_and_is_empty_before_it_begins() -> None:
    assert expand_periods(["2021M01.."], until=TODAY) == ()
    assert expand_periods(["2020H1..", "2019"], until=TODAY) == ("2020H1", "2019")
    with pytest.raises(ValueError, match=r"no last period in 2020H1\.\., expected a period such as"):
        expand_periods(["2020H1.."])
    assert expected_of("yearly", entry(["GM0373"], ["2021.."], ["Cliënten|A1"])) == []


def test_a_source_that_is_not_connected_is_expected_and_missing_for_a_known_reason() -> None:
    tables = declared_tables(declared(rhythms=(Rhythm.model_validate(RHYTHM),)), KNOWN, TODAY)
    rows = _rows(tables["expected"])
    assert periods_of(rows) == ["2014", "2018"]
    assert periods_of(rows, measured=False) == ["2015", "2016", "2017", "2019", "2020"]
    assert {(row["item"], row["indicator_id"]) for row in rows} == {("wmo_hulp", "wmo_hulp")}
    assert {row["because"] for row in _rows(tables["known_gap"])} == {"Niet aangesloten."}
    assert tables["rhythm"].to_pylist() == [
        {
            **{
                name: RHYTHM[name] for name in ("source_id", "title", "publisher", "cadence", "because_nl", "reference")
            },
            "url": None,
        }
    ]


def test_a_rhythm_expects_something() -> None:
    with pytest.raises(ValidationError, match="expected"):
        Rhythm.model_validate({**RHYTHM, "expected": []})


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A few declarations of which only a rhythm is of interest."""
    catalogue = tmp_path / "sources" / "catalogue"
    catalogue.mkdir(parents=True)
    (catalogue / "regions.yml").write_text(
        "regions:\n  - {code: NL01, name: Nederland, region_type: land, municipality_prefix: GM}\n", encoding="utf-8"
    )
    (catalogue / "indicators.yml").write_text(
        "indicators:\n  - {indicator_id: pesten_pct, label_nl: Pesten, label_en: Bullying, law: jeugd, unit: pct, "
        "value_kind: share, aggregation: none, desired_direction: down, description_nl: Deel.}\n",
        encoding="utf-8",
    )
    return tmp_path / "sources"


def write_rhythm(sources: Path, **changed: str) -> None:
    wanted = {"regions": "GM0373", "periods": '"2014.."', "items": "pesten_pct", **changed}
    (sources / "catalogue" / "rhythms.yml").write_text(
        "rhythms:\n"
        "  - source_id: monitor\n    title: Monitor\n    publisher: GGD\n    cadence: four_yearly\n"
        "    because_nl: Niet aangesloten.\n    reference: '002'\n    expected:\n"
        + "      - {"
        + ", ".join(f"{name}: [{value}]" for name, value in wanted.items())
        + "}\n",
        encoding="utf-8",
    )


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"regions": "GMX"}, "found GMX, expected a region or group"),
        ({"items": "onbekend"}, "found onbekend, expected an indicator"),
        ({"periods": '"2014X.."'}, "found '2014X', expected a period such as"),
    ],
)
def test_what_a_rhythm_names_must_exist(sources: Path, changed: dict[str, str], found: str) -> None:
    write_rhythm(sources, **changed)
    with pytest.raises(DeclarationError) as refused:
        load_declarations(sources, "sample")
    (problem,) = refused.value.problems
    assert found in problem and problem.startswith("sources/catalogue/rhythms.yml:")


def test_a_source_that_is_declared_takes_the_place_of_its_rhythm(sources: Path) -> None:
    write_rhythm(sources)
    assert [rhythm.source_id for rhythm in load_declarations(sources, "sample").rhythms] == ["monitor"]
    (sources / "municipal").mkdir()
    (sources / "municipal" / "monitor.yml").write_text(
        "source_id: monitor\ntitle: Monitor\npublisher: GGD\nlicence: CC0\ncadence: four_yearly\nprofiles: [live]\n"
        'origin: {producer: GGD, citation: "GGD, monitor"}\n'
        "connector: {kind: cbs_v4, table: T1}\nreader: {kind: cbs_v4}\n",
        encoding="utf-8",
    )
    assert load_declarations(sources, "live").rhythms == ()
    assert len(load_declarations(sources, "sample").rhythms) == 1


def test_the_monitors_of_the_youth_policy_are_expected_in_their_rhythm() -> None:
    bundled = load_declarations(PROJECT_ROOT / "sources", "sample")
    cadence = {rhythm.source_id: rhythm.cadence for rhythm in bundled.rhythms}
    assert {source_id: found for source_id, found in cadence.items() if found != "once"} == {
        "kindermonitor": "four_yearly",
        "emovo": "two_yearly",
        "politiemonitor": "yearly",
        "veilig_thuis": "yearly",
    }
    rows = _rows(declared_tables(bundled, KNOWN, dt.date(2021, 1, 1))["expected"])
    measured = {
        name: sorted({row["period_code"] for row in rows if row["source_id"] == name and row["in_rhythm"]})
        for name in ("kindermonitor", "emovo")
    }
    assert measured == {"kindermonitor": ["2014", "2018"], "emovo": ["2013", "2015", "2017", "2019", "2021"]}
