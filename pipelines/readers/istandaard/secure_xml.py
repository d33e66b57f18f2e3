"""XML from strangers: walked through in pieces, with everything refused by which a small file does great harm.

What belongs here: what holds for any XML that is delivered. What does not: what its elements mean (`message`). A
document type is refused where it begins, so that no entity is ever declared, expanded or fetched. Nothing of the
text is kept here, and no error quotes any of it.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from pyexpat import ErrorString, ExpatError, ParserCreate, errors
from typing import Any, Final, Protocol

DEEPEST: Final = 32
LONGEST_TEXT: Final = 64 * 1024
LONGEST_TAG: Final = 1024**2
# A parser remembers every name that it has seen, so that ever new ones fill the memory.
MOST_NAMES: Final = 1000
_PIECE: Final = 64 * 1024

_NO_TEXT: Final = b" \t\r\n\0"
_OTHER_MARKS: Final = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_ENCODING: Final = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,15}")
_UTF_8: Final = "text in UTF-8, as the standard prescribes"

_CODES: Final = errors.codes
_CUT_OFF: Final = (
    _CODES[errors.XML_ERROR_NO_ELEMENTS],
    _CODES[errors.XML_ERROR_UNCLOSED_TOKEN],
    _CODES[errors.XML_ERROR_UNCLOSED_CDATA_SECTION],
    _CODES[errors.XML_ERROR_PARTIAL_CHAR],
)
_ENTITY: Final = (
    _CODES[errors.XML_ERROR_UNDEFINED_ENTITY],
    _CODES[errors.XML_ERROR_RECURSIVE_ENTITY_REF],
    _CODES[errors.XML_ERROR_BINARY_ENTITY_REF],
    _CODES[errors.XML_ERROR_EXTERNAL_ENTITY_HANDLING],
)


class XmlRefusedError(Exception):
    """The text is not read any further. Says where (from 1; None for all of it) and why."""

    def __init__(self, line: int | None, column: int | None, reason: str, found: str, expected: str) -> None:
        super().__init__(f"{line}:{column}: found {found}, expected {expected}")
        self.line, self.column = line, column
        self.reason, self.found, self.expected = reason, found, expected


class Listener(Protocol):
    """What is told of a document. `name` is the namespace and the local name with a space between, or a bare name."""

    def start(self, name: str, /) -> bool:
        """An element begins; whether its text is wanted."""

    def end(self, text: str, /) -> None:
        """The element that began last and has not ended ends; `text` is its own, empty where it was not wanted."""


def walk(data: bytes, listening: Callable[[Callable[[], tuple[int, int]]], Listener]) -> None:
    """Tell a listener of every element. Raises XmlRefusedError.

    `listening` is given a function that says where the reading is, as line and column from 1, and gives the listener.
    """
    if not data[:_PIECE].strip(_NO_TEXT) and not data.strip(_NO_TEXT):
        found = "a file without text" if data else "a file of 0 bytes"
        raise XmlRefusedError(None, None, "empty_file", found, "one message")
    if data.startswith(_OTHER_MARKS):
        raise XmlRefusedError(1, 1, "wrong_encoding", "the mark of another encoding at the start", _UTF_8)
    parser = ParserCreate("utf-8", " ")
    parser.buffer_text = True

    def place() -> tuple[int, int]:
        return parser.CurrentLineNumber, parser.CurrentColumnNumber + 1

    _Guard(parser, listening(place), place)
    view = memoryview(data)
    try:
        for at in range(0, len(data), _PIECE):
            piece = view[at : at + _PIECE]
            parser.Parse(bytes(piece), False)
            if at + len(piece) - parser.CurrentByteIndex > LONGEST_TAG + _PIECE:
                found, expected = "a tag or a remark without an end in sight", f"at most {LONGEST_TAG} characters"
                raise XmlRefusedError(*place(), "unsafe_xml", found, expected)
        parser.Parse(b"", True)
    except ExpatError as error:
        raise _refusal(data, error.code, error.lineno, error.offset + 1) from None


class _Guard:
    """Stands between the parser and the listener, and refuses what no message needs.

    Text that the listener does not want never comes here, whatever its length.
    """

    def __init__(self, parser: Any, listener: Listener, place: Callable[[], tuple[int, int]]) -> None:
        self._parser = parser
        self._listener = listener
        self._place = place
        self._depth = 0
        self._texts: list[str] = []
        self._length = 0
        self._names: set[str] = set()
        for unwanted in ("StartDoctypeDecl", "EntityDecl", "UnparsedEntityDecl", "ExternalEntityRef"):
            setattr(parser, f"{unwanted}Handler", self._document_type)
        parser.XmlDeclHandler = self._declaration
        parser.StartNamespaceDeclHandler = self._prefix
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end

    def _refuse(self, found: str, expected: str, reason: str = "unsafe_xml") -> None:
        raise XmlRefusedError(*self._place(), reason, found, expected)

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.upper() not in ("UTF-8", "UTF8"):
            named = f"the declared encoding {encoding}" if _ENCODING.fullmatch(encoding) else "another encoding"
            self._refuse(named, _UTF_8, "wrong_encoding")

    def _document_type(self, *_: object) -> None:
        self._refuse("a document type or an entity", "neither: a message needs none")

    def _prefix(self, prefix: str | None, _namespace: str | None) -> None:
        self._remember(f"xmlns:{prefix}")

    def _remember(self, *names: str) -> None:
        self._names.update(names)
        if len(self._names) > MOST_NAMES:
            self._refuse(f"more than {MOST_NAMES} names of elements, attributes and prefixes", "those of a message")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name not in self._names or attributes:
            self._remember(name, *attributes)
        self._depth += 1
        if self._depth > DEEPEST:
            self._refuse(f"elements more than {DEEPEST} deep", "the few levels of a message")
        wanted = self._listener.start(name)
        self._texts.clear()
        self._length = 0
        self._parser.CharacterDataHandler = self._text if wanted else None

    def _end(self, _name: str) -> None:
        self._depth -= 1
        self._listener.end("".join(self._texts))
        if self._texts:
            self._texts.clear()
        self._parser.CharacterDataHandler = None

    def _text(self, text: str) -> None:
        self._length += len(text)
        if self._length > LONGEST_TEXT:
            self._refuse("a text that goes on and on", f"at most {LONGEST_TEXT} characters")
        self._texts.append(text)


def _refusal(data: bytes, code: int, line: int, column: int) -> XmlRefusedError:
    """Why the parser stopped; a wrong encoding first, because it looks like any other nonsense to a parser."""
    if (wrong := _first_no_utf_8(data)) is not None:
        at = data.rfind(b"\n", 0, wrong) + 1
        where = data.count(b"\n", 0, wrong) + 1, wrong - at + 1
        return XmlRefusedError(*where, "wrong_encoding", "bytes that are no UTF-8", _UTF_8)
    if code in _CUT_OFF:
        return XmlRefusedError(line, column, "unfinished_file", "the end of the file", "the rest of the message")
    if code in _ENTITY:
        return XmlRefusedError(line, column, "unsafe_xml", "an entity", "plain text")
    return XmlRefusedError(line, column, "unknown_format", f"no XML ({ErrorString(code)})", "well-formed XML")


def _first_no_utf_8(data: bytes) -> int | None:
    """The place of the first byte that is no UTF-8; a character that the end of the file cuts off is none of those."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for at in range(0, len(data), _PIECE):
        pending = len(decoder.getstate()[0])
        try:
            decoder.decode(data[at : at + _PIECE])
        except UnicodeDecodeError as error:
            return at - pending + error.start
    return None
