"""The events of a message, checked a batch at a time: typed columns, and a problem for every value that is wrong.

What belongs here: what is right for one event. What does not: what is right for a whole message (`header`), and what
can only be seen of all its events together (`whole`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.readers.account import Problem
from pipelines.readers.istandaard.message import BETWEEN_CODES, TEXTS, Batch, line_and_column
from pipelines.readers.istandaard.standard import (
    CATEGORIES,
    CREDIT,
    DEBIT_CREDIT,
    EVENTS,
    FREQUENCIES,
    REFERRERS,
    REMOVED,
    STATUSES,
    UNITS,
    EventKind,
)
from pipelines.readers.istandaard.values import dates, shown_code, shown_date, shown_number, whole_numbers

Mask = npt.NDArray[np.bool_]

_EXTENT: Final = ("volume", "volume_unit", "volume_frequency")
_DATES: Final = ("allocated_on", "start_date", "end_date", "other_date")
_NUMBERS: Final = {"volume": 8, "amount_eurocents": 8, "allocation_id": 9}
_RETURN_CODES: Final = rf"^[0-9A-Z]{{4}}(\{BETWEEN_CODES}[0-9A-Z]{{4}})*$"

# What a removal by the sender makes of an event, and a credit of a claim.
_TAKEN_BACK: Final = {"start": "start_removed", "stop": "stop_removed", "claim": "claim_credited"}

# The columns of a checked batch: those of the raw table that an event has of its own, and three to judge the whole by.
CHECKED: Final = pa.schema(
    [
        *((name, pa.int64()) for name in ("at", "allocation_at", "key")),
        *((name, pa.string()) for name in ("kind", "person", "event", "allocation_id", "category", "product_code")),
        *((name, pa.date32()) for name in ("allocated_on", "start_date", "end_date")),
        ("volume", pa.float64()),
        *((name, pa.string()) for name in ("volume_unit", "volume_frequency")),
        ("amount_eurocents", pa.int64()),
        *((name, pa.string()) for name in ("reason_code", "referrer_type", "response_code")),
    ]
)


def check_events(file: str, standard: str, message: str, batch: Batch) -> tuple[pa.Table, tuple[Problem, ...]]:
    """The events of a batch that are right, with the columns of CHECKED, and a problem for every value that is wrong.

    An event whose client is refused, or that is faulty already, is left out without a problem of its own here.
    """
    return _Checking(file, standard, message, batch).result()


class _Checking:
    def __init__(self, file: str, standard: str, message: str, batch: Batch) -> None:
        self._file, self._standard, self._message, self._batch = file, standard, message, batch
        self._text = {name: pa.array(batch.texts[name], pa.string()) for name in TEXTS}
        self._kind = pa.array(batch.kind, pa.string())
        self._faulty: Mask = np.array(batch.faulty, dtype=bool)
        # What is told of an event that is refused already would only be noise.
        self._told: Mask = self._faulty.copy()
        self._problems: list[Problem] = []

    def result(self) -> tuple[pa.Table, tuple[Problem, ...]]:
        for kind in EVENTS[self._message]:
            self._required(kind)
        days = {name: dates(self._text[name]) for name in _DATES}
        for name in _DATES:
            self._unread(name, days[name], "not_a_date", shown_date, "a day as 2026-07-01")
        numbers = {name: whole_numbers(self._text[name], digits) for name, digits in _NUMBERS.items()}
        for name, digits in _NUMBERS.items():
            self._unread(
                name, numbers[name], "not_a_number", shown_number, f"a whole number of at most {digits} digits"
            )
        self._codes()
        self._together(days)
        columns = {
            **{name: self._text[name] for name in ("category", "product_code", "volume_unit", "volume_frequency")},
            **{name: self._text[name] for name in ("reason_code", "referrer_type", "response_code")},
            **{name: days[name] for name in ("allocated_on", "start_date", "end_date")},
            **numbers,
            "allocation_id": pc.cast(numbers["allocation_id"], pa.string()),
            "at": pa.array(self._batch.at, pa.int64()),
            "allocation_at": pa.array(self._batch.places["allocation_id"], pa.int64()),
            "key": pa.array(self._batch.key, pa.int64()),
            "kind": self._kind,
            "person": pa.array(self._batch.person, pa.string()),
            **self._taken_back(numbers),
        }
        table = pa.table([pc.cast(columns[name], CHECKED.field(name).type) for name in CHECKED.names], CHECKED)
        return table.filter(pa.array(~self._faulty)), tuple(self._problems)

    def _taken_back(self, numbers: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
        """Events that take back an earlier one are called so; of a credit the amount and the volume count down."""
        credit = pc.fill_null(pc.equal(self._text["debit_credit"], CREDIT), False)
        back = pc.or_(credit, pc.fill_null(pc.equal(self._text["status"], REMOVED), False))
        event = self._kind
        for name, taken in _TAKEN_BACK.items():
            event = pc.if_else(pc.and_(back, pc.equal(self._kind, name)), taken, event)
        signed = {
            name: pc.if_else(credit, pc.negate(numbers[name]), numbers[name]) for name in ("volume", "amount_eurocents")
        }
        return {"event": event, **signed}

    def _required(self, kind: EventKind) -> None:
        of_kind = _mask(pc.equal(self._kind, kind.event))
        for name in kind.required:
            missing = of_kind & _mask(pc.is_null(self._text[name]))
            called = kind.name_of(name)
            self._wrong(missing, name, "missing_value", f"no {called}", f"one in every {kind.element}")
        if kind.needs_product_or_budget:
            neither = pc.and_(pc.is_null(self._text["category"]), pc.is_null(self._text["amount_eurocents"]))
            expected = f"one of both in every {kind.element}"
            self._wrong(of_kind & _mask(neither), "category", "missing_value", "no Categorie and no Budget", expected)
        if any(column in kind.fields.values() for column in _EXTENT[2:]):
            given = [pc.is_valid(self._text[name]) for name in _EXTENT]
            some = pc.or_(pc.or_(given[0], given[1]), given[2])
            for name, filled in zip(_EXTENT, given, strict=True):
                missing = of_kind & _mask(pc.and_(some, pc.invert(filled)))
                called = kind.name_of(name)
                self._wrong(missing, name, "missing_value", f"an Omvang without {called}", f"one with {called}")

    def _unread(self, name: str, values: pa.Array, reason: str, shown: _Shown, expected: str) -> None:
        """Texts that are not what they should be are wrong."""
        unread = _mask(pc.and_(pc.is_valid(self._text[name]), pc.is_null(values)))
        self._wrong(unread, name, reason, shown, expected)

    def _codes(self) -> None:
        lists: dict[str, tuple[str, ...]] = {
            "category": CATEGORIES[self._standard],
            "volume_unit": UNITS,
            "volume_frequency": FREQUENCIES,
            "referrer_type": REFERRERS,
            "debit_credit": DEBIT_CREDIT,
            "status": STATUSES,
            "reason_code": EVENTS[self._message][0].reasons.get(self._standard, ()),
        }
        for name, allowed in lists.items():
            listed = pc.is_in(self._text[name], value_set=pa.array(allowed, pa.string()))
            unlisted = _mask(pc.and_(pc.is_valid(self._text[name]), pc.invert(listed)))
            self._wrong(unlisted, name, "not_allowed", shown_code, f"one of {', '.join(allowed)}")
        too_long = pc.fill_null(pc.greater(pc.utf8_length(self._text["product_code"]), 5), False)
        self._wrong(_mask(too_long), "product_code", "not_allowed", shown_code, "at most five characters")
        answers = pc.match_substring_regex(self._text["response_code"], _RETURN_CODES)
        wrong = _mask(pc.invert(pc.fill_null(answers, True)))
        self._wrong(wrong, "response_code", "not_allowed", shown_code, "codes of four characters")

    def _together(self, days: Mapping[str, pa.Array]) -> None:
        """What two elements of one event say together."""
        turned = _mask(pc.fill_null(pc.less(days["end_date"], days["start_date"]), False))
        first = pc.cast(days["start_date"], pa.string())
        expected = pc.binary_join_element_wise("", first, " or later, the day on which it starts", "")
        self._wrong(turned, "end_date", "out_of_range", shown_date, expected)

    def _wrong(self, mask: Mask, name: str, reason: str, found: str | _Shown, expected: str | pa.Array) -> None:
        """Refuse these events; `found` is one text for all, or says how much of the texts of the column is shown."""
        self._faulty |= mask
        at = np.flatnonzero(mask & ~self._told)
        if not len(at):
            return
        self._told |= mask
        rows = pa.array(at)
        founds = [found] * len(at) if isinstance(found, str) else found(self._text[name].take(rows)).to_pylist()
        wanted = [expected] * len(at) if isinstance(expected, str) else expected.take(rows).to_pylist()
        places = np.array(self._batch.places[name], dtype=np.int64)[at]
        places = np.where(places == 0, np.array(self._batch.at, dtype=np.int64)[at], places)
        names = {kind.event: kind.name_of(name) for kind in EVENTS[self._message]}
        kinds = self._kind.take(rows).to_pylist()
        self._problems += [
            Problem(self._file, *line_and_column(place), names[kind], reason, shown, right)
            for place, kind, shown, right in zip(places.tolist(), kinds, founds, wanted, strict=True)
        ]


class _Shown(Protocol):
    def __call__(self, texts: pa.Array, /) -> pa.Array: ...


def _mask(values: pa.Array) -> Mask:
    mask: Mask = values.to_numpy(zero_copy_only=False).astype(bool)
    return mask
