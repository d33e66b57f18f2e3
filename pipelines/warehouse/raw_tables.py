"""The columns of the raw tables: what a reader of each kind hands over, plus the vintage it came from.

A raw table exists for every declared source, also when nothing was delivered, so that a mart without
deliveries is empty instead of broken.
"""

from __future__ import annotations

import pyarrow as pa

from pipelines.declarations.source import (
    CbsV3Reader,
    CbsV4Reader,
    Column,
    DelimitedReader,
    IstandaardReader,
    Iv3Reader,
    Source,
    SpreadsheetReader,
    SwingOdataReader,
    SwingReader,
)

# Of OData v4 and of v3 alike: whatever way a table came, its observations look the same from here on.
CBS = pa.schema(
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

# `report_kind` is the Iv3 report (X000 budget, X001-X004 quarters, X005 accounts); amounts are in euros.
IV3 = pa.schema(
    [
        ("line", pa.int64()),
        ("region_code", pa.string()),
        ("period_code", pa.string()),
        ("report_kind", pa.string()),
        ("side", pa.string()),
        ("taakveld", pa.string()),
        ("categorie", pa.string()),
        ("item", pa.string()),
        ("value", pa.float64()),
    ]
)

# One row per event in the life of a provision. `person` is a keyed hash; nothing else says who it is. `person_key` is
# the fingerprint of the key: persons of different keys never compare.
ISTANDAARD = pa.schema(
    [
        ("line", pa.int64()),
        *((name, pa.string()) for name in ("standard", "message", "message_version", "message_id")),
        ("message_date", pa.date32()),
        *(
            (name, pa.string())
            for name in ("region_code", "provider_agb", "person", "person_key", "event", "allocation_id")
        ),
        *((name, pa.string()) for name in ("category", "product_code")),
        *((name, pa.date32()) for name in ("allocated_on", "start_date", "end_date")),
        ("volume", pa.float64()),
        *((name, pa.string()) for name in ("volume_unit", "volume_frequency")),
        ("amount_eurocents", pa.int64()),
        *((name, pa.string()) for name in ("reason_code", "referrer_type", "response_code")),
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
        ("withdrawn_on", pa.date32()),
        ("status", pa.string()),
        ("rows_in", pa.int64()),
        ("rows_loaded", pa.int64()),
        ("rows_no_data", pa.int64()),
        ("rows_quarantined", pa.int64()),
        ("notice", pa.string()),
        # Persons who were last heard of before this day are no longer among the rows of the source.
        ("rows_from", pa.date32()),
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
    "date": pa.date32(),
    "open_text": pa.int64(),
}


def reader_schema(source: Source) -> pa.Schema:
    """The columns of `ReadResult.rows` for a source."""
    reader = source.reader
    if isinstance(reader, DelimitedReader | SpreadsheetReader):
        return _tabular_schema(reader, source)
    if isinstance(reader, CbsV4Reader | CbsV3Reader):
        return CBS
    if isinstance(reader, SwingReader | SwingOdataReader):
        return SWING
    if isinstance(reader, IstandaardReader):
        return ISTANDAARD
    if isinstance(reader, Iv3Reader):
        return IV3
    raise AssertionError(f"{source.source_id}: no raw table is known for a reader of kind {reader.kind}")


def _tabular_schema(reader: DelimitedReader | SpreadsheetReader, source: Source) -> pa.Schema:
    fields = [pa.field("line", pa.int64())]
    fields += [pa.field(column.name, _column_type(column)) for column in reader.columns]
    has_region = any(column.type in ("region_name", "region_code") for column in reader.columns)
    if has_region or source.constant_region is not None:
        fields.append(pa.field("region_code", pa.string()))
    if reader.person_column is not None:
        # As of a message: persons of different keys never compare.
        fields.append(pa.field("person_key", pa.string()))
    return pa.schema(fields)


def _column_type(column: Column) -> pa.DataType:
    return _COLUMN_TYPES.get(column.type, pa.string())


def raw_schema(source: Source) -> pa.Schema:
    """The columns of `raw.<source_id>`: the vintage first, then what the reader gives."""
    return pa.schema([pa.field("vintage_id", pa.string()), *reader_schema(source)])
