"""Which deliveries were withdrawn, and from when to when: a small file beside the snapshots of each source.

What belongs here: writing down that a file has gone, or came back. What does not: what follows from it (`folder`).
Snapshots never change; that one no longer counts is a fact of its own.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection
from pathlib import Path

from pipelines.durable import write_atomically

_RECORD = "withdrawn.json"

Absences = dict[str, list[tuple[dt.date, dt.date | None]]]


def read_absences(root: Path, source_id: str) -> Absences:
    """Per delivery the spans in which it was withdrawn: the first day, and the day it came back if it did."""
    path = root / source_id / _RECORD
    if not path.is_file():
        return {}
    record = json.loads(path.read_text(encoding="utf-8"))
    return {
        name: [(dt.date.fromisoformat(start), dt.date.fromisoformat(end) if end else None) for start, end in spans]
        for name, spans in record.items()
    }


def record_absences(
    root: Path, source_id: str, known: Collection[str], present: Collection[str], today: dt.date
) -> Absences:
    """Write down which of the known deliveries have gone or came back since the last time; returns all of it."""
    absences = read_absences(root, source_id)
    before = json.dumps(_plain(absences))
    for name in sorted(known):
        spans = absences.get(name, [])
        is_absent = bool(spans) and spans[-1][1] is None
        if name not in present and not is_absent:
            absences[name] = [*spans, (today, None)]
        elif name in present and is_absent:
            absences[name] = [*spans[:-1], (spans[-1][0], today)]
    if json.dumps(_plain(absences)) != before:
        record = json.dumps(_plain(absences), indent=2, ensure_ascii=False)
        write_atomically(root / source_id / _RECORD, record)
    return absences


def withdrawn_on(absences: Absences, name: str, day: dt.date) -> dt.date | None:
    """Since when a delivery was withdrawn on that day; None where it counted."""
    return next(
        (start for start, end in absences.get(name, []) if start <= day and (end is None or day < end)),
        None,
    )


def _plain(absences: Absences) -> dict[str, list[list[str | None]]]:
    return {
        name: [[start.isoformat(), end.isoformat() if end else None] for start, end in spans]
        for name, spans in absences.items()
    }
