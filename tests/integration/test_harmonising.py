"""Figures on the borders of another year: the project's own SQL, on small histories, at random and on the real ones.

What belongs here: what `core_harmonised` makes of figures, history and declarations together. What does not: the
weights by themselves (`unit/test_geography_weights.py`), and small given rows that a reader of the model should see
beside it (its `unit_tests`).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.geography.history import History, parse_history
from pipelines.geography.weights import region_weights
from tests.harmonising import Warehouse, harmonise, values
from tests.histories import FIRST, LAST, Country, began, countries, ended, history_of, told

INDICATORS = [
    {"indicator_id": "clients", "aggregation": "sum", "value_kind": "flow"},
    {"indicator_id": "euros", "aggregation": "sum", "value_kind": "amount"},
    {"indicator_id": "people", "aggregation": "sum", "value_kind": "stock"},
    {"indicator_id": "share", "aggregation": "weighted_mean", "value_kind": "share", "denominator_id": "people"},
    {
        "indicator_id": "rate",
        "aggregation": "recompute",
        "value_kind": "rate",
        "numerator_id": "clients",
        "denominator_id": "people",
        "rate_factor": 1000.0,
    },
    {"indicator_id": "median", "aggregation": "none", "value_kind": "share"},
]

MERGER = history_of(GM0001=ended(2021, ("0003", 30)), GM0002=ended(2021, ("0003", 10)), GM0003=began(2021), GM0004="")
SPLIT = history_of(GM0001=ended(2021, ("0002", 30), ("0003", 10)), GM0002="", GM0003="")
# As Weesp went to Amsterdam: on a day in March, and the other one goes on.
IN_MARCH = history_of(
    GM0457="Opgeheven per 24-03-2022, overgegaan naar:\n- Naam (GM0363),\n... 20766 inwoners", GM0363=""
)


def figure(indicator: str, region: str, period: str, value: float | None, status: str | None = None) -> dict[str, Any]:
    found = {"indicator_id": indicator, "region_code": region, "period_code": period, "value": value}
    return found | ({"obs_status": status} if status else {})


def of(found: pa.Table, indicator: str, region: str, period: str, geography: str = "2026") -> tuple[Any, ...] | None:
    """Value, status and reason of one figure; None where there is no such row."""
    rows = found.filter(pc.equal(found["geography"], geography)).to_pylist()
    wanted = (indicator, region, period)
    matching = [row for row in rows if (row["indicator_id"], row["region_code"], row["period_code"]) == wanted]
    if not matching:
        return None
    (row,) = matching
    return row["value"], row["obs_status"], row["because"]


def brought(figures: list[dict[str, Any]], history: History, reference_year: int = 2026) -> pa.Table:
    return harmonise(figures, indicators=INDICATORS, history=history, reference_year=reference_year)


# --- counts and amounts ---------------------------------------------------------------------------------------------


def test_a_merged_municipality_has_the_sum_of_its_members_before_the_merger_and_its_own_figures_after_it():
    found = brought(
        [
            figure("clients", "GM0001", "2020H2", 40),
            figure("clients", "GM0002", "2020H2", 60, "P"),
            figure("clients", "GM0003", "2020H2", None, "M"),
            figure("clients", "GM0003", "2021H1", 105),
            figure("clients", "GM0004", "2020H2", 7),
            figure("clients", "SV-UNKNOWN", "2020H2", 9),
        ],
        MERGER,
    )
    assert of(found, "clients", "GM0003", "2020H2") == (100.0, "P", None)
    assert of(found, "clients", "GM0003", "2021H1") == (105.0, "A", None)
    assert of(found, "clients", "GM0004", "2020H2") == (7.0, "A", None)
    assert of(found, "clients", "SV-UNKNOWN", "2020H2") == (9.0, "A", None)
    assert of(found, "clients", "GM0001", "2020H2") is None
    assert of(found, "clients", "GM0001", "2020H2", "published") == (40.0, "A", None)


def test_a_split_divides_an_amount_without_losing_any_and_calls_it_an_estimate():
    codes = {"GM0001": 10, "GM0002": 100, "GM0003": 200}
    found = brought([figure("euros", code, "2020", value) for code, value in codes.items()], SPLIT)
    assert of(found, "euros", "GM0002", "2020") == (107.5, "E", None)
    assert of(found, "euros", "GM0003", "2020") == (202.5, "E", None)


def test_a_renamed_municipality_keeps_its_counts_and_whatever_else_was_published():
    renamed = "Naamswijziging per 01-01-2021,\nnieuwe naam: Nieuw (GM0002)\n"
    history = history_of(GM0001=renamed, GM0002=began(2021))
    found = brought(
        [figure(indicator, "GM0001", "2020", 10) for indicator in ("clients", "median", "share", "rate")], history
    )
    for indicator in ("clients", "median", "share", "rate"):
        assert of(found, indicator, "GM0002", "2020") == (10.0, "A", None)


def test_a_publisher_that_brought_figures_to_later_borders_itself_is_believed_where_the_old_codes_have_none():
    again = history_of(
        GM0001=ended(2016, ("0003", 1)),
        GM0002=ended(2016, ("0003", 1)),
        GM0003=began(2016) + ended(2021, ("0004", 1)),
        GM0004="",
    )
    restated = [figure("clients", "GM0003", "2014", 98), figure("clients", "GM0004", "2014", 2)]
    impossible = [figure("clients", code, "2014", None, "M") for code in ("GM0001", "GM0002")]
    assert of(brought([*restated, *impossible], again), "clients", "GM0004", "2014") == (100.0, "A", None)
    both = [figure("clients", "GM0001", "2014", 60), figure("clients", "GM0002", "2014", 39)]
    assert of(brought([*restated, *both], again), "clients", "GM0004", "2014") == (101.0, "A", None)
    assert of(brought([*restated, both[0]], again), "clients", "GM0004", "2014") == (None, "L", "member_missing")


# --- rates, percentages and what cannot be put together ------------------------------------------------------------


def test_a_published_percentage_is_weighted_by_what_it_is_a_percentage_of():
    found = brought(
        [
            figure("share", "GM0001", "2020H1", 20),
            figure("share", "GM0002", "2020H1", 60, "P"),
            # a stock of 1 January serves the half-years
            figure("people", "GM0001", "2020", 3000),
            figure("people", "GM0002", "2020", 1000),
        ],
        MERGER,
    )
    assert of(found, "share", "GM0003", "2020H1") == (30.0, "P", None)
    (row,) = [row for row in found.to_pylist() if (row["indicator_id"], row["geography"]) == ("share", "2026")]
    assert (row["denominator"], row["numerator"], row["is_computed"]) == (4000.0, None, True)


def test_a_part_of_a_municipality_weighs_as_much_as_its_part_and_makes_an_estimate():
    found = brought(
        [
            *(figure("share", code, "2020", value) for code, value in [("GM0001", 10), ("GM0002", 50)]),
            *(figure("people", code, "2020", value) for code, value in [("GM0001", 4000), ("GM0002", 1000)]),
        ],
        SPLIT,
    )
    # three quarters of 4,000 at 10 %, and 1,000 at 50 %
    assert of(found, "share", "GM0002", "2020") == (20.0, "E", None)
    assert of(found, "share", "GM0003", "2020") == (None, "L", "member_missing")


def test_a_rate_comes_from_its_counts_and_only_without_them_from_the_published_rates():
    rates = [figure("rate", "GM0001", "2020", 11), figure("rate", "GM0002", "2020", 19)]
    people = [figure("people", "GM0001", "2020", 3000), figure("people", "GM0002", "2020", 1000)]
    clients = [figure("clients", "GM0001", "2020", 33.3), figure("clients", "GM0002", "2020", 18.7)]
    assert of(brought([*rates, *people, *clients], MERGER), "rate", "GM0003", "2020") == (13.0, "A", None)
    assert of(brought([*rates, *people], MERGER), "rate", "GM0003", "2020") == (13.0, "A", None)
    assert of(brought([*rates], MERGER), "rate", "GM0003", "2020") == (None, "L", "denominator_missing")
    # one of the counts is missing: the published rates still say it
    assert of(brought([*rates, *people, clients[0]], MERGER), "rate", "GM0003", "2020") == (13.0, "A", None)


def test_the_mean_of_one_figure_needs_no_denominator():
    found = brought([figure("share", "GM0001", "2020", 20), figure("share", "GM0002", "2020", None, "M")], MERGER)
    assert of(found, "share", "GM0003", "2020") == (20.0, "A", None)


def test_what_cannot_be_put_together_says_so():
    found = brought(
        [
            figure("median", "GM0001", "2020", 20),
            figure("median", "GM0002", "2020", 30),
            figure("median", "GM0004", "2020", 40),
            figure("share", "GM0001", "2020", 20),
            figure("share", "GM0002", "2020", None, "Q"),
            figure("share", "GM0001", "2019", 20),
            figure("share", "GM0002", "2019", 30),
            figure("people", "GM0001", "2019", 0),
            figure("people", "GM0002", "2019", 0),
            figure("clients", "GM0001", "2020", 5),
            figure("clients", "GM0003", "2020", None, "M"),
            figure("clients", "GM0004", "2020", None, "Q"),
        ],
        MERGER,
    )
    assert of(found, "median", "GM0003", "2020") == (None, "L", "not_aggregable")
    assert of(found, "median", "GM0004", "2020") == (40.0, "A", None)
    assert of(found, "share", "GM0003", "2020") == (None, "Q", "member_missing")
    assert of(found, "share", "GM0003", "2019") == (None, "M", "denominator_zero")
    assert of(found, "clients", "GM0003", "2020") == (None, "L", "member_missing")
    assert of(found, "clients", "GM0004", "2020") == (None, "Q", "not_published")
    assert of(found, "clients", "GM0003", "2020", "published") == (None, "M", "not_published")


def test_a_figure_is_empty_exactly_where_a_reason_stands():
    found = brought(
        [
            *(figure("clients", code, "2020", 5) for code in ("GM0001", "GM0004")),
            *(figure("people", code, "2020", 100) for code in ("GM0001", "GM0002", "GM0004")),
            *(figure("rate", code, "2019", 7) for code in ("GM0001", "GM0002")),
            figure("median", "GM0002", "2021", None),
        ],
        MERGER,
    )
    assert found.num_rows > 15
    assert pc.is_valid(found["value"]).equals(pc.is_null(found["because"]))


def test_a_municipality_none_of_which_existed_then_says_so():
    history = history_of(GM0001=ended(2021, ("0003", 5)), GM0002=ended(2021, ("0003", 5)), GM0003=began(2021))
    late = history_of(GM0001=began(2015) + ended(2021, ("0003", 5)), GM0003=began(2021))
    figures = [figure("clients", "GM0001", "2010", None, "M"), figure("clients", "GM0003", "2010", None, "M")]
    assert of(brought(figures, late), "clients", "GM0003", "2010") == (None, "M", "formed_later")
    assert of(brought(figures, history), "clients", "GM0003", "2010") == (None, "L", "member_missing")


def test_wijken_and_buurten_stay_as_they_were_published():
    with Warehouse(MERGER) as warehouse:
        rows = [{"edition_year": 2020, "region_code": "WK000101", "region_name": "A", "region_type": "wijk"}]
        warehouse.put("raw.neighbourhood", rows)
        warehouse.put("declared.indicator", INDICATORS)
        warehouse.put_figures([figure("people", "WK000101", "2020", 5), figure("people", "GM0004", "2020", 5)])
        warehouse.build("core_harmonised")
        found = warehouse.table("core.harmonised")
    assert of(found, "people", "WK000101", "2020", "published") == (5.0, "A", None)
    assert of(found, "people", "WK000101", "2020") is None
    assert of(found, "people", "GM0004", "2020") == (5.0, "A", None)


def test_the_divisions_that_the_publisher_tells_as_texts_become_groups_with_figures():
    texts = [
        ("GM0001", "2020", "GGD-regio's: Code", "GG01"),
        ("GM0001", "2020", "GGD-regio's: Naam", "GGD Oost"),
        ("GM0002", "2020", "GGD-regio's: Code", "GG01"),
        ("GM0003", "2021", "GGD-regio's: Code", "GG01"),
        ("GM0004", "2020", "GGD-regio's: Code", "GG02"),
    ]
    told_of = [
        dict(zip(("region_code", "period_code", "item", "text_value"), text, strict=True))
        | {"source_id": "gebieden", "vintage_id": "v1"}
        for text in texts
    ]
    with Warehouse(MERGER) as warehouse:
        columns = warehouse.query("select * from raw.figure limit 0").schema
        warehouse.put_raw("raw.figure", pa.Table.from_pylist(told_of, schema=columns))
        warehouse.put("declared.source", [{"source_id": "gebieden", "defines_groups": True}])
        warehouse.put("raw.delivery", [{"vintage_id": "v1", "source_id": "gebieden", "is_current": True}])
        warehouse.put("declared.indicator", INDICATORS)
        warehouse.put_figures(
            [
                *(figure("clients", code, "2020", value) for code, value in [("GM0001", 40), ("GM0002", 60)]),
                figure("clients", "GM0003", "2021", 105),
                figure("people", "GM0001", "2020", 1000),
            ]
        )
        warehouse.build("core_harmonised", "core_group_figure")
        found = warehouse.table("core.group_figure")
        region = warehouse.query("select region_name, region_type from core.region where region_code = 'GG01'")
    assert of(found, "clients", "GG01", "2020", "published") == (100.0, "A", None)
    assert of(found, "clients", "GG01", "2021", "published") == (105.0, "A", None)
    assert of(found, "clients", "GG01", "2020") == (100.0, "A", None)
    assert of(found, "people", "GG01", "2020", "published") == (None, "L", "member_missing")
    assert of(found, "clients", "GG02", "2020", "published") is None
    assert region.to_pylist() == [{"region_name": "GGD Oost", "region_type": "samenwerking"}]


# --- a municipality that ends in the middle of a period ------------------------------------------------------------


@pytest.mark.parametrize("indicator", ["clients", "euros", "share"])
@pytest.mark.parametrize("told_of", [[], [figure("clients", "GM0457", "2022", None)]])
def test_the_successor_accounts_for_the_whole_of_the_period_in_which_a_municipality_ended(
    indicator: str, told_of: list[dict[str, Any]]
):
    figures = [figure(indicator, "GM0363", "2022", 900), *(row | {"indicator_id": indicator} for row in told_of)]
    assert of(brought(figures, IN_MARCH), indicator, "GM0363", "2022") == (900.0, "A", None)


def test_a_figure_of_its_own_is_added_and_a_hidden_one_leaves_the_sum_unknown():
    found = brought(
        [
            figure("clients", "GM0363", "2022", 900),
            figure("clients", "GM0457", "2022", 20),
            figure("euros", "GM0363", "2022", 900),
            figure("euros", "GM0457", "2022", None, "Q"),
            # the borders of 1 January hold for the rest of the year in the tables that do so
            figure("clients", "GM0363", "2022H2", 450),
            figure("clients", "GM0457", "2022H2", 10),
        ],
        IN_MARCH,
    )
    assert of(found, "clients", "GM0363", "2022") == (920.0, "A", None)
    assert of(found, "euros", "GM0363", "2022") == (None, "Q", "member_missing")
    assert of(found, "clients", "GM0363", "2022H2") == (460.0, "A", None)


def test_before_its_end_it_must_be_there_and_so_must_a_stock_in_the_period_of_its_end():
    found = brought(
        [
            *(figure("clients", "GM0363", period, 900) for period in ("2021", "2022Q1", "2022Q2", "2023")),
            *(figure("people", "GM0363", period, 900) for period in ("2021", "2022", "2023")),
            figure("people", "GM0457", "2021", 20),
        ],
        IN_MARCH,
    )
    assert of(found, "clients", "GM0363", "2021") == (None, "L", "member_missing")
    assert of(found, "clients", "GM0363", "2022Q1") == (900.0, "A", None)
    assert of(found, "clients", "GM0363", "2022Q2") == (900.0, "A", None)
    assert of(found, "clients", "GM0363", "2023") == (900.0, "A", None)
    assert of(found, "people", "GM0363", "2021") == (920.0, "A", None)
    assert of(found, "people", "GM0363", "2022") == (None, "L", "member_missing")
    assert of(found, "people", "GM0363", "2023") == (900.0, "A", None)


def test_the_rate_of_the_year_sets_the_whole_of_the_clients_against_the_whole_of_the_people():
    found = brought(
        [
            figure("clients", "GM0363", "2022", 45),
            figure("people", "GM0363", "2022", 880),
            figure("people", "GM0457", "2022", 20),
        ],
        IN_MARCH,
    )
    assert of(found, "rate", "GM0363", "2022") == (50.0, "A", None)


def test_a_code_that_began_within_the_period_accounts_for_those_it_took_over():
    gone = "Opgeheven per 01-07-2022, overgegaan naar:\n- Naam (GM0003),\n... 5 inwoners"
    history = history_of(GM0001=gone, GM0002=gone, GM0003="Begindatum 01-07-2022\n")
    only_the_new_one = [figure("euros", "GM0003", "2022", 70)]
    assert of(brought(only_the_new_one, history), "euros", "GM0003", "2022") == (70.0, "A", None)
    one_old_one_too = [*only_the_new_one, figure("euros", "GM0001", "2022", 8)]
    assert of(brought(one_old_one_too, history), "euros", "GM0003", "2022") == (78.0, "A", None)
    only_the_old_ones = [figure("euros", "GM0001", "2022", 8), figure("euros", "GM0002", "2022", 9)]
    assert of(brought(only_the_old_ones, history), "euros", "GM0003", "2022") == (17.0, "A", None)
    no_successor = [figure("euros", "GM0001", "2022", 8)]
    assert of(brought(no_successor, history), "euros", "GM0003", "2022") == (None, "L", "member_missing")


def test_a_merger_on_the_first_of_january_is_no_matter_of_the_middle_of_a_period():
    found = brought([figure("euros", "GM0001", "2020", 8), figure("euros", "GM0003", "2021", 20)], MERGER)
    assert of(found, "euros", "GM0003", "2020") == (None, "L", "member_missing")
    assert of(found, "euros", "GM0003", "2021") == (20.0, "A", None)


def test_after_the_chosen_year_a_grown_municipality_cannot_be_taken_apart():
    figures = [
        figure("euros", "GM0363", "2021", 100),
        # the delivery of Weesp is in this one
        figure("euros", "GM0363", "2022", 110),
        figure("clients", "GM0363", "2022", 10),
        figure("clients", "GM0457", "2022", 1),
        figure("people", "GM0363", "2022", 900),
        figure("people", "GM0363", "2023", 925),
    ]
    found = brought(figures, IN_MARCH, 2021)
    assert of(found, "euros", "GM0363", "2021", "2021") == (100.0, "A", None)
    assert of(found, "euros", "GM0363", "2022", "2021") == (None, "M", "later_borders")
    assert of(found, "clients", "GM0363", "2022", "2021") == (10.0, "A", None)
    assert of(found, "people", "GM0363", "2022", "2021") == (900.0, "A", None)
    assert of(found, "people", "GM0363", "2023", "2021") == (None, "M", "later_borders")


# --- any history ----------------------------------------------------------------------------------------------------

at_random = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def warehouse() -> Iterator[Warehouse]:
    with Warehouse() as one:
        one.put("declared.indicator", INDICATORS)
        yield one


def through(warehouse: Warehouse, history: History, reference: int, figures: list[dict[str, Any]]) -> pa.Table:
    warehouse.put_history(history, reference)
    warehouse.put_figures(figures)
    warehouse.build("core_harmonised")
    return warehouse.query("select * from core.harmonised order by all")


def counts(country: Country, year: int, indicator: str = "clients") -> list[dict[str, Any]]:
    """A different count for every municipality of a year; the codes of other years cannot have one."""
    living = country.living_on[year]
    return [
        figure(indicator, f"GM{code}", str(year), float(int(code) ** 3 + 7)) if code in living else
        figure(indicator, f"GM{code}", str(year), None, "M")
        for code in country.texts
    ]  # fmt: skip


def on_new_borders(
    found: pa.Table, reference: int, year: int, country: Country, indicator: str = "clients"
) -> list[dict[str, Any]]:
    """What was found as if it were published so: on the new borders an old code cannot have a figure."""
    wanted = (indicator, str(reference))
    rows = {row["region_code"]: row for row in found.to_pylist() if (row["indicator_id"], row["geography"]) == wanted}
    return [
        figure(indicator, code, str(year), rows[code]["value"], rows[code]["obs_status"])
        if code in rows and rows[code]["value"] is not None
        else figure(indicator, code, str(year), None, "M")
        for code in (f"GM{code}" for code in country.texts)
    ]


def close(one: dict[tuple[str, ...], Any], other: dict[tuple[str, ...], Any]) -> bool:
    numbers = [[found[key] or 0.0 for key in sorted(one)] for found in (one, other)]
    return one.keys() == other.keys() and np.allclose(*numbers, rtol=1e-12, atol=0)


@at_random
@given(country=countries(), years=st.tuples(st.integers(FIRST, LAST), st.integers(FIRST, LAST)))
def test_totals_are_preserved_and_nothing_is_left_empty(warehouse: Warehouse, country: Country, years: tuple[int, int]):
    year, reference = sorted(years)
    figures = counts(country, year)
    found = values(through(warehouse, told(country), reference, figures), str(reference))
    on_reference = {key: value for key, value in found.items() if key[0] == "clients" and value is not None}
    assert {key[1] for key in on_reference} == {f"GM{code}" for code in country.living_on[reference]}
    assert sum(on_reference.values()) == pytest.approx(sum(row["value"] or 0 for row in figures), rel=1e-12)


@at_random
@given(country=countries(), years=st.tuples(st.integers(FIRST, LAST), st.integers(FIRST, LAST)))
def test_harmonising_twice_changes_nothing(warehouse: Warehouse, country: Country, years: tuple[int, int]):
    year, reference = sorted(years)
    history = told(country)
    once = through(warehouse, history, reference, counts(country, year))
    again = on_new_borders(once, reference, year, country)
    twice = through(warehouse, history, reference, again)
    for column in ("value", "obs_status", "because"):
        first, second = values(once, str(reference), column), values(twice, str(reference), column)
        delivered = {key for key, value in values(once, str(reference)).items() if value is not None}
        assert {key: first[key] for key in delivered} == {key: second[key] for key in delivered}


@at_random
@given(country=countries(), years=st.lists(st.integers(FIRST, LAST), min_size=3, max_size=3))
def test_the_order_of_steps_does_not_matter(warehouse: Warehouse, country: Country, years: list[int]):
    year, between, reference = sorted(years)
    history = told(country)
    direct = through(warehouse, history, reference, counts(country, year))
    step = through(warehouse, history, between, counts(country, year))
    stepwise = through(warehouse, history, reference, on_new_borders(step, between, year, country))
    living = {f"GM{code}" for code in country.living_on[reference]}
    found = [
        {key: value for key, value in values(one, str(reference)).items() if key[0] == "clients" and key[1] in living}
        for one in (direct, stepwise)
    ]
    assert close(*found)


@at_random
@given(country=countries(), years=st.tuples(st.integers(FIRST, LAST), st.integers(FIRST, LAST)), data=st.data())
def test_the_order_of_rows_does_not_matter(
    warehouse: Warehouse, country: Country, years: tuple[int, int], data: st.DataObject
):
    year, reference = sorted(years)
    figures = [row for name in ("clients", "people", "share") for row in counts(country, year, name)]
    shuffled = data.draw(st.permutations(figures))
    history = told(country)
    one = through(warehouse, history, reference, figures)
    other = through(warehouse, history, reference, shuffled)
    assert close(values(one, str(reference)), values(other, str(reference)))
    assert values(one, str(reference), "because") == values(other, str(reference), "because")


@at_random
@given(country=countries(), years=st.tuples(st.integers(FIRST, LAST), st.integers(FIRST, LAST)), data=st.data())
def test_a_reweighted_percentage_lies_between_those_of_its_members(
    warehouse: Warehouse, country: Country, years: tuple[int, int], data: st.DataObject
):
    year, reference = sorted(years)
    living = country.living_on[year]
    shares = {f"GM{code}": data.draw(st.integers(0, 100)) for code in living}
    people = {f"GM{code}": data.draw(st.integers(1, 100_000)) for code in living}
    figures = [figure("share", code, str(year), share) for code, share in shares.items()]
    figures += [figure("people", code, str(year), number) for code, number in people.items()]
    history = told(country)
    found = values(through(warehouse, history, reference, figures), str(reference))
    weights = region_weights(history, reference).to_pylist()
    for code in (f"GM{code}" for code in country.living_on[reference]):
        members = [shares[row["from_code"]] for row in weights if row["to_code"] == code and row["from_code"] in shares]
        assert min(members) - 1e-9 <= found["share", code, str(year)] <= max(members) + 1e-9


# --- the real history -----------------------------------------------------------------------------------------------

BEVOLKING = [{"indicator_id": "bevolking", "aggregation": "sum", "value_kind": "stock"}]


@pytest.fixture(scope="module")
def table_folder(shared_data: Path) -> Path:
    return shared_data / "cbs_v4" / "03759ned"


@pytest.fixture(scope="module")
def real_history(table_folder: Path) -> History:
    return parse_history(json.loads((table_folder / "codes-RegioS.json").read_text(encoding="utf-8"))["value"])


@pytest.fixture(scope="module")
def population(table_folder: Path) -> dict[tuple[str, int], float]:
    """Inhabitants by municipality and year, as CBS published them; abolished ones are there without a figure."""
    page = json.loads((table_folder / "observations-page-1.json").read_text(encoding="utf-8"))["value"]
    return {
        (one["RegioS"].strip(), int(one["Perioden"][:4])): one["Value"]
        for one in page
        if one["Measure"] == "M000352" and one["RegioS"].startswith("GM")
    }


@pytest.fixture(scope="module")
def on_2026(real_history: History, population: dict[tuple[str, int], float]) -> dict[tuple[str, int], float]:
    """The same on the borders of 2026, by the project's SQL."""
    figures = [
        figure("bevolking", code, str(year), value, None if value is not None else "M")
        for (code, year), value in population.items()
    ]
    found = values(harmonise(figures, indicators=BEVOLKING, history=real_history), "2026")
    return {(code, int(year)): value for (_, code, year), value in found.items()}


YEARS = range(2019, 2027)


@pytest.mark.shared_data
def test_the_population_of_every_year_stands_on_the_342_municipalities_of_2026_and_keeps_its_total(
    real_history: History, population: dict[tuple[str, int], float], on_2026: dict[tuple[str, int], float]
):
    valid = set(real_history.valid_on(dt.date(2026, 1, 1))["region_code"].to_pylist())
    assert len(valid) == 342
    for year in YEARS:
        here = {code: value for (code, of_year), value in on_2026.items() if of_year == year and value is not None}
        assert set(here) == valid
        published = sum(value for (_, of_year), value in population.items() if of_year == year and value is not None)
        assert sum(here.values()) == pytest.approx(published, abs=1e-6)


@pytest.mark.shared_data
def test_the_population_on_2026_borders_is_that_of_the_weighted_members_to_the_person(
    real_history: History, population: dict[tuple[str, int], float], on_2026: dict[tuple[str, int], float]
):
    expected: dict[tuple[str, int], float] = {}
    weights = region_weights(real_history, 2026).to_pylist()
    for row in weights:
        for year in YEARS:
            value = population.get((row["from_code"], year))
            if value is not None:
                key = (row["to_code"], year)
                expected[key] = expected.get(key, 0) + row["weight"] * value
    assert len(expected) == 342 * len(YEARS)
    assert max(abs(on_2026[key] - value) for key, value in expected.items()) < 1e-6
    whole = {row["to_code"] for row in weights} - {row["to_code"] for row in weights if row["weight"] < 1}
    assert all(on_2026[code, year].is_integer() for code in whole for year in YEARS if code.startswith("GM"))


@pytest.mark.shared_data
def test_no_municipality_jumps_at_its_merger_beyond_the_growth_of_its_members(
    real_history: History, shared_data: Path, population: dict[tuple[str, int], float]
):
    # The inhabitants of 2017 and 2018 stand with the Iv3 figures; with them the mergers of 2019 can be judged too.
    figures = _inhabitants_since_2017(shared_data) | {
        key: value for key, value in population.items() if value is not None and key[1] > 2024
    }
    found = values(
        harmonise(
            [figure("bevolking", code, str(year), value) for (code, year), value in figures.items()],
            indicators=BEVOLKING,
            history=real_history,
        ),
        "2026",
    )
    changes = real_history.changes.to_pylist()
    mergers = {
        # a merger within a year shows on the next 1 January
        (row["to_code"], (row["effective_date"] - dt.timedelta(days=1)).year + 1)
        for row in changes
        if row["kind"] == "herindeling" and row["from_code"] != row["to_code"]
    }
    judged = 0
    for code, year in mergers:
        if year < 2019 or ("bevolking", code, str(year)) not in found:
            continue
        before, last, first = (found["bevolking", code, str(at)] for at in (year - 2, year - 1, year))
        assert abs((first / last - 1) - (last / before - 1)) <= 0.01, (code, year)
        judged += 1
    assert judged > 20


def _inhabitants_since_2017(shared_data: Path) -> dict[tuple[str, int], float]:
    import pyarrow.csv

    table = pyarrow.csv.read_csv(shared_data / "iv3" / "taakveld6_lasten_2017_2024.csv")
    columns = (table[name].to_pylist() for name in ("gm_code", "jaar", "inwoners"))
    return {(code, year): float(number) for code, year, number in zip(*columns, strict=True) if number}


@pytest.mark.shared_data
def test_only_two_boundary_corrections_since_2017_moved_more_than_one_per_cent(
    real_history: History, shared_data: Path
):
    figures = [
        figure("bevolking", code, str(year), number)
        for (code, year), number in _inhabitants_since_2017(shared_data).items()
    ]
    with Warehouse(real_history) as warehouse:
        warehouse.put("declared.indicator", BEVOLKING)
        warehouse.put_figures(figures)
        warehouse.build("core_harmonised", "core_boundary_correction")
        found = warehouse.query(
            "select region_code, other_code, effective_date, round(share_pct, 1) as share_pct, exceeds_bound "
            "from core.boundary_correction where geography = 'published' and effective_date >= date '2017-01-01' "
            "and share_pct > 0.2 order by share_pct desc"
        ).to_pylist()
    shown = [(row["region_code"], row["other_code"], row["share_pct"], row["exceeds_bound"]) for row in found]
    assert shown == [
        ("GM0040", "GM0014", 6.6, True),  # Slochteren to Groningen, 2017
        ("GM0530", "GM1930", 3.1, True),  # Hellevoetsluis from Nissewaard, 2018
        ("GM1930", "GM0530", 1.4, True),
        ("GM0014", "GM0040", 0.5, False),
        ("GM0785", "GM0855", 0.3, False),  # Goirle from Tilburg, 2018
    ]


@pytest.mark.shared_data
def test_weesp_is_right_in_2022(real_history: History):
    figures = [
        # a table of CBS of that year still holds Weesp
        figure("people", "GM0363", "2022", 882633),
        figure("people", "GM0457", "2022", 20766),
        # the accounts of Amsterdam hold those of Weesp, which delivered none
        figure("euros", "GM0363", "2022", 1000),
        figure("euros", "GM0457", "2022", None),
        figure("euros", "GM0363", "2021", 950),
        figure("euros", "GM0457", "2021", 15),
    ]
    for year in (2023, 2026):
        found = brought(figures, real_history, year)
        assert of(found, "people", "GM0363", "2022", str(year)) == (903399.0, "A", None)
        assert of(found, "euros", "GM0363", "2022", str(year)) == (1000.0, "A", None)
        assert of(found, "euros", "GM0363", "2021", str(year)) == (965.0, "A", None)
        assert of(found, "euros", "GM0457", "2022", str(year)) is None
    # on the borders of 2022 the two are two, and the accounts of that year cannot be taken apart
    found = brought(figures, real_history, 2022)
    assert of(found, "people", "GM0457", "2022", "2022") == (20766.0, "A", None)
    assert of(found, "euros", "GM0363", "2022", "2022") == (None, "M", "later_borders")
