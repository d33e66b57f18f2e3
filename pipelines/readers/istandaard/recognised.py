"""Which standard a file belongs to, before anybody has said so.

What belongs here: a look at the first bytes. What does not: reading the message, and what becomes of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from pipelines.declarations.source import IstandaardReader
from pipelines.readers.istandaard.secure_xml import XmlRefusedError, walk
from pipelines.readers.istandaard.standard import LAW

_MENTIONED: Final = re.compile(rb"(wmo|jw)3[0-9]{2}")
_FIRST_BYTES: Final = 64 * 1024


def names_standard(data: bytes, reader: IstandaardReader) -> bool:
    """Whether the root element is that of a message of this standard, of any version; looks no further than that."""
    root = _Root()
    try:
        walk(data[:_FIRST_BYTES], root.listening)
    except (_RootFoundError, XmlRefusedError):
        return root.name.startswith(f"http://www.istandaarden.nl/{reader.standard}/")
    return False


def looks_like(name: str, data: bytes, reader: IstandaardReader) -> bool:
    """Whether the name of a file, or its first bytes, speak of a message of this standard and of no other.

    For a file whose root element cannot be read, or is in a namespace of nobody: somebody meant it to be a message.
    """
    texts = name.lower().encode("utf-8", "replace"), data[:_FIRST_BYTES].lower()
    spoken = {match.decode() for text in texts for match in _MENTIONED.findall(text)}
    return spoken == {LAW[reader.standard]}


class _RootFoundError(Exception):
    """The root element has begun: nothing more need be read."""


class _Root:
    """Listens for the first element only."""

    def __init__(self) -> None:
        self.name = ""

    def listening(self, _place: Callable[[], tuple[int, int]]) -> _Root:
        return self

    def start(self, name: str) -> bool:
        self.name = name
        raise _RootFoundError

    def end(self, text: str) -> None:
        raise AssertionError("an element ended that never began")
