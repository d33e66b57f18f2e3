"""Every malformed or odd file of the corpus: it loads rightly, or is refused with its reason and place.

What it detects: a reader that crashes, loses rows, guesses, or lets a BSN out. What usually causes it: a shortcut for
the common file that the odd one takes as well. What next: read the case by its name in `tests/corpus_*.py`.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.connectors import folder
from pipelines.connectors.snapshot import SnapshotStore
from pipelines.declarations.source import FolderConnector
from pipelines.deliveries import SourceLoad, load_folder_source
from pipelines.geography.regions import RegionLookup
from pipelines.privacy.pseudonym import PseudonymKey
from pipelines.settings import PROJECT_ROOT, Settings
from tests import corpus, corpus_heavy, corpus_istandaard, corpus_iv3, corpus_text, corpus_xlsx
from tests.corpus import BSN, SECRETS, AnyCase, Case, differences, everything_told, read_case
from tests.integration.conftest import Workspace

GIBIBYTE_IN_KIB = 1024**2


@dataclass(frozen=True)
class Corpus:
    """Cases, and with what they are read. `secrets` may come out nowhere."""

    area: str
    cases: list[Any]
    lookup: RegionLookup = corpus.REGIONS
    key: PseudonymKey | None = None
    secrets: tuple[str, ...] = SECRETS


CORPORA = (
    Corpus("text", corpus_text.cases()),
    Corpus("xlsx", corpus_xlsx.cases()),
    Corpus(
        "istandaard",
        corpus_istandaard.cases(),
        corpus_istandaard.REGIONS,
        corpus_istandaard.KEY,
        corpus_istandaard.SECRETS,
    ),
    Corpus("iv3", corpus_iv3.cases(), corpus_iv3.REGIONS, secrets=corpus_iv3.SECRETS),
)
ALL = [pytest.param(of, case, id=f"{of.area}-{case.name}".replace(" ", "-")) for of in CORPORA for case in of.cases]

# A figure of nine digits where the declaration says that those are expected is a figure, and not withheld.
_LARGE_FIGURES = {"a large figure where those are declared", "an amount that passes the eleven test"}

# One of each way in which a BSN came in.
_SAMPLE = (
    "a BSN with nothing in a text",
    "a BSN with points in an undeclared column",
    "a column of BSNs",
    "a BSN in place of a figure",
    "a BSN in a header",
    "a BSN in a footer",
    "a BSN in a row too long",
    "a BSN behind an open quotation mark",
    "a BSN in the name of a file",
    "a BSN as a number in a sheet",
    "a BSN on a hidden sheet",
    "a BSN in a comment",
    "a BSN in the name of a sheet",
    "a BSN in the properties",
)


def test_the_corpus_is_large_and_names_every_case_once() -> None:
    generated = [case.name for of in CORPORA[:2] for case in of.cases]
    everything = [f"{of.area} {case.name}" for of in CORPORA for case in of.cases]
    assert len(generated) + len(corpus_heavy.makers()) >= 110
    assert len(everything) >= 150
    assert len(set(everything)) == len(everything)
    assert {case.outcome for of in CORPORA for case in of.cases} == {"loads", "quarantined", "refused"}


def test_the_comparison_tells_what_is_otherwise() -> None:
    case = next(case for case in corpus_text.cases() if case.name == "a row too long")
    screened = read_case(case)
    assert differences(case, screened) == []
    other = replace(case, outcome="loads", rows=7, reason="not_a_number", line=9, column=1, in_problem="nothing")
    told = [difference.partition(":")[0] for difference in differences(other, screened)]
    in_problem = "'nothing' in the problem"
    parts = ["outcome", "rows", "whether there are problems", "reason", "line", "column", "rows quarantined"]
    assert told == [*parts, in_problem]


@pytest.mark.parametrize(("of", "case"), ALL)
def test_every_case_loads_or_is_refused_with_its_reason_and_place(
    of: Corpus, case: AnyCase, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    screened = read_case(case, of.lookup, of.key)
    assert differences(case, screened) == []
    if case.name in _LARGE_FIGURES:
        without = replace(screened.result, rows=screened.result.rows.slice(0, 0))
        screened = replace(screened, result=without, in_place_of_bytes={})
    told = everything_told(screened, caplog.records)
    assert [place for place, secret in enumerate(of.secrets) if secret in told] == []


def test_heavy_cases_stay_under_a_gibibyte_together() -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "tests.corpus_heavy"],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert finished.returncode == 0, finished.stderr
    outcome = json.loads(finished.stdout)
    assert list(outcome["wrong"]) == list(corpus_heavy.makers())
    assert {name: wrong for name, wrong in outcome["wrong"].items() if wrong} == {}
    assert outcome["peak_kib"] < GIBIBYTE_IN_KIB
    assert BSN not in finished.stdout + finished.stderr


# -- what stands in a folder ---------------------------------------------------------------------------


class Place:
    """A folder of deliveries and what a run makes of them."""

    def __init__(self, root: Path) -> None:
        self.settings = Settings(sources_dir=root, data_dir=root / "data", today=dt.date(2026, 7, 1))
        self.settings.deliveries_dir.mkdir()

    def put(self, name: str, data: str | bytes = corpus_text.GOOD) -> Path:
        path = self.settings.deliveries_dir / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    def load(self, case: Case | None = None) -> SourceLoad:
        source = case.source if case else corpus_text.cases()[0].source
        pattern = f"*{Path(case.file_name).suffix}" if case else "*"
        source = source.model_copy(update={"connector": FolderConnector(kind="folder", pattern=pattern)})
        return load_folder_source(source, self.settings, SnapshotStore(self.settings.snapshots_dir), corpus.REGIONS)

    def kept(self) -> bytes:
        """Every byte below the data directory, with the names."""
        found = sorted(path for path in self.settings.data_dir.rglob("*") if path.is_file())
        return b"\n".join(str(path.relative_to(self.settings.data_dir)).encode() + path.read_bytes() for path in found)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def _link_out_of_the_folder(place: Place) -> None:
    outside = place.settings.deliveries_dir.parent / "outside.csv"
    outside.write_text(corpus_text.GOOD)
    (place.settings.deliveries_dir / "link.csv").symlink_to(outside)


def _link_to_itself(place: Place) -> None:
    path = place.settings.deliveries_dir / "link.csv"
    path.symlink_to(path)


def _link_to_nothing(place: Place) -> None:
    (place.settings.deliveries_dir / "link.csv").symlink_to("nothing.csv")


def _folder_called_like_a_file(place: Place) -> None:
    (place.settings.deliveries_dir / "map.csv").mkdir()


def _pipe(place: Place) -> None:
    os.mkfifo(place.settings.deliveries_dir / "pijp.csv")


def _half_a_download(place: Place) -> None:
    for name in ("a.csv.part", "b.csv.crdownload", "~$c.csv", ".d.csv", "e.csv.tmp"):
        place.put(name)


@pytest.mark.parametrize(
    "make",
    [
        _link_out_of_the_folder,
        _link_to_itself,
        _link_to_nothing,
        _folder_called_like_a_file,
        _pipe,
        _half_a_download,
    ],
    ids=lambda make: make.__name__.strip("_").replace("_", "-"),
)
def test_what_is_no_finished_file_in_the_folder_is_no_delivery(make: Callable[[Place], None], place: Place) -> None:
    make(place)
    place.put("levering.csv")
    load = place.load()
    assert ([delivery.file for delivery in load.deliveries], load.rows_loaded) == (["levering.csv"], 2)
    assert load.problems == ()


def test_a_link_within_the_folder_is_a_delivery(place: Place) -> None:
    (place.settings.deliveries_dir / "link.csv").symlink_to(place.put("levering.csv"))
    assert place.load().rows_loaded == 4


def test_a_file_that_is_being_written_is_refused_with_a_reason(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    path = place.put("levering.csv")
    original = folder.os.fdopen

    class Growing(io.FileIO):
        """Somebody writes on while it is read."""

        def read(self, size: int | None = -1, /) -> bytes:
            content = super().read(-1 if size is None else size)
            with path.open("ab") as file:
                file.write(b"Uitgeest;2016;30\n")
            return content or b""

    def opened(descriptor: int, *rest: Any, **more: Any) -> Any:
        return Growing(descriptor) if rest == ("rb",) else original(descriptor, *rest, **more)

    monkeypatch.setattr(folder.os, "fdopen", opened)
    load = place.load()
    (problem,) = load.problems
    assert (problem.file, problem.reason) == ("levering.csv", "unfinished_file")
    assert "still being written" in problem.found
    assert load.deliveries == ()


# -- nothing of a person anywhere ----------------------------------------------------------------------


def _sample() -> list[Case]:
    chosen = [case for of in CORPORA[:2] for case in of.cases if case.name in _SAMPLE]
    assert len(chosen) == len(_SAMPLE)
    return chosen


def test_no_bsn_is_in_what_check_prints_nor_in_what_it_leaves(workspace: Workspace, tmp_path: Path) -> None:
    files = []
    for place, case in enumerate(_sample()):
        (tmp_path / str(place)).mkdir()
        files.append(tmp_path / str(place) / f"wmo_circulaire_{case.file_name}")
        files[-1].write_bytes(case.data)
    # With a declaration of its own for each, so that every file is read and not only looked at.
    for suffix, source in ((".csv", "budget_heemskerk"), (".xlsx", "ceo_wmo")):
        chosen = [str(path) for path in files if path.suffix == suffix]
        outcome = workspace.command("check", "--as", source, *chosen)
        printed = outcome.stdout + outcome.stderr
        assert outcome.returncode == 1, printed
        assert printed.count(" in quarantaine; ") == len(chosen), printed
        assert [secret for secret in SECRETS if secret in printed] == []
    assert not workspace.data.exists() or BSN.encode() not in b"".join(
        path.read_bytes() for path in workspace.data.rglob("*") if path.is_file()
    )


def test_no_bsn_is_in_what_a_load_keeps_writes_or_logs(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    told = []
    for number, case in enumerate(_sample()):
        (tmp_path / str(number)).mkdir()
        place = Place(tmp_path / str(number))
        place.put(case.file_name, case.data)
        load = place.load(case)
        assert [problem.reason for problem in load.problems] == ["personal_data"], case.name
        told += [str(load), *(str(table.to_pylist()) for table in load.accounts.values()), str(load.rows.to_pylist())]
        told.append(place.kept().decode("latin-1"))
    told += [caplog.text, *capfd.readouterr()]
    assert [secret for secret in SECRETS if secret in "\n".join(told)] == []
