"""Reading the observations of a CBS OData v4 table: from the exact answers to typed rows and an account.

What belongs here: what the fields of `Observations`, `MeasureCodes`, `RegioSCodes` and `PeriodenCodes` mean,
and which observations cannot be what they say. What does not: fetching the answers (`connectors.cbs_v4`), the
publisher's period codes (`periods`), and which item is which indicator (the declaration).

An observation has no physical line of its own: where a line is named, it is its number within its page.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

from pipelines.declarations.source import CbsV4Connector, CbsV4Reader, Source
from pipelines.readers.account import NO_DATA_SCHEMA, Problem, ReadResult
from pipelines.readers.periods import normalise_periods
from pipelines.readers.refusal import RefusedFileError, refused
from pipelines.warehouse.raw_tables import CBS

REGION_CODE = pa.schema(
    [
        ("source_id", pa.string()),
        ("region_code", pa.string()),
        ("region_name", pa.string()),
        ("description", pa.string()),
    ]
)

_FIXED_FIELDS = {
    "Id": pa.int64(),
    "Measure": pa.string(),
    "ValueAttribute": pa.string(),
    "Value": pa.float64(),
    "StringValue": pa.string(),
}
_VALUE_IS_TEXT = "Column(/value/[]/Value) changed from number to string"
_FIRST_ROW = re.compile(r'"value"\s*:\s*\[\s*(?=\{)')
_FIRST_ROW_WITHIN = 1024 * 1024
_RADIX_LIMIT = 2**62


@dataclass(frozen=True)
class _Codes:
    """A column of codes: the distinct codes, trimmed, and for every row the position of its own (or -1)."""

    name: str
    values: pa.Array
    index: np.ndarray

    def texts(self, rows: np.ndarray, of: pa.Array | None = None) -> pa.Array:
        """For the given rows the code, or what stands at its place in `of`; null where there is none."""
        position = self.index[rows]
        return (self.values if of is None else of).take(pa.array(position, mask=position < 0))

    def without(self, known: pa.Array) -> np.ndarray:
        """For every row whether its code is absent or not among `known`."""
        is_known = pc.is_in(self.values, value_set=known).to_numpy(zero_copy_only=False)
        return ~np.append(is_known, False)[self.index]


@dataclass
class _Rejections:
    """Which rows are quarantined, each for the first reason that was found."""

    is_rejected: np.ndarray
    reasons: list[tuple[np.ndarray, str, str, str]] = field(default_factory=list)

    def add(self, wrong: np.ndarray, column_name: str, reason: str, expected: str) -> None:
        rows = np.flatnonzero(wrong & ~self.is_rejected)
        self.is_rejected[rows] = True
        if len(rows):
            self.reasons.append((rows, column_name, reason, expected))


def scan_ids(payload: bytes) -> tuple[pa.Array, str | None]:
    """The `Id` of every observation in one page (int64), and the page's next-page link.

    Raises ValueError for bytes that are no page of observations.
    """
    rows, next_link = _parse_page(payload, {"Id": pa.int64()})
    return rows.field("Id"), next_link


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
    expected = list(_fields(dimensions))
    if sorted(found) == sorted(expected):
        return None
    return (
        f"the columns changed: found {', '.join(found)}, expected {', '.join(expected)} "
        f"(missing: {_listed(set(expected) - set(found))}; unknown: {_listed(set(found) - set(expected))})"
    )


def read_observations(snapshot_files: Mapping[str, bytes], source: Source) -> ReadResult:
    """The observations of a snapshot as rows of `raw_tables.CBS`.

    `snapshot_files` are the exact answers by file name: `Dimensions.json`, `MeasureCodes.json`,
    `<Dim>Codes.json` and `Observations.json`, further pages as `Observations-<number>.json`. `measure` is the
    measure's code; `item` its title and the codes of the declared dimensions, joined by `|`. Where measures
    of the table bear the same title, each has the measure's code behind it in brackets. Units and values are
    the publisher's; codes and texts are trimmed.

    Quarantined: observations with an unknown code, a value that is no number, and all that share one key.
    The table as a whole is refused when its columns are not as declared, and when a dimension that is not
    declared has more than one code, because figures would then fall together.
    """
    reader = source.reader
    if not isinstance(reader, CbsV4Reader):
        raise TypeError(f"{source.source_id}: found a {reader.kind} reader, expected cbs_v4")
    pages = _Pages(snapshot_files, _table_name(source))
    try:
        return _read(pages, snapshot_files, reader)
    except RefusedFileError as refusal:
        return refused(CBS, refusal.problems, pages.rows)


def read_region_codes(snapshot_files: Mapping[str, bytes], source: Source) -> pa.Table:
    """The regions that a table knows, with what the publisher says of their history (REGION_CODE).

    Codes and names are trimmed, descriptions left as they are. Empty for a table without regions, and where
    the list is missing or broken: `read_observations` refuses such a table and says why.
    """
    reader = source.reader
    if not isinstance(reader, CbsV4Reader) or reader.region_dimension is None:
        return REGION_CODE.empty_table()
    try:
        codes = _code_list(snapshot_files, f"{reader.region_dimension}Codes", _table_name(source))
    except RefusedFileError:
        return REGION_CODE.empty_table()
    return pa.Table.from_arrays(
        [
            pa.repeat(pa.scalar(source.source_id), codes.num_rows),
            codes["Identifier"],
            codes["Title"],
            codes["Description"],
        ],
        schema=REGION_CODE,
    )


class _Pages:
    """The pages of observations in a snapshot, and how many rows of them have been counted."""

    def __init__(self, files: Mapping[str, bytes], table: str) -> None:
        self.table = table
        self.names = sorted(
            (name for name in files if re.fullmatch(r"Observations(-.+)?\.json", name)),
            key=lambda name: (name != "Observations.json", name),
        )
        self._files = files
        self._starts: list[int] = []
        self.rows = 0
        self.notices: list[str] = []

    def read(self, dimensions: Sequence[str]) -> pa.Table:
        """All observations in one table, the codes dictionary-encoded. Raises RefusedFileError."""
        tables = []
        problem: RefusedFileError | None = None
        for name in self.names:
            self._starts.append(self.rows)
            try:
                tables.append(self._read_page(name, dimensions))
                self.rows += tables[-1].num_rows
            except RefusedFileError as refusal:
                # The pages after it are still counted: the account covers the whole delivery.
                problem = problem or refusal
        if problem:
            raise problem
        if not self.rows:
            raise _refusal(self.table, None, "empty_file", "no observations", "at least one observation")
        return pa.concat_tables(tables).unify_dictionaries().combine_chunks()

    def place_of(self, row: int) -> tuple[str, int]:
        """The file of a row and its number in that file, from 1."""
        page = int(np.searchsorted(self._starts, row, side="right")) - 1
        return f"{self.table}/{self.names[page]}", row - self._starts[page] + 1

    def _read_page(self, name: str, dimensions: Sequence[str]) -> pa.Table:
        payload, file = self._files[name], f"{self.table}/{name}"
        fields = _fields(dimensions)
        try:
            if problem := check_fields(payload, dimensions):
                raise _refusal(file, None, "missing_column", problem, "the columns of the table's dimensions")
            rows, _ = _parse_page(payload, fields)
        except UnicodeDecodeError as error:
            raise _refusal(file, None, "wrong_encoding", str(error), "UTF-8") from error
        except ValueError as error:
            if _VALUE_IS_TEXT not in str(error):
                expected = "a page of observations as JSON"
                raise _refusal(file, None, "unknown_format", str(error), expected) from error
            self.notices.append(f"{file}: values written as text")
            return _parse_text_values(payload, dimensions)
        columns = {name: rows.field(name) for name in fields}
        return _encoded(columns, pa.nulls(len(rows), pa.string()))


@dataclass(frozen=True)
class _Observed:
    """The observations of a table beside the lists that explain them."""

    observations: pa.Table
    column: Mapping[str, _Codes]
    reader: CbsV4Reader
    measures: pa.Table
    periods: pa.Table
    known: Mapping[str, pa.Array]

    @property
    def measure(self) -> _Codes:
        return self.column["Measure"]

    @property
    def period(self) -> _Codes:
        return self.column[self.reader.period_dimension]

    @property
    def region(self) -> _Codes | None:
        return self.column[self.reader.region_dimension] if self.reader.region_dimension else None

    @property
    def item_key(self) -> list[_Codes]:
        return [self.measure, *(self.column[name] for name in self.reader.dimensions)]


def _read(pages: _Pages, files: Mapping[str, bytes], reader: CbsV4Reader) -> ReadResult:
    observed = _observed(pages, files, reader)
    period_codes = normalise_periods(observed.period.values)
    rejections = _rejections(observed, period_codes)
    kept = np.flatnonzero(~rejections.is_rejected)
    return ReadResult(
        rows=_rows(observed, period_codes, kept),
        no_data=NO_DATA_SCHEMA.empty_table(),
        rows_in=pages.rows,
        rows_loaded=len(kept),
        rows_no_data=0,
        rows_quarantined=pages.rows - len(kept),
        problems=_problems(rejections, observed.observations, pages),
        notices=tuple(pages.notices),
    )


def _observed(pages: _Pages, files: Mapping[str, bytes], reader: CbsV4Reader) -> _Observed:
    """Everything of the table, parsed and fit for the declared reader. Raises RefusedFileError."""
    table = pages.table
    dimensions = _code_list(files, "Dimensions", table)
    names = dimensions["Identifier"].to_pylist()
    observations = pages.read(names)
    declared = [name for name in (reader.region_dimension, reader.period_dimension) if name]
    declared += reader.dimensions
    for name in declared:
        if name not in names:
            found = f"dimensions {_listed(names)}"
            raise _refusal(table, name, "missing_column", found, f"a dimension {name}")
    column = {name: _codes(name, observations[name]) for name in ("Measure", *names)}
    _refuse_falling_together(table, [column[name] for name in names if name not in declared])
    return _Observed(
        observations=observations,
        column=column,
        reader=reader,
        measures=_code_list(files, "MeasureCodes", table),
        periods=_code_list(files, f"{reader.period_dimension}Codes", table),
        known={
            name: _code_list(files, f"{name}Codes", table)["Identifier"]
            for name in declared
            if name != reader.period_dimension and _has_codes(dimensions, name)
        },
    )


def _rejections(observed: _Observed, period_codes: pa.Array) -> _Rejections:
    """Which observations cannot be what they say. Keys come first: what has none cannot be a duplicate."""
    measure, period, region = observed.measure, observed.period, observed.region
    rejections = _Rejections(np.zeros(observed.observations.num_rows, dtype=bool))
    unknown = measure.without(observed.measures["Identifier"])
    rejections.add(unknown, "Measure", "unknown_item", "a code of MeasureCodes")
    unknown = period.without(observed.periods["Identifier"])
    unknown |= period.without(period.values.filter(period_codes.is_valid()))
    expected = f"a period of {period.name}Codes, such as 2016JJ00, 2016HJ02, 2016KW03 or 2016MM07"
    rejections.add(unknown, period.name, "unknown_period", expected)
    for name, known in observed.known.items():
        reason = "unknown_region" if name == observed.reader.region_dimension else "unknown_item"
        rejections.add(observed.column[name].without(known), name, reason, f"a code of {name}Codes")
    _reject_duplicates(rejections, [*observed.item_key, *([region] if region else []), period])

    numbers = observed.observations["Value"]
    is_finite = np.isfinite(numbers.chunk(0).to_numpy(zero_copy_only=False))
    is_endless = ~is_finite & numbers.is_valid().to_numpy()
    is_text = observed.observations["value_text"].is_valid().to_numpy()
    no_id = observed.observations["Id"].is_null().to_numpy()
    rejections.add(no_id, "Id", "missing_value", "the number of the observation")
    rejections.add(is_text, "Value", "not_a_number", "a number or null")
    rejections.add(is_endless, "Value", "not_a_number", "a finite number or null")
    return rejections


def _rows(observed: _Observed, period_codes: pa.Array, kept: np.ndarray) -> pa.Table:
    """The observations that are kept, as rows of the raw table."""
    observations, measure, period = observed.observations, observed.measure, observed.period
    return pa.Table.from_arrays(
        [
            observations["Id"].chunk(0).take(kept),
            _items(observed.item_key, observed.measures, kept),
            measure.texts(kept),
            measure.texts(kept, _looked_up(measure, observed.measures, "Unit")),
            observed.region.texts(kept) if observed.region else pa.nulls(len(kept), pa.string()),
            period.texts(kept),
            period.texts(kept, period_codes),
            period.texts(kept, _looked_up(period, observed.periods, "Status")),
            observations["Value"].chunk(0).take(kept),
            _codes("ValueAttribute", observations["ValueAttribute"]).texts(kept),
            _codes("StringValue", observations["StringValue"]).texts(kept),
        ],
        schema=CBS,
    )


def _refusal(file: str, column_name: str | None, reason: str, found: str, expected: str) -> RefusedFileError:
    return RefusedFileError(Problem(file, None, None, column_name, reason, found, expected))


def _fields(dimensions: Iterable[str]) -> dict[str, pa.DataType]:
    """The fields of an observation in a table of these dimensions."""
    return {**_FIXED_FIELDS, **dict.fromkeys(dimensions, pa.string())}


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

    fields = _fields(dimensions)
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
    return _encoded({name: table[name].chunk(0) for name in fields}, table["value_text"].chunk(0))


def _encoded(columns: Mapping[str, pa.Array], value_text: pa.Array) -> pa.Table:
    """A page with its texts dictionary-encoded: a code occurs thousands of times."""
    arrays = {
        name: array.dictionary_encode() if pa.types.is_string(array.type) else array for name, array in columns.items()
    }
    return pa.table({**arrays, "value_text": value_text})


def _codes(name: str, column: pa.ChunkedArray) -> _Codes:
    encoded = column.chunk(0)
    trimmed = pc.utf8_trim_whitespace(encoded.dictionary)
    # Codes that differ in padding only are one code, and nothing but blanks is none.
    merged = pc.if_else(pc.equal(trimmed, ""), None, trimmed).dictionary_encode()
    index = merged.indices.take(encoded.indices).cast(pa.int64()).fill_null(-1)
    return _Codes(name, merged.dictionary, index.to_numpy())


def _refuse_falling_together(table: str, undeclared: Iterable[_Codes]) -> None:
    for codes in undeclared:
        if codes.index.min() != codes.index.max():
            shown = _listed(codes.values.slice(0, 5).to_pylist())
            raise _refusal(
                table,
                codes.name,
                "not_allowed",
                f"{len(codes.values)} codes ({shown}{', ...' if len(codes.values) > 5 else ''})",
                "one code: filter on this dimension, or declare it among the dimensions",
            )


def _reject_duplicates(rejections: _Rejections, key: Sequence[_Codes]) -> None:
    rows = np.flatnonzero(~rejections.is_rejected)
    _, inverse, counts = np.unique(_combined(key, rows), return_inverse=True, return_counts=True)
    repeated = np.zeros(len(rejections.is_rejected), dtype=bool)
    repeated[rows] = counts[inverse] > 1
    names = " and ".join(codes.name for codes in key)
    rejections.add(repeated, "Id", "duplicate_key", f"one observation for each {names}")


def _combined(key: Sequence[_Codes], rows: np.ndarray) -> np.ndarray:
    """One number for every row that is the same where all codes are."""
    combined, size = np.zeros(len(rows), dtype=np.int64), 1
    for codes in key:
        if size * (len(codes.values) + 1) > _RADIX_LIMIT:
            values, combined = np.unique(combined, return_inverse=True)
            size = len(values)
        size *= len(codes.values) + 1
        combined = combined * (len(codes.values) + 1) + codes.index[rows]
    return combined


def _items(key: Sequence[_Codes], measures: pa.Table, rows: np.ndarray) -> pa.Array:
    """The item of every row. Written out once for each combination that occurs."""
    _, first, inverse = np.unique(_combined(key, rows), return_index=True, return_inverse=True)
    measure, *dimensions = key
    example = rows[first]
    parts = [measure.texts(example, _looked_up(measure, _with_distinct_titles(measures), "Title"))]
    parts += [codes.texts(example) for codes in dimensions]
    return pc.binary_join_element_wise(*parts, "|").take(inverse)


def _with_distinct_titles(measures: pa.Table) -> pa.Table:
    """Two measures of one title, in a unit of their own each, must not become one item."""
    title, code = measures["Title"], measures["Identifier"]
    counts = pc.value_counts(title.combine_chunks())
    repeated = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
    bracketed = pc.binary_join_element_wise(title, pc.binary_join_element_wise("(", code, ")", ""), " ")
    distinct = pc.if_else(pc.is_in(title, value_set=repeated), bracketed, title)
    return measures.set_column(measures.schema.get_field_index("Title"), "Title", distinct)


def _looked_up(codes: _Codes, known: pa.Table, column: str) -> pa.Array:
    """For every distinct code what `known` says of it in `column`."""
    position = pc.index_in(codes.values, value_set=known["Identifier"].combine_chunks())
    return known[column].combine_chunks().take(position)


def _problems(rejections: _Rejections, observations: pa.Table, pages: _Pages) -> tuple[Problem, ...]:
    if not rejections.reasons:
        return ()
    rejected = np.concatenate([rows for rows, *_ in rejections.reasons])
    causes = [cause for rows, *cause in rejections.reasons for _ in range(len(rows))]
    records = observations.take(rejected).to_pylist()
    problems = []
    for row, record, (column_name, reason, expected) in sorted(
        zip(rejected.tolist(), records, causes, strict=True), key=lambda entry: entry[0]
    ):
        text = record.pop("value_text")
        if text is not None:
            record["Value"] = text
        file, line = pages.place_of(row)
        raw_text = json.dumps(record, ensure_ascii=False)
        found = raw_text if reason == "duplicate_key" else repr(record[column_name])
        problems.append(Problem(file, line, None, column_name, reason, found, expected, raw_text))
    return tuple(problems)


def _table_name(source: Source) -> str:
    return source.connector.table if isinstance(source.connector, CbsV4Connector) else source.source_id


def _has_codes(dimensions: pa.Table, name: str) -> bool:
    has_codes = dimensions.filter(pc.equal(dimensions["Identifier"], name))["ContainsCodes"][0].as_py()
    return has_codes is not False


_LIST_FIELDS = {
    "Identifier": pa.string(),
    "Title": pa.string(),
    "Description": pa.string(),
    "Unit": pa.string(),
    "Status": pa.string(),
    "ContainsCodes": pa.bool_(),
}
_TRIMMED = ("Identifier", "Title", "Unit", "Status")


def _code_list(files: Mapping[str, bytes], resource: str, table: str) -> pa.Table:
    """A list of codes, all pages of it, with its short texts trimmed. Raises RefusedFileError."""
    names = sorted(name for name in files if re.fullmatch(rf"{re.escape(resource)}(-\d+)?\.json", name))
    if not names:
        raise _refusal(table, None, "unknown_format", f"no {resource}.json", f"the table's {resource}")
    values: list[Any] = []
    for name in names:
        try:
            values += json.loads(files[name].decode("utf-8-sig"))["value"]
        except (ValueError, KeyError, TypeError) as error:
            expected = "a list of codes as JSON"
            raise _refusal(f"{table}/{name}", None, "unknown_format", repr(error), expected) from error
    try:
        codes = pa.Table.from_pylist(values, schema=pa.schema(list(_LIST_FIELDS.items())))
    except (pa.ArrowException, TypeError, AttributeError) as error:
        expected = "texts for codes and titles"
        raise _refusal(f"{table}/{names[0]}", None, "unknown_format", repr(error), expected) from error
    for column in _TRIMMED:
        position = codes.schema.get_field_index(column)
        codes = codes.set_column(position, column, pc.utf8_trim_whitespace(codes[column]))
    return codes


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
