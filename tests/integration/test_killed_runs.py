"""Whole runs that are killed, and runs that start at once: nothing is lost, and nothing is mixed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable

from pipelines.publish.publication import verify
from tests.integration.conftest import NULMETING, Workspace

RUNS = int(os.environ.get("NULMETING_CHAOS_RUNS", "10"))
SEED = int(os.environ.get("NULMETING_CHAOS_SEED", "2015"))


def test_whole_runs_killed_at_any_moment_lose_nothing_and_the_next_run_gives_the_marts_of_an_undisturbed_one(
    chaos: Callable[..., str],
) -> None:
    """What `make chaos` does a hundred times, from the run that other tests share."""
    said = chaos("whole_runs", runs=RUNS, seed=SEED)
    assert f"killed {RUNS} runs" in said


def test_two_runs_at_once_do_not_mix(finished_workspace: Workspace) -> None:
    """Both begin before either holds the lock: the later one waits a moment, or says why it does not go on."""
    workspace = finished_workspace
    published = workspace.value("select count(*) from marts.observation")
    both = [
        subprocess.Popen(
            [str(NULMETING), "run", "--select", 'key:"raw/vb_klachten"'],
            cwd=workspace.root,
            env=workspace.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    told = [process.communicate(timeout=300) for process in both]
    codes = sorted(process.returncode for process in both)
    assert codes in ([0, 0], [0, 3]), told
    if codes == [0, 3]:
        assert any("nother run is writing" in errors for _, errors in told), told
    assert verify(workspace.data / "published" / "current") == []
    assert workspace.value("select count(*) from marts.observation") == published
    assert not (workspace.data / ".run.holder").exists()
