"""iWmo and iJw messages to events: one row for every allocation, start, stop, request or claim, persons pseudonymised.

One module per step: safe XML (`secure_xml`), what the standard says (`standard`), which elements are read (`elements`),
following them (`message`), and checking what was read (`header`, `events`, `whole`).

What belongs here: one message. What does not: which messages of a source count, and what is kept of them.
"""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

from pipelines.declarations.source import IstandaardReader
from pipelines.privacy.pseudonym import EXPECTED_KEY, PseudonymKey
from pipelines.readers.account import NO_DATA_SCHEMA, Problem, ReadResult
from pipelines.readers.istandaard.elements import BSN
from pipelines.readers.istandaard.events import CHECKED, check_events
from pipelines.readers.istandaard.header import Header, HeaderFault, notices_of, read_header
from pipelines.readers.istandaard.message import (
    BETWEEN_CODES,
    Batch,
    MessageListener,
    client_number_in,
    lines_of,
    place_of,
)
from pipelines.readers.istandaard.recognised import looks_like, names_standard
from pipelines.readers.istandaard.secure_xml import XmlRefusedError, walk
from pipelines.readers.istandaard.standard import ANSWERS, HEADER, LAW, SUBVERSION, VERSION
from pipelines.readers.istandaard.values import is_return_code, shown
from pipelines.readers.istandaard.whole import printed_total, total_notice, without_client_numbers, without_repeats
from pipelines.readers.lookup import RegionLookup
from pipelines.readers.refusal import RefusedFileError
from pipelines.warehouse.raw_tables import ISTANDAARD

__all__ = ["looks_like", "names_standard", "read_istandaard"]


def read_istandaard(
    file: str, data: bytes, reader: IstandaardReader, lookup: RegionLookup, key: PseudonymKey | None
) -> ReadResult:
    """Read one message. The rows have the columns of `raw_tables.ISTANDAARD`, one for every event.

    A fault of an event, or of a client, keeps the rest of the message; a fault of the header, or of the XML, refuses
    all of it. Memory is that of the rows, whatever the size of the message. Nothing that comes back, and no error,
    holds anything of a person but the pseudonym.

    Raises RefusedFileError for a message that cannot be read as a whole, and where there is no key.
    """
    if key is None:
        raise RefusedFileError(Problem(file, None, None, None, "no_pseudonym_key", "no key", EXPECTED_KEY), rows=1)
    try:
        return _Message(file, reader, lookup, key).read(data)
    except RefusedFileError:
        raise
    except Exception as error:
        # What an error says may quote what stood in the file, and so may the one that it came from.
        raise RuntimeError(f"{file}: reading it failed with {type(error).__name__}, which is not shown") from None


class _Message:
    """One message, while it is read."""

    def __init__(self, file: str, reader: IstandaardReader, lookup: RegionLookup, key: PseudonymKey) -> None:
        self._file, self._reader, self._lookup, self._key = file, reader, lookup, key
        self._checked: list[pa.Table] = []
        self._problems: list[Problem] = []
        self._listener: MessageListener | None = None

    def read(self, data: bytes) -> ReadResult:
        try:
            walk(data, self._listening)
        except XmlRefusedError as refusal:
            place = refusal.line, refusal.column
            problem = Problem(self._file, *place, None, refusal.reason, refusal.found, refusal.expected)
            raise RefusedFileError(problem, rows=self._rows_so_far()) from None
        listener = self._listener
        assert listener is not None  # noqa: S101 - a walk that ended had a root
        header = self._header(listener)
        events = pa.concat_tables([*self._checked, CHECKED.empty_table()])
        rows_in = listener.events + listener.clients_without_events
        if rows_in == 0:
            events, rows_in = self._answer(listener), 1
        events, repeats = without_repeats(self._file, listener.message, events)
        events, numbers = without_client_numbers(self._file, events, listener.persons, self._key)
        problems = [*listener.problems, *self._problems, *repeats, *numbers]
        notice = total_notice(listener.message, listener.values, events)
        return ReadResult(
            rows=self._rows(events, header, listener.message),
            no_data=NO_DATA_SCHEMA.empty_table(),
            rows_in=rows_in,
            rows_loaded=events.num_rows,
            rows_no_data=0,
            rows_quarantined=rows_in - events.num_rows,
            problems=tuple(sorted(problems, key=lambda problem: (problem.line or 0, problem.column or 0))),
            notices=(*notices_of(header, listener.values), *([notice] if notice else [])),
        )

    def _listening(self, place: Callable[[], tuple[int, int]]) -> MessageListener:
        self._listener = MessageListener(self._file, self._reader.standard, self._key, self._take, place)
        return self._listener

    def _take(self, batch: Batch) -> None:
        listener = self._listener
        assert listener is not None  # noqa: S101 - it is who gives the batch
        table, problems = check_events(self._file, self._reader.standard, listener.message, batch)
        self._checked.append(table)
        self._problems += problems

    def _rows_so_far(self) -> int:
        return max(self._listener.events if self._listener else 0, 1)

    def _header(self, listener: MessageListener) -> Header:
        """The header; nothing of the message counts where it is wrong."""
        file, values = self._file, listener.values
        codes = self._reader.region_codes
        header = read_header(file, self._reader.standard, listener.message, values, codes, self._lookup)
        if isinstance(header, HeaderFault):
            raise RefusedFileError(*header.problems, rows=max(listener.events, 1))
        for name, text in (("Identificatie", header.message_id), ("the AGB code", header.provider_agb)):
            if client_number_in(text, listener.persons, self._key):
                place = values[HEADER][0]
                found, expected = f"the number of a client in {name}", "a header that names no person"
                problem = Problem(file, place.line, place.column, HEADER, "personal_data", found, expected)
                raise RefusedFileError(problem, rows=max(listener.events, 1))
        return header

    def _answer(self, listener: MessageListener) -> pa.Table:
        """The only event of a message that says something of a whole message, and of no client."""
        place = listener.values[HEADER][0]
        if listener.message not in ANSWERS:
            found, expected = "a message without clients", f"a Client with a {BSN}"
            problem = Problem(self._file, place.line, place.column, None, "missing_value", found, expected)
            raise RefusedFileError(problem, rows=1)
        for code in listener.codes:
            if not is_return_code(code.text):
                found, expected = shown(code.text), "a code of four characters"
                problem = Problem(self._file, code.line, code.column, "RetourCode", "not_allowed", found, expected)
                raise RefusedFileError(problem, rows=1)
        texts = {
            "at": place_of(place.line, place.column),
            "event": ANSWERS[listener.message],
            "amount_eurocents": printed_total(listener.message, listener.values),
            "response_code": BETWEEN_CODES.join(code.text for code in listener.codes) or None,
        }
        return pa.table([pa.array([texts.get(name)], CHECKED.field(name).type) for name in CHECKED.names], CHECKED)

    def _rows(self, events: pa.Table, header: Header, message: str) -> pa.Table:
        same = {
            "standard": self._reader.standard,
            "message": f"{LAW[self._reader.standard]}{message}",
            "message_version": f"{VERSION}.{SUBVERSION}",
            "message_id": header.message_id,
            "message_date": header.message_date,
            "region_code": header.region_code,
            "provider_agb": header.provider_agb,
            "person_key": self._key.fingerprint,
        }
        columns = {
            **{name: events[name] for name in events.column_names},
            **{
                name: pa.repeat(pa.scalar(value, ISTANDAARD.field(name).type), events.num_rows)
                for name, value in same.items()
            },
            "line": lines_of(events["at"]),
        }
        return pa.table([columns[name] for name in ISTANDAARD.names], schema=ISTANDAARD)
