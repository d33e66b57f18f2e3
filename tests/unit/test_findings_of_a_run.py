"""What a run says of its checks: which ran, and which there are."""

from __future__ import annotations

from pathlib import Path

from pipelines.alerts.findings import RunFindings
from pipelines.findings import STEPS, write_findings
from pipelines.run_folder import RunFolder
from pipelines.settings import Settings


def told(data_dir: Path, steps: tuple[str, ...]) -> RunFindings:
    """The findings of a run that came to `steps`, of which the second check of each could not be evaluated."""
    settings = Settings(data_dir=data_dir)
    folder = RunFolder(settings, "run-1")
    folder.write("publication", {})
    for step in steps:
        results = [{"check": f"{step}_one"}, {"check": f"{step}_two"}]
        values = {"sources": ["bag", "wmo"], "evaluated": [f"{step}_one"], "findings": [], "results": results}
        folder.write(f"checks_{step}", values)
    path = write_findings(settings, "run-1", None)
    assert path is not None
    return RunFindings.read(path)


def test_a_run_of_all_steps_knows_every_check_also_those_that_could_not_be_evaluated(tmp_path: Path) -> None:
    run = told(tmp_path, STEPS)
    assert run.evaluated_checks == {f"{step}_one" for step in STEPS}
    assert run.known_checks == {f"{step}_{number}" for step in STEPS for number in ("one", "two")}
    assert run.known_sources == {"bag", "wmo"}


def test_a_run_of_some_steps_does_not_know_which_checks_there_are(tmp_path: Path) -> None:
    run = told(tmp_path, STEPS[1:])
    assert run.evaluated_checks == {"core_one", "marts_one"}
    assert (run.known_checks, run.known_sources) == (None, None)
