"""Kills a child in the middle of one piece of work, again and again, and holds it against a twin that nobody disturbs.

What belongs here: when to kill, and what must hold for work of any kind:

- after a kill everything is as before the work or as after it, and nothing goes before its replacement is there;
- the same work again, undisturbed, ends as that of the twin, and leaves nothing behind.

What does not: the work itself (`work_*`). A third of the kills is at a random time, for what DuckDB and SQLite do by
themselves; a third before a random change on the disk, and a third before a random line of the program, which find
the narrow gaps that a random time nearly always misses.

    python -m tests.chaos.kills snapshot --kills 75 --seed 2015
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Protocol

from tests.chaos.forking import ChildFailed, Measured, Moment, in_child, killed, measure

MOST_MISSES = 10
"""So many times the kills that are asked for may come too late before something is wrong with this harness."""


class Work(Protocol):
    """One piece of the program. `home` is a folder of its own, for the disturbed one and for the twin."""

    def kind(self, number: int) -> str:
        """What is done in this round; rounds of one kind take about as long."""

    def prepare(self, home: Path, number: int) -> None:
        """What stands there before the work of a round; never killed."""

    def act(self, home: Path, number: int) -> None:
        """The work of a round; doing it again is no harm."""

    def describe(self, home: Path) -> Mapping[str, object]:
        """All that is visible, checked to be whole, by part; a part that is not there is left out."""

    def leftovers(self, home: Path) -> list[str]:
        """What should be gone once the work was done undisturbed."""

    def close(self) -> None:
        """Stop what was started for the work."""


def kill_again_and_again(work: Work, folder: Path, kills: int, seed: int) -> Counter[str]:
    """Kill `kills` children inside their work; returns how many of each kind, and how many came too late.

    Raises AssertionError with the round and the moment at which something did not hold.
    """
    chance = random.Random(seed)
    disturbed, twin = folder / "disturbed", folder / "twin"
    for home in (disturbed, twin):
        home.mkdir()
    measured: dict[str, Measured] = {}
    tally: Counter[str] = Counter()
    number = 0
    while tally.total() - tally["too late"] < kills:
        if tally["too late"] > MOST_MISSES * kills:
            raise AssertionError(f"{tally['too late']} of the kills came too late: {tally}")
        kind = work.kind(number)
        in_child(partial(_prepare, work, (disturbed, twin), number))
        act = partial(work.act, disturbed, number)
        way, moment = "undisturbed", Moment()
        if kind in measured:
            way, moment = _some_moment(measured[kind], number, chance)
            tally[f"{kind}, {way}" if killed(act, disturbed, moment) else "too late"] += 1
        else:
            # The first of its kind is not disturbed: it tells how long the others will be at work.
            measured[kind] = measure(act, disturbed)
        try:
            in_child(partial(hold_against, work, disturbed, twin, number))
        except ChildFailed as error:
            where = f"seed {seed}, round {number} ({kind}), {way} {moment}"
            raise AssertionError(f"{where}\n{error}") from None
        number += 1
    return tally


def _prepare(work: Work, homes: Iterable[Path], number: int) -> None:
    for home in homes:
        work.prepare(home, number)


def hold_against(work: Work, disturbed: Path, twin: Path, number: int) -> None:
    """What must hold after the work of a round was killed, and after it was done again."""
    before = work.describe(twin)
    work.act(twin, number)
    after = work.describe(twin)
    assert after != before, "the work of this round changes nothing: no kill could be seen"

    found = work.describe(disturbed)
    done: set[str] = set()
    still_there: set[str] = set()
    for part in before.keys() | found.keys() | after.keys():
        was, seen, will = before.get(part), found.get(part), after.get(part)
        assert seen in (was, will), f"{part}: found {seen}, expected {was} or {will}"
        if was != will:
            (done if seen == will else still_there).add(part)
    gone = {part for part in done if part not in after}
    waiting = {part for part in still_there if part in after}
    assert not (gone and waiting), f"{sorted(gone)} went before {sorted(waiting)} came"

    work.act(disturbed, number)
    again = work.describe(disturbed)
    odd = [part for part in again.keys() | after.keys() if again.get(part) != after.get(part)]
    assert not odd, f"done again: {[(part, again.get(part), after.get(part)) for part in odd]}"
    left_over = work.leftovers(disturbed)
    assert not left_over, f"left over: {left_over}"


def _some_moment(measured: Measured, number: int, chance: random.Random) -> tuple[str, Moment]:
    match number % 3:
        case 0:
            return "at a time", Moment(seconds=chance.uniform(0.0, measured.seconds))
        case 1:
            return "at a change", Moment(event=chance.randint(1, measured.events))
        case _:
            # Every line is as likely, however often it is run: the gaps lie between lines that are run once.
            line = chance.choice(sorted(measured.lines))
            return "at a line", Moment(line=line, nth=chance.randint(1, measured.lines[line]))


def main() -> None:
    """Kill one kind of work, and print the tally as JSON."""
    from tests.chaos.works import WORKS

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", choices=sorted(WORKS))
    parser.add_argument("--kills", type=int, default=75)
    parser.add_argument("--seed", type=int, default=2015)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nulmeting-chaos-") as folder:
        work = WORKS[given.work](Path(folder))
        try:
            tally = kill_again_and_again(work, Path(folder), given.kills, given.seed)
        finally:
            work.close()
    sys.stdout.write(json.dumps({"work": given.work, "seed": given.seed, **dict(sorted(tally.items()))}) + "\n")


if __name__ == "__main__":
    main()
