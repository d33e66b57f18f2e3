"""Three hundred kills in the middle of keeping, loading, publishing and alerting: nothing half-made, nothing lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from pipelines.settings import PROJECT_ROOT

KILLS = int(os.environ.get("NULMETING_CHAOS_KILLS", "300"))
SEED = int(os.environ.get("NULMETING_CHAOS_SEED", "2015"))


@pytest.mark.parametrize("work", ["snapshot", "load", "publication", "outbox"])
def test_a_process_killed_at_any_moment_leaves_all_or_nothing_and_the_next_one_ends_as_if_undisturbed(
    work: str,
) -> None:
    """In a process of its own: a child may only be forked from one in which no database and no server runs."""
    kills = max(1, KILLS // 4)
    outcome = subprocess.run(
        [sys.executable, "-m", "tests.chaos.kills", work, "--kills", str(kills), "--seed", str(SEED)],
        cwd=PROJECT_ROOT,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stderr
    tally = json.loads(outcome.stdout)
    sys.stdout.write(outcome.stdout)
    hits = {name: times for name, times in tally.items() if name not in ("work", "seed", "too late")}
    assert sum(hits.values()) == kills
    # A kill at a random time alone would nearly always miss the gaps.
    assert kills < 20 or all(any(way in name for name in hits) for way in ("a time", "a change", "a line"))
