"""The report of the benchmark: complete, the same at every run, and made on seeds that nothing was tuned on."""

from __future__ import annotations

import re
import sys
from functools import partial
from pathlib import Path

import pytest

from pipelines.breaks.evaluation import report
from pipelines.breaks.evaluation.baselines import METHODS
from pipelines.breaks.evaluation.measure import Share
from pipelines.breaks.evaluation.report import REPORTED_SEEDS, TUNING_SEEDS, write_report
from pipelines.breaks.evaluation.studies import DETECTION, Extent, power_of_detection, told_effects

# What the tests share is made once.
pytestmark = pytest.mark.xdist_group("breaks_evaluation_report")

pytest.importorskip("ruptures")
COMMITTED = Path(__file__).resolve().parents[2] / "docs" / "breaks-benchmark.md"
SEED = 3001


def tables(text: str) -> list[list[list[str]]]:
    """The Markdown tables of a text, as rows of cells without the rule under the head."""
    found = re.findall(r"(?:^\|.*\|\n?)+", text, flags=re.MULTILINE)
    rows = [[[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()] for table in found]
    return [[one[0], *one[2:]] for one in rows]


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("report") / "report.md"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "LENGTHS", (16,))
        patch.setattr(report, "_PANELS", {"percentages": {"unit": "pct"}})
        patch.setattr(report, "NOISE_MODELS", {"plain": None, "misspecified": None, "mild": None})
        write_report(path, seeds=(SEED,), quick=True)
        first = path.read_text(encoding="utf-8")
        write_report(path, seeds=(SEED,), quick=True)
        assert path.read_text(encoding="utf-8") == first
    return first


def test_every_method_has_a_row_and_every_row_as_many_cells_as_its_head(quick: str) -> None:
    found = tables(quick)
    assert all(len(row) == len(table[0]) for table in found for row in table)
    methods = [table for table in found if table[0][0] == "method"]
    assert [[row[0] for row in table[1:]] for table in methods] == [[*METHODS, DETECTION]] * 2


def test_every_bar_is_held_against_a_figure(quick: str) -> None:
    (bars,) = [table for table in tables(quick) if table[0] == ["measure", "bar", "measured"]]
    assert len(bars) == 13
    f1 = {row[0]: float(row[2]) for row in bars[1:] if row[0].startswith("F1")}
    assert len(f1) == 2
    assert all(0 < value <= 1 for value in f1.values())


def test_the_detection_does_better_than_every_rule_of_thumb(quick: str) -> None:
    methods = next(table for table in tables(quick) if table[0][0] == "method")
    last = [float(cell) for cell in methods[-1][1:]]
    assert methods[-1][0] == DETECTION
    for row in methods[1:4]:
        assert all(own > float(cell) for own, cell in zip(last, row[1:], strict=True))


def test_a_quick_report_says_that_it_is_one(quick: str) -> None:
    assert "`nulmeting breaks benchmark --quick`" in quick
    assert f"one indicator, seeds {SEED}" in quick.replace("\n", " ")


def test_the_committed_report_is_a_whole_one_on_the_reported_seeds() -> None:
    text = COMMITTED.read_text(encoding="utf-8").replace("\n", " ")
    assert "Made by `nulmeting breaks benchmark`;" in text
    assert f"seeds {', '.join(str(seed) for seed in REPORTED_SEEDS)}. Parameters" in text
    first, last = (int(number) for number in TUNING_SEEDS.split(" to "))
    assert not set(range(first, last + 1)) & set(REPORTED_SEEDS)


def test_nothing_is_run_where_ruptures_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "ruptures", None)
    heard: list[str] = []
    with pytest.raises(ImportError, match="found no ruptures"):
        write_report(tmp_path / "report.md", told=heard.append)
    assert heard == []
    assert not (tmp_path / "report.md").exists()


def test_two_processes_find_what_one_finds() -> None:
    def studies() -> dict[report.Key, report.Study]:
        short = Extent((SEED,), 1)
        return {("noise", name, 16): partial(power_of_detection, name, 16, short) for name in ("plain", "mild")}

    heard: list[str] = []
    assert report._results(studies(), 2, heard.append) == report._results(studies(), 1, heard.append)
    assert sorted(heard) == ["noise, mild, 16"] * 2 + ["noise, plain, 16"] * 2


def test_shifts_as_large_as_told_are_planted_in_every_class() -> None:
    found = told_effects("plain", Extent((SEED,), 2))
    assert sum(share.cases for share in found.values()) > 50
    assert sum(found.values(), Share(0, 0)).value > 0.3
