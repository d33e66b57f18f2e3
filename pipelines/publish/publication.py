"""The published set: one DuckDB file, a Parquet file per mart and a manifest, swapped in as one.

Every publication is a folder of its own under `published/versions`, complete before anybody can see it. The
link `published/current` names the one that counts, and is replaced in one step; `nulmeting.duckdb`,
`parquet` and `manifest.json` beside it lead through that link. A reader therefore sees the old set or the new
one, never a mixture, and a run that dies half-way leaves only a folder that the next run clears away.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.durable import sync
from pipelines.publish.looking_back import create_macros
from pipelines.revision import git_revision
from pipelines.settings import Settings
from pipelines.warehouse.connection import connect

if TYPE_CHECKING:
    import duckdb

DATABASE = "nulmeting.duckdb"
PARQUET = "parquet"
MANIFEST = "manifest.json"

# Made in every run, and published only where the settings say so: it is about few people, however little it says.
UNPUBLISHED = ("costliest_case",)


@dataclass(frozen=True)
class Publication:
    """What was published: the folder, and per mart its rows and the checksum of its Parquet file."""

    publication_id: str
    run_id: str
    published_at: str
    git_revision: str
    row_counts: dict[str, int]
    checksums: dict[str, str]
    vintages: list[dict[str, str | None]]
    folder: Path

    @property
    def rows(self) -> int:
        return sum(self.row_counts.values())


def publish(settings: Settings, run_id: str) -> Publication:
    """Copy the marts out of the warehouse into a new published set and swap it in.

    Rows are written in the order of their columns, so that the same content gives the same Parquet bytes.
    Nothing visible changes when this raises.
    """
    root = settings.published_path.parent
    versions = root / "versions"
    versions.mkdir(parents=True, exist_ok=True)
    for left_over in versions.glob(".building-*"):
        shutil.rmtree(left_over)
    now = dt.datetime.now(dt.UTC)
    publication_id = f"{now:%Y%m%dT%H%M%S}-{run_id[:8]}"
    building = versions / f".building-{publication_id}"
    (building / PARQUET).mkdir(parents=True)

    withheld = () if settings.publish_costliest_cases else UNPUBLISHED
    row_counts = _copy_marts(settings.warehouse_path, building, withheld)
    vintages = _vintages(settings.warehouse_path)
    files = sorted(path for path in building.rglob("*") if path.is_file())
    publication = Publication(
        publication_id=publication_id,
        run_id=run_id,
        published_at=now.isoformat(timespec="seconds"),
        git_revision=git_revision(),
        row_counts=row_counts,
        checksums={path.relative_to(building).as_posix(): _sha256(path) for path in files},
        vintages=vintages,
        folder=versions / publication_id,
    )
    text = json.dumps({**asdict(publication), "folder": publication_id}, indent=1, ensure_ascii=False)
    (building / MANIFEST).write_text(text + "\n", encoding="utf-8")
    for path in (*files, building / MANIFEST):
        sync(path)
    sync(building)
    building.replace(publication.folder)
    _swap(root, publication.folder)
    _prune(versions, keep=settings.keep_publications, current=publication.folder)
    return publication


def current(settings: Settings) -> dict[str, Any] | None:
    """The manifest of the set that is published now, or None when nothing is."""
    path = settings.published_path.parent / MANIFEST
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def verify(folder: Path) -> list[str]:
    """The files of a published set whose bytes are not those of its manifest."""
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    return [
        name
        for name, checksum in manifest["checksums"].items()
        if not (folder / name).is_file() or _sha256(folder / name) != checksum
    ]


def _copy_marts(warehouse: Path, building: Path, withheld: Sequence[str]) -> dict[str, int]:
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


def _swap(root: Path, folder: Path) -> None:
    temporary = root / ".current.new"
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(Path("versions") / folder.name, target_is_directory=True)
    temporary.replace(root / "current")
    for name in (DATABASE, PARQUET, MANIFEST):
        link = root / name
        if not link.is_symlink():
            link.symlink_to(Path("current") / name)
    sync(root)


def _prune(versions: Path, keep: int, current: Path) -> None:
    published = sorted(path for path in versions.iterdir() if not path.name.startswith("."))
    for old in published[:-keep]:
        if old != current:
            shutil.rmtree(old)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _quoted(text: object) -> str:
    return str(text).replace("'", "''")
