"""What a reader hands over: typed rows, and an account of every row that came in."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa


@dataclass(frozen=True)
class Problem:
    """One reason why a row or a file was refused. It becomes a row of `marts.quarantine`.

    `line` is the physical line (1-based) or the sheet row, `column` the field's position (1-based); both are
    None for a whole file. `reason` is one of REASONS. `raw_text` is already free of personal data.
    """

    file: str
    line: int | None
    column: int | None
    column_name: str | None
    reason: str
    found: str
    expected: str
    raw_text: str = ""

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        name = f" ({self.column_name})" if self.column_name else ""
        return f"{place}{name}: found {self.found}, expected {self.expected}"


REASONS = frozenset(
    {
        "duplicate_key",
        "empty_file",
        "missing_column",
        "missing_value",
        "no_pseudonym_key",
        "not_a_bsn",
        "not_a_date",
        "not_a_number",
        "not_allowed",
        "not_delivered",
        "other_pseudonym_key",
        "out_of_range",
        "personal_data",
        "unexpected_unit",
        "unfinished_file",
        "unknown_format",
        "unknown_item",
        "unknown_period",
        "unknown_region",
        "unreadable_cell",
        "unsafe_xml",
        "wrong_column_count",
        "wrong_encoding",
    }
)


@dataclass(frozen=True)
class ReadResult:
    """The rows of one file, and where every row of it went.

    `rows` is what goes to the raw table of the source. `no_data` has columns `line` (int64), `kind` (string)
    and `cells` (string, a JSON object of declared column name to the text as found). Rows in = loaded +
    no data + quarantined, always; a file refused as a whole counts all its rows as quarantined.

    `large_figures` are the numbers of nine digits that stand in declared columns of figures, in quarantined rows too:
    what a search through the whole file must not take for a BSN.
    """

    rows: pa.Table
    no_data: pa.Table
    rows_in: int
    rows_loaded: int
    rows_no_data: int
    rows_quarantined: int
    problems: tuple[Problem, ...] = field(default_factory=tuple)
    refused: bool = False
    notices: tuple[str, ...] = field(default_factory=tuple)
    large_figures: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        if self.rows_in != self.rows_loaded + self.rows_no_data + self.rows_quarantined:
            raise AssertionError(
                f"row accounting does not add up: {self.rows_in} in, {self.rows_loaded} loaded, "
                f"{self.rows_no_data} no data, {self.rows_quarantined} quarantined"
            )


NO_DATA_SCHEMA = pa.schema([("line", pa.int64()), ("kind", pa.string()), ("cells", pa.string())])
