"""The XML parts of a package from strangers, which a library may build trees of without harm.

What belongs here: what a library for XML takes on trust. A document type is refused where it begins, so that no entity
is ever declared or fetched; and a part that would fill the memory is refused before the tree of it has grown. What
does not: what the parts mean (`workbook`, `sheet`).
"""

from __future__ import annotations

import zipfile
from types import TracebackType
from typing import IO, Final
from xml.parsers import expat

_PIECE: Final = 256 * 1024
_DEEPEST: Final = 64
# A parser remembers every name that it has seen, so that ever new ones fill the memory.
_MOST_NAMES: Final = 1000
_LONGEST_TAG: Final = 1024**2
_LONGEST_TEXT: Final = 131072
_MOST_HELD_ELEMENTS: Final = 500_000
_MOST_HELD_BYTES: Final = 32 * 1024**2
# What was cleared leaves its empty shell behind in the tree.
_MOST_CLEARED: Final = 6_000_000


class RefusedXmlError(Exception):
    """The XML is not read any further; the message says why."""


class XmlPackage:
    """A package of which every part is watched while it is read."""

    def __init__(self, package: zipfile.ZipFile) -> None:
        self._package = package
        self.names = frozenset(package.namelist())

    def open(self, part: str) -> WatchedXml:
        """A part to read in pieces. Raises KeyError for one that is not there."""
        return WatchedXml(self._package.open(part))

    def read(self, part: str) -> bytes:
        """All of a part. Raises KeyError for one that is not there, RefusedXmlError and expat.ExpatError."""
        with self.open(part) as stream:
            return b"".join(iter(lambda: stream.read(_PIECE), b""))


class WatchedXml:
    """A stream of XML. Whoever builds a tree of it says with `cleared` that an element of it was emptied."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._names: dict[str, str] = {}
        self._depth = self._text_length = self._position = 0
        self._held_elements = self._held_bytes = self._cleared = 0
        self._parser = parser = expat.ParserCreate(intern=self._names)
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        for unwanted in ("StartDoctypeDecl", "EntityDecl", "UnparsedEntityDecl", "ExternalEntityRef"):
            setattr(parser, f"{unwanted}Handler", self._document_type)

    def __enter__(self) -> WatchedXml:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stream.close()

    def read(self, size: int) -> bytes:
        """The next piece. Raises RefusedXmlError, and expat.ExpatError for what is no XML."""
        piece = self._stream.read(size)
        try:
            self._parser.Parse(piece, False)
        except LookupError:
            raise RefusedXmlError("a workbook in an encoding that nobody knows") from None
        self._position += len(piece)
        self._held_bytes += len(piece)
        if self._position - self._parser.CurrentByteIndex > _LONGEST_TAG + size:
            raise RefusedXmlError("a workbook with a tag or a remark without an end in sight")
        if len(self._names) > _MOST_NAMES:
            raise RefusedXmlError(f"a workbook with more than {_MOST_NAMES} names of elements and attributes")
        if self._held_bytes > _MOST_HELD_BYTES:
            raise RefusedXmlError(f"a workbook with a row or a part of more than {_MOST_HELD_BYTES // 1024**2} MiB")
        return piece

    def cleared(self) -> None:
        """An element, which stands for all that came since the last one, was emptied by whoever holds it."""
        self._held_elements = self._held_bytes = 0
        self._cleared += 1
        if self._cleared > _MOST_CLEARED:
            raise RefusedXmlError(f"a workbook with more than {_MOST_CLEARED} rows or texts")

    def _document_type(self, *_: object) -> None:
        raise RefusedXmlError("a workbook with a document type declaration")

    def _start(self, _name: str, _attributes: dict[str, str]) -> None:
        self._depth += 1
        self._held_elements += 1
        self._text_length = 0
        if self._depth > _DEEPEST:
            raise RefusedXmlError(f"a workbook with elements more than {_DEEPEST} deep")
        if self._held_elements > _MOST_HELD_ELEMENTS:
            raise RefusedXmlError(f"a workbook with a row or a part of more than {_MOST_HELD_ELEMENTS} elements")

    def _end(self, _name: str) -> None:
        self._depth -= 1

    def _text(self, text: str) -> None:
        self._text_length += len(text)
        if self._text_length > _LONGEST_TEXT:
            raise RefusedXmlError(f"a workbook with a text of more than {_LONGEST_TEXT} characters")
