"""Arithmetic with period codes: kinds, bounds, ranges and the table of periods."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.periods import (
    PERIOD_SCHEMA,
    expand_periods,
    period_bounds,
    period_kind,
    period_range,
    period_table,
)

years = st.integers(1900, 2100)
codes = st.one_of(
    years.map(str),
    st.builds("{}H{}".format, years, st.integers(1, 2)),
    st.builds("{}Q{}".format, years, st.integers(1, 4)),
    st.builds("{}M{:02d}".format, years, st.integers(1, 12)),
)


@pytest.mark.parametrize(
    ("code", "kind", "first", "last"),
    [
        ("2016", "year", dt.date(2016, 1, 1), dt.date(2016, 12, 31)),
        ("2016H1", "half_year", dt.date(2016, 1, 1), dt.date(2016, 6, 30)),
        ("2016H2", "half_year", dt.date(2016, 7, 1), dt.date(2016, 12, 31)),
        ("2016Q3", "quarter", dt.date(2016, 7, 1), dt.date(2016, 9, 30)),
        ("2016M02", "month", dt.date(2016, 2, 1), dt.date(2016, 2, 29)),
        ("2016M12", "month", dt.date(2016, 12, 1), dt.date(2016, 12, 31)),
    ],
)
def test_a_period_has_a_kind_a_first_and_a_last_day(code: str, kind: str, first: dt.date, last: dt.date) -> None:
    assert period_kind(code) == kind
    assert period_bounds(code) == (first, last)


@pytest.mark.parametrize(
    "code",
    [
        "",
        "16",
        "0216",
        "2016H3",
        "2016H0",
        "2016Q5",
        "2016M13",
        "2016M7",
        "2016HJ01",
        "2016h1",
        "2016\n",
        " 2016",
    ],
)
def test_what_is_no_period_code_is_refused_by_name(code: str) -> None:
    for refuse in (period_kind, period_bounds, lambda wrong: period_table([wrong])):
        with pytest.raises(ValueError, match="expected a period such as 2016, 2016H2") as error:
            refuse(code)
        assert repr(code) in str(error.value)


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("2015H2", "2017H1", ("2015H2", "2016H1", "2016H2", "2017H1")),
        ("2015", "2016", ("2015", "2016")),
        ("2015Q4", "2016Q1", ("2015Q4", "2016Q1")),
        ("2015M11", "2016M02", ("2015M11", "2015M12", "2016M01", "2016M02")),
        ("2016", "2016", ("2016",)),
    ],
)
def test_a_range_holds_both_ends_and_all_between(first: str, last: str, expected: tuple[str, ...]) -> None:
    assert period_range(first, last) == expected


def test_a_range_of_two_kinds_or_backwards_is_refused() -> None:
    with pytest.raises(ValueError, match=r"2015\.\.2016H1, expected a first and a last period of one kind"):
        period_range("2015", "2016H1")
    with pytest.raises(ValueError, match=r"2016\.\.2015, expected the first period not to be after the last"):
        period_range("2016", "2015")


def test_declared_expressions_are_single_periods_and_ranges_each_period_once() -> None:
    assert expand_periods(["2015H1..2016H1", "2016H1", "2017"]) == ("2015H1", "2015H2", "2016H1", "2017")
    assert len(expand_periods(["2015H1..2024H2"])) == 20
    for wrong in ("2015..", "..2015", "2015-2016"):
        with pytest.raises(ValueError, match="expected a period such as"):
            expand_periods([wrong])


def test_the_table_knows_the_period_before_and_the_same_part_a_year_before() -> None:
    rows = {row["period_code"]: row for row in period_table(["2016", "2016H1", "2016Q1", "2016M01"]).to_pylist()}
    assert {code: (row["previous_code"], row["year_before_code"]) for code, row in rows.items()} == {
        "2016": ("2015", "2015"),
        "2016H1": ("2015H2", "2015H1"),
        "2016Q1": ("2015Q4", "2015Q1"),
        "2016M01": ("2015M12", "2015M01"),
    }


def test_the_table_is_in_order_of_time_with_shorter_periods_first_and_each_period_once() -> None:
    table = period_table(["2016", "2015H2", "2016H2", "2016", "2016M12", "2016Q4", "2016H1"])
    expected = ["2015H2", "2016H1", "2016M12", "2016Q4", "2016H2", "2016"]
    assert table["period_code"].to_pylist() == expected


def test_no_codes_give_an_empty_table_of_the_same_shape() -> None:
    assert period_table([]).schema == PERIOD_SCHEMA
    assert period_table([]).num_rows == 0


@given(st.lists(codes, min_size=1))
def test_the_table_agrees_with_the_functions_on_single_codes(given_codes: list[str]) -> None:
    rows = period_table(given_codes).to_pylist()
    assert {row["period_code"] for row in rows} == set(given_codes)
    for row in rows:
        assert row["period_kind"] == period_kind(row["period_code"])
        assert (row["start_date"], row["end_date"]) == period_bounds(row["period_code"])
    order = [row["sort_index"] for row in rows]
    assert order == sorted(set(order))


@given(codes)
def test_a_period_begins_the_day_after_the_one_before_it_ends(code: str) -> None:
    (row,) = period_table([code]).to_pylist()
    assert period_bounds(row["previous_code"])[1] + dt.timedelta(days=1) == row["start_date"]
    assert period_range(row["previous_code"], code) == (row["previous_code"], code)
    assert period_bounds(row["year_before_code"])[0].replace(year=row["start_date"].year) == row["start_date"]
