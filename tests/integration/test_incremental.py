"""What nothing changed for is not made again, and what was changed for is, with the result of a full run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable

from pipelines.run_folder import RunFolder, note_of_holder
from tests.integration.conftest import Workspace

SEQUENCES = int(os.environ.get("NULMETING_CHANGE_SEQUENCES", "1"))
SEED = int(os.environ.get("NULMETING_CHAOS_SEED", "2015"))


def test_a_run_that_changes_nothing_ends_at_once_and_leaves_the_publication(finished_workspace: Workspace) -> None:
    workspace = finished_workspace
    standing = (workspace.data / "published" / "current").resolve()
    # The copy of a finished run lies elsewhere, but what it is made of is the same.
    outcome = workspace.command("run")
    assert outcome.returncode == 0, outcome.stderr
    assert "niets veranderd, niets te doen" in outcome.stdout.splitlines()[0]
    assert (workspace.data / "published" / "current").resolve() == standing
    touched = next(workspace.sample.rglob("vb_klachten*.csv"))
    os.utime(touched)
    assert "niets veranderd" in workspace.command("run").stdout.splitlines()[0], "a time is no change"


def test_what_a_run_found_is_told_by_the_next_one_where_it_was_ended_before_it_could(
    finished_workspace: Workspace,
) -> None:
    """It had published, and so nothing changes any more that would bring a run to look again."""
    workspace = finished_workspace
    told = {path.name for path in (workspace.data / "alerts").glob("*.txt")}
    assert told
    shutil.rmtree(workspace.data / "alerts")
    for path in (workspace.data / "runs").glob("*/findings.json"):
        path.unlink()
    outcome = workspace.command("run")
    assert outcome.returncode == 0, outcome.stderr
    assert "niets veranderd" in outcome.stdout.splitlines()[0]
    assert {path.name for path in (workspace.data / "alerts").glob("*.txt")} == told
    again = workspace.command("run")
    assert "0 verstuurd, 0 wachtend" in again.stdout


def test_a_run_that_was_killed_is_told_by_the_next_one_which_does_its_work(finished_workspace: Workspace) -> None:
    """With nothing changed it would leave open for ever that a run failed."""
    workspace = finished_workspace
    killed = RunFolder(workspace.settings(), "3b0f5a0e-0000-4000-8000-000000000001")
    killed.write("begun", {"with": ""})
    note_of_holder(workspace.settings()).write_text(killed.path.name, encoding="utf-8")
    outcome = workspace.command("run")
    assert outcome.returncode == 0, outcome.stderr
    assert "niets veranderd" not in outcome.stdout.splitlines()[0]
    assert "Nulmeting: run mislukt, 1 nieuwe bevinding" in outcome.stderr
    assert "Nulmeting: 1 bevinding opgelost" in outcome.stderr
    assert not note_of_holder(workspace.settings()).exists()
    assert "niets veranderd" in workspace.command("run").stdout.splitlines()[0]


def test_it_decides_that_without_importing_what_a_run_needs(finished_workspace: Workspace) -> None:
    workspace = finished_workspace
    script = (
        "import sys\n"
        "from pipelines.settings import load_settings\n"
        "from pipelines.reuse.whole_run import unchanged\n"
        "assert unchanged(load_settings()) is not None\n"
        "heavy = {'dagster', 'dbt', 'great_expectations', 'duckdb', 'pyarrow', 'numpy', 'pandas', 'polars'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    outcome = subprocess.run(
        [sys.executable, "-c", script],
        cwd=workspace.root,
        env=workspace.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stderr


def test_every_kind_of_change_is_seen(finished_workspace: Workspace) -> None:
    from pipelines.reuse.whole_run import unchanged

    workspace = finished_workspace
    assert unchanged(workspace.settings()) is not None
    assert unchanged(workspace.settings(today="2027-07-01")) is None, "dates that are named have come"
    assert unchanged(workspace.settings(today="2026-06-30")) is None, "the clock was set back"
    assert unchanged(workspace.settings(false_alarms_per_1000=20.0)) is None
    assert unchanged(workspace.settings(keep_publications=9)) is not None, "nothing of this is published"
    for path in (
        next(workspace.sample.rglob("vb_klachten*.csv")),
        workspace.sources / "catalogue" / "events.yml",
        next((workspace.data / "raw").rglob("snapshot.json")),
        workspace.data / "published" / "nulmeting.duckdb",
    ):
        target = path.resolve()
        whole, mode = target.read_bytes(), target.stat().st_mode
        target.chmod(0o600)
        target.write_bytes(whole + b"\n")
        assert unchanged(workspace.settings()) is None, path
        target.write_bytes(whole)
        target.chmod(mode)
    assert unchanged(workspace.settings()) is not None


def test_sequences_of_changes_give_what_full_runs_give(chaos: Callable[..., str]) -> None:
    """One delivery, declaration, day or setting after the other; thirty such rows by hand: see docs/chaos.md."""
    said = chaos("change_sequences", sequences=SEQUENCES, seed=SEED)
    assert f"{SEQUENCES} sequences of changes gave what full runs gave" in said
