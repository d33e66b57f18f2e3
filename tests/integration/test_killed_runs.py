"""A run that is killed leaves the publication as it was, and the next run succeeds."""

from __future__ import annotations

import random
import signal
import subprocess
import time

from pipelines.publish.publication import verify
from tests.integration.conftest import NULMETING, Workspace

KILLS = 5


def test_kill_at_any_moment_leaves_a_readable_publication(finished_workspace: Workspace) -> None:
    workspace = finished_workspace
    whole = float((workspace.root / "seconds.txt").read_text(encoding="utf-8"))
    moments = random.Random(2015)
    for _ in range(KILLS):
        before = workspace.value("select count(*) from marts.observation")
        process = subprocess.Popen(
            [str(NULMETING), "run"],
            cwd=workspace.root,
            env=workspace.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(moments.uniform(0.2, 1.0) * whole)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert workspace.value("select count(*) from marts.observation") == before
        assert verify(workspace.data / "published" / "current") == []
    outcome = workspace.command("run")
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def test_two_runs_at_once_do_not_mix(finished_workspace: Workspace) -> None:
    workspace = finished_workspace
    first = subprocess.Popen(
        [str(NULMETING), "run"],
        cwd=workspace.root,
        env=workspace.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    second = workspace.command("run")
    first.communicate(timeout=300)
    assert sorted([first.returncode, second.returncode]) in ([0, 0], [0, 3])
    assert verify(workspace.data / "published" / "current") == []
