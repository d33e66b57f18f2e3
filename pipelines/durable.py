"""Files that must outlive a crash: on the disk before anything relies on them, and there whole or not at all.

What belongs here: how that is done. What does not: what is kept (`connectors.snapshot`, `publish`, `alerts`).
"""

from __future__ import annotations

import os
import uuid
from pathlib import Path


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk. Windows sees to the names by itself."""
    if os.name == "nt":
        if path.is_dir():
            return
        descriptor = os.open(path, os.O_RDWR)
    else:
        descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, text: str, mode: int = 0o666) -> None:
    """Write `text` as UTF-8 beside `path` and swap it in; after a crash the old or the new file is there.

    `mode` is who may read and write it, from its first byte on; less what the process takes away (umask).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
