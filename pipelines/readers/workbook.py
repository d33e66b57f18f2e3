"""An XLSX workbook from strangers: its sheets, its texts and what its number formats mean, and nothing that harms.

What belongs here: the package (ZIP) and the XML of a workbook, read in pieces. What does not: what cells become
(`sheet`), and which sheet is declared (`spreadsheet`). A document type is refused where it begins, so that no entity
is ever declared or fetched; nothing is unpacked onto a disk, and links to elsewhere are not followed.
"""

from __future__ import annotations

import io
import lzma
import posixpath
import re
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal
from xml.parsers import expat

import pyarrow as pa

from pipelines.readers.account import Problem
from pipelines.readers.refusal import RefusedFileError

MOST_UNPACKED: Final = 256 * 1024**2
MOST_CELLS: Final = 6_000_000
_MOST_PER_PACKED_BYTE: Final = 200
_RATIO_COUNTS_FROM: Final = 1024**2
_PIECE: Final = 256 * 1024
_DEEPEST: Final = 64
# A parser remembers every name that it has seen, so that ever new ones fill the memory.
_MOST_NAMES: Final = 1000
_LONGEST_TAG: Final = 1024**2
_LONGEST_TEXT: Final = 131072
_TEXTS_AT_ONCE: Final = 50_000

_ZIP: Final = b"PK\x03\x04"
_OLE: Final = b"\xd0\xcf\x11\xe0"
# A package that lies about its own places makes the module that reads it raise anything of these.
_DAMAGED: Final = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
)
_OPENS: Final = "a workbook that opens"
_PERCENT_FORMAT: Final = re.compile(r'^(?:[^"%\\]|"[^"]*"|\\.)*%')
_ESCAPED: Final = re.compile("_x([0-9A-Fa-f]{4})_")

Shown = Literal["number", "percent", "date", "duration"]
"""As what a number is shown to whoever opens the workbook."""


@dataclass(frozen=True)
class SheetPlace:
    """A worksheet by name: the part of the package it is in, and whether it is hidden."""

    name: str
    part: str
    is_hidden: bool


@dataclass(frozen=True)
class Workbook:
    """An open workbook. `texts` are the texts that its cells share, `shown` as what each cell style shows a number."""

    file: str
    sheets: tuple[SheetPlace, ...]
    texts: pa.Array
    shown: tuple[Shown, ...]
    counts_from_1904: bool
    _package: zipfile.ZipFile

    def walk_sheet(self, sheet: SheetPlace, listener: Listener) -> None:
        """Tell a listener of every element of a sheet. Raises RefusedFileError."""
        _walk(self.file, self._package, sheet.part, listener)

    def end_of_sheet(self, sheet: SheetPlace, size: int) -> bytes:
        """The last `size` bytes of the XML of a sheet, or all of it."""
        tail = b""
        with self._package.open(sheet.part) as stream:
            while piece := stream.read(_PIECE):
                tail = (tail + piece)[-size:]
        return tail


class Listener:
    """What is told of the elements of a part, by their local names. Text comes only to `text` while it is wanted."""

    def start(self, name: str, attributes: Mapping[str, str]) -> bool:
        """An element begins; whether its text is wanted."""
        raise NotImplementedError

    def end(self, name: str, text: str) -> None:
        """An element ends; `text` is its own where it was wanted."""
        raise NotImplementedError


def open_workbook(file: str, data: bytes) -> Workbook:
    """Open a workbook without reading its sheets.

    Raises RefusedFileError for what is no workbook, for what would unpack to more than a table of figures can be, and
    for a workbook that is damaged or has a document type declaration.
    """
    if not data:
        raise refusal(file, "empty_file", "a file of 0 bytes", "a workbook with rows")
    if not data.startswith(_ZIP):
        old = data.startswith(_OLE)
        found = "an old XLS workbook or one with a password" if old else "no XLSX workbook"
        raise refusal(file, "unknown_format", found, "an XLSX workbook without a password")
    try:
        package = zipfile.ZipFile(io.BytesIO(data))
        _refuse_bombs(file, package)
        return _opened(file, package)
    except _DAMAGED:
        raise refusal(file, "unknown_format", "a damaged workbook", _OPENS) from None


def refusal(file: str, reason: str, found: str, expected: str) -> RefusedFileError:
    """The refusal of a workbook as a whole."""
    return RefusedFileError(Problem(file, None, None, None, reason, found, expected), rows=1)


def _refuse_bombs(file: str, package: zipfile.ZipFile) -> None:
    members = package.infolist()
    large = [member for member in members if member.file_size > _RATIO_COUNTS_FROM]
    if sum(member.file_size for member in members) > MOST_UNPACKED or any(
        member.file_size > _MOST_PER_PACKED_BYTE * max(member.compress_size, 1) for member in large
    ):
        limit = f"at most {MOST_UNPACKED // 1024**2} MiB unpacked"
        raise refusal(file, "unknown_format", "a workbook that unpacks to far more than a table", limit)


def _opened(file: str, package: zipfile.ZipFile) -> Workbook:
    names = set(package.namelist())
    main = next(
        (target for kind, target in _relations(file, package, "_rels/.rels", "").values() if kind == "officeDocument"),
        "xl/workbook.xml",
    )
    if main not in names:
        raise refusal(file, "unknown_format", "a ZIP file without a workbook in it", "an XLSX workbook")
    folder, name = posixpath.split(main)
    relations = _relations(file, package, posixpath.join(folder, "_rels", f"{name}.rels"), folder)
    parts = dict(relations.values())
    listed = _Sheets()
    _walk(file, package, main, listed)
    sheets = tuple(
        SheetPlace(title, relations[relation][1], hidden)
        for title, relation, hidden in listed.found
        if relation in relations and relations[relation][0] == "worksheet"
    )
    if missing := [sheet for sheet in sheets if sheet.part not in names]:
        found = f"a damaged workbook ({len(missing)} of its sheets are not in it)"
        raise refusal(file, "unknown_format", found, _OPENS)
    texts, styles = _Texts(), _Styles()
    for kind, listener in (("sharedStrings", texts), ("styles", styles)):
        if parts.get(kind) in names:
            _walk(file, package, parts[kind], listener)
    return Workbook(file, sheets, texts.as_array(), styles.shown(), listed.counts_from_1904, package)


def _relations(file: str, package: zipfile.ZipFile, part: str, folder: str) -> dict[str, tuple[str, str]]:
    """Kind and part of every relation within the package, by its id."""
    if part not in package.namelist():
        return {}
    relations = _Relations(folder)
    _walk(file, package, part, relations)
    return relations.found


class TextPile:
    """Texts that come one by one, of which a workbook may hold millions. Raises _RefusedXmlError for too many."""

    def __init__(self) -> None:
        self._done: list[pa.Array] = []
        self._coming: list[str] = []
        self.count = 0

    def append(self, text: str) -> None:
        if self.count >= MOST_CELLS:
            raise _RefusedXmlError(f"a workbook with more than {MOST_CELLS} texts")
        self._coming.append(text)
        self.count += 1
        if len(self._coming) >= _TEXTS_AT_ONCE:
            self._done.append(pa.array(self._coming, pa.string()))
            self._coming.clear()

    def as_array(self) -> pa.Array:
        return pa.concat_arrays([*self._done, pa.array(self._coming, pa.string())])


class _Relations(Listener):
    def __init__(self, folder: str) -> None:
        self._folder = folder
        self.found: dict[str, tuple[str, str]] = {}

    def start(self, name: str, attributes: Mapping[str, str]) -> bool:
        target = attributes.get("Target", "")
        if name == "Relationship" and attributes.get("TargetMode", "Internal") == "Internal":
            path = target[1:] if target.startswith("/") else posixpath.join(self._folder, target)
            kind = attributes.get("Type", "").rpartition("/")[2]
            self.found[attributes.get("Id", "")] = kind, posixpath.normpath(path)
        return False

    def end(self, name: str, text: str) -> None:
        """Nothing is left to do."""


class _Sheets(Listener):
    def __init__(self) -> None:
        self.found: list[tuple[str, str, bool]] = []
        self.counts_from_1904 = False

    def start(self, name: str, attributes: Mapping[str, str]) -> bool:
        if name == "sheet":
            relation = next((value for key, value in attributes.items() if key.rpartition(":")[2] == "id"), "")
            hidden = attributes.get("state", "visible") != "visible"
            self.found.append((attributes.get("name", ""), relation, hidden))
        elif name == "workbookPr":
            self.counts_from_1904 = attributes.get("date1904", "0") in ("1", "true")
        return False

    def end(self, name: str, text: str) -> None:
        """Nothing is left to do."""


class _Texts(Listener):
    """The shared texts: of rich text all runs, of phonetic hints none."""

    def __init__(self) -> None:
        self._texts = TextPile()
        self._runs: list[str] = []
        self._phonetic = 0

    def start(self, name: str, attributes: Mapping[str, str]) -> bool:
        if name == "rPh":
            self._phonetic += 1
        elif name == "si":
            self._runs.clear()
        return name == "t" and not self._phonetic

    def end(self, name: str, text: str) -> None:
        if name == "t" and not self._phonetic:
            self._runs.append(text)
        elif name == "rPh":
            self._phonetic -= 1
        elif name == "si":
            self._texts.append(unescaped("".join(self._runs)))

    def as_array(self) -> pa.Array:
        return self._texts.as_array()


class _Styles(Listener):
    """As what each cell style shows a number."""

    def __init__(self) -> None:
        self._formats: dict[int, str] = {}
        self._of_styles: list[int] = []
        self._in_cell_styles = False

    def start(self, name: str, attributes: Mapping[str, str]) -> bool:
        if name == "numFmt":
            self._formats[_integer(attributes.get("numFmtId"))] = attributes.get("formatCode", "")
        elif name == "cellXfs":
            self._in_cell_styles = True
        elif name == "xf" and self._in_cell_styles:
            self._of_styles.append(_integer(attributes.get("numFmtId")))
        return False

    def end(self, name: str, text: str) -> None:
        if name == "cellXfs":
            self._in_cell_styles = False

    def shown(self) -> tuple[Shown, ...]:
        from openpyxl.styles.numbers import BUILTIN_FORMATS

        kinds = {number: _shown_by(code) for number, code in {**BUILTIN_FORMATS, **self._formats}.items()}
        return tuple(kinds.get(number, "number") for number in self._of_styles)


def _shown_by(format_code: str) -> Shown:
    from openpyxl.styles.numbers import is_date_format, is_timedelta_format

    if _PERCENT_FORMAT.match(format_code):
        return "percent"
    if is_timedelta_format(format_code):
        return "duration"
    return "date" if is_date_format(format_code) else "number"


def _integer(text: str | None) -> int:
    return int(text) if text is not None and text.isascii() and text.isdigit() else 0


def unescaped(text: str) -> str:
    """A text with the characters that XML cannot hold put back (`_x000D_`)."""
    return _ESCAPED.sub(_character, text) if "_x" in text else text


def _character(escaped: re.Match[str]) -> str:
    code = int(escaped[1], 16)
    return "\ufffd" if 0xD800 <= code <= 0xDFFF else chr(code)


class _RefusedXmlError(Exception):
    """The XML is not read any further; the message says why."""


def _walk(file: str, package: zipfile.ZipFile, part: str, listener: Listener) -> None:
    """Tell a listener of every element of a part, in pieces."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    _Guard(parser, listener)
    read = 0
    try:
        with package.open(part) as stream:
            while piece := stream.read(_PIECE):
                parser.Parse(piece, False)
                read += len(piece)
                if read - parser.CurrentByteIndex > _LONGEST_TAG + _PIECE:
                    raise _RefusedXmlError("a workbook with a tag or a remark without an end in sight")
            parser.Parse(b"", True)
    except _RefusedXmlError as error:
        expected = "a workbook as Excel or LibreOffice writes it"
        raise refusal(file, "unknown_format", str(error), expected) from None
    except (expat.ExpatError, LookupError, *_DAMAGED) as error:
        # The text of the error can hold cells, so that only its kind is told.
        found = f"a damaged workbook ({type(error).__name__})"
        raise refusal(file, "unknown_format", found, _OPENS) from None


class _Guard:
    """Stands between the parser and the listener, and refuses what no workbook needs."""

    def __init__(self, parser: Any, listener: Listener) -> None:
        self._begin: Callable[[str, Mapping[str, str]], bool] = listener.start
        self._finish: Callable[[str, str], None] = listener.end
        self._names: dict[str, str] = {}
        self._depth = 0
        self._texts: list[str] = []
        self._length = 0
        self._is_wanted = False
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        for unwanted in ("StartDoctypeDecl", "EntityDecl", "UnparsedEntityDecl", "ExternalEntityRef"):
            setattr(parser, f"{unwanted}Handler", self._document_type)

    def _document_type(self, *_: object) -> None:
        raise _RefusedXmlError("a workbook with a document type declaration")

    def _name(self, name: str) -> str:
        """The local name of an element or attribute that was perhaps not met before."""
        if name not in self._names and len(self._names) >= _MOST_NAMES:
            raise _RefusedXmlError(f"a workbook with more than {_MOST_NAMES} names of elements and attributes")
        return self._names.setdefault(name, name.rpartition(":")[2])

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        names = self._names
        if not attributes.keys() <= names.keys():
            for attribute in attributes:
                self._name(attribute)
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _RefusedXmlError(f"a workbook with elements more than {_DEEPEST} deep")
        self._texts.clear()
        self._length = 0
        self._is_wanted = self._begin(names.get(name) or self._name(name), attributes)

    def _end(self, name: str) -> None:
        self._depth -= 1
        self._is_wanted = False
        texts = self._texts
        self._finish(self._names[name], "".join(texts) if texts else "")

    def _text(self, text: str) -> None:
        if self._is_wanted:
            self._length += len(text)
            if self._length > _LONGEST_TEXT:
                raise _RefusedXmlError(f"a workbook with a text of more than {_LONGEST_TEXT} characters")
            self._texts.append(text)
