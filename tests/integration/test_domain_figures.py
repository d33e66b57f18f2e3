"""Every figure of the policy documents, out of the marts: one test each, driven by the tables in `tests/figures`.

A line names a mart, the row by a condition that only one row meets, the column, what it must hold (empty: nothing), and
the place in the documents. What belongs here: figures that documents print. What does not: what follows from them.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.integration.conftest import Workspace

FIGURES = Path(__file__).parents[1] / "figures"


def _lines() -> list[dict[str, str]]:
    found = []
    for path in sorted(FIGURES.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            found += list(csv.DictReader(file))
    return found


def _name(line: dict[str, str]) -> str:
    return f"{line['document']}: {line['column']} of {line['table']} where {line['where']}"


@pytest.mark.parametrize("line", _lines(), ids=_name)
def test_a_printed_figure_comes_out_of_the_marts(sample_run: Workspace, line: dict[str, str]) -> None:
    rows = sample_run.rows(f"select {line['column']} from {line['table']} where {line['where']}")
    assert len(rows) == 1
    (found,) = rows[0]
    if found is None or isinstance(found, str | bool):
        assert ("" if found is None else str(found).lower()) == line["value"].lower()
    else:
        assert found == pytest.approx(float(line["value"]), abs=1e-9)


def test_no_figure_stands_twice_in_the_tables() -> None:
    names = [_name(line) for line in _lines()]
    assert len(set(names)) == len(names) > 300
