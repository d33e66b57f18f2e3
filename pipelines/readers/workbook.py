"""An XLSX workbook from strangers: its sheets, its texts and what its number formats mean, and nothing that harms.

What belongs here: the parts of a workbook, of which a library builds trees. What does not: what that library takes on
trust (`watched_xml`), what cells become (`sheet`), and which sheet is declared (`spreadsheet`). Nothing is unpacked
onto a disk, and links to elsewhere are not followed.
"""

from __future__ import annotations

import contextlib
import io
import re
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal
from xml.etree.ElementTree import Element, ParseError
from xml.parsers import expat

import pyarrow as pa

from pipelines.packages import DAMAGED_PACKAGE
from pipelines.readers.account import Problem
from pipelines.readers.refusal import RefusedFileError
from pipelines.readers.watched_xml import RefusedXmlError, XmlPackage

MOST_UNPACKED: Final = 256 * 1024**2
MOST_CELLS: Final = 6_000_000
_MOST_PER_PACKED_BYTE: Final = 200
_RATIO_COUNTS_FROM: Final = 1024**2
_TEXTS_AT_ONCE: Final = 50_000

_ZIP: Final = b"PK\x03\x04"
_OLE: Final = b"\xd0\xcf\x11\xe0"
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
    _package: XmlPackage

    def elements(self, sheet: SheetPlace, *names: str) -> Iterator[tuple[str, Element]]:
        """The elements of a sheet by these local names, one by one and named: each is emptied before the next.

        Raises RefusedFileError.
        """
        with damage_as_refusal(self.file):
            yield from _elements(self._package, sheet.part, names)


@contextlib.contextmanager
def damage_as_refusal(file: str) -> Iterator[None]:
    """Around what reads a package and its XML: what those raise for damage refuses the file."""
    try:
        yield
    except RefusedXmlError as error:
        raise refusal(file, "unknown_format", str(error), "a workbook as Excel or LibreOffice writes it") from None
    except (ParseError, expat.ExpatError, *DAMAGED_PACKAGE) as error:
        raise damaged(file, error) from None


def damaged(file: str, error: Exception) -> RefusedFileError:
    """The refusal of a damaged workbook. The text of the error can hold cells, so that only its kind is told."""
    return refusal(file, "unknown_format", f"a damaged workbook ({type(error).__name__})", _OPENS)


def refusal(file: str, reason: str, found: str, expected: str) -> RefusedFileError:
    """The refusal of a workbook as a whole."""
    return RefusedFileError(Problem(file, None, None, None, reason, found, expected), rows=1)


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
    with damage_as_refusal(file):
        package = zipfile.ZipFile(io.BytesIO(data))
        _refuse_bombs(file, package)
        return _opened(file, XmlPackage(package))


def _refuse_bombs(file: str, package: zipfile.ZipFile) -> None:
    members = package.infolist()
    large = [member for member in members if member.file_size > _RATIO_COUNTS_FROM]
    if sum(member.file_size for member in members) > MOST_UNPACKED or any(
        member.file_size > _MOST_PER_PACKED_BYTE * max(member.compress_size, 1) for member in large
    ):
        limit = f"at most {MOST_UNPACKED // 1024**2} MiB unpacked"
        raise refusal(file, "unknown_format", "a workbook that unpacks to far more than a table", limit)


def _opened(file: str, package: XmlPackage) -> Workbook:
    from openpyxl.packaging.relationship import get_rels_path
    from openpyxl.xml.functions import fromstring

    package_relations = _relations(package, "_rels/.rels").values()
    main = next((part for kind, part in package_relations if kind == "officeDocument"), "xl/workbook.xml")
    if main not in package.names:
        raise refusal(file, "unknown_format", "a ZIP file without a workbook in it", "an XLSX workbook")
    relations = _relations(package, get_rels_path(main))
    if not relations:
        raise refusal(file, "unknown_format", "a damaged workbook (its parts cannot be found)", _OPENS)
    parts = dict(relations.values())
    root = fromstring(package.read(main))
    sheets = tuple(_sheets(root, relations))
    if missing := [sheet for sheet in sheets if sheet.part not in package.names]:
        found = f"a damaged workbook ({len(missing)} of its sheets are not in it)"
        raise refusal(file, "unknown_format", found, _OPENS)
    properties = root.find("{*}workbookPr")
    return Workbook(
        file,
        sheets,
        _texts(package, parts.get("sharedStrings")),
        _shown(package, parts.get("styles")),
        properties is not None and properties.get("date1904") in ("1", "true"),
        package,
    )


def _relations(package: XmlPackage, part: str) -> dict[str, tuple[str, str]]:
    """Kind and part of every relation within the package, by its id."""
    from openpyxl.packaging.relationship import get_dependents

    with warnings.catch_warnings():
        # What is wrong with them is told once, by the refusal, and without the name that somebody gave to a part.
        warnings.simplefilter("ignore")
        found = get_dependents(package, part) if part in package.names else ()
    within = (relation for relation in found if relation.TargetMode != "External")
    return {relation.Id: (relation.Type.rpartition("/")[2], relation.target) for relation in within}


def _sheets(root: Element, relations: dict[str, tuple[str, str]]) -> Iterator[SheetPlace]:
    for sheet in root.iterfind("{*}sheets/{*}sheet"):
        # The name of the attribute stands in one of two namespaces, for the standard has two forms.
        relation = next((value for name, value in sheet.attrib.items() if name.rpartition("}")[2] == "id"), "")
        kind, part = relations.get(relation, ("", ""))
        if kind == "worksheet":
            yield SheetPlace(sheet.get("name", ""), part, sheet.get("state", "visible") != "visible")


def _elements(package: XmlPackage, part: str, names: tuple[str, ...]) -> Iterator[tuple[str, Element]]:
    from openpyxl.xml.functions import iterparse

    with package.open(part) as stream:
        for _, element in iterparse(stream):
            if (name := element.tag.rpartition("}")[2]) in names:
                yield name, element
                element.clear()
                stream.cleared()


def _texts(package: XmlPackage, part: str | None) -> pa.Array:
    """The shared texts."""
    texts = TextPile()
    if part in package.names:
        for _, element in _elements(package, str(part), ("si",)):
            texts.append(whole_text(element))
    return texts.as_array()


class TextPile:
    """Texts that come one by one, of which a workbook may hold millions."""

    def __init__(self) -> None:
        self._done: list[pa.Array] = []
        self._coming: list[str] = []
        self.count = 0

    def append(self, text: str) -> None:
        """Lay a text on the pile, with the characters that XML cannot hold put back (`_x000D_`)."""
        self._coming.append(_ESCAPED.sub(_character, text) if "_x" in text else text)
        self.count += 1
        if len(self._coming) >= _TEXTS_AT_ONCE:
            self._done.append(pa.array(self._coming, pa.string()))
            self._coming.clear()

    def as_array(self) -> pa.Array:
        """All texts, in the order in which they came."""
        return pa.concat_arrays([*self._done, pa.array(self._coming, pa.string())])


def _character(escaped: re.Match[str]) -> str:
    code = int(escaped[1], 16)
    return "\ufffd" if 0xD800 <= code <= 0xDFFF else chr(code)


def whole_text(element: Element) -> str:
    """A text of the workbook: of rich text all runs, of phonetic hints none."""
    runs = (run.text for path in ("{*}t", "{*}r/{*}t") for run in element.iterfind(path))
    return "".join(text for text in runs if text)


def _shown(package: XmlPackage, part: str | None) -> tuple[Shown, ...]:
    """As what each cell style shows a number. Fonts, fills and borders are left alone, whatever is wrong with them."""
    from openpyxl.styles.numbers import BUILTIN_FORMATS
    from openpyxl.xml.functions import fromstring

    if part not in package.names:
        return ()
    root = fromstring(package.read(str(part)))
    own = {of.get("numFmtId"): of.get("formatCode", "") for of in root.iterfind("{*}numFmts/{*}numFmt")}
    formats: dict[Any, str] = {**{str(number): code for number, code in BUILTIN_FORMATS.items()}, **own}
    kinds = {number: _shown_by(code) for number, code in formats.items()}
    return tuple(kinds.get(style.get("numFmtId"), "number") for style in root.iterfind("{*}cellXfs/{*}xf"))


def _shown_by(format_code: str) -> Shown:
    from openpyxl.styles.numbers import is_date_format, is_timedelta_format

    if _PERCENT_FORMAT.match(format_code):
        return "percent"
    if is_timedelta_format(format_code):
        return "duration"
    return "date" if is_date_format(format_code) else "number"
