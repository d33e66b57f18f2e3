"""Deliveries that are fetched from a service: the vintage that it has now, and those that were kept before.

What belongs here: what holds for a table of CBS and a variable of Swing alike. What does not: asking for them
(`cbs_vintages`, `swing`), and which vintage counts (`accounts`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from pipelines.connectors.snapshot import Snapshot, SnapshotStore
from pipelines.declarations.source import Source
from pipelines.deliveries.accounts import Delivery, judge
from pipelines.readers.account import Problem, ReadResult


@dataclass(frozen=True)
class Arrived:
    """What the publisher has, and what it does not have, by the name of the delivery. Empty: nothing was asked."""

    present: Mapping[str, Snapshot] = field(default_factory=dict)
    missing: Mapping[str, Problem] = field(default_factory=dict)

    @property
    def told(self) -> list[tuple[str, str]]:
        """The vintage of everything that is there, and the problem of everything that is not, in plain text."""
        there = [(name, snapshot.vintage_id) for name, snapshot in sorted(self.present.items())]
        return [*there, *((name, str(problem)) for name, problem in sorted(self.missing.items()))]


def read_vintages(
    name: str,
    source: Source,
    store: SnapshotStore,
    arrived: Arrived,
    as_of: dt.date | None,
    read: Callable[[Snapshot], ReadResult],
) -> list[Delivery]:
    """The vintages of one delivery, the present one first; those that were known on the day `as_of`, where it is given.

    Where nothing arrived, the newest that is kept is the present one, with the problem of what is missing. Empty for a
    delivery of which nothing was ever fetched.
    """
    kept = [one for one in store.list(source.source_id, name) if as_of is None or one.was_known_on(as_of)]
    present = arrived.present.get(name) or (kept[-1] if kept else None)
    if present is None:
        return []
    result = read(present)
    if (missing := arrived.missing.get(name)) is not None:
        result = replace(result, problems=(*result.problems, missing))
    # One vintage after the other: only what was read of each is held, not its bytes.
    earlier = [(one, read(one)) for one in kept if one.vintage_id != present.vintage_id]
    return judge(name, (present, result), earlier)


def undelivered(arrived: Arrived, deliveries: list[Delivery]) -> tuple[Problem, ...]:
    """The problems of what is missing and was never there, so that no vintage can bear them."""
    there = {delivery.file for delivery in deliveries}
    return tuple(problem for name, problem in arrived.missing.items() if name not in there)
