"""The bulk file of a CBS table: one zip with its observations and its lists as CSV.

What belongs here: the form of that file, and handing over what OData answers hand over. What does not: fetching it
(`connectors.cbs_bulk`), and what the fields mean (`cbs_v4`).

The zip holds `Observations.csv`, `Properties.csv`, `Dimensions.csv`, `MeasureCodes.csv`, `<Dim>Codes.csv` and, where
the table has them, `MeasureGroups.csv` and `<Dim>Groups.csv`: `;` between fields, quotes around text with line breaks,
a decimal comma, the columns of the observations in an order of the table's own.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from pipelines.readers.cbs_lists import LIST, refusal, trimmed
from pipelines.readers.cbs_measures import measures_meant
from pipelines.readers.cbs_v4_pages import FIXED_FIELDS, changed_columns, encoded, in_one_chunk

OBSERVATIONS = "Observations.csv"
MOST_BYTES = 8 * 1024**3
"""Of all files of a zip together, unpacked."""

UNREADABLE = (pa.ArrowInvalid, zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, RuntimeError)
"""What damaged, encrypted or otherwise strange files give rise to."""

_MOST_FOLD = 500
_LARGE = 64 * 1024**2
_BLOCK = 16 * 1024**2
_NUMBER = r"^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$"
_CODE = pa.dictionary(pa.int32(), pa.string())
# The publisher's way to write that there is no date.
_NO_DATE = "01-01-0001"


def open_archive(data: bytes | str, name: str) -> zipfile.ZipFile:
    """A bulk file, given as bytes or by its path, that may safely be unpacked. Raises RefusedFileError naming it."""
    expected = f"a zip file with {OBSERVATIONS} in it"
    try:
        archive = zipfile.ZipFile(io.BytesIO(data) if isinstance(data, bytes) else data)
    except UNREADABLE as error:
        raise refusal(name, None, "unknown_format", str(error), expected) from error
    if problem := _unsafe(archive):
        archive.close()
        raise refusal(name, None, "unknown_format", *problem)
    return archive


def _unsafe(archive: zipfile.ZipFile) -> tuple[str, str] | None:
    """What was found and expected of a zip that is no bulk file or would fill the disk; None for a good one."""
    names = archive.namelist()
    if OBSERVATIONS not in names:
        return ", ".join(names[:5]) or "nothing", f"{OBSERVATIONS} among its files"
    size = sum(entry.file_size for entry in archive.infolist())
    if size > MOST_BYTES:
        return f"{size} bytes unpacked", f"at most {MOST_BYTES}"
    for entry in archive.infolist():
        if entry.file_size > max(_LARGE, _MOST_FOLD * entry.compress_size):
            found = f"{entry.filename} with {entry.file_size} bytes packed into {entry.compress_size}"
            return found, f"files packed to no less than 1 in {_MOST_FOLD}"
    return None


def properties_of(archive: zipfile.ZipFile, name: str) -> dict[str, str | None]:
    """What the table says of itself, by the names of OData; a date that is none is null. Raises RefusedFileError."""
    table = _texts(archive, "Properties", name)
    if table.num_rows != 1:
        raise refusal(f"{name}/Properties.csv", None, "unknown_format", f"{table.num_rows} rows", "one row")
    (row,) = table.to_pylist()
    return {key: None if value and value.startswith(_NO_DATE) else value for key, value in row.items()}


def observation_batches(archive: zipfile.ZipFile, name: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """The observations in batches of these columns, as dictionary-encoded text; an empty text is null.

    Raises RefusedFileError for what is no such CSV, and where the bytes are damaged.
    """
    file = f"{name}/{OBSERVATIONS}"
    try:
        with archive.open(OBSERVATIONS) as stream:
            yield from _batches(stream, observation_columns(archive, name), columns)
    except UNREADABLE as error:
        is_text = "UTF8" in str(error) or "utf-8" in str(error)
        reason = "wrong_encoding" if is_text else "unknown_format"
        raise refusal(file, None, reason, str(error), "observations as CSV in UTF-8, separated by ;") from error


def observation_columns(archive: zipfile.ZipFile, name: str) -> list[str]:
    """The columns of the observations, in the order in which they stand. Raises RefusedFileError."""
    try:
        with archive.open(OBSERVATIONS) as stream:
            return _columns(stream.readline(_LARGE))
    except UNREADABLE as error:
        raise refusal(f"{name}/{OBSERVATIONS}", None, "unknown_format", str(error), "a line of columns") from error


class BulkAnswers:
    """A bulk file as `cbs_v4_pages.Answers`. Of the observations only those of the measures with `titles` are taken."""

    def __init__(self, data: bytes, table: str, titles: Sequence[str] = ()) -> None:
        self.table = table
        self.rows = 0
        self.notices: list[str] = []
        self._titles = titles
        self._archive = open_archive(data, table)
        self._lines: list[np.ndarray] = []

    def has(self, resource: str) -> bool:
        return f"{resource}.csv" in self._archive.namelist()

    def list_of(self, resource: str) -> pa.Table:
        texts = _texts(self._archive, resource, self.table)
        columns = [
            texts[field.name] if field.name in texts.schema.names else pa.nulls(texts.num_rows, pa.string())
            for field in LIST
        ]
        named = dict(zip(LIST.names, columns, strict=True))
        # A field that has nothing in it says nothing: only `False` means that there is no list of codes.
        named["ContainsCodes"] = pc.equal(pc.utf8_lower(named["ContainsCodes"]), "true")
        return trimmed(pa.table([named[name] for name in LIST.names], schema=LIST))

    def observations(self, dimensions: Sequence[str]) -> pa.Table:
        file = f"{self.table}/{OBSERVATIONS}"
        if problem := changed_columns(observation_columns(self._archive, self.table), dimensions):
            raise refusal(file, None, "missing_column", problem, "the columns of the table's dimensions")
        names = [*FIXED_FIELDS, *dimensions]
        wanted = self._measures()
        tables = []
        line = 2
        for batch in observation_batches(self._archive, self.table, names):
            lines = np.arange(line, line + batch.num_rows)
            line += batch.num_rows
            if wanted is None:
                tables.append(_typed(batch))
            else:
                chosen = pc.is_in(pc.utf8_trim_whitespace(batch["Measure"].cast(pa.string())), value_set=wanted)
                tables.append(_typed(batch.filter(chosen)))
                lines = lines[chosen.to_numpy(zero_copy_only=False)]
            self._lines.append(lines)
            self.rows += len(lines)
        if not self.rows:
            raise refusal(self.table, None, "empty_file", "no observations", "at least one observation")
        return in_one_chunk(tables)

    def place_of(self, row: int) -> tuple[str, int]:
        lines = np.concatenate(self._lines) if len(self._lines) > 1 else self._lines[0]
        self._lines = [lines]
        return f"{self.table}/{OBSERVATIONS}", int(lines[row])

    def _measures(self) -> pa.Array | None:
        """The codes of the measures that are declared; None where no choice is."""
        if not self._titles:
            return None
        groups = self.list_of("MeasureGroups") if self.has("MeasureGroups") else None
        meant, _ = measures_meant(self._titles, self.list_of("MeasureCodes"), groups)
        return pa.array(meant, pa.string())


def _columns(header: bytes) -> list[str]:
    return [column.strip().strip('"') for column in header.decode("utf-8-sig").strip().split(";")]


def _batches(stream: IO[bytes], header: list[str], columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    reader = pyarrow.csv.open_csv(
        stream,
        read_options=pyarrow.csv.ReadOptions(use_threads=False, block_size=_BLOCK, column_names=header, skip_rows=1),
        parse_options=pyarrow.csv.ParseOptions(delimiter=";", newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(columns, _CODE),
            include_columns=list(columns),
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
            null_values=[""],
        ),
    )
    yield from reader


def _typed(batch: pa.RecordBatch) -> pa.Table:
    """A batch with numbers as numbers, in the form of a page of OData."""
    texts = {name: batch[name] for name in batch.schema.names}
    value = pc.utf8_trim_whitespace(texts["Value"].cast(pa.string()))
    value = pc.if_else(pc.equal(value, ""), None, value)
    point = pc.replace_substring(value, ",", ".")
    is_number = pc.match_substring_regex(point, _NUMBER)
    ids = texts["Id"].cast(pa.string())
    is_id = pc.match_substring_regex(ids, r"^[0-9]{1,18}$")
    columns = texts | {
        "Id": pc.if_else(is_id, ids, None).cast(pa.int64()),
        "Value": pc.if_else(is_number, point, None).cast(pa.float64()),
    }
    return encoded(columns, pc.if_else(is_number, None, value))


def _texts(archive: zipfile.ZipFile, resource: str, name: str) -> pa.Table:
    """A small file of the archive, all of it as text; an empty field is null. Raises RefusedFileError."""
    entry = f"{resource}.csv"
    if entry not in archive.namelist():
        raise refusal(name, None, "unknown_format", f"no {entry}", f"the table's {resource}")
    try:
        data = archive.read(entry)
        header, _, rest = data.partition(b"\n")
        columns = _columns(header)
        if not rest.strip():
            return pa.schema([(column, pa.string()) for column in columns]).empty_table()
        return pyarrow.csv.read_csv(
            io.BytesIO(data),
            read_options=pyarrow.csv.ReadOptions(
                use_threads=False, block_size=len(data) + 1, column_names=columns, skip_rows=1
            ),
            parse_options=pyarrow.csv.ParseOptions(delimiter=";", newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(columns, pa.string()),
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
                null_values=[""],
            ),
        )
    except UNREADABLE as error:
        expected = "a list as CSV in UTF-8, separated by ;"
        raise refusal(f"{name}/{entry}", None, "unknown_format", str(error), expected) from error
