"""Tables of the published set as files for other programs: CSV as a Dutch Excel reads it, XLSX, or Parquet.

What belongs here: the form of those files. What does not: what is in the tables (`publication`), a query of one's own
(`query`), and what counts as a formula (`formulas`).

Text of others never becomes a formula, and no number changes:

- XLSX: every cell has a type. A text is a text, also where it begins with `=`; nothing is put before it.
- CSV: fields between `;`, decimal commas, UTF-8 with a byte-order mark: what a Dutch Excel opens without a dialogue. A
  text that a spreadsheet would run has an apostrophe before it.
- Parquet: the published file itself.

Signs that a terminal or a workbook cannot show become a replacement character. The same tables give the same bytes.
Nothing is put in place before all of it is written.
"""

from __future__ import annotations

import csv
import datetime as dt
import difflib
import io
import math
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from pipelines.publish.formulas import neutral
from pipelines.settings import Settings, SetupError
from pipelines.terminal_text import printable
from pipelines.warehouse.connection import WarehouseError, connect_read_only

if TYPE_CHECKING:
    import duckdb
    from openpyxl.worksheet._write_only import WriteOnlyWorksheet

Format = Literal["csv", "xlsx", "parquet"]
FORMATS: Final[tuple[Format, ...]] = ("csv", "xlsx", "parquet")
WORKBOOK: Final = "nulmeting.xlsx"
EXPLANATION: Final = "uitleg"
MOST_ROWS: Final = 1_048_576
"""Of a sheet, its header among them."""
MOST_SIGNS: Final = 32_767
"""Of a cell of a workbook."""

_EXACT: Final = 2**53
_AT_ONCE: Final = 10_000
_LONGEST_SHEET_NAME: Final = 31
_WIDEST: Final = 60
# A package has dates; the same tables must give the same bytes on another day.
_DATE: Final = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Table:
    """A published table: its rows, what it holds, and per column its name, type and meaning."""

    name: str
    rows: int
    comment: str
    columns: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Exported:
    """What was written, and what a reader of it must know."""

    paths: tuple[Path, ...]
    rows: int
    notices: tuple[str, ...]


def export(settings: Settings, wanted: Sequence[str], form: Format, out: Path) -> Exported:
    """Write the tables `wanted` (all where none is named) of the published set into the folder `out`.

    Files of other names in `out` stay. Raises SetupError for a table that is not published, one that is too long for a
    sheet, a set that nobody published yet, and a folder that cannot be written.
    """
    import duckdb

    try:
        # One connection sees one publication, also when another is swapped in meanwhile.
        with connect_read_only(settings.published_path) as connection:
            published = _folder_of(connection)
            tables = _chosen(_tables(connection), wanted)
            if form == "xlsx":
                _refuse_too_long(tables)
            out.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".export-", dir=out) as scratch:
                notices = _write(connection, tables, form, Path(scratch), published)
                paths = []
                for path in sorted(Path(scratch).iterdir()):
                    paths.append(path.replace(out / path.name))
    except WarehouseError as error:
        raise SetupError(str(error)) from None
    except duckdb.IOException:
        raise SetupError(f"{settings.published_path}: cannot be opened; `nulmeting doctor` says more") from None
    except OSError as error:
        raise SetupError(f"--out: {out} cannot be written ({error.strerror})") from None
    return Exported(tuple(paths), sum(table.rows for table in tables), notices)


def _folder_of(connection: duckdb.DuckDBPyConnection) -> Path:
    """Where the publication lies that this connection reads, whatever counts by now."""
    ((path,),) = connection.execute(
        "select path from duckdb_databases() where database_name = current_database()"
    ).fetchall()
    return Path(path).parent


def _write(
    connection: duckdb.DuckDBPyConnection, tables: Sequence[Table], form: Format, folder: Path, published: Path
) -> tuple[str, ...]:
    if form == "parquet":
        for file in (f"{table.name}.parquet" for table in tables):
            shutil.copyfile(published / "parquet" / file, folder / file)
        return ()
    if form == "csv":
        for table in tables:
            _write_csv(folder / f"{table.name}.csv", _rows(connection, table))
        _write_csv(folder / f"{EXPLANATION}.csv", _explanation(tables))
        return ()
    return _write_workbook(folder / WORKBOOK, connection, tables)


def _tables(connection: duckdb.DuckDBPyConnection) -> list[Table]:
    columns: dict[str, list[tuple[str, str, str]]] = {}
    for table, column, kind, comment in connection.execute(
        "select table_name, column_name, data_type, coalesce(comment, '') from duckdb_columns() "
        "where schema_name = 'marts' and not internal order by table_name, column_index"
    ).fetchall():
        columns.setdefault(table, []).append((column, kind, comment))
    found = connection.execute(
        "select table_name, coalesce(comment, '') from duckdb_tables() where schema_name = 'marts' order by 1"
    ).fetchall()
    return [Table(name, _count(connection, name), comment, tuple(columns[name])) for name, comment in found]


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    found = connection.execute(f"select count(*) from {_named(table)}").fetchone()
    return found[0] if found else 0


def _named(table: str) -> str:
    return 'marts."{}"'.format(table.replace('"', '""'))


def _chosen(tables: Sequence[Table], wanted: Sequence[str]) -> list[Table]:
    by_name = {table.name: table for table in tables}
    for name in wanted:
        if name not in by_name:
            near = difflib.get_close_matches(name, by_name, n=3, cutoff=0.5) or sorted(by_name)[:3]
            raise SetupError(f"found no published table {printable(name)!r}, expected such as {', '.join(near)}")
    return [by_name[name] for name in sorted(set(wanted))] if wanted else list(tables)


def _refuse_too_long(tables: Sequence[Table]) -> None:
    for table in tables:
        if table.rows >= MOST_ROWS:
            raise SetupError(
                f"{table.name}: found {table.rows} rows, expected at most the {MOST_ROWS - 1} of a sheet; "
                "take --format csv or parquet, name other tables, or take a part with `nulmeting sql --format csv`"
            )


def _rows(connection: duckdb.DuckDBPyConnection, table: Table) -> Iterator[Sequence[Any]]:
    """The names of the columns, and then the rows, always in the same order."""
    yield [name for name, _, _ in table.columns]
    answer = connection.execute(f"from {_named(table.name)} order by all")
    while rows := answer.fetchmany(_AT_ONCE):
        yield from rows


def _explanation(tables: Sequence[Table]) -> Iterator[Sequence[Any]]:
    yield ("tabel", "kolom", "soort", "rijen", "betekenis")
    for table in tables:
        yield (table.name, None, None, table.rows, table.comment)
        for name, kind, comment in table.columns:
            yield (table.name, name, kind, None, comment)


# -- CSV -----------------------------------------------------------------------------------------------


def _write_csv(path: Path, rows: Iterator[Sequence[Any]]) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=";", lineterminator="\r\n")
        writer.writerows([_csv_field(value) for value in row] for row in rows)


def _csv_field(value: Any) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, bool):
        return "WAAR" if value else "ONWAAR"
    if isinstance(value, float):
        # A point would make a Dutch Excel read 12.5 as the twelfth of May.
        return str(int(value)) if value.is_integer() and abs(value) < _EXACT else repr(value).replace(".", ",")
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    return str(value) if isinstance(value, int) else neutral(printable(str(value)))


# -- XLSX ----------------------------------------------------------------------------------------------


def _write_workbook(path: Path, connection: duckdb.DuckDBPyConnection, tables: Sequence[Table]) -> tuple[str, ...]:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    long = _Shortened()
    _write_sheet(book.create_sheet(EXPLANATION), _explanation(tables), (16, 28, 12, 10, 100), long)
    for table, name in zip(tables, _sheet_names(tables), strict=True):
        widths = [min(max(len(column), 12), _WIDEST) for column, _, _ in table.columns]
        _write_sheet(book.create_sheet(name), _rows(connection, table), widths, long)
    made = io.BytesIO()
    book.save(made)
    _repack(made, path)
    if not long.count:
        return ()
    cells = "1 cell was" if long.count == 1 else f"{long.count} cells were"
    return (f"{cells} cut off at the {MOST_SIGNS} signs that a cell holds; --format csv has all of them",)


class _Shortened:
    """How many texts were too long for a cell."""

    count = 0

    def text(self, value: str) -> str:
        if len(value) <= MOST_SIGNS:
            return value
        self.count += 1
        closing = f"… (afgekapt, {len(value)} tekens)"
        return value[: MOST_SIGNS - len(closing)] + closing


def _write_sheet(
    sheet: WriteOnlyWorksheet, rows: Iterator[Sequence[Any]], widths: Sequence[int], long: _Shortened
) -> None:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    for number, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(number)].width = width
    sheet.freeze_panes = "A2"
    bold = Font(bold=True)

    def cell(value: Any, *, is_header: bool = False) -> Any:
        if isinstance(value, float):
            return value if math.isfinite(value) else None
        if isinstance(value, dt.datetime) and value.tzinfo is not None:
            return value.astimezone(dt.UTC).replace(tzinfo=None)
        if isinstance(value, bool) or value is None or isinstance(value, dt.date):
            return value
        if isinstance(value, int):
            return value if abs(value) <= _EXACT else str(value)
        text = long.text(printable(str(value)))
        # The library takes for a formula what begins with =, and for an error what looks like one.
        is_doubtful = text.startswith(("=", "#")) or neutral(text) != text
        if not (is_doubtful or is_header):
            return text
        made = WriteOnlyCell(sheet, text)
        made.data_type = "s"
        if is_doubtful:
            # As Excel itself marks a text that was typed behind an apostrophe: it stays one when somebody edits it.
            made.quotePrefix = True
        if is_header:
            made.font = bold
        return made

    header = next(rows)
    sheet.append([cell(name, is_header=True) for name in header])
    last = 1
    for last, row in enumerate(rows, start=2):  # noqa: B007 - the number of the last row
        sheet.append([cell(value) for value in row])
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(header))}{last}"


def _sheet_names(tables: Sequence[Table]) -> list[str]:
    """The names of the tables, as far as a sheet may be called so; none of them twice."""
    names: list[str] = []
    for table in tables:
        name, number = table.name[:_LONGEST_SHEET_NAME], 2
        while name.lower() in (EXPLANATION, *(taken.lower() for taken in names)):
            name = f"{table.name[: _LONGEST_SHEET_NAME - 3]}_{number}"
            number += 1
        names.append(name)
    return names


def _repack(made: io.BytesIO, path: Path) -> None:
    """The package without the moment at which it was made."""
    with (
        zipfile.ZipFile(made) as before,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as after,
    ):
        for name in sorted(before.namelist(), key=lambda name: (name != "[Content_Types].xml", name)):
            entry = zipfile.ZipInfo(name, _DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            if name == "docProps/core.xml":
                after.writestr(entry, _PROPERTIES)
                continue
            with before.open(name) as source, after.open(entry, "w") as target:
                shutil.copyfileobj(source, cast("Any", target))


_PROPERTIES: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<cp:coreProperties '
    'xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:creator>Nulmeting</dc:creator></cp:coreProperties>'
)
