"""The file that is kept in place of the bytes of a delivery about persons: its rows under pseudonyms, with its account.

What belongs here: the form of that file, and leaving rows out of it so that its account still adds up. What does not:
which rows may not stay (`retention`), and when a file is made or read (`persons`).

A row that is left out counts as one without data, of the kind that says why: rows in = loaded + no data + quarantined
holds as before. It is not told which line of the delivery it was, because that would lead back to the person in it.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.readers.account import NO_DATA_SCHEMA, Problem, ReadResult

ROWS: Final = "rows.parquet"
ERASED: Final = "erased"
EXPIRED: Final = "expired"

# Goes up when the same message would be read differently: rows of an earlier release are then made anew.
FORMAT: Final = 1
_ACCOUNT: Final = b"nulmeting"


@dataclass(frozen=True)
class KeptRows:
    """Rows of one vintage, the fingerprint of the key of their pseudonyms, and the account that lies with them."""

    rows: pa.Table
    person_key: str
    account: dict[str, Any]

    @property
    def format(self) -> Any:
        """That of the release that wrote it."""
        return self.account.get("format")

    def left_out(self, kind: str) -> int:
        """How many rows were left out for this reason."""
        return sum(row["kind"] == kind for row in self.account.get("no_data", []))

    def without(self, leave_out: pa.ChunkedArray | pa.Array, kind: str) -> KeptRows:
        """The same without the rows of this mask, which count as rows without data; nothing is told of what they said.

        What was quoted of refused rows goes as well: nobody can tell whose rows those were.
        """
        kept = self.rows.filter(pc.invert(leave_out))
        gone = [{"line": None, "kind": kind, "cells": "{}"}] * (self.rows.num_rows - kept.num_rows)
        account = {
            **self.account,
            "problems": [{**problem, "raw_text": ""} for problem in self.account.get("problems", [])],
            "no_data": [*self.account.get("no_data", []), *gone],
        }
        return replace(self, rows=kept, account=account)

    def result(self) -> ReadResult:
        """What a reader would hand over."""
        no_data = pa.Table.from_pylist(self.account.get("no_data", []), schema=NO_DATA_SCHEMA)
        return ReadResult(
            rows=self.rows,
            no_data=no_data,
            rows_in=self.account["rows_in"],
            rows_loaded=self.rows.num_rows,
            rows_no_data=no_data.num_rows,
            rows_quarantined=self.account["rows_quarantined"],
            problems=tuple(Problem(**problem) for problem in self.account["problems"]),
            notices=tuple(self.account["notices"]),
        )

    def as_bytes(self) -> bytes:
        """The bytes of a Parquet file."""
        import pyarrow.parquet as pq

        stream = pa.BufferOutputStream()
        account = json.dumps(self.account, ensure_ascii=False).encode()
        pq.write_table(self.rows.replace_schema_metadata({_ACCOUNT: account}), stream, compression="zstd")
        kept: bytes = stream.getvalue().to_pybytes()
        return kept


def kept_rows_of(result: ReadResult, person_key: str, format: int = FORMAT) -> KeptRows:  # noqa: A002 - what it is
    """What is to be kept of a delivery that was read."""
    account = {
        "format": format,
        "person_key": person_key,
        "rows_in": result.rows_in,
        "rows_quarantined": result.rows_quarantined,
        # A refused row has no pseudonym by which it could be found again, so that nothing of it is kept.
        "problems": [asdict(replace(problem, raw_text="")) for problem in result.problems],
        "notices": result.notices,
        "no_data": result.no_data.to_pylist(),
    }
    return KeptRows(result.rows, person_key, account)


def read_kept_rows(data: bytes) -> KeptRows:
    """The file as it was kept, by whatever release."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(pa.BufferReader(data)) as file:
        table = file.read(use_threads=False)
    account: dict[str, Any] = json.loads((table.schema.metadata or {}).get(_ACCOUNT, b"{}"))
    return KeptRows(table.replace_schema_metadata(None), account.get("person_key", ""), account)


def rows_of(rows: pa.Table, persons: Collection[str]) -> pa.ChunkedArray:
    """Which rows are of one of these pseudonyms; a row of nobody is not."""
    return pc.is_in(rows["person"], value_set=pa.array(list(persons), pa.string()))
