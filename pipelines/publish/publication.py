"""The published set: one DuckDB file, a Parquet file per mart and a manifest, swapped in as one.

What belongs here: making a publication out of the warehouse. What does not: which publications stand (`versions`), how
one comes to count (`place`), and going back to an earlier one (`restore`).

Every publication is a folder of its own under `published/versions`, complete before anybody can see it. The
link `published/current` names the one that counts, and is replaced in one step; `nulmeting.duckdb`,
`parquet` and `manifest.json` beside it lead through that link. A reader therefore sees the old set or the new
one, never a mixture, and a run that dies half-way leaves only a folder that the next run clears away.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version as version_of_package
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.durable import sync
from pipelines.file_modes import settle
from pipelines.publish.looking_back import create_macros
from pipelines.publish.place import DATABASE, MANIFEST, PARQUET, VERSIONS, remove, set_aside, standing_folder, swap
from pipelines.publish.restore import is_gone_back
from pipelines.publish.versions import (
    FORMAT,
    current,
    next_number,
    prune,
    published_root,
    sha256_of,
    verify,
    versions_of,
    write_manifest,
)
from pipelines.revision import git_revision
from pipelines.settings import Settings
from pipelines.warehouse.connection import connect

if TYPE_CHECKING:
    import duckdb

__all__ = ["DATABASE", "MANIFEST", "PARQUET", "Publication", "PublicationError", "current", "publish", "verify"]

# Made in every run, and published only where the settings say so: it is about few people, however little it says.
UNPUBLISHED = ("costliest_case",)


_BUILDING = ".building-"
_DISK_FULL = "No space left on device"


class PublicationError(Exception):
    """Nothing could be published, and what was published stands. The message says what to do."""


@dataclass(frozen=True)
class Publication:
    """What was published: the folder, per mart its rows, and per file its size in bytes and its checksum.

    `number` counts publications in the order in which they were made; `published_at` is what the clock said. `notices`
    say what could not be brought along.
    """

    publication_id: str
    number: int
    format: int
    release: str
    run_id: str
    published_at: str
    git_revision: str
    row_counts: dict[str, int]
    checksums: dict[str, str]
    sizes: dict[str, int]
    vintages: list[dict[str, str | None]]
    folder: Path
    notices: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        return sum(self.row_counts.values())


def publish(settings: Settings, run_id: str, marts: Collection[str] | None = None) -> Publication:
    """Copy the marts out of the warehouse into a new published set and swap it in.

    `marts` names the tables that are published; without it all that are there. Rows are written in the order of their
    columns, so that the same content gives the same Parquet bytes. Raises PublicationError for a full disk and a folder
    that cannot be written. Nothing visible changes when this raises, and nothing half-made stays.
    """
    root = published_root(settings)
    with _told_plainly(root):
        return _publish(settings, root, run_id, marts)


def _publish(settings: Settings, root: Path, run_id: str, marts: Collection[str] | None) -> Publication:
    versions = root / VERSIONS
    versions.mkdir(parents=True, exist_ok=True)
    for left_over in (*versions.glob(f"{_BUILDING}*"), *root.glob(".*")):
        remove(left_over)
    for never_counted in _never_counted(root):
        set_aside(never_counted)
    before = versions_of(root)
    now = dt.datetime.now(dt.UTC)
    publication_id = _free_id(f"{now:%Y%m%dT%H%M%S}-{run_id[:8]}", {version.publication_id for version in before})
    building = versions / f"{_BUILDING}{publication_id}"
    remove(building)
    try:
        (building / PARQUET).mkdir(parents=True)
        withheld = () if settings.publish_costliest_cases else UNPUBLISHED
        row_counts = _copy_marts(settings.warehouse_path, building, withheld, marts)
        files = sorted(path for path in building.rglob("*") if path.is_file())
        for path in files:
            _protect(path)
            sync(path)
        publication = Publication(
            publication_id=publication_id,
            number=next_number(before),
            format=FORMAT,
            release=version_of_package("nulmeting"),
            run_id=run_id,
            published_at=now.isoformat(timespec="seconds"),
            git_revision=git_revision(),
            row_counts=row_counts,
            checksums={path.relative_to(building).as_posix(): sha256_of(path) for path in files},
            sizes={path.relative_to(building).as_posix(): path.stat().st_size for path in files},
            vintages=_vintages(settings.warehouse_path),
            folder=versions / publication_id,
        )
        told = {name: value for name, value in asdict(publication).items() if name != "notices"}
        write_manifest(building, {**told, "folder": publication_id})
        _protect(building / MANIFEST)
        for folder in (building / PARQUET, building):
            sync(folder)
        building.replace(publication.folder)
    except BaseException:
        remove(building)
        raise
    sync(versions)
    replaced = standing_folder(root)
    try:
        settle(settings)
        notices = swap(root, publication.folder)
    except BaseException:
        # Broken off after the names lead to it already, it counts.
        if standing_folder(root) != publication.folder.resolve():
            set_aside(publication.folder)
        raise
    # Whoever opened what counted a moment ago has time to read it, however few are kept.
    prune(root, settings, {publication_id, *([replaced.name] if replaced is not None else [])})
    return replace(publication, notices=notices)


def _never_counted(root: Path) -> list[Path]:
    """The publications of runs that were killed between making one and swapping it in."""
    standing, versions = standing_folder(root), versions_of(root)
    counts = next((one for one in versions if standing is not None and one.publication_id == standing.name), None)
    # Of one whose manifest is damaged nobody can say what came after it.
    if counts is None or counts.manifest is None or is_gone_back(root):
        return []
    return [version.folder for version in versions if version.number > counts.number]


@contextlib.contextmanager
def _told_plainly(root: Path) -> Iterator[None]:
    """A disk that is full and a folder that cannot be written, in one sentence each."""
    import duckdb

    stands = "what was published before stands"
    try:
        yield
    except (OSError, duckdb.IOException) as error:
        if getattr(error, "errno", None) == errno.ENOSPC or _DISK_FULL in str(error):
            raise PublicationError(f"{root}: {_DISK_FULL}; {stands}; free some and run again") from error
        if isinstance(error, OSError):
            raise PublicationError(
                f"{error.filename or root}: cannot be written ({error.strerror}); {stands}; expected a folder in which "
                "the account of the run may write"
            ) from error
        raise


def _free_id(wanted: str, taken: Collection[str]) -> str:
    """An id that no publication has: two may be made in one second, and a clock may be set back."""
    number = 2
    found = wanted
    while found in taken:
        found, number = f"{wanted}-{number}", number + 1
    return found


def _protect(path: Path) -> None:
    """Nobody changes a file that was published: not a reader who opens the database without saying read-only."""
    # There a file that may not be written cannot be replaced or removed either.
    if os.name != "nt":
        path.chmod(path.stat().st_mode & ~0o222)


def _copy_marts(
    warehouse: Path, building: Path, withheld: Sequence[str], marts: Collection[str] | None
) -> dict[str, int]:
    counts: dict[str, int] = {}
    with connect(warehouse) as connection:
        connection.execute(f"attach '{_quoted(building / DATABASE)}' as published")
        connection.execute("create schema published.marts")
        tables = connection.execute(
            "select table_name, comment from duckdb_tables() "
            "where database_name = current_database() and schema_name = 'marts' "
            "and not list_contains(?, table_name) order by table_name",
            [list(withheld)],
        ).fetchall()
        # A table that is no longer made would otherwise be published for ever, as it was when it last was.
        tables = [(table, comment) for table, comment in tables if marts is None or table in marts]
        for table, comment in tables:
            connection.execute(f'create table published.marts."{table}" as select * from marts."{table}" order by all')
            _copy_comments(connection, table, comment)
            found = connection.execute(f'select count(*) from published.marts."{table}"').fetchone()
            counts[table] = found[0] if found else 0
            target = _quoted(building / PARQUET / f"{table}.parquet")
            connection.execute(
                f"copy (from published.marts.\"{table}\" order by all) to '{target}' (format parquet, compression zstd)"
            )
        create_macros(connection, "published", counts)
        connection.execute("detach published")
    return counts


def _copy_comments(connection: duckdb.DuckDBPyConnection, table: str, comment: str | None) -> None:
    """Descriptions travel with the file, so that an analyst finds them in the file itself."""
    if comment:
        connection.execute(f"comment on table published.marts.\"{table}\" is '{_quoted(comment)}'")
    columns = connection.execute(
        "select column_name, comment from duckdb_columns() where database_name = current_database() "
        "and schema_name = 'marts' and table_name = ? and comment is not null",
        [table],
    ).fetchall()
    for column, text in columns:
        connection.execute(f'comment on column published.marts."{table}"."{column}" is \'{_quoted(text)}\'')


def _vintages(warehouse: Path) -> list[dict[str, str | None]]:
    with connect(warehouse) as connection:
        rows = connection.execute(
            "select vintage_id, source_id, vintage_date, vintage_label, checksum_sha256 "
            "from marts.delivery where is_current order by vintage_id"
        ).fetchall()
    return [
        {
            "vintage_id": vintage_id,
            "source_id": source_id,
            "vintage_date": str(date) if date else None,
            "vintage_label": label,
            "checksum_sha256": checksum,
        }
        for vintage_id, source_id, date, label, checksum in rows
    ]


def _quoted(text: object) -> str:
    return str(text).replace("'", "''")
