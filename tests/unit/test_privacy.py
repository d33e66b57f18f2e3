"""Persons stay out: of the rows, and of everything that is said about a delivery."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipelines.declarations.source import Column
from pipelines.privacy import (
    WITHHELD,
    holds_bsn,
    is_bsn_column,
    passes_eleven_test,
    personal_header,
    redact,
    redact_text,
)
from pipelines.privacy.identifiers import bsn_census, bsns_prevail
from pipelines.readers.account import Problem
from tests.unit.reader_sources import (
    BEDRAG,
    GEMEENTE,
    JAAR,
    delimited,
    everything_shown,
    read,
    saved,
    spreadsheet,
    swing,
    workbook,
)

# Made up for tests of the eleven test, and used as such in public documentation.
BSN = "111222333"
OTHER_BSN = "123456782"

TEXT = Column(header="Toelichting", name="toelichting", type="text", nullable=True)


def with_check_digit(first_eight: int) -> str | None:
    """The BSN that begins with eight digits, where there is one."""
    digits = [int(digit) for digit in f"{first_eight:08d}"]
    last = sum(weight * digit for weight, digit in zip(range(9, 1, -1), digits, strict=True)) % 11
    return None if last == 10 else f"{first_eight:08d}{last}"


bsns = st.integers(10_000_000, 99_999_999).map(with_check_digit).filter(lambda bsn: bsn is not None)
writings = st.sampled_from(
    [
        "{0}{1}{2}",
        "{0}.{1}.{2}",
        "{0} {1} {2}",
        "{0}-{1}-{2}",
        "{0}\u00a0{1}\u00a0{2}",
        "{0} . {1} . {2}",
        "{0}/{1}/{2}",
    ]
)


def only(problems: tuple[Problem, ...]) -> Problem:
    assert len(problems) == 1, problems
    return problems[0]


def test_the_eleven_test_knows_real_ones_and_refuses_their_neighbours() -> None:
    numbers = np.array([111222333, 123456782, 10000008, 123456783, 111222334, 0, 1234567820, 9])
    assert passes_eleven_test(numbers).tolist() == [True, True, True, False, False, False, False, False]


@settings(deadline=None)
@given(bsn=bsns, digit=st.integers(0, 8), other=st.integers(1, 9))
def test_one_wrong_digit_always_fails_the_eleven_test(bsn: str, digit: int, other: int) -> None:
    wrong = bsn[:digit] + str((int(bsn[digit]) + other) % 10) + bsn[digit + 1 :]
    numbers = np.array([int(bsn), int(wrong)])
    assert passes_eleven_test(numbers).tolist() == [True, False]


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("BSN", "BSN"),
        ("bsn_nummer", "BSN"),
        ("ClientBSN", "BSN"),
        ("Burger-service-nummer", "BSN"),
        ("Sofinummer", "BSN"),
        ("naam", "name"),
        ("Voornaam", "name"),
        ("achternaam ", "name"),
        ("Naam cliënt", "name"),
        ("Cliëntnaam", "name"),
        ("Volledige naam", "name"),
        ("Geboortedatum", "birth date"),
        ("geb. datum", "birth date"),
        ("date_of_birth", "birth date"),
        ("Straat", "address"),
        ("woonadres", "address"),
        ("E-mail", "contact"),
        ("Telefoonnummer", "contact"),
        ("clientnummer", "person number"),
    ],
)
def test_headers_that_announce_a_person(header: str, kind: str) -> None:
    assert personal_header(header) == kind


@pytest.mark.parametrize(
    "header",
    ["Gemeente", "Gemeentenaam", "Naam gemeente", "wijknaam", "Aantal cliënten", "Aantal geborenen",
     "Personen", "Adressen per km2", "Nummer", "Onderdeel", "Kinderen", "Bedrag in €", "Financiële post", ""],
)  # fmt: skip
def test_headers_that_do_not(header: str) -> None:
    assert personal_header(header) is None


def test_a_declared_column_may_be_called_name_but_never_bsn() -> None:
    assert personal_header("Naam", declared=True) is None
    assert personal_header("BSN", declared=True) == "BSN"


@pytest.mark.parametrize(
    "text",
    [
        BSN, "111.222.333", "111 222 333", "111-22-2333", "1112.22.333", "11122233", "111,222,333",
        "1,11222333E+08", "111222334", "\uff11" * 9, "12-03-1960", "12/3/60", "1960-03-12", "12.03.1960",
        "12 maart 1960",
        "3-mrt-1960", "19600312", "jan@voorbeeld.nl", "NL91ABNA0417164300", "06 12345678",
    ],
)  # fmt: skip
def test_what_could_identify_somebody_is_not_shown(text: str) -> None:
    shown = redact_text(f"Jeugdhulp {text} ZIN")
    assert WITHHELD in shown and text not in shown
    assert shown.startswith("Jeugdhulp ") and shown.endswith(" ZIN")


@pytest.mark.parametrize(
    "text",
    ["Heiloo", "3.224.000,00", "2016H2", "2016", "Bron: beleidsplan 2020-2023, hoofdstuk 8", "1 januari",
     "12,5%",
     "2016/2017", "2016 - 2019", "GM0373", "1.234.567", "tabel 2.1", "-99999", ""],
)  # fmt: skip
def test_figures_years_and_names_of_places_stay_readable(text: str) -> None:
    assert redact_text(text) == text


@settings(deadline=None)
@given(bsn=bsns, writing=writings, before=st.text(max_size=5), after=st.text(max_size=5))
def test_a_bsn_never_survives_redaction(bsn: str, writing: str, before: str, after: str) -> None:
    written = writing.format(bsn[:3], bsn[3:6], bsn[6:])
    shown = redact(pa.array([f"{before}{written}{after}"]))[0].as_py()
    assert written not in shown
    assert not any(bsn[start : start + 5] in shown for start in range(5))


@settings(deadline=None)
@given(bsn=bsns, writing=writings)
def test_a_bsn_is_found_among_words(bsn: str, writing: str) -> None:
    written = writing.format(bsn[:3], bsn[3:6], bsn[6:])
    texts = pa.array([f"zie {written} in 2016", written, "zie 2016", None])
    assert holds_bsn(texts).to_pylist() == [True, True, False, False]


def test_amounts_dates_and_codes_are_no_bsn() -> None:
    texts = pa.array(["3.224.000,00", "20160101", "2016", "1112", "111222334", ""])
    assert holds_bsn(texts).to_pylist() == [False] * 6


def test_a_column_of_bsns_is_known_by_most_of_its_values() -> None:
    assert is_bsn_column(pa.array([BSN, "123.456.782", "onbekend", "111222333.0", "10000008"]))
    assert is_bsn_column(pa.array([BSN]))
    assert not is_bsn_column(pa.array(["10000008", "x"]))
    assert not is_bsn_column(pa.array([BSN, "5", "6", "7"]))
    assert not is_bsn_column(pa.array(["", ""]))
    assert not is_bsn_column(pa.array(["20160101"] * 5))
    assert not is_bsn_column(pa.array([BSN, OTHER_BSN]), figures=True)


cells = st.sampled_from(["111222333", "123.456.782", "10000008", "987654329", "5", "", "20160101", "x", "111222333.0"])


@settings(deadline=None)
@given(column=st.lists(cells, max_size=10), cut=st.integers(0, 10), figures=st.booleans())
def test_parts_of_a_column_tell_together_what_the_column_tells(column: list[str], cut: int, figures: bool) -> None:
    parts = [pa.array(column[:cut], pa.string()), pa.array(column[cut:], pa.string())]
    whole = is_bsn_column(pa.array(column, pa.string()), figures=figures)
    quickly = bsns_prevail([bsn_census(part) for part in parts], figures=figures)
    assert quickly in (whole, None)
    assert bsns_prevail([bsn_census(part, thorough=True) for part in parts], figures=figures) == whole


@pytest.mark.parametrize("header", ["BSN", "Geboortedatum", "Naam", "Kenmerk"])
def test_a_delivery_with_a_column_about_persons_is_refused_whole_and_shows_nothing(header: str) -> None:
    data = f"Gemeente;Jaar;Bedrag;{header}\nHeiloo;2016;1;{BSN}\nUitgeest;2016;x;{OTHER_BSN}\n"
    result = read(delimited(), data)
    problem = only(result.problems)
    assert result.refused and problem.reason == "personal_data"
    assert (problem.line, problem.column, problem.column_name, problem.raw_text) == (1, 4, None, "")
    assert BSN not in everything_shown(result)


def test_a_single_bsn_in_a_text_quarantines_its_row() -> None:
    source = delimited(GEMEENTE, JAAR, BEDRAG, TEXT, key=("gemeente", "jaar"))
    data = f"Gemeente;Jaar;Bedrag;Toelichting\nHeiloo;2016;1;zie {BSN}\nUitgeest;2016;2;akkoord\n"
    result = read(source, data)
    assert only(result.problems).reason == "personal_data"
    assert result.rows["toelichting"].to_pylist() == ["akkoord"]
    assert BSN not in everything_shown(result)


def test_a_figure_that_could_be_a_bsn_needs_a_declared_maximum() -> None:
    data = "Gemeente;Jaar;Bedrag\nHeiloo;2016;10.000.008\nUitgeest;2016;10.000.009\n"
    result = read(delimited(), data)
    assert only(result.problems).reason == "personal_data" and "maximum" in only(result.problems).expected
    assert result.rows["bedrag"].to_pylist() == [10000009]
    large = Column(header="Bedrag", name="bedrag", type="number", maximum=99_999_999)
    assert read(delimited(GEMEENTE, JAAR, large), data).rows_loaded == 2


def test_undeclared_cells_are_in_no_problem() -> None:
    data = "Gemeente;Jaar;Bedrag;Opmerking\nHeiloo;2016;x;mevrouw Jansen\nAtlantis;2016;1;meneer Pietersen\n"
    shown = everything_shown(read(delimited(), data))
    assert "Jansen" not in shown and "Pietersen" not in shown and "Atlantis" in shown


PLACES = [
    "gemeente",
    "jaar",
    "bedrag",
    "toelichting",
    "kenmerk",
    "header",
    "extra",
    "footer",
    "quoted",
    "blank",
]


@settings(max_examples=200, deadline=None)
@given(bsn=bsns, writing=writings, place=st.sampled_from(PLACES), first=st.booleans())
def test_a_bsn_anywhere_in_a_file_comes_out_nowhere(bsn: str, writing: str, place: str, first: bool) -> None:
    written = writing.format(bsn[:3], bsn[3:6], bsn[6:])
    source = delimited(GEMEENTE, JAAR, BEDRAG, TEXT, key=("gemeente", "jaar"))
    row = {"gemeente": "Heiloo", "jaar": "2016", "bedrag": "5", "toelichting": "ja", "kenmerk": "a"}
    other = ["Uitgeest", "2016", "x" if first else "6", "nee", "b"]
    header = ["Gemeente", "Jaar", "Bedrag", "Toelichting", "Kenmerk"]
    lines = [header, list({**row, place: written}.values())[:5], other]
    if place == "header":
        lines[0][4] = written
    elif place == "extra":
        lines[1].append(written)
    elif place == "footer":
        lines.append([f"Bron: {written}"])
    elif place == "quoted":
        lines[1][3] = f'"zie\n{written}"'
    elif place == "blank":
        lines.insert(1 if first else 3, [written])
    result = read(source, "\n".join(";".join(line) for line in lines))
    shown = everything_shown(result)
    assert written not in shown and bsn not in shown
    assert f"{float(bsn)}" not in shown


@settings(max_examples=60, deadline=None)
@given(bsn=bsns, place=st.sampled_from(["A2", "B2", "C2", "D2", "D1", "A4", "C4"]), as_number=st.booleans())
def test_a_bsn_anywhere_in_a_workbook_comes_out_nowhere(bsn: str, place: str, as_number: bool) -> None:
    header = ["Gemeente", "Jaar", "Bedrag", "Toelichting"]
    book = workbook([header, ["Heiloo", 2016, 5, "ja"], ["Uitgeest", 2016, "x", "nee"], ["Bron: gemeente"]])
    book.active[place] = int(bsn) if as_number else f"zie {bsn}"
    source = spreadsheet(GEMEENTE, JAAR, BEDRAG, TEXT)
    shown = everything_shown(read(source, saved(book)))
    assert bsn not in shown and f"{float(bsn)}" not in shown


@settings(deadline=None)
@given(bsn=bsns, place=st.integers(0, 5))
def test_a_bsn_anywhere_in_a_swing_export_comes_out_nowhere(bsn: str, place: int) -> None:
    assume(not bsn.startswith("0"))
    line = ["1", "2016", "gemeente", "399", "Heiloo", "5"]
    line[place] = bsn
    data = '"";period;geolevel;geoitem;naam;hulp\n' + ";".join(line) + "\n2;2016;gemeente;450;Uitgeest;x\n"
    shown = everything_shown(read(swing("hulp"), data))
    assert bsn not in shown and f"{float(bsn)}" not in shown
