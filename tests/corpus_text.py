"""Odd and malformed text files, each with what must become of it.

What belongs here: one delivery for everything that goes wrong with CSV and its kin in practice, or that somebody tries
on purpose. What does not: files that weigh something (`corpus_heavy`) and workbooks (`corpus_xlsx`).
"""

from __future__ import annotations

import codecs
import gzip
from typing import Any

from pipelines.declarations.source import Column
from tests.corpus import BSN, Case, Outcome
from tests.unit.reader_sources import BEDRAG, GEMEENTE, JAAR, POST, delimited, saved, swing, workbook

HEADER = "Gemeente;Jaar;Bedrag\n"
TWO = "Castricum;2016;10\nHeiloo;2016;20\n"
GOOD = HEADER + TWO
_WITH_POST = "Gemeente;Jaar;Post;Bedrag\n"
_ACCENTS = HEADER + "Castricum;2016;10\nSúdwest-Fryslân;2016;20\n"
_CODE = Column(header="Code", name="code", type="region_code")
_PERCENTAGE = Column(header="Aandeel", name="bedrag", type="percentage")
_PERIOD = Column(header="Periode", name="periode", type="period")


def cases() -> list[Case]:
    """Every case, with names that occur once."""
    return [
        *_encodings(),
        *_separators(),
        *_numbers(),
        *_no_numbers(),
        *_otherwise_declared(),
        *_periods(),
        *_headers(),
        *_lines(),
        *_regions(),
        *_persons(),
        *_swing(),
    ]


def _case(
    name: str,
    text: str | bytes,
    outcome: Outcome,
    reason: str | None = None,
    line: int | None = None,
    column: int | None = None,
    **more: Any,
) -> Case:
    data = text if isinstance(text, bytes) else text.encode()
    file_name = more.pop("file_name", None) or f"{name.replace(' ', '_')}.csv"
    source = more.pop("source", None) or delimited()
    return Case(name, file_name, data, source, outcome, reason=reason, line=line, column=column, **more)


def _good(name: str, text: str | bytes, **more: Any) -> Case:
    """Two rows, of 10 and of 20."""
    return _case(name, text, "loads", rows=2, values=(10.0, 20.0), **more)


def _refused(name: str, text: str | bytes, reason: str, *place: int | None, **more: Any) -> Case:
    return _case(name, text, "refused", reason, *place, **more)


def _encodings() -> list[Case]:
    wide, latin = delimited(encoding="utf-16"), delimited(encoding="windows-1252")
    little = delimited(encoding="utf-16-le")
    wrong = "wrong_encoding"
    half = codecs.BOM_UTF16_LE + GOOD.encode("utf-16-le") + b"H"
    return [
        _good("utf-8", _ACCENTS, regions=("GM0383", "GM1900")),
        _good("utf-8 with a mark", codecs.BOM_UTF8 + _ACCENTS.encode()),
        _good("two marks", codecs.BOM_UTF8 * 2 + GOOD.encode()),
        _good("a mark in the middle", GOOD.replace("Heiloo", "\ufeffHeiloo")),
        _good("a mark within a header", GOOD.replace("Jaar", "\ufeffJaar")),
        _good("utf-16-le with a mark", codecs.BOM_UTF16_LE + _ACCENTS.encode("utf-16-le"), source=wide),
        _good("utf-16-be with a mark", codecs.BOM_UTF16_BE + _ACCENTS.encode("utf-16-be"), source=wide),
        _good("utf-16-le without a mark", _ACCENTS.encode("utf-16-le"), source=little),
        _good("windows-1252", _ACCENTS.encode("cp1252"), source=latin, regions=("GM0383", "GM1900")),
        _refused("utf-16-le as utf-8", codecs.BOM_UTF16_LE + GOOD.encode("utf-16-le"), wrong, 1, 1),
        _refused("utf-16-be as utf-8", codecs.BOM_UTF16_BE + GOOD.encode("utf-16-be"), wrong, 1, 1),
        _refused("unmarked utf-16-le as utf-8", GOOD.encode("utf-16-le"), wrong, 1, 2),
        _refused("unmarked utf-16-be as utf-8", GOOD.encode("utf-16-be"), wrong, 1, 1),
        _refused("unmarked utf-16-be as utf-16-le", GOOD.encode("utf-16-be"), wrong, 1, 1, source=little),
        _refused("unmarked utf-16", GOOD.encode("utf-16-le"), wrong, 1, 1, source=wide),
        _refused("half a character", half, wrong, 4, 1, source=wide),
        _refused("utf-8 as utf-16", GOOD, wrong, 1, 1, source=wide),
        _refused("utf-32", GOOD.encode("utf-32"), wrong, 1, 1),
        _refused("windows-1252 as utf-8", _ACCENTS.encode("cp1252"), wrong, 3, 2),
        _refused("utf-8 as windows-1252", _ACCENTS, wrong, 3, 2, source=latin),
        _refused("two encodings", _ACCENTS.encode() + "Fryslân;2016;1\n".encode("cp1252"), wrong, 4, 6),
        _refused("MacRoman as utf-8", _ACCENTS.encode("mac-roman"), wrong, 3, 2),
        _case(
            "MacRoman as windows-1252",
            _ACCENTS.encode("mac-roman"),
            "quarantined",
            "unknown_region",
            3,
            1,
            rows=1,
            source=latin,
        ),
        _case(
            "code page 850 as windows-1252",
            _ACCENTS.encode("cp850"),
            "quarantined",
            "unknown_region",
            3,
            1,
            rows=1,
            source=latin,
        ),
        _case(
            "an accent encoded twice",
            _ACCENTS.encode().decode("cp1252").encode(),
            "quarantined",
            "unknown_region",
            3,
            1,
            rows=1,
        ),
        _refused("a byte unknown in windows-1252", GOOD.encode() + b"\x81", wrong, 4, 1, source=latin),
        _refused("a byte that is no utf-8", GOOD.encode().replace(b"Heiloo", b"Hei\xffloo"), wrong, 3, 4),
        _refused("utf-8 longer than need be", GOOD.encode().replace(b"Heiloo", b"Hei\xc0\xafloo"), wrong, 3, 4),
        _refused("half a surrogate", GOOD.encode().replace(b"Heiloo", b"Hei\xed\xa0\x80loo"), wrong, 3, 4),
        _refused("a character cut off at the end", GOOD.encode() + "ú".encode()[:1], wrong, 4, 1),
        _refused("a NUL byte", GOOD.encode().replace(b"20\n", b"2\x000\n"), wrong, 3, 14),
        _refused("nothing but NUL bytes", bytes(500), wrong, 1, 1),
        _refused("a replacement character", GOOD.replace("Heiloo", "Heil\ufffdo"), wrong, 3, 5),
        _refused("a packed file", gzip.compress(GOOD.encode(), mtime=0), "unknown_format"),
        _refused("a PDF", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "unknown_format"),
        _refused("a workbook called CSV", saved(workbook([["Gemeente"], ["Heiloo"]])), "unknown_format"),
        _refused("an old workbook called CSV", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504), "unknown_format"),
        _refused("a page of a web server", "<html><body>404</body></html>", "missing_column", 1),
        _refused("JSON", '{"Gemeente": "Heiloo", "Jaar": 2016}', "missing_column", 1),
    ]


def _separators() -> list[Case]:
    def other(mark: str) -> str:
        return GOOD.replace(";", mark)

    comma = delimited(delimiter=",", thousands="")
    return [
        *(
            _refused(f"separated by a {name}", other(mark), "unknown_format", 1, in_problem=f"separated by a {name}")
            for name, mark in (("comma", ","), ("tab", "\t"), ("vertical bar", "|"))
        ),
        _good("declared with tabs", other("\t"), source=delimited(delimiter="\t")),
        _good("declared with bars", other("|"), source=delimited(delimiter="|")),
        _refused("separated by spaces", other(" "), "missing_column", 1),
        _refused("two characters as separator", other("||"), "unknown_format", 1),
        _case(
            "a row with another separator",
            GOOD.replace("Heiloo;2016;20", "Heiloo,2016,20"),
            "quarantined",
            "wrong_column_count",
            3,
            rows=1,
        ),
        _case(
            "a decimal comma between commas",
            "Gemeente,Jaar,Bedrag\nHeiloo,2016,20\nCastricum,2016,10,5\n",
            "quarantined",
            "wrong_column_count",
            3,
            rows=1,
            source=comma,
        ),
        _case(
            "a decimal comma in quotation marks",
            'Gemeente,Jaar,Bedrag\nHeiloo,2016,20\nCastricum,2016,"10,5"\n',
            "loads",
            rows=2,
            values=(20.0, 10.5),
            source=comma,
        ),
        _refused("a first line for Excel", "sep=;\n" + GOOD, "missing_column", 1),
        _good("a separator at the end of every line", GOOD.replace("\n", ";\n")),
        _case(
            "a separator at the end of the rows only",
            HEADER + TWO.replace("\n", ";\n"),
            "quarantined",
            "wrong_column_count",
            2,
            bad=2,
        ),
        _good(
            "separators in quotation marks",
            _WITH_POST + 'Castricum;2016;"a;b;c";10\nHeiloo;2016;";";20\n',
            source=delimited(GEMEENTE, JAAR, POST, BEDRAG),
        ),
    ]


def _numbers() -> list[Case]:
    """Texts that are a number in one way only, with a comma for decimals and points for thousands."""
    read = {
        "thousands and decimals": ("1.234,5", 1234.5),
        "decimals without thousands": ("1234,5", 1234.5),
        "three digits after a declared point": ("1.234", 1234.0),
        "millions": ("1.234.567,89", 1234567.89),
        "a euro sign": ("€ 1.234,50", 1234.5),
        "a euro sign without a space": ("€12", 12.0),
        "EUR in front": ("EUR 12", 12.0),
        "no cents": ("12,-", 12.0),
        "minus in front": ("-5", -5.0),
        "minus behind": ("5-", -5.0),
        "a typographic minus": ("−5", -5.0),
        "a dash for a minus": ("–5", -5.0),
        "a plus sign": ("+5", 5.0),
        "minus nought": ("-0", 0.0),
        "noughts in front": ("0012", 12.0),
        "spaces around": ("  12 ", 12.0),
        "hard spaces around": ("\u00a012\u202f", 12.0),
        "a zero-width space": ("12\u200b", 12.0),
        "in quotation marks": ('"12"', 12.0),
        "fifteen digits": ("999999999999999", 999999999999999.0),
    }
    return [
        _case(f"a number with {name}", f"{HEADER}Heiloo;2016;{text}\n", "loads", rows=1, values=(value,))
        for name, (text, value) in read.items()
    ]


def _no_numbers() -> list[Case]:
    """Texts that are no number, or could be two."""
    wrong = {
        "points and commas the English way": "1,234.5",
        "groups of two": "12.34",
        "uneven groups": "1.23.4",
        "two commas": "1,2,3",
        "a stray comma": ",",
        "a comma at the end": "12,",
        "a comma in front": ",5",
        "a power of ten": "1e5",
        "NaN": "NaN",
        "infinity": "inf",
        "minus infinity": "-Infinity",
        "a space between digits": "1 234",
        "dollars": "$ 5",
        "pounds": "£5",
        "a percentage": "12%",
        "hexadecimal": "0x1F",
        "Arabic digits": "١٢",
        "wide digits": "１２",
        "a half": "½",
        "a word": "twaalf",
        "two minus signs": "--5",
        "minus on both sides": "-5-",
        "a sum": "=1+1",
        "a command": "=cmd|' /C calc'!A0",
        "a function": "@SUM(1)",
        "a fraction": "1/2",
        "a very long number": "9" * 5000,
        "sixteen digits": "1234567890123456",
        "a unit": "5 m2",
        "less than": "<5",
        "not applicable": "n.v.t.",
        "a cross": "x",
        "a date": "01-02-2016",
        "an error of a spreadsheet": "#REF!",
        "a division by nought": "#DEEL/0!",
        "a number sign without end": "#" * 40,
        "yes": "WAAR",
        "SQL": "1; drop table raw.delivery",
    }
    made = [
        _case(
            f"a figure of {name}",
            f'{GOOD}Uitgeest;2016;"{text}"\n',
            "quarantined",
            "not_a_number",
            4,
            3,
            rows=2,
            values=(10.0, 20.0),
        )
        for name, text in wrong.items()
    ]
    missing = {"a point": ".", "a dash": "-", "nothing": "", "spaces": "   ", "a hard space": "\u00a0"}
    return [
        *made,
        *(
            _case(
                f"a required figure of {name}",
                f"{GOOD}Uitgeest;2016;{text}\n",
                "quarantined",
                "missing_value",
                4,
                3,
                rows=2,
            )
            for name, text in missing.items()
        ),
        _case(
            "a point where figures may be missing",
            f"{HEADER}Heiloo;2016;.\nCastricum;2016;\n",
            "loads",
            rows=2,
            values=(None, None),
            source=delimited(GEMEENTE, JAAR, BEDRAG.model_copy(update={"nullable": True})),
        ),
    ]


def _otherwise_declared() -> list[Case]:
    """The same text, and another declaration."""
    english = delimited(decimal=".", thousands=",")
    plain, spaced = delimited(thousands=""), delimited(thousands=" ")
    share = delimited(GEMEENTE, JAAR, _PERCENTAGE, key=("gemeente", "jaar"))
    whole = delimited(GEMEENTE, JAAR, BEDRAG.model_copy(update={"type": "integer"}))
    positive = delimited(GEMEENTE, JAAR, BEDRAG.model_copy(update={"minimum": 0.0, "maximum": 100.0}))

    def one(name: str, text: str, value: float | None, source: Any, reason: str = "not_a_number") -> Case:
        header = "Gemeente;Jaar;Aandeel\n" if source is share else HEADER
        content = f"{header}Heiloo;2016;{text}\n"
        if value is None:
            return _case(name, content, "quarantined", reason, 2, 3, source=source)
        return _case(name, content, "loads", rows=1, values=(value,), source=source)

    return [
        one("English figures declared as English", "1,234.5", 1234.5, english),
        one("Dutch figures declared as English", "1.234,5", None, english),
        one("a point that could be either", "1.234", None, plain),
        one("thousands by spaces", "1 234", 1234.0, spaced),
        one("thousands by hard spaces", "1\u00a0234,5", 1234.5, spaced),
        one("thousands by narrow spaces", "1\u202f234\u202f567", 1234567.0, spaced),
        one("a percentage with its sign", "83,5 %", 83.5, share),
        one("a percentage without a sign", "83", 83.0, share),
        one("less than one percent", "0,83%", 0.83, share),
        one("two percent signs", "83%%", None, share),
        one("more than a hundred percent", "183%", None, share, "out_of_range"),
        one("less than no percent", "-1%", None, share, "out_of_range"),
        one("a whole number with decimals", "12,5", None, whole),
        one("a whole number with noughts for decimals", "12,0", None, whole),
        one("less than the declared minimum", "-0,01", None, positive, "out_of_range"),
        one("more than the declared maximum", "100,01", None, positive, "out_of_range"),
    ]


def _periods() -> list[Case]:
    years = {
        "two digits": "16",
        "a decimal": "2016,0",
        "a school year": "2016/2017",
        "a date": "31-12-2016",
        "a date in English": "12/31/2016",
        "a letter": "20I6",
        "a year of long ago": "1816",
        "a year to come": "2116",
        "a star": "2016*",
        "five digits": "20166",
    }
    made = [
        _case(
            f"a year of {name}",
            f"{GOOD}Uitgeest;{text};30\n",
            "quarantined",
            "unknown_period",
            4,
            2,
            rows=2,
        )
        for name, text in years.items()
    ]
    source = delimited(GEMEENTE, _PERIOD, BEDRAG)
    header = "Gemeente;Periode;Bedrag\n"
    known = f"{header}Heiloo;2016H1;10\nHeiloo;2016Q3;20\n"
    return [
        *made,
        _case("no year", f"{GOOD}Uitgeest;;30\n", "quarantined", "missing_value", 4, 2, rows=2),
        _good("half-years and quarters", known, source=source),
        *(
            _case(
                f"a period of {name}",
                f"{known}Heiloo;{text};30\n",
                "quarantined",
                "unknown_period",
                4,
                2,
                rows=2,
                source=source,
            )
            for name, text in {
                "a month that is none": "2016M13",
                "a fifth quarter": "2016Q5",
                "a third half-year": "2016H3",
                "a word": "eerste helft",
                "a serial number": "42370",
            }.items()
        ),
    ]


def _headers() -> list[Case]:
    def named(old: str, new: str) -> str:
        return GOOD.replace(old, new, 1)

    post = "Gemeente;Jaar;Bedrag;Opmerking\nCastricum;2016;10;a\nHeiloo;2016;20;b\n"
    persons = {"BSN": "BSN", "a birth date": "Geboortedatum", "a client's name": "Naam cliënt", "an address": "E-mail"}
    return [
        _good("headers with spaces behind", named(HEADER, "Gemeente  ; Jaar ;Bedrag\t\n")),
        _good("headers with hard spaces", named("Bedrag", "\u00a0Bedrag\u00a0")),
        _good("headers in quotation marks", named(HEADER, '"Gemeente";"Jaar";"Bedrag"\n')),
        _good("a header with a line break", named("Bedrag", '"Bedrag\n"')),
        _good("a header with a line break of Windows", named("Bedrag", '"\r\nBedrag"')),
        _good("a header with what cannot be seen", named("Bedrag", "\u200bBedrag\u200b")),
        _good("columns in another order", "Bedrag;Gemeente;Jaar\n10;Castricum;2016\n20;Heiloo;2016\n"),
        _good("a column nobody declared", post),
        _good("a column without a header", post.replace("Opmerking", "")),
        _good("three columns without a header", GOOD.replace("\n", ";;;\n")),
        _good("blank lines above the header", "\n\r\n  \n" + GOOD),
        _refused("a header twice", post.replace("Opmerking", "Bedrag"), "unknown_format", 1, 4),
        _refused("an undeclared header twice", GOOD.replace("\n", ";x;x\n"), "unknown_format", 1, 5),
        _refused("a header too few", "Gemeente;Jaar\nHeiloo;2016\n", "missing_column", 1),
        _refused("a header in small letters", GOOD.lower(), "missing_column", 1),
        _refused("a header misspelt", named("Bedrag", "Bedragen"), "missing_column", 1, in_problem="Bedrag"),
        _refused("no header", TWO, "missing_column", 1),
        _refused("a title above the header", "Uitgaven Wmo\n" + GOOD, "missing_column", 1),
        _case(
            "the header again halfway",
            GOOD + HEADER + "Uitgeest;2016;30\n",
            "quarantined",
            "unknown_region",
            4,
            1,
            rows=3,
        ),
        *(
            _refused(f"a header that announces {name}", post.replace("Opmerking", text), "personal_data", 1, 4)
            for name, text in persons.items()
        ),
    ]


def _lines() -> list[Case]:
    source = delimited(GEMEENTE, JAAR, POST, BEDRAG)
    broken = _WITH_POST + 'Castricum;2016;"twee\nregels";10\nHeiloo;2016;c;20\n'
    return [
        _refused("0 bytes", b"", "empty_file"),
        _refused("only a byte order mark", codecs.BOM_UTF8, "empty_file"),
        _refused("only blank lines", "\n\n\r\n\n", "empty_file"),
        _refused("only spaces", "   \n \t \n", "empty_file"),
        _refused("only separators", ";;\n;;\n", "empty_file"),
        _refused("only a header", HEADER, "empty_file", 1),
        _refused("only a header without an end", HEADER.strip(), "empty_file", 1),
        _refused("only a header and blank lines", HEADER + "\n;;\n\n", "empty_file", 1),
        _refused("only a header and a total", HEADER + "Totaal;;30\n", "empty_file", 1),
        _good("carriage returns alone", GOOD.replace("\n", "\r")),
        _good("line ends of Windows", GOOD.replace("\n", "\r\n")),
        _good("line ends of two kinds", GOOD.replace("\n", "\r\n", 1)),
        _good("line ends of three kinds", "Gemeente;Jaar;Bedrag\rCastricum;2016;10\r\nHeiloo;2016;20\n"),
        _good("no line end at the end", GOOD.rstrip()),
        _good("a blank line after every line", GOOD.replace("\n", "\n\n")),
        _good("a form feed between rows", GOOD.replace("Heiloo", "\f\nHeiloo")),
        _good("a form feed in front of a row", GOOD.replace("Heiloo", "\fHeiloo")),
        _good("a vertical tab behind a figure", GOOD.replace("20\n", "20\v\n")),
        _good("the end-of-file mark of DOS", GOOD + "\x1a"),
        _good("rows of separators only", GOOD + ";;\n;;\n"),
        _good("rows of more separators than the header", GOOD + ";;;;\n;;; \n"),
        _good("a total", GOOD + "Totaal;;30\n"),
        _good("a footer", GOOD + "Bron: eigen administratie\n"),
        _good("a footer with separators", GOOD + "Bron: a; b; c; d; e\n"),
        _case("a total that is shifted", GOOD + "Totaal;30\n", "quarantined", "wrong_column_count", 4, rows=2),
        _case("only text beyond the header", GOOD + ";;;x\n", "quarantined", "wrong_column_count", 4, rows=2),
        _case("a total in capitals", GOOD + "TOTAAL;2016;30\n", "quarantined", "unknown_region", 4, 1, rows=2),
        _case("a subtotal", GOOD + "Subtotaal;2016;30\n", "quarantined", "unknown_region", 4, 1, rows=2),
        _case("a footer nobody declared", GOOD + "* schatting\n", "quarantined", "wrong_column_count", 4, rows=2),
        _case("a row too short", GOOD + "Uitgeest;2016\n", "quarantined", "wrong_column_count", 4, rows=2),
        _case("a row too long", GOOD + "Uitgeest;2016;1;2\n", "quarantined", "wrong_column_count", 4, rows=2),
        _case("a row cut off at the end", GOOD + "Uitg", "quarantined", "wrong_column_count", 4, rows=2),
        _case(
            "two rows on one line",
            HEADER + "Castricum;2016;10Heiloo;2016;20\nUitgeest;2016;30\n",
            "quarantined",
            "wrong_column_count",
            2,
            rows=1,
        ),
        _refused("a quotation mark that stays open", GOOD + '"Uitgeest;2016;30\n', "unknown_format", 4),
        _refused("a quotation mark too many", GOOD + '"Uitgeest"x;2016;30\n', "unknown_format", 4),
        _case(
            "a quotation mark within a field",
            GOOD + 'Uit"geest;2016;30\n',
            "quarantined",
            "unknown_region",
            4,
            1,
            rows=2,
        ),
        _case("single quotation marks", GOOD + "'Uitgeest';2016;30\n", "loads", rows=3, values=(10.0, 20.0, 30.0)),
        _good("a line break in quotation marks", broken, source=source),
        _case(
            "a fault below a line break in quotation marks",
            broken + "Nergens;2016;d;5\n",
            "quarantined",
            "unknown_region",
            5,
            1,
            rows=2,
            source=source,
        ),
        _good(
            "doubled quotation marks",
            _WITH_POST + 'Castricum;2016;"a ""b"" c";10\nHeiloo;2016;"""";20\n',
            source=source,
        ),
        _good(
            "a formula in a text",
            _WITH_POST + 'Castricum;2016;"=HYPERLINK(""http://127.0.0.1:9/"";""x"")";10\nHeiloo;2016;+1;20\n',
            source=source,
        ),
        _case("a row twice", GOOD + "Heiloo;2016;20\n", "quarantined", "duplicate_key", 3, 1, rows=1, bad=2),
        _case("two figures for one key", GOOD + "Heiloo;2016;21\n", "quarantined", "duplicate_key", rows=1, bad=2),
        _case(
            "one region in two spellings",
            f"{HEADER}Bergen (NH);2016;1\nbergen (nh.);2016;2\nHeiloo;2016;3\n",
            "quarantined",
            "duplicate_key",
            rows=1,
            bad=2,
        ),
    ]


def _regions() -> list[Case]:
    known = {
        "Bergen (NH)": "GM0373",
        "Bergen (NH.)": "GM0373",
        "Bergen (L)": "GM0893",
        "s-Gravenhage": "GM0518",
        "’s-Gravenhage": "GM0518",
        "'s Gravenhage": "GM0518",
        "castricum": "GM0383",
        "  CASTRICUM ": "GM0383",
        "Su\u0301dwest-Frysla\u0302n": "GM1900",
        "Sudwest Fryslan": "GM1900",
        "Fryslân": "PV21",
        "Landelijk": "NL01",
    }
    unknown = {
        "Bergen": "GM0373, GM0893",
        "Groningen": "GM0014, PV20",
        "Friesland": "",
        "Den Haag": "",
        "Castricum*": "Castricum",
        "Castricum/Heiloo": "",
        "Castricun": "Castricum",
        "Gemeente Castricum": "",
        "S&uacute;dwest-Frysl&acirc;n": "",
        "GM0383": "",
        "=cmd|' /C calc'!A0": "",
        "../../etc/passwd": "",
        "x" * 5000: "",
        "\u202egnirebreb": "",
    }
    codes = {"0373": "GM0373", "373": "GM0373", "GM0373": "GM0373", "gm0373 ": "GM0373", "gemeente_373": "GM0373"}
    by_code = delimited(_CODE, JAAR, BEDRAG)
    return [
        *(
            _case(
                f"region {place} of those known",
                f'{HEADER}"{name}";2016;1\n',
                "loads",
                rows=1,
                regions=(code,),
                values=(1.0,),
            )
            for place, (name, code) in enumerate(known.items(), start=1)
        ),
        *(
            _case(
                f"region {place} of those unknown",
                f'{GOOD}"{name}";2016;1\n',
                "quarantined",
                "unknown_region",
                4,
                1,
                rows=2,
                in_problem=told,
            )
            for place, (name, told) in enumerate(unknown.items(), start=1)
        ),
        _case("no region", GOOD + ";2016;1\n", "quarantined", "missing_value", 4, 1, rows=2),
        *(
            _case(
                f"code {place} of those known",
                f"Code;Jaar;Bedrag\n{text};2016;1\n",
                "loads",
                rows=1,
                regions=(code,),
                source=by_code,
            )
            for place, (text, code) in enumerate(codes.items(), start=1)
        ),
        *(
            _case(
                f"code {place} of those unknown",
                f"Code;Jaar;Bedrag\n399;2016;1\n{text};2016;1\n",
                "quarantined",
                "unknown_region",
                3,
                1,
                rows=1,
                source=by_code,
            )
            for place, text in enumerate(("9999", "373,0", "0 373", "GM 0373", "00373", "Heiloo"), start=1)
        ),
    ]


def _persons() -> list[Case]:
    """A BSN, wherever it stands, refuses the file, and comes out nowhere."""
    source = delimited(GEMEENTE, JAAR, POST, BEDRAG)
    row = "Uitgeest;2016"
    forms = {
        "points": "123.456.782",
        "spaces": "123 456 782",
        "dashes": "123-456-782",
        "slashes": "123/456/782",
        "hard spaces": "123\u00a0456\u00a0782",
        "narrow spaces": "123\u202f456\u202f782",
        "nothing": BSN,
        "letters around": f"BSN{BSN}.",
    }

    def case(name: str, text: str | bytes, *place: int | None, **more: Any) -> Case:
        return _refused(name, text, "personal_data", *place, **more)

    extra = "Gemeente;Jaar;Bedrag;Kenmerk\nCastricum;2016;10;a\nHeiloo;2016;20;"
    posts = _WITH_POST + "Heiloo;2016;a;20\nCastricum;2016;"
    latin = delimited(encoding="windows-1252")
    return [
        *(
            case(f"a BSN with {name} in a text", f"{posts}{form};5\n", 3, 3, source=source)
            for name, form in forms.items()
        ),
        *(case(f"a BSN with {name} in an undeclared column", f"{extra}{form}\n", 3, 4) for name, form in forms.items()),
        case("a column of BSNs", f"Gemeente;Jaar;Bedrag;Kenmerk\nHeiloo;2016;20;{BSN}\n", 1, 4),
        case("a BSN in place of a figure", f"{GOOD}{row};{BSN}\n", 4, 3),
        case("a BSN in place of a region", f"{GOOD}{BSN};2016;1\n", 4, 1),
        case("a BSN in place of a year", f"{GOOD}Uitgeest;{BSN};1\n", 4, 2),
        case("a BSN in a header", f"Gemeente;Jaar;Bedrag;{BSN}\nHeiloo;2016;20;1\n", 1, 4),
        case("a BSN in a footer", f"{GOOD}Bron: dossier {BSN}\n", 4),
        case("a BSN in a note", f"{GOOD}Bron: dossier 123.456.782 van X\n", 4),
        case("a BSN in a row too long", f"{GOOD}{row};30;{BSN}\n", 4, 4),
        case("a BSN in a row too short", f"{GOOD}{BSN}\n", 4, 1),
        case("a BSN in a formula", f"{GOOD}{row};={BSN}\n", 4, 3),
        case("a BSN in quotation marks", f'{GOOD}{row};"{BSN}"\n', 4, 3),
        case("a BSN in a total", f"{GOOD}Totaal;dossier {BSN};30\n", 4),
        case("a BSN in a file of another separator", f"{GOOD}{row};{BSN}\n".replace(";", "|")),
        case("a BSN behind an open quotation mark", f'{GOOD}"Uitgeest;2016;{BSN}\n'),
        case("a BSN in a file of another encoding", f"{GOOD}Fryslân;2016;{BSN}\n", source=latin),
        case("a BSN in a file without a header", f"{BSN};2016;1\n"),
        case("a BSN under a title", f"Dossier {BSN}\n{GOOD}"),
        case(
            "a BSN in utf-16",
            codecs.BOM_UTF16_LE + f"{GOOD}{row};{BSN}\n".encode("utf-16-le"),
            source=delimited(encoding="utf-16"),
        ),
        case("a BSN in the name of a file", GOOD, file_name=f"levering_{BSN}.csv"),
        case("a BSN with points in the name of a file", GOOD, file_name="levering 123.456.782.csv"),
        case("a BSN with dashes in the name of a file", GOOD, file_name="levering-123-456-782.csv"),
        _good("a date in the name of a file", GOOD, file_name="levering_20260701.csv"),
        _case(
            "a large figure where those are declared",
            f"{HEADER}Heiloo;2016;{BSN}\n",
            "loads",
            rows=1,
            source=delimited(GEMEENTE, JAAR, BEDRAG.model_copy(update={"maximum": 1e12})),
        ),
    ]


def _swing() -> list[Case]:
    header = "period;geolevel;geoitem;hulp;hulpmiddelen\n"
    good = header + "2016;gemeente;383;5;6\n"
    source = swing()

    def line(name: str, text: str, reason: str, *place: int) -> Case:
        return _case(f"Swing {name}", f"{good}{text}\n", "quarantined", reason, *place, rows=2, source=source)

    def loads(name: str, text: str, values: tuple[float | None, ...], **more: Any) -> Case:
        return _case(f"Swing {name}", text, "loads", rows=len(values), values=values, source=source, **more)

    def refused(name: str, text: str, reason: str, *place: int) -> Case:
        return _refused(f"Swing {name}", text, reason, *place, source=source)

    return [
        loads("as it is", good, (5.0, 6.0), regions=("GM0383", "GM0383")),
        loads("with a year in the level", good.replace("gemeente", "gemeente2018"), (5.0, 6.0)),
        loads("with the level in the item", good.replace("383", "gemeente_383"), (5.0, 6.0)),
        loads("of the country", good.replace("gemeente;383", "nederland;1"), (5.0, 6.0), regions=("NL01", "NL01")),
        loads("with special values", good.replace("5;6", "-99996;-99999"), (None, None)),
        loads("with hidden values", good.replace("5;6", "-99997;-99998"), (None, None)),
        loads("with question marks", good.replace("5;6", "?;"), (None, None)),
        loads("with capitals in its headers", good.replace("period;geolevel", "Period;GeoLevel"), (5.0, 6.0)),
        loads("with the numbers of the rows", f";{header}0;2016;gemeente;383;5;6\n", (5.0, 6.0)),
        loads("with names", good.replace("geoitem", "geoitem;naam").replace("383", "383;Castricum"), (5.0, 6.0)),
        loads("with a blank line", good + "\n", (5.0, 6.0)),
        line("of a level nobody knows", "2016;planeet;3;1;2", "unknown_region", 3, 2),
        line("of a wijk", "2016;wijk;38300;1;2", "unknown_region", 3, 2),
        line("of a municipality nobody knows", "2016;gemeente;9999;1;2", "unknown_region", 3, 3),
        line("of a period that could be three", "2016-2;gemeente;399;1;2", "unknown_period", 3, 1),
        line("of a day", "2016-01-01;gemeente;399;1;2", "unknown_period", 3, 1),
        line("with a word", "2016;gemeente;399;veel;2", "not_a_number", 3, 4),
        line("with a special value nobody knows", "2016;gemeente;399;1;-99995", "out_of_range", 3, 5),
        line("with a field too many", "2016;gemeente;399;1;2;3", "wrong_column_count", 3),
        line("with a power of ten", "2016;gemeente;399;1e5;2", "not_a_number", 3, 4),
        _case(
            "Swing with a line twice",
            good + good[len(header) :] + "2016;gemeente;399;1;2\n",
            "quarantined",
            "duplicate_key",
            2,
            rows=2,
            bad=2,
            source=source,
        ),
        refused("with an item nobody declared", good.replace("hulpmiddelen", "vervoer"), "unknown_item", 1, 5),
        refused("without areas", "period;hulp\n2016;5\n", "missing_column", 1),
        refused("without figures", "period;geolevel;geoitem\n2016;gemeente;383\n", "missing_column", 1),
        refused("without rows", header, "empty_file", 1),
        refused("with an item twice", good.replace("hulpmiddelen", "hulp"), "unknown_format", 1, 5),
        refused("separated by commas", good.replace(";", ","), "unknown_format", 1),
        refused("with a BSN for a figure", f"{good}2016;gemeente;399;{BSN};1\n", "personal_data", 3, 4),
        refused("with a BSN for an area", f"{good}2016;gemeente;{BSN};1;1\n", "personal_data", 3, 3),
    ]
