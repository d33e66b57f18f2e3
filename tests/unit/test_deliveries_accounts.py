"""The tables that a source's deliveries become together."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pipelines.connectors.snapshot import Snapshot, SnapshotStore
from pipelines.deliveries.accounts import _BLOCK, Delivery, collect
from pipelines.readers.account import NO_DATA_SCHEMA, ReadResult
from pipelines.warehouse.raw_tables import NO_DATA_ROW, raw_schema, reader_schema
from tests.unit.reader_sources import delimited

SOURCE = delimited()
STORE = SnapshotStore(Path())


def _delivery(name: str, rows: int, notes: int) -> Delivery:
    fetched = dt.datetime(2026, 7, 1, tzinfo=dt.UTC)
    snapshot = Snapshot("proef", name, "0" * 64, (), name, fetched, None, None, True, Path())
    result = ReadResult(
        _empty(reader_schema(SOURCE), rows), _empty(NO_DATA_SCHEMA, notes), rows + notes, rows, notes, 0
    )
    return Delivery(snapshot, name, result, is_current=True, is_present=True)


def _empty(schema: pa.Schema, rows: int) -> pa.Table:
    lines = pa.array(np.arange(rows))
    return pa.table([lines if field.name == "line" else pa.nulls(rows, field.type) for field in schema], schema=schema)


@pytest.mark.parametrize("rows", [0, 1, _BLOCK - 1, _BLOCK, _BLOCK + 1, 2 * _BLOCK + 7])
def test_every_row_and_note_says_of_which_vintage_it_is(rows: int) -> None:
    load = collect(SOURCE, [_delivery("een.csv", rows, 3), _delivery("twee.csv", 2, rows)], STORE)
    assert load.rows.schema.equals(raw_schema(SOURCE))
    of_rows, of_notes = load.rows["vintage_id"].to_pylist(), load.accounts["no_data_row"]["vintage_id"].to_pylist()
    assert of_rows == ["proef/een.csv/000000000000"] * rows + ["proef/twee.csv/000000000000"] * 2
    assert of_notes == ["proef/een.csv/000000000000"] * 3 + ["proef/twee.csv/000000000000"] * rows
    assert load.accounts["no_data_row"].schema.equals(NO_DATA_ROW)
    assert load.accounts["no_data_row"]["source_id"].to_pylist() == ["proef"] * (3 + rows)


def test_which_vintage_a_row_is_of_costs_no_memory_however_many_rows_there_are() -> None:
    few, many = (collect(SOURCE, [_delivery("een.csv", rows, rows)], STORE) for rows in (_BLOCK, 20 * _BLOCK))
    for name in ("vintage_id", "source_id"):
        notes = [load.accounts["no_data_row"][name] for load in (few, many)]
        assert notes[0].get_total_buffer_size() == notes[1].get_total_buffer_size()
    assert few.rows["vintage_id"].get_total_buffer_size() == many.rows["vintage_id"].get_total_buffer_size()
