"""Who may read what a run leaves: its owner alone, but for the published set and its Data Docs.

What belongs here: modes of files and folders. What does not: writing them. Deliveries, the warehouse, alerts, logs and
keys may hold what is nobody else's business; the published set is made to be read. On Windows modes say nothing, and
nothing is done.

A new file is closed from its first byte by the umask (`keep_private`); `settle` then opens what is to be read, and
closes what an earlier version or another umask left open. Whatever a command writes where its user says (`--out`) has
the modes that the user's own umask gives.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pipelines.settings import EARLIER_PSEUDONYM_KEYS_FILE, PSEUDONYM_KEY_FILE, Settings

_READ: Final = {"owner": 0, "group": 0o040, "everyone": 0o044}
_GROUP_AND_OTHERS, _OTHERS, _WRITE_OF_OTHERS = 0o077, 0o007, 0o022
_SECRETS: Final = (PSEUDONYM_KEY_FILE, EARLIER_PSEUDONYM_KEYS_FILE, "NULMETING_SWING_APIKEY_FILE")


def keep_private() -> None:
    """From now on, whatever this process makes is for its owner alone."""
    os.umask(_GROUP_AND_OTHERS)


def settle(settings: Settings) -> None:
    """Open the published set and its Data Docs to those who may read it (`published_readable_by`), and close the rest.

    What belongs to another user is left as it is; `wrong_modes` tells of it.
    """
    if os.name != "posix":
        return
    for path in _private(settings):
        _change(path, 0o700 if path.is_dir() else 0o600)
    read = _READ[settings.published_readable_by]
    for root in (settings.published_path.parent, settings.data_docs_dir):
        share(root, read)
    # Those who read must come through the folders above, and need not see what else is in them.
    for folder in _above_published(settings):
        _change(folder, stat.S_IMODE(folder.stat().st_mode) & ~_GROUP_AND_OTHERS | _enter(read))


def share(root: Path, read: int) -> None:
    """Give a folder and all in it these bits for reading, and nobody but the owner any for writing."""
    for path in (root, *root.rglob("*")) if root.is_dir() else ():
        if not path.is_symlink():
            # What its owner may not write either (what was published, a folder that somebody closed) stays so.
            kept = 0o400 | (_mode(path) & 0o200) | read
            _change(path, kept | 0o100 | _enter(read) if path.is_dir() else kept)


def readable_as_their_folder(folder: Path) -> None:
    """Files that were made anew in a folder that others may read are for those others as well."""
    if os.name == "posix":
        share(folder, stat.S_IMODE(folder.stat().st_mode) & 0o044)


def wrong_modes(settings: Settings) -> list[str]:
    """What others may read or write and should not, or cannot read and should; a line each, with what to do."""
    if os.name != "posix":
        return []
    wrong = [
        f"{path}: found mode {_shown(path)}, expected its owner alone; chmod -R go= {path}"
        for path in _private(settings)
        if _exposed(path, settings) & _GROUP_AND_OTHERS
    ]
    for variable in _SECRETS:
        named = os.environ.get(variable)
        path = Path(named).expanduser() if named else None
        # A group may be how the service gets at a file of root's.
        if path is not None and path.is_file() and _mode(path) & (_OTHERS | _WRITE_OF_OTHERS):
            wrong.append(f"{variable}: found mode {_shown(path)} on its file, expected 0600 or 0640")
    published = settings.published_path
    if published.is_file():
        wanted = _READ[settings.published_readable_by]
        if (_exposed(published, settings) & 0o044) != wanted:
            found = f"found mode {_shown(published)}, expected to be read by {settings.published_readable_by}"
            wrong.append(f"{published}: {found} (published_readable_by); the next run that publishes sets it")
        wrong += [
            f"{folder}: found mode {_shown(folder)}, expected that only its owner writes; chmod go-w {folder}"
            for folder in (*_above_published(settings), published.parent)
            if _mode(folder) & _WRITE_OF_OTHERS
        ]
    return wrong


def _private(settings: Settings) -> Iterator[Path]:
    """What is there of all that is for its owner alone."""
    state = settings.state_dir
    warehouse = settings.warehouse_path
    for path in (
        settings.snapshots_dir,
        settings.alerts_dir,
        settings.runs_dir,
        settings.logs_dir,
        state / "dagster",
        state / "dbt",
        state / "state",
        *sorted(warehouse.parent.glob(f"{warehouse.name}*")),
    ):
        if path.exists() and not path.is_symlink():
            yield path


def _above_published(settings: Settings) -> list[Path]:
    """The data directory, and what lies between it and the published set."""
    return [
        folder
        for folder in settings.published_path.parent.parents
        if folder.is_relative_to(settings.data_dir) and folder.is_dir()
    ]


def _enter(read: int) -> int:
    """Whoever may read a folder may go into it."""
    return read >> 2


def _exposed(path: Path, settings: Settings) -> int:
    """The bits of a file for group and others, as far as the folders above it, within the data directory, let them."""
    exposed = _mode(path)
    for folder in path.parents:
        if not folder.is_relative_to(settings.data_dir):
            break
        enter = _mode(folder) & 0o011
        exposed &= 0o700 | enter | enter << 1 | enter << 2
    return exposed


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _shown(path: Path) -> str:
    return f"0{_mode(path):o}"


def _change(path: Path, mode: int) -> None:
    found = path.stat()
    if stat.S_IMODE(found.st_mode) != mode and found.st_uid == os.geteuid():
        path.chmod(mode)
