"""Reading the figures of a CBS table of OData v3: to typed rows and an account, the same as those of v4.

What belongs here: a v3 table in the form in which `cbs_v4` judges observations. What does not: what the columns and
cells mean (`cbs_wide`), which observations cannot be what they say (`cbs_v4`), and fetching (`connectors.cbs_v3`).

A figure has no physical line of its own: where a line is named, it is the number of its row within its page.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.declarations.source import CbsV3Connector, CbsV3Reader, Source
from pipelines.readers import cbs_v4
from pipelines.readers.account import ReadResult
from pipelines.readers.cbs_lists import list_of, page_names, refusal
from pipelines.readers.cbs_v4_pages import in_one_chunk
from pipelines.readers.cbs_wide import (
    PRESENT,
    TYPED,
    UNTYPED,
    Figures,
    WidePage,
    WideReader,
    WideTable,
    described,
    seen,
    taken_for_missing,
    topic_names,
    topics_meant,
)
from pipelines.readers.odata_rows import as_texts, first_row
from pipelines.readers.refusal import RefusedFileError, refused
from pipelines.warehouse.raw_tables import CBS

_NUMBERED_FROM: Final = 10_000
"""The number of a figure is that of its row, times this, plus the place of its topic: no table has so many topics."""


def read_observations_v3(snapshot_files: Mapping[str, bytes], source: Source, period: str | None = None) -> ReadResult:
    """The figures of a snapshot as rows of `raw_tables.CBS`, one for each row and topic.

    `snapshot_files` are the exact answers by file name: `DataProperties.json`, `<Dim>.json` and `TypedDataSet.json`
    or `UntypedDataSet.json`, further pages with numbers behind the name. `measure` is the topic's key; `item` its
    name (`cbs_wide.topic_names`) and the codes of the declared dimensions, joined by `|`. `row_id` is the number of
    the row and the place of the topic among all topics of the table.

    What a missing figure is called stands in `value_attribute`: blank is `Impossible`, `x` and -99997 are
    `Confidential`, -99998 is `Impossible`, `.`, null and the rest from -99999 to -99990 are `NotAvailable`;
    `string_value` holds the sign or number itself.

    Quarantined and refused is what `cbs_v4.read_observations` quarantines and refuses.
    """
    reader = source.reader
    if not isinstance(reader, CbsV3Reader):
        raise TypeError(f"{source.source_id}: found a {reader.kind} reader, expected cbs_v3")
    answers = WideAnswers(snapshot_files, source, period)
    try:
        return cbs_v4.read_answers(answers, source, reader, period)
    except RefusedFileError as refusal_:
        return refused(CBS, refusal_.problems, answers.rows)


def read_region_codes_v3(snapshot_files: Mapping[str, bytes], source: Source, period: str | None = None) -> pa.Table:
    """The regions that a table knows (`cbs_v4.REGION_CODE`), as `cbs_v4.read_region_codes` gives them."""
    reader = source.reader
    schema = cbs_v4.REGION_CODE
    if not isinstance(reader, CbsV3Reader) or reader.region_dimension is None:
        return schema.empty_table()
    answers = WideAnswers(snapshot_files, source, period)
    if not answers.has(f"{reader.region_dimension}Codes"):
        return schema.empty_table()
    try:
        codes = answers.list_of(f"{reader.region_dimension}Codes")
    except RefusedFileError:
        return schema.empty_table()
    written = [reader.region_codes.get(code, code) for code in codes["Identifier"].to_pylist()]
    return pa.table(
        {
            "source_id": pa.repeat(pa.scalar(source.source_id), codes.num_rows),
            "region_code": pa.array(written, pa.string()),
            "region_name": codes["Title"],
            "description": codes["Description"],
            "edition": pa.repeat(pa.scalar(period, pa.string()), codes.num_rows),
        },
        schema=schema,
    )


class WideAnswers:
    """The exact answers of OData v3 by file name, given as if they had come in the form of v4.

    Each file is taken from `files` when it is read, and let go of again.
    """

    def __init__(self, files: Mapping[str, bytes], source: Source, period: str | None) -> None:
        connector = source.connector
        self.rows = 0
        self.notices: list[str] = []
        self.table: str = source.source_id
        self._files = files
        self._measures: tuple[str, ...] = ()
        self._skips_empty = False
        if isinstance(connector, CbsV3Connector):
            editions = {edition: table for table, edition in connector.tables}
            self.table = editions.get(period) or connector.tables[0][0]
            self._measures = connector.measures
            self._skips_empty = connector.skip_empty
        self._data_set = TYPED if page_names(files, TYPED) else UNTYPED
        self._names = page_names(files, self._data_set)
        self._pages: list[tuple[int, int]] = []
        self._columns: WideTable | None = None
        self._codes_seen: dict[str, list[str]] = {}

    def has(self, resource: str) -> bool:
        if resource == "MeasureGroups":
            # The names of the topics are theirs alone already.
            return False
        return bool(page_names(self._files, resource.removesuffix("Codes")))

    def list_of(self, resource: str) -> pa.Table:
        if resource == "Dimensions":
            return list_of(
                [
                    {"Identifier": name, "Title": name, "ContainsCodes": self.has(f"{name}Codes")}
                    for name in self._described().dimensions
                ],
                self.table,
            )
        if resource == "MeasureCodes":
            columns = self._described()
            named = zip(columns.topics, topic_names(columns), strict=True)
            entries = [{"Identifier": topic.key, "Title": name, "Unit": topic.unit} for topic, name in named]
            return list_of(entries, self.table)
        name = resource.removesuffix("Codes")
        if not self.has(resource) and name in self._codes_seen:
            # Without a list of periods nothing tells their status; what a code means, it tells itself.
            self.notices.append(f"{self.table}: no list of {name}")
            return list_of([{"Identifier": code} for code in self._codes_seen[name]], self.table)
        return list_of([_as_v4(entry) for entry in self._entries(name)], f"{self.table}/{name}.json")

    def observations(self, dimensions: Sequence[str]) -> pa.Table:
        whole = self._described()
        keys, lacking = topics_meant(self._measures, whole)
        self.notices += [f"{self.table}: no topic is called {title!r}" for title in lacking]
        # Where none of the declared topics is there, the table gives nothing that anybody declared.
        wanted = whole.only(keys) if self._measures else whole
        if not wanted.topics:
            declared = ", ".join(map(repr, self._measures))
            raise refusal(self.table, None, "unknown_item", f"none of the topics {declared}", "one of them")
        reader = WideReader(whole, wanted, untyped=self._data_set == UNTYPED)
        tables = []
        stand_ins = 0
        problem: RefusedFileError | None = None
        for name in self._names:
            try:
                page = self._read_page(name, reader)
            except RefusedFileError as refused_page:
                # The pages after it are still counted: the account covers the whole delivery.
                problem = problem or refused_page
                self._pages.append((self.rows, 0))
                continue
            tables.append(_long(page, wanted, self.rows))
            stand_ins += sum(figures.stand_ins for figures in page.figures.values())
            self._pages.append((self.rows, page.rows))
            self.rows += tables[-1].num_rows
        if problem:
            raise problem
        if not self.rows:
            if not self._skips_empty or not tables:
                raise refusal(self.table, None, "empty_file", "no observations", "at least one observation")
            # Nobody has delivered anything yet; empty rows would have said the same.
            self.notices.append(f"{self.table}: no figure in any row that was asked for")
        if stand_ins:
            self.notices.append(f"{self.table}: {taken_for_missing(stand_ins)}")
        table = in_one_chunk(tables)
        for name in whole.dimensions:
            self._codes_seen[name] = table[name].chunk(0).dictionary.to_pylist()
        return table

    def place_of(self, row: int) -> tuple[str, int]:
        page = int(np.searchsorted([start for start, _ in self._pages], row, side="right")) - 1
        start, rows = self._pages[page]
        return f"{self.table}/{self._names[page]}", (row - start) % rows + 1

    def _described(self) -> WideTable:
        if self._columns is None:
            self._columns = described(self._entries("DataProperties")) if self._has_properties() else self._seen()
            if not self._columns.topics:
                raise refusal(self.table, None, "unknown_format", "no topics", "the table's DataProperties")
        return self._columns

    def _has_properties(self) -> bool:
        return bool(page_names(self._files, "DataProperties"))

    def _seen(self) -> WideTable:
        if not self._names:
            raise refusal(self.table, None, "unknown_format", f"no {TYPED}.json", "the table's figures")
        row = first_row(self._files[self._names[0]])
        offered = [str(entry.get("name")) for entry in self._entries("Root")] if page_names(self._files, "Root") else []
        return seen(row or {}, offered, untyped=self._data_set == UNTYPED)

    def _entries(self, resource: str) -> list[dict[str, Any]]:
        names = page_names(self._files, resource)
        if not names:
            raise refusal(self.table, None, "unknown_format", f"no {resource}.json", f"the table's {resource}")
        entries: list[dict[str, Any]] = []
        for name in names:
            try:
                found = json.loads(self._files[name].decode("utf-8-sig"))["value"]
                if not all(isinstance(entry, dict) for entry in found):
                    raise TypeError(f"found {type(found[0]).__name__} among the entries")
            except (ValueError, KeyError, TypeError, IndexError) as error:
                expected = "a list of entries as JSON"
                raise refusal(f"{self.table}/{name}", None, "unknown_format", repr(error), expected) from error
            entries += found
        return entries

    def _read_page(self, name: str, reader: WideReader) -> WidePage:
        payload, file = self._files[name], f"{self.table}/{name}"
        row = first_row(payload)
        if row is not None and (problem := reader.changed(row)):
            raise refusal(file, None, "missing_column", problem, "the columns of the table")
        try:
            return reader.read(payload)
        except UnicodeDecodeError as error:
            raise refusal(file, None, "wrong_encoding", str(error), "UTF-8") from error
        except ValueError as error:
            raise refusal(file, None, "unknown_format", str(error), "a page of figures as JSON") from error


def _as_v4(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "Identifier": entry.get("Key"),
        "Title": entry.get("Title"),
        "Description": entry.get("Description"),
        "Status": entry.get("Status"),
    }


def _long(page: WidePage, wanted: WideTable, before: int) -> pa.Table:
    """The figures of a page below one another, topic by topic, in the columns of v4."""
    rows, topics = page.rows, wanted.topics
    numbers = page.ids if page.ids is not None else pa.array(np.arange(before, before + rows))
    keys = pa.array([topic.key for topic in topics], pa.string())
    measure = pa.DictionaryArray.from_arrays(pa.array(np.repeat(np.arange(len(topics), dtype=np.int32), rows)), keys)
    found = [page.figures[topic.key] for topic in topics]
    columns: dict[str, pa.Array | pa.ChunkedArray] = {
        "Id": pa.chunked_array([pc.add(pc.multiply(numbers, _NUMBERED_FROM), topic.number) for topic in topics]),
        "Measure": measure,
        "ValueAttribute": _stacked([_plain(figures.attributes) for figures in found], rows, PRESENT),
        "Value": pa.chunked_array([figures.values for figures in found]),
        "StringValue": _stacked([figures.texts for figures in found], rows, None),
    }
    for name in wanted.dimensions:
        columns[name] = pa.chunked_array([page.codes[name]] * len(topics))
    columns["value_text"] = pa.chunked_array([_wrong_text(figures) for figures in found])
    return pa.table(columns)


def _stacked(arrays: Sequence[pa.Array | None], rows: int, otherwise: str | None) -> pa.ChunkedArray:
    plain = pa.repeat(pa.scalar(otherwise, pa.string()), rows)
    return pa.chunked_array([plain if array is None else array for array in arrays]).dictionary_encode()


def _plain(attributes: pa.DictionaryArray | None) -> pa.Array | None:
    return None if attributes is None else as_texts(attributes)


def _wrong_text(figures: Figures) -> pa.Array:
    if figures.wrong is None or figures.texts is None:
        return pa.nulls(len(figures.values), pa.string())
    return pc.if_else(figures.wrong, figures.texts, None)
