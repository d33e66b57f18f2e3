"""The columns of the raw tables: what a reader of each kind hands over, plus the vintage it came from.

A raw table exists for every declared source, also when nothing was delivered, so that a mart without
deliveries is empty instead of broken.
"""

from __future__ import annotations

import pyarrow as pa

from pipelines.declarations.source import (
    CbsV4Reader,
    Column,
    DelimitedReader,
    Source,
    SpreadsheetReader,
    SwingReader,
)

CBS_V4 = pa.schema(
    [
        ("row_id", pa.int64()),
        ("item", pa.string()),
        ("measure", pa.string()),
        ("unit", pa.string()),
        ("region_code", pa.string()),
        ("period_raw", pa.string()),
        ("period_code", pa.string()),
        ("period_status", pa.string()),
        ("value", pa.float64()),
        ("value_attribute", pa.string()),
        ("string_value", pa.string()),
    ]
)

SWING = pa.schema(
    [
        ("line", pa.int64()),
        ("column", pa.int64()),
        ("period_code", pa.string()),
        ("geolevel", pa.string()),
        ("geoitem", pa.string()),
        ("region_code", pa.string()),
        ("item", pa.string()),
        ("value_text", pa.string()),
        ("value", pa.float64()),
        ("special", pa.string()),
    ]
)

DELIVERY = pa.schema(
    [
        ("vintage_id", pa.string()),
        ("source_id", pa.string()),
        ("file", pa.string()),
        ("checksum_sha256", pa.string()),
        ("origin", pa.string()),
        ("fetched_at", pa.timestamp("us")),
        ("vintage_date", pa.date32()),
        ("vintage_label", pa.string()),
        ("vintage_order", pa.int64()),
        ("is_current", pa.bool_()),
        ("status", pa.string()),
        ("rows_in", pa.int64()),
        ("rows_loaded", pa.int64()),
        ("rows_no_data", pa.int64()),
        ("rows_quarantined", pa.int64()),
        ("notice", pa.string()),
    ]
)

QUARANTINE = pa.schema(
    [
        ("vintage_id", pa.string()),
        ("source_id", pa.string()),
        ("file", pa.string()),
        ("line", pa.int64()),
        ("column", pa.int64()),
        ("column_name", pa.string()),
        ("reason", pa.string()),
        ("found", pa.string()),
        ("expected", pa.string()),
        ("raw_text", pa.string()),
    ]
)

NO_DATA_ROW = pa.schema(
    [
        ("vintage_id", pa.string()),
        ("source_id", pa.string()),
        ("line", pa.int64()),
        ("kind", pa.string()),
        ("cells", pa.string()),
    ]
)

ACCOUNTS = {"delivery": DELIVERY, "quarantine": QUARANTINE, "no_data_row": NO_DATA_ROW}

_COLUMN_TYPES = {
    "integer": pa.int64(),
    "year": pa.int64(),
    "number": pa.float64(),
    "percentage": pa.float64(),
}


def reader_schema(source: Source) -> pa.Schema:
    """The columns of `ReadResult.rows` for a source."""
    reader = source.reader
    if isinstance(reader, CbsV4Reader):
        return CBS_V4
    if isinstance(reader, SwingReader):
        return SWING
    return _tabular_schema(reader, source)


def _tabular_schema(reader: DelimitedReader | SpreadsheetReader, source: Source) -> pa.Schema:
    fields = [pa.field("line", pa.int64())]
    fields += [pa.field(column.name, _column_type(column)) for column in reader.columns]
    has_region = any(column.type in ("region_name", "region_code") for column in reader.columns)
    if has_region or getattr(source, "constant_region", None):
        fields.append(pa.field("region_code", pa.string()))
    return pa.schema(fields)


def _column_type(column: Column) -> pa.DataType:
    return _COLUMN_TYPES.get(column.type, pa.string())


def raw_schema(source: Source) -> pa.Schema:
    """The columns of `raw.<source_id>`: the vintage first, then what the reader gives."""
    return pa.schema([pa.field("vintage_id", pa.string()), *reader_schema(source)])
