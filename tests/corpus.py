"""What every malformed or odd file of the corpus says of itself, and what is compared with what became of it.

What belongs here: the shape of a case, the regions they are read with, and the comparison. What does not: the files
(`corpus_text`, `corpus_xlsx`, `corpus_heavy`, `corpus_istandaard`, `corpus_iv3`).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Literal

from pipelines.declarations.source import Source
from pipelines.delivery_privacy import ScreenedDelivery, read_screened
from pipelines.geography.regions import RegionLookup
from pipelines.privacy.pseudonym import PseudonymKey
from pipelines.readers.account import REASONS

Outcome = Literal["loads", "quarantined", "refused"]

# It passes the eleven test, and is nobody's: the example that the tax office prints.
BSN = "123456782"
SECRETS = (BSN, *(f"123{mark}456{mark}782" for mark in (" ", ".", "-", "/", "\u00a0", "\u202f")))

REGIONS = RegionLookup(
    [
        ("NL01", "Nederland"),
        ("GM0373", "Bergen (NH.)"),
        ("GM0893", "Bergen (L.)"),
        ("GM0383", "Castricum"),
        ("GM0399", "Heiloo"),
        ("GM0450", "Uitgeest"),
        ("GM0518", "'s-Gravenhage (gemeente)"),
        ("GM1900", "Súdwest-Fryslân"),
        ("GM0014", "Groningen (gemeente)"),
        ("PV20", "Groningen (PV)"),
        ("PV21", "Fryslân (PV)"),
    ],
    {"Landelijk": "NL01"},
)


@dataclass(frozen=True)
class AnyCase:
    """One delivered file, and what must become of it.

    `rows` are loaded; `reason` and `line` are those of its first problem, None where the case does not say.
    """

    name: str
    file_name: str
    data: bytes
    source: Source
    outcome: Outcome
    rows: int = 0
    reason: str | None = None
    line: int | None = None


@dataclass(frozen=True)
class Case(AnyCase):
    """A file in rows and columns.

    `bad` rows are quarantined (a refused file quarantines all of its own). `column` is that of the first problem, and
    `in_problem` stands in it. `values` are the figures of the rows that are loaded, `regions` where those are.
    """

    column: int | None = None
    bad: int = 1
    values: tuple[float | None, ...] | None = None
    regions: tuple[str | None, ...] | None = None
    in_problem: str = ""


def read_case(case: AnyCase, lookup: RegionLookup = REGIONS, key: PseudonymKey | None = None) -> ScreenedDelivery:
    """The case as `check` and a run read it: by its reader, and looked through for persons."""
    return read_screened(case.file_name, case.data, case.source, lookup, key)


def differences(case: AnyCase, screened: ScreenedDelivery) -> list[str]:
    """What became of a case otherwise than it must; empty where all is as it should be."""
    result = screened.result
    outcome = "refused" if result.refused else "quarantined" if result.rows_quarantined else "loads"
    pairs: list[tuple[str, object, object]] = [
        ("outcome", outcome, case.outcome),
        ("rows", result.rows.num_rows if isinstance(case, Case) else result.rows_loaded, case.rows),
        (
            "rows in",
            result.rows_in,
            result.rows_loaded + result.rows_no_data + result.rows_quarantined,
        ),
        ("rows without data", result.no_data.num_rows, result.rows_no_data),
        ("whether there are problems", bool(result.problems), case.outcome != "loads"),
    ]
    for problem in result.problems:
        is_whole = all((problem.file, problem.found, problem.expected)) and problem.reason in REASONS
        pairs.append((f"whether {problem} is whole", is_whole, True))
        pairs.append((f"the file of {problem}", problem.file, screened.name))
    if first := next(iter(result.problems), None):
        for what, found, wanted in (
            ("reason", first.reason, case.reason),
            ("line", first.line, case.line),
            ("column", first.column, case.column if isinstance(case, Case) else None),
        ):
            if wanted is not None:
                pairs.append((what, found, wanted))
    if isinstance(case, Case):
        if case.outcome != "refused":
            pairs.append(("rows quarantined", result.rows_quarantined, case.bad if case.outcome != "loads" else 0))
        if case.values is not None:
            figures = "value" if "value" in result.rows.column_names else "bedrag"
            pairs.append(("values", tuple(result.rows[figures].to_pylist()), case.values))
        if case.regions is not None:
            pairs.append(("regions", tuple(result.rows["region_code"].to_pylist()), case.regions))
        if case.in_problem:
            pairs.append((f"{case.in_problem!r} in the problem", case.in_problem in str(first), True))
    return [f"{what}: {found!r} instead of {wanted!r}" for what, found, wanted in pairs if found != wanted]


def everything_told(screened: ScreenedDelivery, records: list[logging.LogRecord]) -> str:
    """All that leaves the reading of a delivery, as one text: rows, accounts, what is kept, and what was logged."""
    result = screened.result
    return "\n".join(
        [
            screened.name,
            str(screened),
            *(f"{problem!r} {problem}" for problem in result.problems),
            *result.notices,
            str(result.rows.to_pylist()),
            str(result.no_data.to_pylist()),
            *(f"{name} {data!r}" for name, data in screened.in_place_of_bytes.items()),
            *(f"{record.getMessage()} {record.exc_info}" for record in records),
        ]
    )
