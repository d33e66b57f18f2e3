"""What can only be seen of all events of a message together: keys that repeat, numbers of clients, a total that fits.

What belongs here: comparing the events of one message. What does not: single events (`events`), and messages among one
another, which is a matter of deliveries.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.privacy.pseudonym import PseudonymKey
from pipelines.readers.account import Problem
from pipelines.readers.istandaard.message import Value, client_number_in, line_and_column
from pipelines.readers.istandaard.standard import CREDIT, EVENTS, TOTAL_AT
from pipelines.readers.istandaard.values import whole_numbers

_DIGITS_OF_A_TOTAL = 12


def without_repeats(file: str, message: str, events: pa.Table) -> tuple[pa.Table, list[Problem]]:
    """The events without those whose key occurs more than once: nobody can say which of them is the right one."""
    counted = events.group_by("key").aggregate([("key", "count")])
    repeated = pc.is_in(
        events["key"], value_set=counted.filter(pc.greater(counted["key_count"], 1))["key"].combine_chunks()
    )
    elements = {kind.event: kind.element for kind in EVENTS[message]}
    problems = [
        Problem(
            file,
            *line_and_column(place),
            elements[kind],
            "duplicate_key",
            f"a {elements[kind]} that stands in the message more than once",
            "one with its key for every client",
        )
        for place, kind in zip(*(events.filter(repeated)[name].to_pylist() for name in ("at", "kind")), strict=True)
    ]
    return events.filter(pc.invert(repeated)), problems


def without_client_numbers(
    file: str, events: pa.Table, persons: set[str], key: PseudonymKey
) -> tuple[pa.Table, list[Problem]]:
    """The events without those whose ToewijzingNummer is the number of one of these persons.

    An arbitrary number of nine digits may pass the eleven test; only one that is a client of the message is refused.
    """
    long = [text for text in pc.unique(events["allocation_id"]).to_pylist() if text is not None and len(text) >= 8]
    numbers = [text for text in long if client_number_in(text, persons, key)]
    holds = pc.is_in(events["allocation_id"], value_set=pa.array(numbers, pa.string()))
    found, expected = "the number of a client", "the number of an allocation"
    problems = [
        Problem(file, *line_and_column(place), "ToewijzingNummer", "personal_data", found, expected)
        for place in events.filter(holds)["allocation_at"].to_pylist()
    ]
    return events.filter(pc.invert(holds)), problems


def total_notice(message: str, values: Mapping[str, Sequence[Value]], events: pa.Table) -> str | None:
    """What to tell where the printed total of a claim is not that of its events; None where all is well."""
    if message != "323":
        return None
    total = printed_total(message, values)
    if total is None:
        return "no TotaalIngediendBedrag that can be read"
    summed = pc.sum(events["amount_eurocents"]).as_py() or 0
    if summed == total:
        return None
    # Without the number itself, which may be anything that somebody typed into its field.
    return f"TotaalIngediendBedrag is another amount than what is loaded adds up to, {summed} eurocents"


def printed_total(message: str, values: Mapping[str, Sequence[Value]]) -> int | None:
    """The total that a message prints, in eurocents, below zero where it is a credit; None where it prints none."""
    path = TOTAL_AT.get(message)
    amounts, sides = (values.get(f"{path}/{name}", ()) for name in ("TotaalBedrag", "DebetCredit"))
    if path is None or len(amounts) != 1:
        return None
    number: int | None = whole_numbers(pa.array([amounts[0].text], pa.string()), _DIGITS_OF_A_TOTAL)[0].as_py()
    return -number if number is not None and sides and sides[0].text == CREDIT else number
