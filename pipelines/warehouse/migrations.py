"""From one release to the next: what becomes of a working warehouse that an earlier release made.

What belongs here: the steps, in order, and the stamp that says which of them a warehouse has had. What does not: what
is kept over releases outside the warehouse (snapshots, absences, messages, run history, publications): each of these
has a format of its own and is read as it is. Why there is so little to do is told in docs/decisions/019.

A step is never changed once a release has it; another follows it. Every step and its stamp are one transaction, so
that a warehouse has had a step wholly or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version as version_of_package
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.settings import SetupError

if TYPE_CHECKING:
    import duckdb

_NEWER_DUCKDB = "newer version of DuckDB"


class WarehouseTooNew(SetupError):  # noqa: N818 - the name says what it is
    """A later release, or a later DuckDB, made this warehouse; the command line ends with exit code 2."""


@dataclass(frozen=True)
class Step:
    """One change to a warehouse: its number, what it does in one sentence, and the doing."""

    version: int
    name: str
    apply: Callable[[duckdb.DuckDBPyConnection], None]


# As they were called in the releases without a stamp.
_LAYERS_BEFORE_STAMPS = ("declared", "raw", "staging", "core", "breaks", "privacy", "benchmark", "marts", "built")


def _make_layers_anew(connection: duckdb.DuckDBPyConnection) -> None:
    """Drop every layer: a table that is no longer made would otherwise stay, and be published as it last was.

    How breaks were called is in no snapshot, and stays.
    """
    (named,) = connection.execute(
        "select count(*) from duckdb_tables() where schema_name = 'breaks' and table_name = 'known'"
    ).fetchall()
    if named[0]:
        connection.execute("create or replace temp table known as from breaks.known")
    for schema in _LAYERS_BEFORE_STAMPS:
        connection.execute(f"drop schema if exists {schema} cascade")
    if named[0]:
        connection.execute("create schema breaks")
        connection.execute("create table breaks.known as from temp.known")
        connection.execute("drop table temp.known")


STEPS = (Step(1, "what a release without a stamp built is built anew from the snapshots", _make_layers_anew),)


def migrate(connection: duckdb.DuckDBPyConnection, path: Path, steps: Sequence[Step] = STEPS) -> tuple[Step, ...]:
    """Bring an open warehouse to this release; returns the steps that were taken, mostly none.

    Raises WarehouseTooNew for one that has had steps which this release does not know.
    """
    had = _version(connection)
    if had > steps[-1].version:
        raise WarehouseTooNew(_too_new(path, f"version {had}", f"{steps[-1].version} at most"))
    taken = tuple(step for step in steps if step.version > had)
    for step in taken:
        connection.execute("begin")
        try:
            step.apply(connection)
            connection.execute("create schema if not exists release")
            connection.execute("create table if not exists release.step (version integer, name text, release text)")
            stamp = [step.version, step.name, version_of_package("nulmeting")]
            connection.execute("insert into release.step values (?, ?, ?)", stamp)
        except BaseException:
            connection.execute("rollback")
            raise
        connection.execute("commit")
    return taken


def refuse_newer(path: Path) -> None:
    """Raise WarehouseTooNew for a warehouse of a later release, before a run begins.

    Whatever else may be the matter with the file is left to whoever opens it for writing.
    """
    if not path.is_file():
        return
    import duckdb

    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            had = _version(connection)
    except duckdb.Error as error:
        if is_of_newer_duckdb(error):
            raise too_new_for_duckdb(path) from None
        return
    if had > STEPS[-1].version:
        raise WarehouseTooNew(_too_new(path, f"version {had}", f"{STEPS[-1].version} at most"))


def is_of_newer_duckdb(error: Exception) -> bool:
    """Whether DuckDB says that a later DuckDB wrote the file: it is not damaged."""
    return _NEWER_DUCKDB in str(error)


def too_new_for_duckdb(path: Path) -> WarehouseTooNew:
    """The refusal of a file that a later DuckDB wrote."""
    import duckdb

    return WarehouseTooNew(_too_new(path, "a file of a later DuckDB", f"one of {duckdb.__version__} at most"))


def _version(connection: duckdb.DuckDBPyConnection) -> int:
    """The last step that a warehouse has had; 0 where it has no stamp."""
    import duckdb

    try:
        rows = connection.execute("select max(version) from release.step").fetchall()
    except duckdb.CatalogException:
        return 0
    return rows[0][0] or 0


def _too_new(path: Path, found: str, expected: str) -> str:
    return (
        f"{path}: found {found}, expected {expected}: a later release of nulmeting made it. Run that release, or move "
        "the file away: everything in it is built again from the snapshots, by the rules of this release"
    )
