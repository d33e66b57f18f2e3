"""Which vintage of a delivery counts, and the account of where every row of a source went.

What belongs here: what holds for deliveries of every kind. What does not: fetching or finding them (`cbs`, `swing`,
`folder`), and what their bytes mean (`readers`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from typing import Final

import pyarrow as pa

from pipelines.connectors.snapshot import Snapshot, SnapshotStore
from pipelines.declarations.source import Source
from pipelines.deliveries.marks import as_called
from pipelines.deliveries.told import as_told
from pipelines.readers.account import Problem, ReadResult
from pipelines.retention.kept_from import read_kept_from
from pipelines.warehouse.raw_tables import DELIVERY, NO_DATA_ROW, QUARANTINE, raw_schema

_BLOCK: Final = 100_000
"""Rows of a column with one text throughout that are written out once, for all the others as well."""


@dataclass(frozen=True)
class Delivery:
    """One vintage of one delivery, read: its snapshot, what the reader made of it, and whether it counts."""

    snapshot: Snapshot
    file: str
    result: ReadResult
    is_current: bool
    is_present: bool
    withdrawn_on: dt.date | None = None


@dataclass(frozen=True)
class SourceLoad:
    """All that one source gives the warehouse: its raw table and its part of the accounts.

    `may_show_rows` is about rows as examples, outside the warehouse: not of persons, nor of counts that are hidden.
    `may_tell_sizes` is about how many rows there are: not of persons, of whom there may be few.
    """

    source_id: str
    rows: pa.Table
    accounts: Mapping[str, pa.Table]
    deliveries: tuple[Delivery, ...]
    problems: tuple[Problem, ...]
    may_show_rows: bool
    may_tell_sizes: bool

    @property
    def rows_loaded(self) -> int:
        return sum(delivery.result.rows_loaded for delivery in self.deliveries if delivery.is_current)

    @property
    def rows_quarantined(self) -> int:
        return sum(delivery.result.rows_quarantined for delivery in self.deliveries if delivery.is_present)


def judge(
    file: str, present: tuple[Snapshot, ReadResult], earlier: Iterable[tuple[Snapshot, ReadResult]]
) -> list[Delivery]:
    """The vintages of one delivery, with the one that counts marked."""
    readable = [pair for pair in earlier if not pair[1].refused]
    if present[1].refused and readable:
        current = max(readable, key=lambda pair: (pair[0].vintage_date, pair[0].fetched_at))[0]
    else:
        current = present[0]
    pairs = [(present, True), *((pair, False) for pair in readable)]
    return [
        Delivery(
            snapshot=snapshot,
            file=file,
            result=result,
            is_current=snapshot.vintage_id == current.vintage_id and not result.refused,
            is_present=is_present,
        )
        for (snapshot, result), is_present in pairs
    ]


def collect(
    source: Source, deliveries: list[Delivery], store: SnapshotStore, extra_problems: tuple[Problem, ...] = ()
) -> SourceLoad:
    """All that the warehouse is given of a source; `store` is where its snapshots are kept."""
    called = as_called(source, store, [delivery.snapshot for delivery in deliveries])
    deliveries = [replace(delivery, snapshot=one) for delivery, one in zip(deliveries, called, strict=True)]
    schema = raw_schema(source)
    tables = [
        delivery.result.rows.append_column(
            "vintage_id", _throughout(delivery.snapshot.vintage_id, delivery.result.rows.num_rows)
        ).select(schema.names)
        for delivery in deliveries
        if not delivery.result.refused
    ]
    rows = pa.concat_tables([table.cast(schema) for table in tables]) if tables else schema.empty_table()
    problems = tuple(
        (delivery.snapshot.vintage_id, as_told(source, problem))
        for delivery in deliveries
        if delivery.is_present
        for problem in delivery.result.problems
    ) + tuple((f"{source.source_id}/{problem.file}", as_told(source, problem)) for problem in extra_problems)
    return SourceLoad(
        source_id=source.source_id,
        rows=rows,
        accounts={
            "delivery": _delivery_table(source, deliveries, read_kept_from(store.root, source.source_id)),
            "quarantine": _quarantine_table(source, problems),
            "no_data_row": _no_data_table(source, deliveries),
        },
        deliveries=tuple(deliveries),
        problems=tuple(problem for _, problem in problems),
        may_show_rows=not (source.hides_counts or source.person_level),
        may_tell_sizes=not source.person_level,
    )


def _delivery_table(source: Source, deliveries: list[Delivery], rows_from: dt.date | None) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "vintage_id": delivery.snapshot.vintage_id,
                "source_id": source.source_id,
                "file": delivery.file,
                "checksum_sha256": _told_checksum(source, delivery.snapshot),
                "origin": delivery.snapshot.origin,
                "fetched_at": delivery.snapshot.fetched_at.astimezone(dt.UTC).replace(tzinfo=None),
                "vintage_date": delivery.snapshot.vintage_date,
                "vintage_label": delivery.snapshot.vintage_label,
                "vintage_order": _vintage_order(source, delivery.snapshot.name),
                "is_current": delivery.is_current,
                "withdrawn_on": delivery.withdrawn_on,
                "status": "refused" if delivery.result.refused else "loaded",
                "rows_in": delivery.result.rows_in,
                "rows_loaded": delivery.result.rows_loaded,
                "rows_no_data": delivery.result.rows_no_data,
                "rows_quarantined": delivery.result.rows_quarantined,
                "notice": "; ".join(delivery.result.notices) or None,
                "rows_from": rows_from,
            }
            for delivery in deliveries
        ],
        schema=DELIVERY,
    )


def _told_checksum(source: Source, snapshot: Snapshot) -> str | None:
    """None where no byte is kept, and where a guess at a hidden count could be tried by it."""
    return None if source.hides_counts or not snapshot.has_bytes else snapshot.checksum


def _quarantine_table(source: Source, problems: tuple[tuple[str, Problem], ...]) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "vintage_id": vintage_id,
                "source_id": source.source_id,
                "file": problem.file,
                "line": problem.line,
                "column": problem.column,
                "column_name": problem.column_name,
                "reason": problem.reason,
                "found": problem.found,
                "expected": problem.expected,
                "raw_text": problem.raw_text,
            }
            for vintage_id, problem in problems
        ],
        schema=QUARANTINE,
    )


def _no_data_table(source: Source, deliveries: list[Delivery]) -> pa.Table:
    tables = [
        delivery.result.no_data.append_column(
            "vintage_id", _throughout(delivery.snapshot.vintage_id, delivery.result.no_data.num_rows)
        ).append_column("source_id", _throughout(source.source_id, delivery.result.no_data.num_rows))
        for delivery in deliveries
        if delivery.is_current
    ]
    if not tables:
        return NO_DATA_ROW.empty_table()
    return pa.concat_tables([table.select(NO_DATA_ROW.names).cast(NO_DATA_ROW) for table in tables])


def _throughout(text: str, rows: int) -> pa.ChunkedArray:
    """A column that holds one text in every row. All its chunks share their memory."""
    block = pa.repeat(pa.scalar(text, pa.string()), min(rows, _BLOCK))
    whole, rest = divmod(rows, _BLOCK)
    return pa.chunked_array([*[block] * whole, block.slice(0, rest)])


def _vintage_order(source: Source, name: str) -> int | None:
    """The place of a file among the declared vintages, which stand in the order in which they appeared."""
    places = [place for place, vintage in enumerate(source.vintages) if fnmatch(name, vintage.pattern)]
    return places[0] if places else None
