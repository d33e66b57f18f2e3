"""How a file that nobody declared seems to be written, and what a declaration of it could look like."""

from __future__ import annotations

from typing import Any

import openpyxl
import pytest
import yaml

from pipelines.declarations.source import Source
from pipelines.delivery_draft import draft
from pipelines.readers import read_file
from pipelines.readers.detection import Detected, detect
from tests.unit.reader_sources import REGIONS, saved, workbook

TEXT = (
    "Gemeente;Jaar;Voorziening;Aantal cliënten;Lasten;Ingangsdatum\r\n"
    "Heiloo;2023;Hulp;12;1.234.567,50;01-02-2023\r\n"
    "Heiloo;2023;Vervoer;7;23.456.789,00;15-03-2023\r\n"
    "Bergen (NH.);2023;Hulp;.;12,5;01-04-2023\r\n"
    "Totaal;;;19;24.691.369,00;\r\n"
    "Bron: CBS\r\n"
)


def types(detected: Detected) -> dict[str, str]:
    return {column.header: column.type for column in detected.columns}


def declared(text: str) -> Source:
    return Source.model_validate(yaml.safe_load(text))


@pytest.mark.parametrize(
    ("encoding", "named"),
    [("utf-8", "utf-8"), ("cp1252", "windows-1252"), ("utf-16", "utf-16"), ("utf-16-le", "utf-16-le")],
)
@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_encoding_separator_marks_dates_and_columns_are_detected(encoding: str, named: str, separator: str) -> None:
    detected = detect(TEXT.replace(";", separator).encode(encoding), REGIONS)
    assert (detected.encoding, detected.separator, detected.header_line) == (named, separator, 1)
    assert detected.marks == ((",", "."),)
    assert types(detected) == {
        "Gemeente": "region_name",
        "Jaar": "year",
        "Voorziening": "text",
        "Aantal cliënten": "integer",
        "Lasten": "number",
        "Ingangsdatum": "text",
    }
    assert [column.date_form for column in detected.columns][-1] == "dd-mm-jjjj"
    assert detected.key == ("Gemeente", "Jaar", "Voorziening")
    assert detected.no_data_kinds == ("total", "footer")


def test_codes_percentages_periods_and_english_numbers_are_detected() -> None:
    text = "CBS-code,Periode,Score,Bedrag\n0373,2023Q1,12%,1234.5\nGM0399,2023Q2,8%,7\n"
    detected = detect(text.encode(), REGIONS)
    assert types(detected) == {
        "CBS-code": "region_code",
        "Periode": "period",
        "Score": "percentage",
        "Bedrag": "number",
    }
    assert detected.marks == ((".", ""),)


def test_what_could_be_two_things_is_said_to_be_two_things() -> None:
    detected = detect(b"Gemeente;Bedrag\nHeiloo;1.234\n", REGIONS)
    assert detected.marks == ((",", "."), (".", ""))
    text = draft("amb.csv", detected, "live")
    assert "decimale komma en punten per duizendtal of decimale punt" in text
    assert "vul decimal en thousands zelf in" in text


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n\n",
        b"\x89PNG\r\n\x1a\n\x00",
        b"%PDF-1.7",
        b"PK\x03\x04 damaged",
        b"\xd0\xcf\x11\xe0",
        b"<a/>",
        b'{"a": 1}',
    ],
)
def test_of_what_is_no_table_nothing_is_made_up(data: bytes) -> None:
    assert detect(data, REGIONS) == Detected()
    assert draft("x.csv", detect(data, REGIONS), "live") == ""


@pytest.mark.parametrize(
    "text",
    [
        "Jansen;J.;Dorpsstraat\nPietersen;P.;Kerkweg\n",
        "Jansen;12-03-1960;5\nPietersen;13-04-1970;6\n",
        "Jansen;5\nPietersen;6\n",
        "Jansen;;x\nPietersen;y;x\n",
    ],
)
def test_a_first_row_that_could_be_about_somebody_is_not_taken_for_a_header(text: str) -> None:
    detected = detect(text.encode(), REGIONS)
    assert detected.header_line is None and detected.columns == ()
    assert "Jansen" not in draft("x.csv", detected, "live")
    assert "geen kop herkend" in draft("x.csv", detected, "live")


@pytest.mark.parametrize("header", ["BSN", "Geboortedatum", "Achternaam"])
def test_a_header_about_persons_is_all_that_is_told(header: str) -> None:
    detected = detect(f"Gemeente;Jaar;{header}\nHeiloo;2023;x\n".encode(), REGIONS)
    assert detected.person is not None and detected.columns == ()


def test_a_draft_reads_the_file_that_it_was_made_of() -> None:
    text = draft("wmo_2023.csv", detect(TEXT.encode("cp1252"), REGIONS), "live")
    assert len(text.splitlines()) < 30
    source = declared(text)
    assert source.connector.pattern == "wmo_*.csv" and source.profiles == ("live",)  # type: ignore[union-attr]
    result = read_file("wmo_2023.csv", TEXT.encode("cp1252"), source, REGIONS)
    assert (result.rows_loaded, result.rows_quarantined, result.notices) == (3, 0, ())
    assert result.rows["lasten"].to_pylist() == [1234567.5, 23456789.0, 12.5]


@pytest.mark.parametrize("width", [1, 9, 10, 11, 12, 60])
def test_a_draft_has_fewer_than_thirty_lines_whatever_the_file(width: int) -> None:
    names = [f"Aantal {n}" for n in range(width)]
    data = ";".join(["Gemeente", "Jaar", *names]) + "\n" + ";".join(["Heiloo", "2023", *map(str, range(width))]) + "\n"
    text = draft("breed.csv", detect(data.encode(), REGIONS), "live")
    assert len(text.splitlines()) < 30
    result = read_file("breed.csv", data.encode(), declared(text), REGIONS)
    assert (result.rows_loaded, result.notices) == (1, ())


@pytest.mark.parametrize("name", ["2023.csv", "a: b # c.csv", "[x] 'y'.csv", "Line.csv", "é" * 80 + ".csv"])
def test_any_name_and_any_header_make_a_draft_that_is_valid(name: str) -> None:
    headers = ["Gemeente", "line", "Vintage_ID", "region code", "Aantal: 1, {x}", "aantal 1 x", "100 % jaar", "#bedrag"]
    data = ";".join(headers) + "\n" + ";".join(["Heiloo", *"1234567"]) + "\n"
    text = draft(name, detect(data.encode(), REGIONS), "sample")
    source = declared(text)
    assert [column.header for column in source.reader.columns] == headers  # type: ignore[union-attr]
    assert read_file(name, data.encode(), source, REGIONS).rows_loaded == 1


def book(*rows: list[Any]) -> openpyxl.Workbook:
    made = workbook([["Leveringen sociaal domein"], [], ["Gemeente", "Jaar", "Bedrag"], *rows])
    made.create_sheet("Leeg")
    return made


def test_a_workbook_is_drafted_by_its_first_visible_sheet_with_a_table() -> None:
    made = book(["Heiloo", 2023, 12345678.5], ["Uitgeest", 2023, 7], ["Totaal", None, 12345685.5])
    detected = detect(saved(made), REGIONS)
    assert (detected.sheet, detected.header_line, detected.marks) == ("Blad1", 3, ())
    text = draft("boek.xlsx", detected, "live")
    assert len(text.splitlines()) < 30 and 'werkblad "Blad1"; kop op regel 3' in text
    result = read_file("boek.xlsx", saved(made), declared(text), REGIONS)
    assert (result.rows_loaded, result.rows_quarantined) == (2, 0)


def test_numbers_that_a_workbook_holds_as_text_show_their_marks() -> None:
    made = book(["Heiloo", 2023, "1.234,5"], ["Uitgeest", 2023, 5], ["Castricum", 2023, "7,25"])
    assert detect(saved(made), REGIONS).marks == ((",", "."),)
