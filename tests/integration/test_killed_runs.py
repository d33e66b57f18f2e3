"""Whole runs that are killed, and runs that start at once: nothing is lost, and nothing is mixed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from pipelines.publish.publication import verify
from pipelines.settings import PROJECT_ROOT
from tests.integration.conftest import NULMETING, Workspace

RUNS = int(os.environ.get("NULMETING_CHAOS_RUNS", "10"))
SEED = int(os.environ.get("NULMETING_CHAOS_SEED", "2015"))


def test_whole_runs_killed_at_any_moment_lose_nothing_and_the_next_run_gives_the_marts_of_an_undisturbed_one(
    sample_run: Workspace, tmp_path: Path
) -> None:
    """What `make chaos` does a hundred times, from the run that other tests share."""
    outcome = subprocess.run(
        [
            *(sys.executable, "-m", "tests.chaos.whole_runs"),
            *("--runs", str(RUNS), "--seed", str(SEED), "--finished", str(sample_run.root)),
        ],
        cwd=PROJECT_ROOT,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    sys.stdout.write(outcome.stdout)
    assert outcome.returncode == 0, outcome.stderr
    assert f"killed {RUNS} runs" in outcome.stdout


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
