"""Whether an error means that a disk is full, in whatever words it was told.

What belongs here: those words. What does not: what a run says and does then (`main_job`).
"""

from __future__ import annotations

import shutil
from pathlib import Path

_SAID = ("No space left on device", "database or disk is full", "Disk quota exceeded", "not enough space on the disk")
_NO_JOURNAL = "disk I/O error"
_NEARLY_NOTHING = 1024**2


def means_disk_full(message: str, place: Path) -> bool:
    """Whether `message` says so of the disk that `place` stands on."""
    if any(words in message for words in _SAID):
        return True
    # SQLite says only this where the file beside its database cannot be made.
    return _NO_JOURNAL in message and shutil.disk_usage(place).free < _NEARLY_NOTHING
