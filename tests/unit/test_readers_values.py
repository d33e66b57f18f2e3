"""Numbers are what they are written to be, or nothing."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.readers.values import (
    as_integers,
    as_numbers,
    as_years,
    by_distinct,
    described_marks,
    distinct,
    other_marks,
    plain_numbers,
    trim,
)


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


def test_minus_nothing_is_nothing() -> None:
    assert str(number("-0")) == "0.0" and str(number("-0,00")) == "0.0"


@settings(deadline=None)
@given(
    plain=st.lists(st.sampled_from(["12", "1.234", "-1.234.567,89", "0,5", "1234567"]), max_size=5),
    dressed=st.lists(st.text(alphabet="0123456789.,-+ €%\u00a0\u2009−E\n", max_size=12), max_size=5),
    marks=st.sampled_from([(",", "."), (".", ","), (",", ""), (",", " ")]),
)
def test_a_number_is_the_same_among_plain_ones_and_by_itself(
    plain: list[str], dressed: list[str], marks: tuple[str, str]
) -> None:
    together = plain_numbers(pa.array([*plain, *dressed], pa.string()), *marks).to_pylist()
    alone = [plain_numbers(pa.array([text]), *marks)[0].as_py() for text in [*plain, *dressed]]
    assert together == alone


@settings(deadline=None)
@given(
    texts=st.lists(st.text(alphabet="aé \u00a0\u200b\t\n\x7f\ufeff", max_size=5), max_size=8), skipped=st.integers(0, 3)
)
def test_trimming_takes_away_what_cannot_be_seen_and_nothing_else(texts: list[str], skipped: int) -> None:
    invisible = " \u00a0\u200b\t\n\x7f\ufeff"
    trimmed = trim(pa.array(texts, pa.string()).slice(skipped)).to_pylist()
    assert trimmed == [text.strip(invisible) for text in texts[skipped:]]


def test_a_column_is_worked_out_by_its_distinct_texts_where_those_are_few() -> None:
    few = pa.array(["a", "b", "a"] * 3000)
    many = pa.array([str(n) for n in range(9000)])
    seen: list[int] = []

    def shout(texts: pa.Array) -> pa.Array:
        seen.append(len(texts))
        return pa.array([text.upper() for text in texts.to_pylist()], pa.string())

    assert by_distinct(few, shout).to_pylist() == ["A", "B", "A"] * 3000
    assert by_distinct(many, shout).to_pylist() == many.to_pylist()
    assert seen == [2, 9000]
    encoded = distinct(few)
    assert encoded is not None and encoded.dictionary.to_pylist() == ["a", "b"]


def test_the_ways_in_which_a_text_would_be_a_number_are_known() -> None:
    texts = pa.array(["1.234,5", "1,234.5", "1.234", "n.v.t."])
    assert other_marks(texts, (",", "")) == [((",", "."),), ((".", ","),), ((",", "."), (".", "")), ()]
    assert other_marks(pa.array(["1.5"]), (",", "."), whole=True) == [()]
    assert described_marks((",", ".")) == "a decimal comma and thousands points"
    assert described_marks((".", "")) == "a decimal point"
