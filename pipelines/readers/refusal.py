"""A file that cannot be read as a whole, and what is left of it in the account."""

from __future__ import annotations

import pyarrow as pa

from pipelines.readers.account import NO_DATA_SCHEMA, Problem, ReadResult


class RefusedFileError(Exception):
    """Nothing of the file is loaded. `rows` is the number of its rows where that is known already."""

    def __init__(self, *problems: Problem, rows: int | None = None) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = problems
        self.rows = rows


def refused(schema: pa.Schema, problems: tuple[Problem, ...], rows: int) -> ReadResult:
    """The account of a refused file: all its rows, and at least one, are quarantined."""
    counted = max(rows, 1)
    return ReadResult(
        rows=schema.empty_table(),
        no_data=NO_DATA_SCHEMA.empty_table(),
        rows_in=counted,
        rows_loaded=0,
        rows_no_data=0,
        rows_quarantined=counted,
        problems=problems,
        refused=True,
    )
