"""Odd and malformed workbooks, each with what must become of it.

What belongs here: one workbook for everything that spreadsheets do to figures, and that packages (ZIP) and XML from
strangers can do to whoever opens them. What does not: workbooks that weigh something (`corpus_heavy`), and text files.
"""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from collections.abc import Callable, Mapping
from typing import Any, Final

import openpyxl
from openpyxl.comments import Comment
from openpyxl.workbook.defined_name import DefinedName

from pipelines.declarations.source import Column
from tests.corpus import BSN, Case, Outcome
from tests.unit.reader_sources import GEMEENTE, JAAR, POST, saved, spreadsheet, swing, workbook

Rows = list[list[Any]]

HEADER: Final[list[Any]] = ["Gemeente", "Jaar", "Bedrag"]
TWO: Final[Rows] = [["Castricum", 2016, 10], ["Heiloo", 2016, 20]]
GOOD: Final[Rows] = [HEADER, *TWO]
SHEET: Final = "xl/worksheets/sheet1.xml"
BOOK: Final = "xl/workbook.xml"
TEXTS: Final = "xl/sharedStrings.xml"
RELATIONS: Final = "xl/_rels/workbook.xml.rels"
_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SHARE = Column(header="Aandeel", name="bedrag", type="percentage")


def cases() -> list[Case]:
    """Every case, with names that occur once."""
    return [*_figures(), *_sheets(), *_tables(), *_merged(), *_packages(), *_xml(), *_persons(), *_swing()]


def made(rows: Rows, change: Callable[[openpyxl.Workbook], object] | None = None) -> bytes:
    """The bytes of a workbook with these rows, changed by hand where that is asked."""
    book = workbook(rows)
    if change is not None:
        change(book)
    return saved(book)


def patched(
    data: bytes,
    parts: Mapping[str, bytes | Callable[[bytes], bytes] | None],
    compression: int = zipfile.ZIP_DEFLATED,
) -> bytes:
    """A workbook with some parts of its package replaced, made from what they were, added, or left out (None)."""
    stream = io.BytesIO()
    left = dict(parts)
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(stream, "w", compression) as new:
        for name in old.namelist():
            part = left.pop(name, old.read(name))
            if part is not None:
                new.writestr(name, part if isinstance(part, bytes) else part(old.read(name)))
        for name, part in left.items():
            if isinstance(part, bytes):
                new.writestr(name, part)
    return stream.getvalue()


def replaced(old: str, new: str) -> Callable[[bytes], bytes]:
    """What replaces a text in a part, where it must stand."""

    def replace(part: bytes) -> bytes:
        if old.encode() not in part:
            raise AssertionError(f"{old} is not in the part")
        return part.replace(old.encode(), new.encode())

    return replace


def with_shared_texts(data: bytes) -> bytes:
    """A workbook of which the cells share their texts, as Excel writes them."""
    texts: list[str] = []

    def shared(match: re.Match[str]) -> str:
        texts.append(match[1])
        return f't="s"><v>{len(texts) - 1}</v></c>'

    sheet = re.sub('t="inlineStr"><is>(<t[^>]*>[^<]*</t>)</is></c>', shared, part_of(data, SHEET).decode())
    items = "".join(f"<si>{text}</si>" for text in texts)
    relation = f'<Relationship Type="{_OFFICE}/sharedStrings" Target="sharedStrings.xml" Id="rId90" />'
    return patched(
        data,
        {
            SHEET: sheet.encode(),
            TEXTS: f'<sst xmlns="{_MAIN}">{items}</sst>'.encode(),
            RELATIONS: replaced("</Relationships>", f"{relation}</Relationships>"),
        },
    )


def part_of(data: bytes, name: str) -> bytes:
    """A part of a package."""
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        return package.read(name)


def _case(
    name: str,
    data: bytes,
    outcome: Outcome,
    reason: str | None = None,
    line: int | None = None,
    column: int | None = None,
    **more: Any,
) -> Case:
    file_name = more.pop("file_name", None) or f"{name.replace(' ', '_')}.xlsx"
    source = more.pop("source", None) or spreadsheet()
    return Case(name, file_name, data, source, outcome, reason=reason, line=line, column=column, **more)


def _good(name: str, data: bytes, **more: Any) -> Case:
    """Two rows, of 10 and of 20."""
    return _case(name, data, "loads", rows=2, values=(10.0, 20.0), **more)


def _refused(name: str, data: bytes, reason: str, *place: int | None, **more: Any) -> Case:
    return _case(name, data, "refused", reason, *place, **more)


def _figures() -> list[Case]:
    """What a cell may hold for a figure."""
    read: dict[str, tuple[Any, float]] = {
        "a decimal": (12.5, 12.5),
        "a text": ("12,5", 12.5),
        "a text with a sign for euros": ("€ 12", 12.0),
        "a text with an apostrophe's mark": (" 12 ", 12.0),
        "minus nought": (-0.0, 0.0),
        "something very small": (1e-7, 1e-7),
        "a large number": (123456789012, 123456789012.0),
        "a power of ten in its own type": (1e5, 100000.0),
    }
    wrong: dict[str, Any] = {
        "a text the English way": "1,234.5",
        "a text with a point": "1.234",
        "a text with a power of ten": "1e5",
        "a day": dt.date(2016, 1, 2),
        "a moment": dt.datetime(2016, 1, 2, 3, 4),  # noqa: DTZ001
        "a time": dt.time(12, 30),
        "a duration": dt.timedelta(hours=30),
        "yes": True,
        "a word": "twaalf",
        "a command as text": "'=cmd|' /C calc'!A0",
    }
    errors = ("#REF!", "#DIV/0!", "#N/A", "#NAME?", "#VALUE!", "#NUM!", "#NULL!")
    formula = made([HEADER, *TWO, ["Uitgeest", 2016, "=SUM(C2:C3)"]])
    command = made([HEADER, *TWO, ["Uitgeest", 2016, "=cmd|' /C calc'!A0"]])

    def uitgeest(value: Any, number_format: str | None = None) -> bytes:
        def change(book: openpyxl.Workbook) -> None:
            if number_format is not None:
                book.active["C4"].number_format = number_format

        return made([*GOOD, ["Uitgeest", 2016, value]], change)

    def faulty(name: str, data: bytes, reason: str, **more: Any) -> Case:
        return _case(name, data, "quarantined", reason, 4, 3, rows=2, values=(10.0, 20.0), **more)

    written: tuple[tuple[str, Outcome, str | None, int], ...] = (
        ("7.7E1", "loads", None, 3),
        ("+77", "loads", None, 3),
        (" 77 ", "loads", None, 3),
        ("7_7", "quarantined", "unreadable_cell", 2),
        ("NaN", "quarantined", "unreadable_cell", 2),
        ("1e999", "quarantined", "unreadable_cell", 2),
        ("0x4D", "refused", "unknown_format", 0),
        ("77,5", "refused", "unknown_format", 0),
        ("zeven", "refused", "unknown_format", 0),
        ("9" * 5000, "quarantined", "unreadable_cell", 2),
    )
    share = spreadsheet(GEMEENTE, JAAR, _SHARE)
    shares: Rows = [["Gemeente", "Jaar", "Aandeel"], ["Heiloo", 2016, 0.57]]

    def as_percentage(book: openpyxl.Workbook) -> None:
        book.active["C2"].number_format = "0%"

    return [
        *(
            _case(f"a cell of {name}", uitgeest(value), "loads", rows=3, values=(10.0, 20.0, number))
            for name, (value, number) in read.items()
        ),
        *(faulty(f"a cell of {name}", uitgeest(value), "not_a_number") for name, value in wrong.items()),
        *(faulty(f"a cell with {text}", uitgeest(text), "unreadable_cell", in_problem=text) for text in errors),
        faulty("a serial number shown as a day", uitgeest(42371, "DD-MM-YYYY"), "not_a_number"),
        faulty("a day that no calendar has", uitgeest(1e9, "DD-MM-YYYY"), "unreadable_cell"),
        faulty("a figure shown as a percentage", uitgeest(0.5, "0%"), "not_a_number"),
        faulty("a formula without a result", formula, "unreadable_cell", in_problem="a formula"),
        faulty("a command without a result", command, "unreadable_cell"),
        faulty("an empty cell", uitgeest(None), "missing_value"),
        faulty("a cell with a point", uitgeest("."), "missing_value"),
        _case(
            "a formula with its result",
            patched(formula, {SHEET: replaced("<v />", "<v>30</v>")}),
            "loads",
            rows=3,
            values=(10.0, 20.0, 30.0),
        ),
        _case(
            "a percentage shown as one",
            made(shares, as_percentage),
            "loads",
            rows=1,
            values=(57.0,),
            source=share,
        ),
        _case("a percentage not shown as one", made(shares), "loads", rows=1, values=(0.57,), source=share),
        *(
            _case(
                f"a number written as {text[:12]}",
                patched(made([*GOOD, ["Uitgeest", 2016, 77]]), {SHEET: replaced("<v>77</v>", f"<v>{text}</v>")}),
                outcome,
                reason,
                rows=rows,
            )
            for text, outcome, reason, rows in written
        ),
        _case(
            "a year shown as a day",
            made([*GOOD, ["Uitgeest", dt.date(2016, 1, 1), 5]]),
            "quarantined",
            "unknown_period",
            4,
            2,
            rows=2,
        ),
        _case("a year as text", made([*GOOD, ["Uitgeest", "2016", 5]]), "loads", rows=3),
        _case("half a year", made([*GOOD, ["Uitgeest", 2016.5, 5]]), "quarantined", "unknown_period", 4, 2, rows=2),
        _case("a region as a number", made([*GOOD, [399, 2016, 5]]), "quarantined", "unknown_region", 4, 1, rows=2),
    ]


def _sheets() -> list[Case]:
    def hide(book: openpyxl.Workbook) -> None:
        book.active.sheet_state = "hidden"
        book.create_sheet("Blad2")

    def hide_parts(book: openpyxl.Workbook) -> None:
        book.active.row_dimensions[3].hidden = True
        book.active.column_dimensions["C"].hidden = True

    def another(book: openpyxl.Workbook) -> None:
        book.create_sheet("Toelichting").append(["Bedragen in euro's"])

    def filtered(book: openpyxl.Workbook) -> None:
        book.active.auto_filter.ref = "A1:C3"
        book.active.freeze_panes = "A2"

    def chart_only(book: openpyxl.Workbook) -> None:
        book.remove(book.active)
        book.create_chartsheet("Blad1")

    named = {"another name": "Sheet1", "a space too much": "Blad1 ", "another capital": "blad1"}
    return [
        _good("a workbook as it is", made(GOOD)),
        _good("a workbook with shared texts", with_shared_texts(made(GOOD))),
        _good("a hidden sheet", made(GOOD, hide)),
        _good("a hidden row and column", made(GOOD, hide_parts)),
        _good("another sheet", made(GOOD, another)),
        _good("a filter and frozen rows", made(GOOD, filtered)),
        *(
            _refused(f"a sheet with {name}", saved(workbook(GOOD, sheet)), "unknown_format", in_problem='"Blad1"')
            for name, sheet in named.items()
        ),
        _refused("a chart by the name of the sheet", made(GOOD, chart_only), "unknown_format"),
        _refused("an empty sheet", made([]), "empty_file"),
        _refused("a sheet with only a header", made([HEADER]), "empty_file", 1),
        _refused("a sheet with only a total", made([HEADER, ["Totaal", None, 30]]), "empty_file", 1),
        _refused("data without a header", made(TWO), "missing_column", 1),
        _refused("a table that begins at B3", made([[], [], *([None, *row] for row in GOOD)]), "missing_column"),
    ]


def _tables() -> list[Case]:
    stray = [*GOOD, *([[]] * 20), [None] * 40 + ["x"]]
    return [
        _good("a total row and a footer", made([*GOOD, ["Totaal", None, 30], [], ["Bron: eigen administratie"]])),
        _good("a header with a line break in its cell", made([["Gemeente", "Jaar\n", "\r\nBedrag "], *TWO])),
        _good("a column beside the table", made([[*HEADER, "Opmerking"], *([*row, "x"] for row in TWO)])),
        _good("empty rows between", made([HEADER, [], TWO[0], [], TWO[1], []])),
        _good("a table that begins at B", made([[None, *row] for row in GOOD])),
        _case("a stray cell far away", made(stray), "quarantined", "missing_value", 24, 1, rows=2),
        _refused(
            "a header cell twice", made([[*HEADER, "Bedrag"], *([*row, 1] for row in TWO)]), "unknown_format", 1, 4
        ),
        _refused("a header cell too few", made([row[:2] for row in GOOD]), "missing_column", 1),
        _refused("a header of numbers", made([[1, 2, 3], *TWO]), "missing_column", 1),
        _refused("a title over the header", made([["Uitgaven"], *GOOD]), "missing_column", 1),
        _good(
            "a title over a header that is declared lower",
            made([["Uitgaven"], *GOOD]),
            source=spreadsheet(header_row=2),
        ),
        _case("a key twice", made([*GOOD, TWO[1]]), "quarantined", "duplicate_key", 3, 1, rows=1, bad=2),
        _case("Bergen", made([*GOOD, ["Bergen", 2016, 1]]), "quarantined", "unknown_region", 4, 1, rows=2),
        _case("no municipality", made([*GOOD, [None, 2016, 1]]), "quarantined", "missing_value", 4, 1, rows=2),
        _good(
            "a text that looks like a formula",
            made([["Gemeente", "Jaar", "Post", "Bedrag"], ["Castricum", 2016, "+x", 10], ["Heiloo", 2016, "@y", 20]]),
            source=spreadsheet(GEMEENTE, JAAR, POST, Column(header="Bedrag", name="bedrag", type="number")),
        ),
    ]


def _merged() -> list[Case]:
    rows: Rows = [HEADER, ["Castricum", 2016, 10], [None, 2017, 20]]

    def merging(*areas: str) -> Callable[[openpyxl.Workbook], None]:
        def change(book: openpyxl.Workbook) -> None:
            for area in areas:
                book.active.merge_cells(area)

        return change

    return [
        _good("a merged region", made(rows, merging("A2:A3")), regions=("GM0383", "GM0383")),
        _case("a merged figure", made(GOOD, merging("C2:C3")), "quarantined", "unreadable_cell", 2, 3, bad=2),
        _case("a region merged with its year", made(GOOD, merging("A3:B3")), "quarantined", rows=1),
        _case("a merged row", made(GOOD, merging("A3:C3")), "quarantined", "unreadable_cell", 3, rows=1),
        _good("a merged title", made([["Uitgaven"], *GOOD], merging("A1:C1")), source=spreadsheet(header_row=2)),
        _refused("a merged header", made(GOOD, merging("B1:C1")), "missing_column", 1),
        _good(
            "cells merged that are not there",
            patched(made(GOOD, merging("E5:F6")), {SHEET: replaced('ref="E5:F6"', 'ref="ZZZ9999998:ZZZ9999999"')}),
        ),
        _case(
            "a merge of whole columns",
            patched(made(GOOD, merging("E5:F6")), {SHEET: replaced('ref="E5:F6"', 'ref="B:C"')}),
            "quarantined",
            "unknown_period",
            2,
            2,
            bad=2,
        ),
        _refused(
            "a merge of what is no place",
            patched(made(GOOD, merging("E5:F6")), {SHEET: replaced('ref="E5:F6"', 'ref="E5:6F"')}),
            "unknown_format",
        ),
        _case(
            "a merge over the whole sheet",
            patched(made(GOOD, merging("E5:F6")), {SHEET: replaced('ref="E5:F6"', 'ref="B1:XFD1048576"')}),
            "quarantined",
            "unknown_period",
            2,
            2,
            bad=2,
        ),
    ]


def _packages() -> list[Case]:
    good = made(GOOD)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w"):
        pass
    nothing = stream.getvalue()
    middle = len(good) // 2
    flagged = bytearray(good)
    central = good.rindex(b"PK\x01\x02", 0, good.index(SHEET.encode(), good.index(b"PK\x01\x02")))
    flagged[central + 8] |= 1
    method = bytearray(good)
    method[central + 10] = 99
    inner = patched(nothing, {"data.xlsx": good})
    lzma = patched(good, {}, zipfile.ZIP_LZMA)
    misnamed = patched(good, {"xl/media/é.bin": b"x"}).replace("é".encode(), b"\xff\xfe")
    link = (
        b'<Relationship Id="rId99" Type="http://x/externalLink" Target="http://127.0.0.1:9/x" TargetMode="External"/>'
    )

    def twice() -> bytes:
        target = io.BytesIO(good)
        with zipfile.ZipFile(target, "a") as package:
            package.writestr("xl/media/image1.png", b"x")
            package.comment = b"x" * 1000
        return target.getvalue()

    return [
        _refused("a workbook of 0 bytes", b"", "empty_file"),
        _refused("CSV called XLSX", b"Gemeente;Jaar;Bedrag\nHeiloo;2016;20\n", "unknown_format"),
        _refused("a page called XLSX", b"<html><table><tr><td>Gemeente</td></tr></table></html>", "unknown_format"),
        _refused("a workbook with a password", _OLE + bytes(1000), "unknown_format", in_problem="password"),
        _refused("an old workbook called XLSX", _OLE + b"\x09\x08\x10\x00" * 200, "unknown_format"),
        _refused("an old sheet without a container", b"\x09\x08\x10\x00\x00\x06\x05\x00" + bytes(90), "unknown_format"),
        _refused("an empty package", nothing, "unknown_format"),
        _refused("a package of something else", patched(nothing, {"word/document.xml": b"<x/>"}), "unknown_format"),
        _refused("a workbook in a package", inner, "unknown_format"),
        _refused("a package cut short", good[:middle], "unknown_format"),
        _refused("a package of four bytes", good[:4], "unknown_format"),
        _refused("a package without its beginning", b"PK\x03\x04" + good[middle:], "unknown_format"),
        _refused("a package with a wrong byte", _with_wrong_bytes(good), "unknown_format"),
        _refused("a package with wrong bytes packed by LZMA", _with_wrong_bytes(lzma, first=20), "unknown_format"),
        _refused("a package with a name that is no utf-8", misnamed, "unknown_format"),
        _refused("a package said to be encrypted", bytes(flagged), "unknown_format"),
        _refused("a package with an unknown compression", bytes(method), "unknown_format"),
        _good("a package with a picture and a comment", twice()),
        _good(
            "names that lead out of the package",
            patched(good, {"../../../../tmp/outside.txt": b"x", "/etc/passwd": b"x", "..\\..\\x": b"x"}),
        ),
        _refused(
            "a sheet outside the package",
            patched(good, {RELATIONS: replaced("/xl/worksheets/sheet1.xml", "../../../etc/passwd")}),
            "unknown_format",
        ),
        _good(
            "a link to elsewhere",
            patched(good, {RELATIONS: replaced("</Relationships>", f"{link.decode()}</Relationships>")}),
        ),
        _refused("no list of sheets", patched(good, {BOOK: None}), "unknown_format"),
        _refused("a sheet that is not there", patched(good, {SHEET: None}), "unknown_format"),
        _refused("no relations", patched(good, {RELATIONS: None}), "unknown_format"),
        _good("no styles", patched(good, {"xl/styles.xml": None})),
        _good("no properties", patched(good, {"docProps/core.xml": None, "docProps/app.xml": None})),
        _refused("no shared texts", patched(with_shared_texts(good), {TEXTS: None}), "unknown_format"),
        _refused(
            "relations that are none",
            patched(good, {RELATIONS: b'<Relationships><Relationship Id="rId1"/></Relationships>'}),
            "unknown_format",
        ),
        _good("a workbook in the strict form of the standard", _in_strict_form(with_shared_texts(good))),
    ]


def _in_strict_form(data: bytes) -> bytes:
    """The workbook with the namespaces of the form that Excel writes where one asks for it."""

    def strict(part: bytes) -> bytes:
        part = part.replace(_MAIN.encode(), b"http://purl.oclc.org/ooxml/spreadsheetml/main")
        return part.replace(_OFFICE.encode(), b"http://purl.oclc.org/ooxml/officeDocument/relationships")

    with zipfile.ZipFile(io.BytesIO(data)) as package:
        return patched(data, dict.fromkeys(package.namelist(), strict))


def _with_wrong_bytes(data: bytes, first: int = 0) -> bytes:
    """The package with the packed bytes of its sheet turned over, from the `first` on."""
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        member = package.getinfo(SHEET)
    start = member.header_offset + 30 + len(SHEET) + first
    end = start + member.compress_size - first
    return data[:start] + bytes(byte ^ 0xFF for byte in data[start:end]) + data[end:]


def _xml() -> list[Case]:
    good = with_shared_texts(made(GOOD))
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    types = {
        "an entity of a file": '<!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        "an entity of the network": '<!DOCTYPE x [<!ENTITY x SYSTEM "http://127.0.0.1:9/x">]>',
        "entities that expand to a gigabyte": f'<!DOCTYPE x [<!ENTITY l0 "hahahahaha">{laughs}]>',
        "a parameter entity": '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:9/p"> %p;]>',
        "an empty document type": "<!DOCTYPE x>",
    }
    parts = {"sheet": SHEET, "list of sheets": BOOK, "shared texts": TEXTS, "styles": "xl/styles.xml"}

    def headed(text: str) -> Callable[[bytes], bytes]:
        def change(part: bytes) -> bytes:
            body = part[part.index(b"?>") + 2 :] if part.startswith(b"<?xml") else part
            return text.encode() + body

        return change

    def in_utf16(part: bytes) -> bytes:
        body = part[part.index(b"?>") + 2 :] if part.startswith(b"<?xml") else part
        return ('<?xml version="1.0" encoding="UTF-16"?>' + body.decode()).encode("utf-16")

    def sheet(name: str, old: str, new: str, outcome: Outcome, reason: str | None = None, **more: Any) -> Case:
        return _case(name, patched(good, {SHEET: replaced(old, new)}), outcome, reason, **more)

    return [
        *(
            _refused(f"{name} in the {where}", patched(good, {part: headed(text)}), "unknown_format", in_problem="type")
            for name, text in types.items()
            for where, part in parts.items()
        ),
        _refused(
            "a document type in utf-16",
            patched(good, {SHEET: lambda part: in_utf16(b"<!DOCTYPE x>" + headed("")(part))}),
            "unknown_format",
        ),
        _good("a sheet in utf-16", patched(good, {SHEET: in_utf16})),
        _refused("a sheet that is no XML", patched(good, {SHEET: b"\x00\x01\x02"}), "unknown_format"),
        _refused("a sheet of 0 bytes", patched(good, {SHEET: b""}), "unknown_format"),
        _refused("a sheet cut short", patched(good, {SHEET: lambda part: part[: len(part) // 2]}), "unknown_format"),
        _refused(
            "elements ten thousand deep",
            patched(good, {SHEET: replaced("</row>", f"{'<x>' * 10_000}{'</x>' * 10_000}</row>")}),
            "unknown_format",
        ),
        _refused(
            "ever new names of elements in a sheet",
            patched(good, {SHEET: replaced("</row>", "".join(f"<x{n}/>" for n in range(3000)) + "</row>")}),
            "unknown_format",
        ),
        sheet("a remark in a sheet", "<sheetData>", "<!-- x --><sheetData>", "loads", rows=2),
        sheet("an instruction in a sheet", "<sheetData>", "<?x y?><sheetData>", "loads", rows=2),
        sheet("a cell that has no place", 'r="C3"', 'r="3C"', "refused", "unknown_format"),
        sheet("a cell of an impossible row", 'r="C3"', 'r="C99999999"', "refused", "unknown_format"),
        sheet("a cell of an impossible column", 'r="C3"', 'r="ZZZZ3"', "refused", "unknown_format"),
        sheet("a text that nobody shared", 't="s"><v>0</v>', 't="s"><v>99999</v>', "refused", "unknown_format"),
        sheet("a text before the first", 't="s"><v>0</v>', 't="s"><v>-1</v>', "refused", "unknown_format"),
        sheet("a kind of cell nobody knows", 't="n"><v>20</v>', 't="q"><v>20</v>', "loads", rows=2),
        sheet("a style that is not there", 'r="C3"', 'r="C3" s="99999"', "loads", rows=2),
        sheet("a style before the first", 'r="C3"', 'r="C3" s="-99"', "loads", rows=2),
        sheet("a style beyond all counting", 'r="C3"', 'r="C3" s="99999999999"', "refused", "unknown_format"),
        sheet("a cell with an empty place", 'r="C3"', 'r=""', "refused", "unknown_format"),
        sheet(
            "a page that lies as no page can",
            "</sheetData>",
            "</sheetData><pageSetup orientation='x'/>",
            "loads",
            rows=2,
        ),
        _good(
            "a fill without anything",
            patched(good, {"xl/styles.xml": replaced("<fills", "<fills><fill/></fills><fills")}),
        ),
        _good(
            "a colour by its name",
            patched(
                good, {"xl/styles.xml": replaced("<borders", '<fonts><font><color rgb="red"/></font></fonts><borders')}
            ),
        ),
        _refused(
            "a sheet in an encoding that nobody knows",
            patched(good, {SHEET: headed('<?xml version="1.0" encoding="x-niets"?>')}),
            "unknown_format",
        ),
    ]


def _persons() -> list[Case]:
    def case(name: str, data: bytes, *place: int | None, **more: Any) -> Case:
        return _refused(name, data, "personal_data", *place, **more)

    def other_sheet(state: str) -> Callable[[openpyxl.Workbook], None]:
        def change(book: openpyxl.Workbook) -> None:
            added = book.create_sheet("Blad2")
            added.append(["dossier", BSN])
            added.sheet_state = state

        return change

    def comment(book: openpyxl.Workbook) -> None:
        book.active["A2"].comment = Comment(f"dossier {BSN}", "x")

    def properties(book: openpyxl.Workbook) -> None:
        book.properties.title = f"dossier {BSN}"

    def sheet_name(book: openpyxl.Workbook) -> None:
        book.create_sheet(f"dossier {BSN}")

    def defined_name(book: openpyxl.Workbook) -> None:
        book.defined_names[f"dossier_{BSN}"] = DefinedName(f"dossier_{BSN}", attr_text="Blad1!$A$1")

    def page_header(book: openpyxl.Workbook) -> None:
        book.active.oddHeader.center.text = f"dossier {BSN}"

    link = f'<Relationship Id="r1" Type="{_OFFICE}/hyperlink" Target="http://x/?b={BSN}" TargetMode="External"/>'
    wide = f'<?xml version="1.0" encoding="UTF-16"?><x>{BSN}</x>'
    parts = {
        "what a pivot table remembers": (
            "xl/pivotCache/pivotCacheRecords1.xml",
            f'<pivotCacheRecords><r><n v="{BSN}"/></r></pivotCacheRecords>'.encode(),
        ),
        "the address of a link": (
            "xl/worksheets/_rels/sheet1.xml.rels",
            f"<Relationships>{link}</Relationships>".encode(),
        ),
        "a part in utf-16": ("docProps/custom.xml", wide.encode("utf-16")),
    }
    extra = [[*HEADER, "Kenmerk"], [*TWO[0], "a"]]
    posts: Rows = [["Gemeente", "Jaar", "Post", "Bedrag"], ["Heiloo", 2016, "x", 20]]
    with_post = spreadsheet(GEMEENTE, JAAR, POST, Column(header="Bedrag", name="bedrag", type="number"))
    return [
        case("a BSN as a number in a sheet", made([*extra, [*TWO[1], int(BSN)]])),
        case("a BSN as a text in a sheet", made([*extra, [*TWO[1], BSN]])),
        case("a BSN with points in a sheet", made([*extra, [*TWO[1], "123.456.782"]])),
        case("a BSN with spaces in a sheet", made([*extra, [*TWO[1], "123 456 782"]])),
        case(
            "a BSN with hard spaces in a declared text",
            made([*posts, ["Castricum", 2016, "123\u00a0456\u00a0782", 1]]),
            3,
            3,
            source=with_post,
        ),
        case("a figure that is a BSN", made([*GOOD, ["Uitgeest", 2016, int(BSN)]]), 4, 3),
        case("a region that is a BSN", made([*GOOD, [BSN, 2016, 1]])),
        case("a header that is a BSN", made([[*HEADER, BSN], *([*row, 1] for row in TWO)])),
        case("a header cell of Geboortedatum", made([[*HEADER, "Geboortedatum"], *([*row, "x"] for row in TWO)]), 1, 4),
        case("a footer with a BSN", made([*GOOD, [f"Bron: dossier {BSN}"]])),
        case("a cell with a BSN far away", made([*GOOD, [], [None] * 8 + [f"dossier {BSN}"]])),
        case("a BSN in a formula of a sheet", made([*GOOD, ["Uitgeest", 2016, f"={BSN}+0"]])),
        case("a BSN on another sheet", made(GOOD, other_sheet("visible"))),
        case("a BSN on a hidden sheet", made(GOOD, other_sheet("hidden"))),
        case("a BSN on a sheet hidden twice", made(GOOD, other_sheet("veryHidden"))),
        case("a BSN in a comment", made(GOOD, comment)),
        case("a BSN in the properties", made(GOOD, properties)),
        case("a BSN in the name of a sheet", made(GOOD, sheet_name)),
        case("a BSN in the name of a range", made(GOOD, defined_name)),
        case("a BSN in the header of a page", made(GOOD, page_header)),
        *(case(f"a BSN in {name}", patched(made(GOOD), {part: text})) for name, (part, text) in parts.items()),
        case("a BSN in the name of a workbook", made(GOOD), file_name=f"levering {BSN}.xlsx"),
    ]


def _swing() -> list[Case]:
    header = ["period", "geolevel", "geoitem", "hulp", "hulpmiddelen"]
    good: Rows = [header, [2016, "gemeente", 383, 5, 6]]
    source = swing()

    def case(name: str, sheet: Rows, outcome: Outcome, reason: str | None = None, *place: int, **more: Any) -> Case:
        return _case(f"a Swing workbook {name}", made(sheet), outcome, reason, *place, source=source, **more)

    return [
        case("as it is", good, "loads", rows=2, values=(5.0, 6.0)),
        case("with special values", [header, [2016, "gemeente2016", "383", -99999, "?"]], "loads", rows=2),
        case(
            "with a period that became a day",
            [*good, [dt.date(2016, 1, 1), "gemeente", 399, 1, 2]],
            "quarantined",
            "unknown_period",
            3,
            1,
            rows=2,
        ),
        case(
            "with an error", [*good, [2016, "gemeente", 399, "#N/A", 2]], "quarantined", "unreadable_cell", 3, 4, rows=2
        ),
        case("with an item too many", [[*header, "vervoer"], [*good[1], 1]], "refused", "unknown_item", 1, 6),
        case("with a BSN", [*good, [2016, "gemeente", 399, int(BSN), 2]], "refused", "personal_data", 3, 4),
    ]
