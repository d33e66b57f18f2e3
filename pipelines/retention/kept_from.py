"""From which day on the rows about persons of a source are whole, where older ones were removed by rule.

What belongs here: keeping that day. What does not: removing the rows (`by_rule`), and what follows for figures
(`core_person_window`: nothing is told of a period that began before it).

It is written before a row is removed, and it never goes back: who was removed does not return when the rule is relaxed.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Final

from pipelines.durable import write_atomically

_RECORD: Final = "kept_from.json"


def read_kept_from(root: Path, source_id: str) -> dt.date | None:
    """The day for a source; None where nothing was removed by rule."""
    path = root / source_id / _RECORD
    if not path.is_file():
        return None
    return dt.date.fromisoformat(json.loads(path.read_text(encoding="utf-8"))["kept_from"])


def record_kept_from(root: Path, source_id: str, day: dt.date) -> None:
    """Write the day down; an earlier one than is known changes nothing."""
    known = read_kept_from(root, source_id)
    if known is None or known < day:
        write_atomically(root / source_id / _RECORD, json.dumps({"kept_from": day.isoformat()}) + "\n")
