"""What the declarations stand for: groups, countries, patterns and period ranges laid out into tables."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from pipelines.declarations.catalogue import Correction, Decision, Event, GoalRule, Indicator, Region
from pipelines.declarations.declared_schema import SCHEMAS
from pipelines.declarations.expand import declared_tables
from pipelines.declarations.load import Declarations, load_declarations
from pipelines.declarations.source import Source
from pipelines.settings import PROJECT_ROOT

COUNT: dict[str, Any] = {
    "label_nl": "Naam",
    "label_en": "Name",
    "law": "wmo",
    "unit": "count",
    "value_kind": "flow",
    "aggregation": "sum",
    "desired_direction": "none",
    "description_nl": "Aantal.",
}
INDICATORS = (
    Indicator(indicator_id="bevolking", **COUNT),
    Indicator(indicator_id="wmo_hulp", sources=("eerste", "tweede"), **COUNT),
    Indicator(
        indicator_id="wmo_hulp_per_1000",
        numerator_id="wmo_hulp",
        denominator_id="bevolking",
        **{**COUNT, "unit": "per_1000", "aggregation": "recompute", "value_kind": "rate"},
    ),
)
REGIONS = (
    Region(code="NL01", name="Nederland", region_type="land", municipality_prefix="GM"),
    Region(code="VB00", name="Voorbeeldland", region_type="land", is_fictional=True),
    Region(code="GM0373", name="Bergen (NH.)", region_type="gemeente"),
    Region(code="GM0450", name="Uitgeest", region_type="gemeente"),
)
DUO = Region(code="SV-DUO", name="Duo", region_type="samenwerking", members=("GM0373", "GM0450"))
SOURCE: dict[str, Any] = {
    "source_id": "tellingen",
    "title": "Tellingen",
    "publisher": "Gemeente",
    "licence": "CC0",
    "cadence": "yearly",
    "profiles": ["sample"],
    "origin": {"producer": "Gemeente", "citation": "Gemeente, telling"},
    "connector": {"kind": "cbs_v4", "table": "T1"},
    "reader": {"kind": "cbs_v4"},
    "series": [
        {"item": "Cliënten|A1", "indicator_id": "wmo_hulp"},
        {"item": "Cliënten|A2", "indicator_id": "bevolking", "factor": 1000},
    ],
}
KNOWN = pa.table(
    {
        "region_code": ["NL01", "PV27", "GM0373", "GM0999", "VB00", "VB0001", "VB0002", "WK037300"],
        "region_name": ["n"] * 8,
        "region_type": ["land", "provincie", "gemeente", "gemeente", "land", "gemeente", "gemeente", "wijk"],
    }
)
NOBODY = pa.table({"region_code": pa.array([], pa.string()), "region_type": pa.array([], pa.string())})


def declared(**parts: Any) -> Declarations:
    none: dict[str, Any] = dict.fromkeys(
        (
            *("sources", "events", "goals", "printed_figures", "decisions", "corrections"),
            *("aliases", "source_aliases", "disabled"),
        ),
        (),
    )
    nothing = Declarations(
        profile="sample", indicators=INDICATORS, regions=REGIONS, groups=(DUO,), fingerprint="0", **none
    )
    return replace(nothing, **parts)


def source(**changed: Any) -> Source:
    return Source.model_validate({**SOURCE, **changed})


def event(regions: list[str], indicators: list[str], **changed: Any) -> Event:
    return Event.model_validate(
        {
            "event_id": "iets",
            "kind": "policy",
            "nature": "mixed",
            "effective_date": dt.date(2017, 1, 1),
            "region_codes": regions,
            "indicator_ids": indicators,
            "label_nl": "Iets",
            "reference": "Ergens",
            **changed,
        }
    )


def scope(*events: Event) -> set[tuple[str, str]]:
    table = declared_tables(declared(events=events), KNOWN)["event_scope"]
    return {(row["region_code"], row["indicator_id"]) for row in table.to_pylist()}


def cells(table: pa.Table) -> set[tuple[str, str]]:
    return {(row["region_code"], row["period_code"]) for row in table.to_pylist()}


def expected(*entries: dict[str, Any], known: pa.Table = KNOWN, **changed: Any) -> pa.Table:
    declarations = declared(sources=(source(expected=list(entries), **changed),))
    return declared_tables(declarations, known)["expected"]


def entry(regions: list[str], periods: list[str], items: list[str], **more: Any) -> dict[str, Any]:
    return {"regions": regions, "periods": periods, "items": items, **more}


# -- all tables --------------------------------------------------------------------------------------


def test_every_table_has_its_columns_also_when_nothing_is_declared() -> None:
    bare = declared(indicators=(), regions=(), groups=())
    for declarations, known in ((bare, NOBODY), (declared(), KNOWN)):
        tables = declared_tables(declarations, known)
        assert {name: table.schema for name, table in tables.items()} == SCHEMAS


def test_an_indicator_keeps_the_order_of_its_sources_and_has_the_factor_of_its_unit() -> None:
    rows = {row["indicator_id"]: row for row in declared_tables(declared(), KNOWN)["indicator"].to_pylist()}
    assert rows["wmo_hulp"]["sources"] == ["eerste", "tweede"]
    assert rows["wmo_hulp"]["rate_factor"] is None
    assert rows["wmo_hulp_per_1000"]["rate_factor"] == 1000


def test_regions_and_groups_are_regions_with_a_country_and_groups_have_members() -> None:
    tables = declared_tables(declared(), NOBODY)
    countries = {row["region_code"]: row["country_code"] for row in tables["region"].to_pylist()}
    assert countries == {"NL01": "NL01", "VB00": "VB00", "GM0373": "NL01", "GM0450": "NL01", "SV-DUO": "NL01"}
    assert tables["region_member"].to_pylist() == [
        {"group_code": "SV-DUO", "member_code": "GM0373"},
        {"group_code": "SV-DUO", "member_code": "GM0450"},
    ]


def test_a_source_shows_what_it_is_and_which_items_are_which_indicator() -> None:
    tables = declared_tables(declared(sources=(source(rounding=5),)), KNOWN)
    (row,) = tables["source"].to_pylist()
    assert (row["source_id"], row["rounding"], row["is_fictional"], row["person_level"]) == (
        "tellingen",
        5,
        False,
        False,
    )
    assert tables["series"].select(["source_id", "item", "indicator_id", "factor"]).to_pylist() == [
        {"source_id": "tellingen", "item": "Cliënten|A1", "indicator_id": "wmo_hulp", "factor": 1.0},
        {"source_id": "tellingen", "item": "Cliënten|A2", "indicator_id": "bevolking", "factor": 1000.0},
    ]


def test_a_decision_and_a_correction_become_rows() -> None:
    decision = Decision(
        break_id="ab12",
        decision="accepted",
        because="Nieuwe telling",
        who="Team data",
        when=dt.date(2026, 1, 31),
    )
    correction = Correction.model_validate(
        {
            "source_id": "tellingen",
            "item": "Cliënten|A1",
            "region_code": "GM0373",
            "period_code": 2016,
            "expect": 460,
            "value": None,
            "because": "Een nul te veel",
            "who": "Team data",
            "when": "2026-01-31",
        }
    )
    tables = declared_tables(declared(decisions=(decision,), corrections=(correction,)), KNOWN)
    (decided,) = tables["decision"].to_pylist()
    assert (decided["break_id"], decided["decision"], decided["decided_on"]) == (
        "ab12",
        "accepted",
        dt.date(2026, 1, 31),
    )
    (corrected,) = tables["correction"].to_pylist()
    assert (corrected["period_code"], corrected["expect"], corrected["value"]) == ("2016", 460, None)


# -- events ------------------------------------------------------------------------------------------


def test_a_country_stands_for_itself_and_all_its_known_municipalities() -> None:
    assert scope(event(["NL01"], ["bevolking"])) == {
        (code, "bevolking") for code in ("NL01", "GM0373", "GM0450", "GM0999")
    }
    assert scope(event(["VB00"], ["bevolking"])) == {(code, "bevolking") for code in ("VB00", "VB0001", "VB0002")}


def test_a_group_stands_for_itself_and_its_members_and_a_municipality_for_itself() -> None:
    assert {region for region, _ in scope(event(["SV-DUO"], ["bevolking"]))} == {"SV-DUO", "GM0373", "GM0450"}
    assert {region for region, _ in scope(event(["GM0999"], ["bevolking"]))} == {"GM0999"}


def test_overlapping_regions_and_patterns_give_every_cell_once() -> None:
    overlapping = event(["SV-DUO", "GM0373"], ["wmo_*", "wmo_hulp"])
    table = declared_tables(declared(events=(overlapping,)), KNOWN)["event_scope"]
    assert table.num_rows == 3 * 2


@pytest.mark.parametrize(
    ("pattern", "indicators"),
    [
        ("wmo_hulp", {"wmo_hulp"}),
        ("wmo_*", {"wmo_hulp", "wmo_hulp_per_1000"}),
        ("*", {"bevolking", "wmo_hulp", "wmo_hulp_per_1000"}),
        ("iv3_*", set()),
    ],
)
def test_a_pattern_stands_for_the_indicators_that_begin_so(pattern: str, indicators: set[str]) -> None:
    assert {indicator for _, indicator in scope(event(["GM0373"], [pattern]))} == indicators


def test_an_event_keeps_its_scope_as_declared_and_has_a_window_in_days() -> None:
    dated = event(["SV-DUO", "VB00"], ["wmo_*", "bevolking"])
    spanning = event(["NL01"], ["*"], event_id="lang", effective_date=None, period_from=2016, period_to="2017H1")
    rows = declared_tables(declared(events=(dated, spanning)), KNOWN)["event"].to_pylist()
    assert (rows[0]["region_codes"], rows[0]["indicator_ids"]) == ("SV-DUO|VB00", "wmo_*|bevolking")
    assert rows[0]["window_start"] == rows[0]["window_end"] == rows[0]["effective_date"] == dt.date(2017, 1, 1)
    assert (rows[1]["window_start"], rows[1]["window_end"]) == (dt.date(2016, 1, 1), dt.date(2017, 6, 30))
    assert rows[1]["effective_date"] is None


# -- what is expected, and what is known to be missing -----------------------------------------------


def test_a_prefix_with_a_star_stands_for_municipalities_and_the_country_that_begin_so() -> None:
    table = expected(entry(["VB*"], ["2015..2016"], ["Cliënten|A1"]))
    assert cells(table) == {(region, period) for region in ("VB00", "VB0001", "VB0002") for period in ("2015", "2016")}


def test_a_prefix_that_nobody_knows_yet_expects_nothing() -> None:
    assert expected(entry(["XY*"], ["2015"], ["Cliënten|A1"])).num_rows == 0
    assert expected(entry(["VB*"], ["2015"], ["Cliënten|A1"]), known=NOBODY)["region_code"].to_pylist() == ["VB00"]


def test_a_group_stands_for_its_members_only_when_it_says_so() -> None:
    itself = expected(entry(["SV-DUO"], ["2015"], ["Cliënten|A1"]))
    members = expected(entry(["SV-DUO"], ["2015"], ["Cliënten|A1"], members=True))
    assert cells(itself) == {("SV-DUO", "2015")}
    assert cells(members) == {("GM0373", "2015"), ("GM0450", "2015")}


def test_a_figure_is_due_so_many_days_after_its_period_ends() -> None:
    table = expected(entry(["GM0373"], ["2016H1", "2016"], ["Cliënten|A1"], due_days=10))
    due = {row["period_code"]: row["due_date"] for row in table.to_pylist()}
    assert due == {"2016H1": dt.date(2016, 7, 10), "2016": dt.date(2017, 1, 10)}


def test_items_with_a_series_carry_its_indicator_and_a_star_stands_for_all_of_them() -> None:
    table = expected(entry(["GM0373"], ["2016"], ["*"]))
    assert {row["item"]: row["indicator_id"] for row in table.to_pylist()} == {
        "Cliënten|A1": "wmo_hulp",
        "Cliënten|A2": "bevolking",
    }


def test_an_amount_of_money_is_expected_under_its_own_name() -> None:
    table = expected(entry(["GM0373"], ["2016"], ["rijksbudget_eur"]), series=[])
    (row,) = table.to_pylist()
    assert (row["item"], row["indicator_id"]) == ("rijksbudget_eur", "rijksbudget_eur")


def test_what_two_entries_ask_for_is_expected_once_and_on_the_earlier_day() -> None:
    table = expected(
        entry(["SV-DUO"], ["2016"], ["Cliënten|A1"], members=True, due_days=100),
        entry(["GM0373"], ["2016..2017"], ["Cliënten|A1"], due_days=1),
    )
    due = {(row["region_code"], row["period_code"]): row["due_date"] for row in table.to_pylist()}
    assert due == {
        ("GM0373", "2016"): dt.date(2017, 1, 1),
        ("GM0373", "2017"): dt.date(2018, 1, 1),
        ("GM0450", "2016"): dt.date(2017, 4, 10),
    }


def test_two_items_of_one_indicator_are_expected_once() -> None:
    series = [{"item": item, "indicator_id": "wmo_hulp"} for item in ("1e plaatsing", "2e plaatsing")]
    table = expected(
        entry(["GM0373"], ["2016"], ["2e plaatsing"], due_days=10),
        entry(["GM0373"], ["2016"], ["1e plaatsing"], due_days=20),
        series=series,
    )
    assert [(row["item"], row["indicator_id"], row["due_date"]) for row in table.to_pylist()] == [
        ("2e plaatsing", "wmo_hulp", dt.date(2017, 1, 10))
    ]


def test_a_known_gap_covers_only_what_is_expected_and_gives_the_first_reason() -> None:
    told = source(
        expected=[entry(["SV-DUO"], ["2015..2016"], ["*"], members=True)],
        known_gaps=[
            {
                "regions": ["SV-DUO"],
                "periods": ["2016..2018"],
                "items": ["Cliënten|A1"],
                "because": "Niet geleverd",
            },
            {"regions": ["GM0373"], "periods": ["2016"], "because": "Niet verwerkt"},
        ],
    )
    table = declared_tables(declared(sources=(told,)), KNOWN)["known_gap"]
    assert [(row["item"], row["region_code"], row["period_code"], row["because"]) for row in table.to_pylist()] == [
        ("Cliënten|A1", "GM0373", "2016", "Niet geleverd"),
        ("Cliënten|A1", "GM0450", "2016", "Niet geleverd"),
        ("Cliënten|A2", "GM0373", "2016", "Niet verwerkt"),
    ]


def test_a_gap_without_an_end_goes_on_to_the_day_of_the_run() -> None:
    told = source(
        expected=[entry(["GM0373"], ["2015.."], ["Cliënten|A1"])],
        known_gaps=[{"regions": ["GM0373"], "periods": ["2017.."], "because": "Komt niet meer"}],
    )
    table = declared_tables(declared(sources=(told,)), KNOWN, dt.date(2019, 2, 1))["known_gap"]
    assert table["period_code"].to_pylist() == ["2017", "2018", "2019"]


# -- the bundled declarations ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bundled() -> dict[str, pa.Table]:
    return declared_tables(load_declarations(PROJECT_ROOT / "sources", "sample"), KNOWN, dt.date(2026, 7, 1))


def test_the_fusie_of_the_buch_reaches_the_use_of_wmo_in_its_four_municipalities(
    bundled: dict[str, pa.Table],
) -> None:
    reached = {
        row["region_code"]
        for row in bundled["event_scope"].to_pylist()
        if row["event_id"] == "ambtelijke_fusie_buch_2017" and row["indicator_id"] == "wmo_hulp_bij_het_huishouden"
    }
    assert reached == {"SV-BUCH", "GM0373", "GM0450", "GM0383", "GM0399"}


def test_no_event_of_the_real_country_reaches_the_fictional_one(bundled: dict[str, pa.Table]) -> None:
    fictional = {row["event_id"] for row in bundled["event_scope"].to_pylist() if row["region_code"].startswith("VB")}
    assert all(event_id.startswith("vb_") for event_id in fictional)


def test_every_half_year_of_voorbeeldland_is_expected(bundled: dict[str, pa.Table]) -> None:
    wanted = {
        row["period_code"]
        for row in bundled["expected"].to_pylist()
        if row["source_id"] == "vb_wmo" and row["region_code"] == "VB0001"
    }
    assert wanted == {f"{year}H{half}" for year in range(2015, 2027) for half in (1, 2)}


def test_a_goal_row_holds_its_rule_in_parts(bundled: dict[str, pa.Table]) -> None:
    (row,) = [row for row in bundled["goal"].to_pylist() if row["indicator_id"] == "suicidegedachten_pct"]
    assert GoalRule(kind=row["rule_kind"], value=row["rule_value"], by_date=row["rule_by_date"]) == GoalRule(
        kind="to_value", value=15
    )
    assert (row["region_code"], row["baseline_period"], row["baseline_value"]) == ("SV-IJMOND", "2015", 17)
