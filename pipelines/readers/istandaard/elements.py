"""The elements of a message that are read, as a tree to walk along while the message is read.

What belongs here: which element means what, by its place. What does not: what the standard says (`standard`), and what
becomes of what is read (`message`). An element that is not in the tree is passed over with all that is in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto

from pipelines.readers.istandaard.standard import (
    EVENTS,
    HEADER,
    IDENTIFICATION,
    OWN_IDENTIFICATION,
    REASON_AT,
    RETURN_CODES_AT,
    TOTAL_AT,
    EventKind,
)

BSN = "Bsn"


class Part(Enum):
    """What an element is to the reader."""

    NOTHING = auto()
    """Stands above something that is read."""
    HEADER = auto()
    MESSAGE_VALUE = auto()
    """One value about the whole message."""
    MESSAGE_CODE = auto()
    """A code that returns the whole message."""
    CLIENT = auto()
    BSN = auto()
    EVENT = auto()
    FIELD = auto()
    """One value of an event."""
    CODES = auto()
    """One of several values of an event in one column."""
    PASSED_OVER = auto()
    """Known within an event, and not read."""


class Element:
    """One element of the tree. `name` is the path of a value of the message, or the column of a field."""

    __slots__ = ("children", "event", "name", "part", "wanted")

    def __init__(self, part: Part, name: str = "", event: EventKind | None = None) -> None:
        self.part = part
        self.name = name
        self.event = event
        self.children: dict[str, Element] = {}
        self.wanted = part in (Part.MESSAGE_VALUE, Part.MESSAGE_CODE, Part.BSN, Part.FIELD, Part.CODES)


def tree_of(message: str) -> Element:
    """The elements that are read of a message (`301`), from its root."""
    root = Element(Part.NOTHING)
    _put(root, HEADER, Element(Part.HEADER, HEADER))
    for path in _message_values(message):
        _put(root, path, Element(Part.MESSAGE_VALUE, path))
    for path in RETURN_CODES_AT.get(message, ()):
        _put(root, path, Element(Part.MESSAGE_CODE, path))
    for kind in EVENTS[message]:
        above = kind.path.split("/")
        client = "/".join(above[: above.index("Client") + 1])
        _put(root, client, Element(Part.CLIENT))
        _put(root, f"{client}/{BSN}", Element(Part.BSN))
        _put(root, kind.path, Element(Part.EVENT, event=kind))
        for path, column in kind.fields.items():
            part = Part.CODES if column == "response_code" else Part.FIELD
            _put(root, f"{kind.path}/{path}", Element(part, column))
        for path in kind.passed_over:
            _put(root, f"{kind.path}/{path}", Element(Part.PASSED_OVER))
    return root


def _message_values(message: str) -> Iterator[str]:
    for name in ("BerichtCode", "BerichtVersie", "BerichtSubversie", "Afzender", "Ontvanger"):
        yield f"{HEADER}/{name}"
    for name in IDENTIFICATION:
        yield f"{HEADER}/BerichtIdentificatie/{name}"
        # Some senders leave the group out; what is meant is plain.
        yield f"{HEADER}/{name}"
    for name in OWN_IDENTIFICATION.get(message, ()):
        yield f"{HEADER}/{name}"
    if message in TOTAL_AT:
        yield f"{TOTAL_AT[message]}/TotaalBedrag"
        yield f"{TOTAL_AT[message]}/DebetCredit"
    if message in REASON_AT:
        yield REASON_AT[message]


def _put(root: Element, path: str, element: Element) -> None:
    """Put an element at its path; what stands above it already stays, and what is missing is made."""
    *above, last = path.split("/")
    at = root
    for name in above:
        at = at.children.setdefault(name, Element(Part.NOTHING))
    known = at.children.get(last)
    if known is None:
        at.children[last] = element
    elif known.part is Part.NOTHING:
        element.children = known.children
        at.children[last] = element
