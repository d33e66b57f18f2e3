"""A message taken apart: its header, its clients under their pseudonym, and the texts of its events, in batches.

What belongs here: following the elements of one message. What does not: whether XML is safe to read (`secure_xml`),
which elements count (`elements`), and whether their values are right (`header`, `events`).

The number of a client is turned into its pseudonym the moment its element ends, and is kept nowhere. Nothing else that
is about a person is ever read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.privacy import is_bsn
from pipelines.privacy.pseudonym import PseudonymKey
from pipelines.readers.account import Problem
from pipelines.readers.istandaard.elements import BSN, Element, Part, tree_of
from pipelines.readers.istandaard.secure_xml import XmlRefusedError
from pipelines.readers.istandaard.standard import EVENTS, LAW, REASON_AT, SUBVERSION, VERSION, EventKind

# The texts of an event, as they stand in it; `other_date` is checked and goes no further.
TEXTS: Final = (
    *("allocation_id", "category", "product_code", "allocated_on", "start_date", "end_date", "other_date"),
    *("volume", "volume_unit", "volume_frequency", "amount_eurocents", "debit_credit"),
    *("reason_code", "referrer_type", "response_code", "status"),
)
BATCH: Final = 10_000
BETWEEN_CODES: Final = "|"

_ROOT: Final = re.compile(r"http://www\.istandaarden\.nl/(iwmo|ijw)/([0-9]{1,2}_[0-9]{1,2})/(wmo|jw)([0-9]{3})/schema")
_OF_THE_STANDARD: Final = re.compile(
    r"http://www\.istandaarden\.nl/[a-z]{3,4}/[0-9]{1,2}_[0-9]{1,2}/[a-z]{1,12}[0-9]{0,3}/schema"
)
_NINE_DIGITS: Final = re.compile(r"[0-9]{9}")
_WHITE: Final = " \t\r\n"


@dataclass(frozen=True)
class Value:
    """A text of the message itself, and where its element begins."""

    text: str
    line: int
    column: int


@dataclass
class Batch:
    """Events in the order of the message: one list per text, with where it stands, and what is known of each event.

    A place is one number: see `place_of`.
    """

    texts: dict[str, list[str | None]] = field(default_factory=lambda: {name: [] for name in TEXTS})
    places: dict[str, list[int]] = field(default_factory=lambda: {name: [] for name in TEXTS})
    at: list[int] = field(default_factory=list)
    kind: list[str] = field(default_factory=list)
    person: list[str | None] = field(default_factory=list)
    key: list[int] = field(default_factory=list)
    faulty: list[bool] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.at)


def place_of(line: int, column: int) -> int:
    """A line and a column as one number."""
    return line << 32 | column


def line_and_column(place: int) -> tuple[int, int]:
    return place >> 32, place & 0xFFFFFFFF


def lines_of(places: pa.ChunkedArray) -> pa.ChunkedArray:
    """The line of every place."""
    return pc.shift_right(places, 32)


class MessageListener:
    """Follows one message. `take` is given the events, a batch at a time; the rest is read from its attributes.

    Raises XmlRefusedError where the message is none of the standard's, or of another standard or version.
    """

    def __init__(
        self,
        file: str,
        standard: str,
        key: PseudonymKey,
        take: Callable[[Batch], None],
        place: Callable[[], tuple[int, int]],
    ) -> None:
        self.message = ""
        self.values: dict[str, list[Value]] = {}
        self.codes: list[Value] = []
        self.problems: list[Problem] = []
        self.persons: set[str] = set()
        self.events = 0
        self.clients_without_events = 0
        self._file, self._standard, self._key, self._take, self._place = file, standard, key, take, place
        self._namespaces: tuple[str, str] = ("", "")
        self._names: dict[str, str] = {}
        self._open: list[tuple[Element | None, tuple[int, int]]] = []
        self._batch = Batch()
        self._person: str | None = None
        self._bsn_read = self._client_told = False
        self._client_events = 0
        self._event: EventKind | None = None
        self._texts: dict[str, str] = {}
        self._places: dict[str, int] = {}
        self._references: dict[str, str] = {}
        self._fault = False

    def start(self, name: str) -> bool:
        """An element begins."""
        if not self._open:
            self._open.append((self._root(name), self._place()))
            return False
        local = self._names.get(name) or self._local(name)
        above, _ = self._open[-1]
        element = above.children.get(local) if above is not None else None
        place = self._place()
        self._open.append((element, place))
        if element is None:
            if self._event is not None and above is not None and above.part is not Part.PASSED_OVER:
                self._wrong(
                    place, None, "unknown_item", "an element that does not belong there", "those of the standard"
                )
            return False
        if element.part is Part.CLIENT:
            self._person, self._bsn_read, self._client_told, self._client_events = None, False, False, 0
        elif element.part is Part.EVENT:
            self._begin(element, place)
        return element.wanted

    def end(self, text: str) -> None:
        """The element that began last ends."""
        element, place = self._open.pop()
        if element is None:
            return
        part = element.part
        if part is Part.FIELD or part is Part.CODES:
            self._field(element, place, text.strip(_WHITE))
        elif part is Part.EVENT:
            self._finish(place)
        elif part is Part.BSN:
            self._number(place, text.strip(_WHITE))
        elif part is Part.CLIENT:
            self._leave_client(place)
        elif part is Part.MESSAGE_VALUE or part is Part.HEADER:
            self.values.setdefault(element.name, []).append(Value(text.strip(_WHITE), *place))
        elif part is Part.MESSAGE_CODE:
            self.codes.append(Value(text.strip(_WHITE), *place))
        if not self._open and len(self._batch):
            self._take(self._batch)
            self._batch = Batch()

    def _root(self, name: str) -> Element:
        """The tree of the message, from the name of its root."""
        namespace, _, local = name.rpartition(" ")
        wanted = f"{LAW[self._standard].upper()}{'/'.join(EVENTS)} {VERSION}.{SUBVERSION}"
        expected = f"Bericht of {wanted}, in the namespace of its schema"
        if (match := _ROOT.fullmatch(namespace)) is None or local != "Bericht":
            raise XmlRefusedError(*self._place(), "unknown_format", "another root element or namespace", expected)
        standard, version, law, message = match.groups()
        written = f"{law.upper()}{message} {version.replace('_', '.')}"
        right = standard == self._standard and law == LAW[standard] and version == f"{VERSION}_{SUBVERSION}"
        if not right or message not in EVENTS:
            reason = "unknown_format" if not right else "not_allowed"
            raise XmlRefusedError(*self._place(), reason, f"{written} of {standard}", expected)
        self.message = message
        base = namespace.rpartition(f"{law}{message}")[0]
        self._namespaces = (namespace, f"{base}basisschema/schema")
        return tree_of(message)

    def _local(self, name: str) -> str:
        """The name without its namespace, which must be the message's own or that of the base schema."""
        namespace, _, local = name.rpartition(" ")
        if namespace not in self._namespaces:
            shown = namespace if _OF_THE_STANDARD.fullmatch(namespace) else "another namespace"
            found = f"an element in {shown}" if namespace else "an element without a namespace"
            raise XmlRefusedError(*self._place(), "unknown_format", found, f"one in {' or '.join(self._namespaces)}")
        self._names[name] = local
        return local

    def _begin(self, element: Element, place: tuple[int, int]) -> None:
        self._event = element.event
        self._texts, self._places, self._references, self._fault = {}, {}, {}, False
        if not self._bsn_read:
            self._tell_of_client(
                BSN, place, "missing_value", "no Bsn before the first product", "the Bsn of every client"
            )

    def _field(self, element: Element, place: tuple[int, int], text: str) -> None:
        column = element.name
        if not text and self._fault:
            return
        if not text:
            self._wrong(place, column, "missing_value", "an empty element", "a value, or no element")
        elif column in ("reference", "earlier_reference"):
            self._references[column] = text
        elif column not in self._texts:
            self._texts[column] = text
            self._places[column] = place_of(*place)
        elif element.part is Part.CODES:
            self._texts[column] += BETWEEN_CODES + text
        else:
            self._wrong(place, column, "duplicate_key", "the element a second time", "it once")

    def _finish(self, place: tuple[int, int]) -> None:
        """The event is whole: put it in the batch."""
        kind = self._event
        assert kind is not None  # noqa: S101 - for the type checker
        if self.message in REASON_AT and (given := self.values.get(REASON_AT[self.message])):
            self._texts["reason_code"] = given[-1].text
            self._places["reason_code"] = place_of(given[-1].line, given[-1].column)
        batch, texts, places = self._batch, self._texts, self._places
        for name in TEXTS:
            batch.texts[name].append(texts.get(name))
            batch.places[name].append(places.get(name, 0))
        batch.at.append(place_of(*place))
        batch.kind.append(kind.event)
        batch.person.append(self._person)
        parts = [self._references.get(name) or texts.get(name) for name in kind.key]
        # Without any part of its key an event is like no other.
        batch.key.append(hash((self._person, kind.event, *(parts if any(parts) else (self.events,)))))
        batch.faulty.append(self._fault or self._client_told)
        self._event = None
        self.events += 1
        self._client_events += 1
        if len(batch) >= BATCH:
            self._take(batch)
            self._batch = Batch()

    def _number(self, place: tuple[int, int], text: str) -> None:
        """The number of a client, which ends here: only its pseudonym goes on."""
        if self._bsn_read:
            raise XmlRefusedError(*place, "duplicate_key", "a second Bsn in one Client", "one Bsn for every Client")
        self._bsn_read = True
        expected = "a BSN of nine digits that passes the eleven test"
        if not text:
            self._tell_of_client(BSN, place, "missing_value", "an empty element", expected)
        elif not _NINE_DIGITS.fullmatch(text):
            self._tell_of_client(BSN, place, "not_a_bsn", "something else than nine digits", expected)
        elif not is_bsn(text):
            self._tell_of_client(BSN, place, "not_a_bsn", "nine digits that do not pass the eleven test", expected)
        else:
            self._person = self._key.person(text)
            self.persons.add(self._person)

    def _leave_client(self, place: tuple[int, int]) -> None:
        if self._client_events == 0:
            elements = " or ".join(kind.element for kind in EVENTS[self.message])
            self._tell_of_client("Client", place, "missing_value", "a client without products", f"a {elements}")
            self.clients_without_events += 1

    def _tell_of_client(self, name: str, place: tuple[int, int], reason: str, found: str, expected: str) -> None:
        """All events of the client are refused; the first reason is told."""
        if not self._client_told:
            self._client_told = True
            self.problems.append(Problem(self._file, *place, name, reason, found, expected))

    def _wrong(self, place: tuple[int, int], column: str | None, reason: str, found: str, expected: str) -> None:
        """The event is refused."""
        self._fault = True
        kind = self._event
        assert kind is not None  # noqa: S101 - for the type checker
        name = kind.element if column is None else kind.name_of(column)
        self.problems.append(Problem(self._file, *place, name, reason, found, expected))


def client_number_in(text: str, persons: set[str], key: PseudonymKey) -> bool:
    """Whether the number of one of these persons stands in a text, also without its leading zero."""
    return any(key.person(digits) in persons for digits in _numbers_in(text))


def _numbers_in(text: str) -> Iterator[str]:
    for run in re.findall(r"[0-9]{8,}", text):
        yield from (run[at : at + 9] for at in range(len(run) - 8))
        if len(run) == 8:
            yield f"0{run}"
