"""What can be killed, by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.chaos.kills import Work
from tests.chaos.work_load import LoadWork
from tests.chaos.work_outbox import OutboxWork
from tests.chaos.work_publication import PublicationWork
from tests.chaos.work_snapshot import SnapshotWork

WORKS: dict[str, Callable[[Path], Work]] = {
    "snapshot": SnapshotWork,
    "load": LoadWork,
    "publication": PublicationWork,
    "outbox": OutboxWork,
}
