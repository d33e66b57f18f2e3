"""Deliveries that come as files in a folder: finding them, and reading the bytes of one.

What belongs here: which files count as a delivery. What does not: what is in them (`readers`), and keeping
them (`snapshot`).
"""

from __future__ import annotations

import os
import stat
from pathlib import Path, PurePath

from pipelines.declarations.source import FolderConnector
from pipelines.settings import SetupError

MAX_DELIVERY_BYTES = 2 * 1024**3

# Names that editors, office suites, browsers and synchronisers give to what is not, or not yet, a file.
_UNFINISHED_STARTS = (".", "~")
_UNFINISHED_ENDS = (
    "~",
    ".tmp",
    ".temp",
    ".part",
    ".partial",
    ".crdownload",
    ".filepart",
    ".swp",
    ".lock",
    ".lck",
)


class DeliveryError(Exception):
    """A delivery cannot be read as a file: `file: found, expected`."""


def find_deliveries(root: Path, connector: FolderConnector) -> list[Path]:
    """The files below `root` that a declaration's folder and pattern name, sorted by path.

    Only regular files that really lie below `root` count, also where a link leads to them; hidden, temporary
    and lock files do not. No folder means no deliveries. Raises SetupError when the declaration leads out of
    `root`.
    """
    for declared in (connector.folder, connector.pattern):
        if PurePath(declared).is_absolute() or ".." in PurePath(declared).parts:
            raise SetupError(f"found {declared!r}, expected a folder and pattern below the deliveries folder")
    real_root = root.resolve()
    return sorted(
        path
        for path in (root / connector.folder).glob(connector.pattern)
        if not any(_is_unfinished(part) for part in path.relative_to(root).parts)
        and path.is_file()
        and path.resolve().is_relative_to(real_root)
    )


def read_bytes(path: Path, max_bytes: int = MAX_DELIVERY_BYTES) -> bytes:
    """The bytes of one delivery. Raises DeliveryError when it is no regular file, larger than `max_bytes`, or
    still being written.
    """
    # Without O_NONBLOCK a named pipe would keep the run waiting for a writer.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
        before = os.fstat(file.fileno())
        if not stat.S_ISREG(before.st_mode):
            raise DeliveryError(f"{path.name}: found something that is no regular file, expected a file")
        if before.st_size > max_bytes:
            raise DeliveryError(f"{path.name}: found {before.st_size} bytes, expected at most {max_bytes}")
        content = file.read(before.st_size + 1)
        after = os.fstat(file.fileno())
    if len(content) != before.st_size or (before.st_size, before.st_mtime_ns) != (
        after.st_size,
        after.st_mtime_ns,
    ):
        raise DeliveryError(f"{path.name}: found a file that is still being written, expected a finished one")
    return content


def _is_unfinished(name: str) -> bool:
    return name.startswith(_UNFINISHED_STARTS) or name.lower().endswith(_UNFINISHED_ENDS)
