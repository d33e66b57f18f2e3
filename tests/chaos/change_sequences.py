"""Changes what is delivered, declared or asked for, lets runs do only what that touches, and holds them to a full run.

What belongs here: the kinds of changes, and the comparison: after a row of changes, each with a run of its own, every
table of the marts is that of a run that makes everything anew. What does not: runs that are killed (`whole_runs`).

    python -m tests.chaos.change_sequences --sequences 30 --seed 2015
"""

from __future__ import annotations

import argparse
import datetime as dt
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from pipelines.settings import PROJECT_ROOT
from tests.chaos.forking import in_child
from tests.chaos.table_hashes import TableHash, differences, hashes_of
from tests.chaos.whole_runs import EVERYTHING, import_what_runs_need, run_here, say, with_another_figure
from tests.integration.conftest import Workspace

MOST_CHANGES = 3

_TABLES = ("VB01NED", "VB03NED", "VB05NED")
_FILES = ("vb_klachten_2018_2025.csv", "vb_lasten_2023.csv", "vb_wijkteam_2016_2024.csv")
_FIRST_DAY = dt.date(2026, 7, 1)


class Changes:
    """A workspace that is changed again and again. `finished` is one with a finished run, if any."""

    def __init__(self, folder: Path, seed: int, finished: Path | None) -> None:
        self._chance = random.Random(seed)
        self._workspace = Workspace(folder / "workspace")
        self._today = _FIRST_DAY
        self._false_alarms = 15
        if finished is None:
            shutil.copytree(PROJECT_ROOT / "sources", self._workspace.sources)
            self._run()
        else:
            shutil.copytree(finished, self._workspace.root, symlinks=True)
        self._files = sorted(path for name in _FILES for path in self._workspace.sample.rglob(name))
        self._kinds: tuple[Callable[[], str], ...] = (
            self._figure_of_a_table,
            self._figure_in_a_file,
            self._row_less,
            self._file_away_or_back,
            self._row_that_cannot_be,
            self._decision,
            self._event,
            self._later_day,
            self._threshold,
            self._nothing,
        )

    def sequence(self) -> None:
        """Up to three changes with a run after each, then everything anew: the marts are the same."""
        for _ in range(self._chance.randint(1, MOST_CHANGES)):
            changed = self._chance.choice(self._kinds)()
            seconds = self._run()
            say(f"changed: {changed}; a run of {seconds:.1f} s")
        found = self._hashes()
        seconds = self._run(EVERYTHING)
        expected = self._hashes()
        assert not (odd := differences(found, expected)), "\n".join(odd)
        say(f"as a full run of {seconds:.1f} s: {len(found)} tables")

    def _run(self, flags: Sequence[str] = ()) -> float:
        self._workspace.config = f"false_alarms_per_1000 = {self._false_alarms}\n"
        started = time.monotonic()
        code = in_child(partial(run_here, self._workspace, ("--today", self._today.isoformat(), *flags)))
        assert code in (0, 1), (self._workspace.root / "run.log").read_text(encoding="utf-8")[-3000:]
        return time.monotonic() - started

    def _hashes(self) -> dict[str, TableHash]:
        hashes: dict[str, TableHash] = in_child(partial(hashes_of, self._workspace.published))
        return hashes

    def _figure_of_a_table(self) -> str:
        tables = self._workspace.sample.rglob("Observations*")
        path = self._chance.choice(sorted(path for path in tables if path.parent.name in _TABLES))
        path.write_bytes(with_another_figure(path.read_bytes().decode(), self._chance).encode())
        return f"a figure of {path.parent.name}"

    def _figure_in_a_file(self) -> str:
        path = self._file()
        path.write_bytes(with_another_figure(path.read_bytes().decode(), self._chance).encode())
        return f"a figure in {path.name}"

    def _row_less(self) -> str:
        path = self._file()
        lines = path.read_bytes().splitlines(keepends=True)
        if len(lines) > 20:
            del lines[self._chance.randrange(10, len(lines) - 3)]
        path.write_bytes(b"".join(lines))
        return f"a row less in {path.name}"

    def _file_away_or_back(self) -> str:
        there = self._those_there()
        # The last one stays: other changes need one.
        away = [path for path in self._files if path not in there]
        path = self._chance.choice(self._files if len(there) > 1 else away)
        aside = self._workspace.root / path.name
        if path in there:
            path.rename(aside)
            return f"{path.name} withdrawn"
        aside.rename(path)
        return f"{path.name} back"

    def _row_that_cannot_be(self) -> str:
        path = self._file()
        lines = path.read_bytes().splitlines(keepends=True)
        lines.insert(len(lines) // 2, lines[len(lines) // 2].replace(b";", b";x", 1))
        path.write_bytes(b"".join(lines))
        return f"a row that cannot be in {path.name}"

    def _decision(self) -> str:
        found = self._workspace.rows(
            "select break_id from marts.trend_break where decision is null order by break_id limit 40"
        )
        (break_id,) = self._chance.choice(found)
        path = self._workspace.sources / "catalogue" / "decisions.yml"
        before = path.read_text(encoding="utf-8")
        entry = f"- break_id: {break_id}\n  decision: accepted\n  because: nagezocht\n  who: proef\n"
        entry += f"  when: {self._today.isoformat()}\n"
        path.write_text(before.rstrip().removesuffix("[]") + "\n" + entry, encoding="utf-8")
        return f"a decision on {break_id}"

    def _event(self) -> str:
        path = self._workspace.sources / "catalogue" / "events_voorbeeldland.yml"
        lines = path.read_text(encoding="utf-8").splitlines()
        places = [place for place, line in enumerate(lines) if line.strip().startswith("label_nl:")]
        place = self._chance.choice(places)
        lines[place] = lines[place].rstrip('"') + (" (herzien)" + '"' * lines[place].endswith('"'))
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return "what an event is called"

    def _later_day(self) -> str:
        self._today += dt.timedelta(days=self._chance.choice((1, 20, 100)))
        return f"the day: {self._today}"

    def _threshold(self) -> str:
        self._false_alarms = self._chance.choice((10, 15, 25))
        return f"the threshold for breaks: {self._false_alarms}"

    def _nothing(self) -> str:
        return "nothing"

    def _file(self) -> Path:
        return self._chance.choice(self._those_there())

    def _those_there(self) -> list[Path]:
        return [path for path in self._files if path.is_file()]


def main() -> None:
    """So many rows of changes, and what became of each; ends with a traceback where a table differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sequences", type=int, default=30)
    parser.add_argument("--seed", type=int, default=2015)
    parser.add_argument("--finished", type=Path, help="a workspace with a finished run on the sample, to begin with")
    given = parser.parse_args()
    import_what_runs_need()
    with tempfile.TemporaryDirectory(prefix="nulmeting-changes-") as folder:
        changes = Changes(Path(folder), given.seed, given.finished)
        for number in range(1, given.sequences + 1):
            say(f"\nseed {given.seed}, sequence {number} of {given.sequences}")
            changes.sequence()
    say(f"\n{given.sequences} sequences of changes gave what full runs gave")


if __name__ == "__main__":
    main()
