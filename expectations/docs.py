"""Data Docs: what was expected of every table in this run and which rows failed, as pages that stand alone.

What belongs here: keeping the results of one run on disk and writing its pages. What does not: running checks
(`run`) and the markup (`docs_page`).

Great Expectations can build such a site itself, but its pages load their styles and scripts from half a dozen
hosts, so they show nothing on a closed network and tell those hosts who reads them. Ours hold everything
themselves and need no script.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from expectations.check import ROWS_FAILING, Check, CheckResult
from expectations.docs_page import render_index, render_table
from expectations.dutch import dutch_number
from pipelines.alerts.findings import clean_text, write_atomically
from pipelines.file_modes import readable_as_their_folder

ROWS_SHOWN = 200
"""Failing rows on a page; the marts hold all of them."""

_STANDING_NL = {
    "incomplete": "niet alle gemeenten",
    "late": "te laat",
    "missing": "ontbreekt",
    "one_factor": "één factor",
    "other_type": "ander type",
    "unexplained": "onverklaard",
    "unknown": "onbekend",
}


class DocsStore:
    """The Data Docs of one run in `folder`, which holds nothing else: `index.html` and a page per table.

    A run may record its layers one after the other, from several processes in turn; results of another
    run are removed at the first record. `names` maps region codes and indicator ids to labels and may be
    filled later.
    """

    def __init__(self, folder: Path, run_id: str, names: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.run_id = run_id
        self.names: Mapping[str, str] = names or {}

    @property
    def index(self) -> Path:
        """The page to open."""
        return self.folder / "index.html"

    def address(self, check: Check) -> str:
        """Where a check stands, relative to the folder: `marts.trend_break.html#marts_trend_break__...`."""
        return f"{check.asset}.html#{check.name}"

    def record(self, results: Sequence[CheckResult]) -> None:
        """Keep `results` and write the pages of their tables and the index. Raises OSError where it
        cannot write."""
        self._forget_other_runs()
        written = dt.datetime.now(dt.UTC)
        by_asset: dict[str, list[CheckResult]] = {}
        for result in results:
            by_asset.setdefault(result.check.asset, []).append(result)
        for asset, of_table in by_asset.items():
            table = {
                "run_id": self.run_id,
                "written_at": written.isoformat(timespec="seconds"),
                "asset": asset,
                "checks": [_shown(result, self.names) for result in of_table],
            }
            write_atomically(self._kept(asset), json.dumps(table, ensure_ascii=False, indent=1, default=str))
            write_atomically(self.folder / f"{asset}.html", render_table(table))
        tables = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(self.folder.glob("*.json"))]
        write_atomically(self.index, render_index(tables, self.run_id, written))
        readable_as_their_folder(self.folder)

    def _kept(self, asset: str) -> Path:
        return self.folder / f"{asset}.json"

    def _forget_other_runs(self) -> None:
        for path in self.folder.glob("*.json"):
            if _run_of(path) != self.run_id:
                path.with_suffix(".html").unlink(missing_ok=True)
                path.unlink()


def _run_of(path: Path) -> str | None:
    """The run that a file of results belongs to; None where it is not such a file any more."""
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["run_id"])
    except (KeyError, TypeError, ValueError):
        return None


def _shown(result: CheckResult, names: Mapping[str, str]) -> dict[str, Any]:
    """A result as the pages show it, in plain values."""
    check = result.check
    table = result.failing_rows
    if table.num_rows and pc.max(table.column(ROWS_FAILING)).as_py() == 1:
        table = table.drop_columns([ROWS_FAILING])
    rows = table.slice(0, ROWS_SHOWN).to_pylist()
    return {
        "name": check.name,
        "severity": check.severity,
        "status": "passed" if result.passed else "failed" if result.evaluated else "not_evaluated",
        "title_nl": check.title_nl,
        "statement": result.statement,
        "expectation": check.expects.expectation,
        "detects_nl": check.detects_nl,
        "usual_cause_nl": check.usual_cause_nl,
        "next_step_nl": check.next_step_nl,
        "observed": result.observed,
        "error": result.error,
        "failing_count": result.failing_count,
        "failing_keys": table.num_rows,
        "columns": table.column_names if rows else [],
        "rows": [[_cell(name, value, names) for name, value in row.items()] for row in rows],
    }


def _cell(column: str, value: object, names: Mapping[str, str]) -> str:
    """A value as text; codes with their label, and what is of Voorbeeldland marked as fictional."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "ja" if value else "nee"
    if isinstance(value, (int, float)):
        return dutch_number(value)
    text = clean_text(str(value))
    if column == "region_code":
        fictional = " – Voorbeeldland, fictief" if text.startswith(("VB", "SV-VB")) else ""
        return f"{names[text]} ({text}){fictional}" if text in names else f"{text}{fictional}"
    if column == "standing":
        text = _STANDING_NL.get(text, text)
    elif column == "indicator_id" and text in names:
        text = f"{names[text]} ({text})"
    return text
