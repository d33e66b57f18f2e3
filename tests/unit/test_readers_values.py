"""Numbers are what they are written to be, or nothing."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.readers.values import as_integers, as_numbers, as_years, plain_numbers


def number(text: str, decimal: str = ",", thousands: str = "", *, percent: bool = False) -> float | None:
    plain = plain_numbers(pa.array([text]), decimal, thousands, percent=percent)
    value: float | None = as_numbers(plain)[0].as_py()
    return value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.234.567,89", 1234567.89),
        ("3.224.000,00", 3224000),
        ("3.224", 3224),
        ("12", 12),
        ("1234567,5", 1234567.5),
        ("€ 3.224.000", 3224000),
        ("€\u00a03.224.000,-", 3224000),
        ("EUR 5", 5),
        ("-305.181", -305181),
        ("−305.181", -305181),
        ("€ -5", -5),
        ("-€ 5", -5),
        ("305.181,00-", -305181),
        ("+8", 8),
        ("\u00a0 12\u202f", 12),
        ("0", 0),
    ],
)
def test_dutch_numbers(text: str, expected: float) -> None:
    assert number(text, ",", ".") == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        ",",
        "€",
        "-",
        "3.22",
        "12.34.567",
        "1234.567",
        "1.234.",
        ".234",
        "1,2,3",
        ",5",
        "5,",
        "1 234",
        "-5-",
        "--5",
        "(5)",
        "5,00,-",
        "83%",
        "1,5E+03",
        "nan",
        "inf",
        "ca. 5",
        "1234567890123456",
        "１２",
    ],
)
def test_what_is_no_dutch_number(text: str) -> None:
    assert number(text, ",", ".") is None


def test_a_point_without_declared_thousands_is_not_guessed_at() -> None:
    assert number("3.224", ",", "") is None
    assert number("3.224", ".", "") == 3.224
    assert number("3.224", ",", ".") == 3224


def test_english_numbers() -> None:
    assert number("1,234,567.89", ".", ",") == 1234567.89
    assert number("1.234,5", ".", ",") is None


@pytest.mark.parametrize("space", [" ", "\u00a0", "\u202f", "\u2009"])
def test_any_space_groups_thousands_where_a_space_is_declared(space: str) -> None:
    assert number(f"1{space}234{space}567,8", ",", " ") == 1234567.8


def test_a_percent_sign_is_read_in_a_column_of_percentages_only() -> None:
    assert number("83 %", percent=True) == 83
    assert number("8,5%", percent=True) == 8.5
    assert number("83%") is None


def test_integers_have_no_decimals() -> None:
    plain = plain_numbers(pa.array(["12", "1.234", "5,0", "x"]), ",", ".")
    assert as_integers(plain).to_pylist() == [12, 1234, None, None]


def test_years_have_four_digits() -> None:
    years = pa.array(["2016", " 2016 ", "16", "2016,0", "3016", "2.016"])
    assert as_years(years).to_pylist() == [2016, 2016, None, None, None, None]


amounts = st.decimals(min_value=-(10**14), max_value=10**14, places=2, allow_nan=False, allow_infinity=False)


@settings(deadline=None)
@given(amount=amounts, euro=st.booleans(), style=st.sampled_from([(",", "."), (".", ","), (",", " "), (",", "")]))
def test_a_written_amount_reads_back_as_itself(amount: Decimal, euro: bool, style: tuple[str, str]) -> None:
    decimal, thousands = style
    written = f"{abs(amount):,.2f}".replace(",", "\1").replace(".", "\2")
    written = written.replace("\1", thousands).replace("\2", decimal)
    sign = "-" if amount < 0 else ""
    assert number(f"{sign}{'€ ' if euro else ''}{written}", decimal, thousands) == float(amount)


@settings(deadline=None)
@given(text=st.text(alphabet="0123456789.,-+ €%", max_size=14))
def test_nothing_reads_as_two_numbers_of_different_size(text: str) -> None:
    """What a Dutch and an English declaration both read, without thousands marks, is the same number."""
    dutch, english = number(text, ",", ""), number(text, ".", "")
    assert dutch is None or english is None or dutch == english
