"""Which publication counts, and how another takes its place: by a link, or by a file that names it.

What belongs here: the names in `published/` that lead to one folder under `versions/`, and replacing them. What does
not: what is in such a folder (`publication`), and which of them stand (`versions`). Why there are two forms, and what
each promises, is told in docs/decisions/001.

    published/current -> versions/<id>          where links can be made: one rename, and every name leads elsewhere
    published/current.txt                       where they cannot: the name of the folder; it counts before the link
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from pipelines.durable import sync, write_atomically

DATABASE = "nulmeting.duckdb"
PARQUET = "parquet"
MANIFEST = "manifest.json"
VERSIONS = "versions"
LINK = "current"
POINTER = "current.txt"

_REMOVED = ".removed-"
_ATTEMPTS = 10
_SECONDS_BETWEEN = 0.1


def standing_folder(root: Path) -> Path | None:
    """The folder of the publication that counts, links resolved; None where nothing was published.

    The folder need not be there: what `current` names may have been removed by hand.
    """
    pointer, link = root / POINTER, root / LINK
    if pointer.is_file():
        return (root / VERSIONS / pointer.read_text(encoding="utf-8").strip()).resolve()
    return link.resolve() if link.is_symlink() or link.is_dir() else None


def standing_file(published: Path) -> Path:
    """Where the file that is published under this name lies, links and `current.txt` followed.

    Whoever reads several files takes this once, and then reads beside it: the name may lead elsewhere a moment later.
    """
    if not (published.parent / POINTER).is_file():
        return published.resolve()
    folder = standing_folder(published.parent)
    return (folder or published.parent) / published.name


def swap(root: Path, folder: Path) -> tuple[str, ...]:
    """Make this folder the one that counts, in one step; returns what could not be brought along, in sentences.

    Raises OSError, and then what counted before still does.
    """
    # There a link to a folder cannot be replaced by a rename, whatever the rights are.
    if os.name != "nt":
        try:
            _swap_link(root, folder)
        except (OSError, NotImplementedError):
            # No links on this disk or for this account; where it is something else, what follows fails as well.
            pass
        else:
            return ()
    return _swap_pointer(root, folder)


def set_aside(folder: Path) -> bool:
    """Take a folder under `versions` away; False where a reader's hold on it prevents that, and nothing changed.

    It goes in one step, so that what is half removed is never taken for a publication.
    """
    removed = folder.with_name(f"{_REMOVED}{uuid.uuid4().hex}")
    try:
        folder.rename(removed)
    except OSError:
        return False
    remove(removed)
    return True


def remove(left_over: Path) -> None:
    """Remove what nobody looks at any more. What cannot be removed now is left for the next time."""
    if left_over.is_dir() and not left_over.is_symlink():
        shutil.rmtree(left_over, ignore_errors=True)
        return
    with contextlib.suppress(OSError):
        left_over.unlink(missing_ok=True)


def _swap_link(root: Path, folder: Path) -> None:
    link = root / LINK
    if link.is_dir() and not link.is_symlink():
        # A copy that was put back without links: a folder where the link was.
        (root / VERSIONS).mkdir(exist_ok=True)
        link.rename(root / VERSIONS / f"{_REMOVED}{uuid.uuid4().hex}")
    _link(link, Path(VERSIONS) / folder.name, is_folder=True)
    for name in (DATABASE, PARQUET, MANIFEST):
        entry = root / name
        if entry.is_symlink():
            continue
        if entry.is_dir():
            entry.rename(root / VERSIONS / f"{_REMOVED}{uuid.uuid4().hex}")
        _link(entry, Path(LINK) / name, is_folder=name == PARQUET)
    (root / POINTER).unlink(missing_ok=True)
    sync(root)


def _link(link: Path, target: Path, *, is_folder: bool) -> None:
    temporary = link.with_name(f".{link.name}.new")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target, target_is_directory=is_folder)
    temporary.replace(link)


def _swap_pointer(root: Path, folder: Path) -> tuple[str, ...]:
    _patiently(lambda: write_atomically(root / POINTER, folder.name + "\n"))
    for name in (LINK, PARQUET, MANIFEST):
        # What a link leads to no longer counts, and beside the new file it would be a mixture.
        if (root / name).is_symlink():
            (root / name).unlink()
    stable, temporary = root / DATABASE, root / f".{DATABASE}.new"
    temporary.unlink(missing_ok=True)
    try:
        try:
            os.link(folder / DATABASE, temporary)
        except OSError:
            shutil.copyfile(folder / DATABASE, temporary)
        _patiently(lambda: temporary.replace(stable))
    except PermissionError:
        temporary.unlink(missing_ok=True)
        return (
            f"{stable}: found it held by a reader, and it still is the publication before; {root / POINTER} names the "
            f"one that counts; close that reader, and the next publication replaces the file",
        )
    sync(root)
    return ()


def _patiently(action: Callable[[], object]) -> None:
    """Try again for a second where somebody has the file open just then."""
    for attempt in range(_ATTEMPTS):
        try:
            action()
        except PermissionError:
            if attempt == _ATTEMPTS - 1:
                raise
            time.sleep(_SECONDS_BETWEEN)
        else:
            return
