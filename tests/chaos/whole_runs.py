"""Kills whole runs, with all that they started, and holds what comes after against a twin that nobody disturbs.

What belongs here: changing deliveries, starting and killing runs, and what must hold: after every kill the published
file opens and its checksums hold, and no vintage that was ever whole is gone; after the next run that is let to its
end, every table of the marts, every vintage and every change that was alerted is that of the twin. What does not:
kills inside one piece of work (`kills`).

A round changes a figure of Voorbeeldland or nothing at all; then a run is killed, in two of three rounds the runs that
repair it as well, and after those one ends. Some kills fall at any time, some in the last third of a run, and some
before one of its changes to the publication or to the alerts.

    python -m tests.chaos.whole_runs --runs 100 --seed 2015
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from pipelines.alerts.findings import RUN_CHECK
from pipelines.settings import PROJECT_ROOT
from tests.chaos.collector import Collector
from tests.chaos.forking import Moment, in_child, killed, on_events
from tests.chaos.table_hashes import TableHash, differences, hashes_of
from tests.integration.conftest import Workspace

_FIGURES = ("VB01NED", "VB03NED", "VB05NED")
_COMPLAINTS = Path("municipal") / "vb_klachten_2018_2025.csv"
_WATCHED = ("published", "alerts")
EVERYTHING = ("--full",)
_WAYS = ("any time", "last third", "published", "alerts")


@dataclass(frozen=True)
class Ended:
    """A run that ended by itself: its exit code, its seconds, and its changes to the folders that are watched."""

    exit_code: int
    seconds: float
    events: dict[str, int]


@dataclass
class Seen:
    """What was whole at some moment: each vintage by its folder, with the files that belong to it."""

    vintages: dict[str, list[str]] = field(default_factory=dict)


class Chaos:
    """A data directory whose runs are killed, and its twin. `finished` is a workspace with a finished run, if any."""

    def __init__(self, folder: Path, seed: int, finished: Path | None) -> None:
        self._chance = random.Random(seed)
        self._collector = Collector(folder / "taken")
        self._disturbed, self._twin = (self._workspace(folder / name) for name in ("disturbed", "twin"))
        self._seen = Seen()
        self._originals: dict[Path, str] = {}
        self._told = {"disturbed": 0, "twin": 0}
        if finished is None:
            shutil.copytree(PROJECT_ROOT / "sources", self._disturbed.root / "sources")
            self._measured: Ended | None = self._to_its_end(self._disturbed)
        else:
            shutil.copytree(finished, self._disturbed.root, symlinks=True, dirs_exist_ok=True)
            self._measured = None
        shutil.copytree(self._disturbed.root, self._twin.root, symlinks=True, dirs_exist_ok=True)
        self._told["disturbed"] = len(self._collector.taken("webhook", "disturbed"))
        self._expected: dict[str, TableHash] = self._hashes(self._twin)

    def close(self) -> None:
        self._collector.close()

    def round(self, most_kills: int) -> tuple[int, int]:
        """Change, kill up to five runs, let one come to its end; returns the kills and those that came too late."""
        # Without a run of its own to go by, the first round needs one of the twin.
        is_changed = self._measured is None or self._chance.random() < 0.5
        flags: tuple[str, ...] = ()
        if is_changed:
            say(f"changed: {self._change()}")
            self._measured = self._to_its_end(self._twin)
            self._expected = self._hashes(self._twin)
        else:
            flags = EVERYTHING
        hits = misses = 0
        for nth in range(min(most_kills, self._chance.choice((1, 3, 5)))):
            hit = self._kill(flags, is_repair=nth > 0 and not flags)
            hits, misses = hits + hit, misses + (not hit)
            flags = () if hit else EVERYTHING
        ended = self._to_its_end(self._disturbed)
        assert ended.exit_code == 0, f"the run after a kill ended with {ended.exit_code}: {self._log(self._disturbed)}"
        self._hold()
        self._hold_same()
        return hits, misses

    def _kill(self, flags: Sequence[str], *, is_repair: bool) -> bool:
        assert self._measured is not None
        way = self._chance.choice(_WAYS)
        folder = self._disturbed.data / way
        if way in _WATCHED and self._measured.events[way]:
            events = self._measured.events[way]
            # What was published and not yet told is a short moment, and the one at which something could stay untold.
            first = way == "alerts" and self._chance.random() < 0.5
            moment = Moment(event=1 if first else self._chance.randint(1, events))
        else:
            # A run that repairs has less to do, so that later moments would mostly miss it.
            part = (0.05, 0.6) if is_repair else (0.67, 1.0) if way == "last third" else (0.05, 1.0)
            moment = Moment(seconds=self._chance.uniform(*part) * self._measured.seconds)
        started = time.monotonic()
        hit = killed(partial(run_here, self._disturbed, flags), folder, moment)
        where = f"{moment.seconds:.1f} s" if moment.seconds is not None else f"change {moment.event}"
        took = time.monotonic() - started
        say(f"{'killed' if hit else 'too late'}: {' '.join(('run', *flags))}, {way}, {where}, after {took:.1f} s")
        self._hold()
        return hit

    def _hold(self) -> None:
        """What must hold at every moment, whatever was killed."""
        self._seen = in_child(partial(_look_at, self._disturbed, self._seen))

    def _hold_same(self) -> None:
        """What must be as in the twin once a run has come to its end."""
        found = self._hashes(self._disturbed)
        assert not (odd := differences(found, self._expected)), "\n".join(odd)
        in_twin = in_child(partial(_look_at, self._twin, Seen()))
        assert self._seen == in_twin, f"vintages: {sorted(self._seen.vintages.keys() ^ in_twin.vintages.keys())}"
        alerted = {name: self._alerted(name) for name in self._told}
        assert alerted["disturbed"] == alerted["twin"], f"alerted: {alerted}"
        say(f"as the twin: {len(found)} tables, {len(in_twin.vintages)} vintages, {alerted['twin']}")

    def _alerted(self, name: str) -> tuple[list[str], list[str]]:
        """What was told as new and as resolved since the last time, each message once; a doubled one tells the same.

        That a run was killed, and that it is over, is told as well, and never of the twin.
        """
        told = self._collector.taken("webhook", name)
        earlier = {one["message_id"] for one in told[: self._told[name]]}
        by_id: dict[str, tuple[list[str], list[str]]] = {}
        for one in told[self._told[name] :]:
            assert one["message_id"] not in earlier, "what was sent rounds ago came again"
            content = (one["new"], one["resolved"])
            assert by_id.setdefault(one["message_id"], content) == content, "one id with two contents"
        self._told[name] = len(told)
        new, resolved = (
            sorted(key for content in by_id.values() for key in content[which] if not key.startswith(f"{RUN_CHECK}|"))
            for which in (0, 1)
        )
        return new, resolved

    def _change(self) -> str:
        """Another figure in both workspaces, or a file as it was delivered first."""
        if self._originals and self._chance.random() < 0.3:
            changed = self._chance.choice(sorted(self._originals))
            text = self._originals.pop(changed)
        else:
            tables = [
                path.relative_to(self._disturbed.sample) for path in self._disturbed.sample.rglob("Observations*")
            ]
            of_figures = sorted(path for path in tables if path.parent.name in _FIGURES)
            # Half of the changes touch little, as most deliveries do: what is made of them is soon made again.
            changed = self._chance.choice([self._chance.choice(of_figures), _COMPLAINTS])
            before = (self._disturbed.sample / changed).read_bytes().decode()
            self._originals.setdefault(changed, before)
            text = with_another_figure(before, self._chance)
        for workspace in (self._disturbed, self._twin):
            (workspace.sample / changed).write_bytes(text.encode())
        return str(changed)

    def _to_its_end(self, workspace: Workspace) -> Ended:
        ended: Ended = in_child(partial(_measured_run, workspace))
        say(f"{workspace.root.name}: a run of {ended.seconds:.1f} s, exit code {ended.exit_code}, {ended.events}")
        return ended

    def _hashes(self, workspace: Workspace) -> dict[str, TableHash]:
        hashes: dict[str, TableHash] = in_child(partial(hashes_of, workspace.published))
        return hashes

    def _workspace(self, root: Path) -> Workspace:
        root.mkdir()
        address = self._collector.webhook(root.name)
        return Workspace(root, f'[[channels]]\nname = "haak"\nkind = "webhook"\nurl = "{address}"\n')

    @staticmethod
    def _log(workspace: Workspace) -> str:
        return (workspace.root / "run.log").read_text(encoding="utf-8")[-3000:]


def with_another_figure(text: str, chance: random.Random) -> str:
    """One figure of one municipality of Voorbeeldland, some times as high."""
    pattern = r'"Value": ?(\d+)(?=[^\n]*"VB0\d{3}")' if text.startswith("{") else r"(?<=;)(\d+)(?=\r?$)"
    found = chance.choice(list(re.finditer(pattern, text, re.MULTILINE)))
    return text[: found.start(1)] + str(int(found[1]) * chance.choice((2, 5, 10)) + 1) + text[found.end(1) :]


def _look_at(workspace: Workspace, before: Seen) -> Seen:
    """Raises AssertionError where what is published does not hold, or what was ever whole is not."""
    from pipelines.connectors.snapshot import SnapshotStore
    from pipelines.publish.publication import verify

    assert workspace.value("select count(*) from marts.observation") > 0
    assert verify(workspace.data / "published" / "current") == []
    store = SnapshotStore(workspace.data / "raw")
    found: dict[str, list[str]] = {}
    for source in sorted((workspace.data / "raw").glob("[!.]*/")):
        for snapshot in store.list(source.name):
            store.verify(snapshot)
            place = snapshot.folder.relative_to(workspace.data).as_posix()
            found[place] = [file.sha256 for file in (*snapshot.files, *snapshot.in_place_of_bytes)]
    lost = {place for place, files in before.vintages.items() if found.get(place) != files}
    assert not lost, f"vintages that were whole and are not: {sorted(lost)}"
    return Seen(found)


def _measured_run(workspace: Workspace) -> Ended:
    events = dict.fromkeys(_WATCHED, 0)

    def counted(name: str) -> None:
        events[name] += 1

    for name in _WATCHED:
        on_events(workspace.data / name, partial(counted, name))
    started = time.monotonic()
    code = run_here(workspace)
    return Ended(code, time.monotonic() - started, events)


def run_here(workspace: Workspace, flags: Sequence[str] = ()) -> int:
    """What the command line does, in this process, which is a child; returns its exit code."""
    os.environ.update(workspace.environment())
    os.chdir(workspace.root)
    descriptor = os.open(workspace.root / "run.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    sys.argv = ["nulmeting", "run", *flags]
    from pipelines.cli import main

    try:
        main()
    except SystemExit as ended:
        sys.stdout.flush()
        return int(ended.code or 0)
    return 0


def import_what_runs_need() -> None:
    """Once, and not in every child; nothing of it is started."""
    import dagster_dbt
    import dbt.cli.main
    import great_expectations
    import pandas
    import polars
    import scipy.stats

    import pipelines.main_job  # noqa: F401

    assert all((dagster_dbt, dbt.cli.main, great_expectations, pandas, polars, scipy.stats))


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Kill so many runs, and say what happened; ends with a traceback where something did not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=100, help="how many runs are killed")
    parser.add_argument("--seed", type=int, default=2015)
    parser.add_argument("--finished", type=Path, help="a workspace with a finished run on the sample, to begin with")
    given = parser.parse_args()
    import_what_runs_need()
    hits = misses = 0
    with tempfile.TemporaryDirectory(prefix="nulmeting-chaos-") as folder:
        chaos = Chaos(Path(folder), given.seed, given.finished)
        try:
            while hits < given.runs:
                say(f"\nseed {given.seed}, {hits} of {given.runs} killed")
                hit, miss = chaos.round(given.runs - hits)
                hits, misses = hits + hit, misses + miss
        finally:
            chaos.close()
    say(f"\nkilled {hits} runs, {misses} ended before they could be; nothing was lost")


if __name__ == "__main__":
    main()
