"""The pages of observations that OData v4 gives: their fields, whether they are whole, and all of them as one table.

What belongs here: the form of the answers. What does not: what the fields mean and which observations cannot be what
they say (`cbs_v4`), the lists beside them (`cbs_lists`), and the same observations in a bulk file (`cbs_bulk`).
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.json

from pipelines.readers.cbs_lists import odata_list, page_names, refusal
from pipelines.readers.refusal import RefusedFileError

FIXED_FIELDS = {
    "Id": pa.int64(),
    "Measure": pa.string(),
    "ValueAttribute": pa.string(),
    "Value": pa.float64(),
    "StringValue": pa.string(),
}
_VALUE_IS_TEXT = "Column(/value/[]/Value) changed from number to string"
_FIRST_ROW = re.compile(r'"value"\s*:\s*\[\s*(?=\{)')
_FIRST_ROW_WITHIN = 1024 * 1024


class Answers(Protocol):
    """All that came of one vintage of a table, whatever way it came."""

    table: str
    rows: int
    notices: list[str]

    def has(self, resource: str) -> bool:
        """Whether a list of this name came."""

    def list_of(self, resource: str) -> pa.Table:
        """A list (`cbs_lists.LIST`), trimmed. Raises RefusedFileError where it is missing or broken."""

    def observations(self, dimensions: Sequence[str]) -> pa.Table:
        """All observations in one chunk: FIXED_FIELDS, the dimensions, and `value_text` for a value that is no number.

        Texts are dictionary-encoded. Raises RefusedFileError; `rows` holds the number that came in any case.
        """

    def place_of(self, row: int) -> tuple[str, int]:
        """The file of an observation, and its number in that file, from 1."""


@dataclass(frozen=True)
class PageScan:
    """What of a page says whether it is the one that was asked for: ids (int64), measures, and the next-page link."""

    ids: pa.Array
    measures: pa.Array
    next_link: str | None


def scan_page(payload: bytes) -> PageScan:
    """The ids and measures of one page, and its next-page link. Raises ValueError for what is no such page."""
    rows, next_link = _parse_page(payload, {"Id": pa.int64(), "Measure": pa.string()})
    return PageScan(rows.field("Id"), rows.field("Measure"), next_link)


def check_fields(payload: bytes, dimensions: Iterable[str]) -> str | None:
    """What is wrong with the fields of a page's first observation, given the dimensions; None if nothing."""
    text = payload[:_FIRST_ROW_WITHIN].decode("utf-8", "ignore")
    start = _FIRST_ROW.search(text)
    if start is None:
        return None
    try:
        found = list(json.JSONDecoder().raw_decode(text, start.end())[0])
    except json.JSONDecodeError:
        # A broken document is for whoever parses the whole of it to report.
        return None
    return changed_columns(found, dimensions)


def changed_columns(found: Sequence[str], dimensions: Iterable[str]) -> str | None:
    """What is wrong with the columns of observations in a table of these dimensions; None if nothing."""
    expected = [*FIXED_FIELDS, *dimensions]
    if sorted(found) == sorted(expected):
        return None
    missing, unknown = set(expected) - set(found), set(found) - set(expected)
    return (
        f"the columns changed: found {', '.join(found)}, expected {', '.join(expected)} "
        f"(missing: {listed(missing)}; unknown: {listed(unknown)})"
    )


def listed(names: Iterable[str]) -> str:
    """Names in a sentence."""
    return ", ".join(sorted(names)) or "none"


def encoded(columns: Mapping[str, pa.Array], value_text: pa.Array) -> pa.Table:
    """A page with its texts dictionary-encoded: a code occurs thousands of times."""
    arrays = {
        name: array.dictionary_encode() if pa.types.is_string(array.type) else array for name, array in columns.items()
    }
    return pa.table({**arrays, "value_text": value_text})


def in_one_chunk(tables: Sequence[pa.Table]) -> pa.Table:
    """Pages as one table, the same code having the same place in all of it; one chunk also where there are no rows."""
    table = pa.concat_tables(tables).unify_dictionaries().combine_chunks()
    if table.num_rows:
        return table
    return pa.table([pa.chunked_array([pa.array([], field.type)]) for field in table.schema], schema=table.schema)


class OdataAnswers:
    """The exact answers of OData v4 by file name: `<resource>.json`, further pages with numbers behind the name.

    Each file is taken from `files` when it is read, and let go of again.
    """

    def __init__(self, files: Mapping[str, bytes], table: str) -> None:
        self.table = table
        self.rows = 0
        self.notices: list[str] = []
        self._files = files
        self._names = page_names(files, "Observations")
        self._starts: list[int] = []

    def has(self, resource: str) -> bool:
        return bool(page_names(self._files, resource))

    def list_of(self, resource: str) -> pa.Table:
        return odata_list(self._files, resource, self.table)

    def observations(self, dimensions: Sequence[str]) -> pa.Table:
        tables = []
        problem: RefusedFileError | None = None
        for name in self._names:
            self._starts.append(self.rows)
            try:
                tables.append(self._read_page(name, dimensions))
                self.rows += tables[-1].num_rows
            except RefusedFileError as refused:
                # The pages after it are still counted: the account covers the whole delivery.
                problem = problem or refused
        if problem:
            raise problem
        if not self.rows:
            raise refusal(self.table, None, "empty_file", "no observations", "at least one observation")
        return in_one_chunk(tables)

    def place_of(self, row: int) -> tuple[str, int]:
        page = int(np.searchsorted(self._starts, row, side="right")) - 1
        return f"{self.table}/{self._names[page]}", row - self._starts[page] + 1

    def _read_page(self, name: str, dimensions: Sequence[str]) -> pa.Table:
        payload, file = self._files[name], f"{self.table}/{name}"
        fields = FIXED_FIELDS | dict.fromkeys(dimensions, pa.string())
        try:
            if problem := check_fields(payload, dimensions):
                raise refusal(file, None, "missing_column", problem, "the columns of the table's dimensions")
            rows, _ = _parse_page(payload, fields)
        except UnicodeDecodeError as error:
            raise refusal(file, None, "wrong_encoding", str(error), "UTF-8") from error
        except ValueError as error:
            if _VALUE_IS_TEXT not in str(error):
                expected = "a page of observations as JSON"
                raise refusal(file, None, "unknown_format", str(error), expected) from error
            self.notices.append(f"{file}: values written as text")
            return _parse_text_values(payload, dimensions)
        return encoded({name: rows.field(name) for name in fields}, pa.nulls(len(rows), pa.string()))


def _parse_page(payload: bytes, fields: Mapping[str, pa.DataType]) -> tuple[pa.StructArray, str | None]:
    """The wanted fields of every observation of a page, and the next-page link. Raises ValueError."""
    payload.decode("utf-8")
    schema = pa.schema([("@odata.nextLink", pa.string()), ("value", pa.list_(pa.struct(list(fields.items()))))])
    document = pyarrow.json.read_json(
        io.BytesIO(payload),
        # One block for the whole page: the reader must not cut the document into pieces.
        read_options=pyarrow.json.ReadOptions(use_threads=False, block_size=len(payload) + 1),
        parse_options=pyarrow.json.ParseOptions(
            explicit_schema=schema, newlines_in_values=True, unexpected_field_behavior="ignore"
        ),
    )
    value = document["value"].combine_chunks()
    if document.num_rows != 1 or value.null_count:
        raise ValueError("found no list named 'value', expected one of observations")
    return value.flatten(), document["@odata.nextLink"][0].as_py()


def _parse_text_values(payload: bytes, dimensions: Sequence[str]) -> pa.Table:
    """A page in which some Value is a text: numbers among them are read, the others kept in `value_text`."""
    import polars as pl

    fields = FIXED_FIELDS | dict.fromkeys(dimensions, pa.string())
    shape = {"value": pl.List(pl.Struct(dict.fromkeys(fields, pl.String)))}
    page = pl.read_json(io.BytesIO(payload), schema=shape)["value"].explode().struct.unnest()
    number = pl.col("Value").str.strip_chars().cast(pl.Float64, strict=False)
    page = page.with_columns(
        pl.when(number.is_null()).then(pl.col("Value")).alias("value_text"),
        number.alias("Value"),
        pl.col("Id").cast(pl.Int64, strict=False),
    )
    schema = pa.schema([*fields.items(), ("value_text", pa.string())])
    table = page.to_arrow().cast(schema).combine_chunks()
    return encoded({name: table[name].chunk(0) for name in fields}, table["value_text"].chunk(0))
