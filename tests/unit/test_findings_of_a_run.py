"""What a run says of its checks: which ran, and which there are."""

from __future__ import annotations

from pathlib import Path

from pipelines.alerts.findings import RunFindings
from pipelines.declarations.load import load_declarations
from pipelines.findings import STEPS, write_findings
from pipelines.run_folder import RunFolder
from pipelines.settings import PROJECT_ROOT, Settings


def told(data_dir: Path, steps: tuple[str, ...], sources: Path = PROJECT_ROOT / "sources") -> RunFindings:
    """The findings of a run that came to `steps`, of which the second check of each could not be evaluated."""
    settings = Settings(data_dir=data_dir / "data", sources_dir=sources)
    folder = RunFolder(settings, "run-1")
    folder.write("publication", {})
    for step in steps:
        results = [{"check": f"{step}_one"}, {"check": f"{step}_two"}]
        folder.write(f"checks_{step}", {"evaluated": [f"{step}_one"], "findings": [], "results": results})
    path = write_findings(settings, "run-1", None)
    assert path is not None
    return RunFindings.read(path)


def test_a_run_of_all_steps_knows_every_check_also_those_that_could_not_be_evaluated(tmp_path: Path) -> None:
    run = told(tmp_path, STEPS)
    assert run.evaluated_checks == {f"{step}_one" for step in STEPS}
    assert run.known_checks == {f"{step}_{number}" for step in STEPS for number in ("one", "two")}


def test_a_run_of_some_steps_does_not_know_which_checks_there_are(tmp_path: Path) -> None:
    run = told(tmp_path, STEPS[1:])
    assert run.evaluated_checks == {"core_one", "marts_one"}
    assert run.known_checks is None


def test_the_sources_of_a_run_are_those_that_are_declared_also_by_their_rhythm_alone(tmp_path: Path) -> None:
    (rhythm, *_) = load_declarations(PROJECT_ROOT / "sources", "sample").rhythms
    known = told(tmp_path, STEPS).known_sources
    assert known is not None
    assert {"vb_wmo", rhythm.source_id} <= known


def test_declarations_that_became_wrong_during_a_run_cost_no_finding_and_withdraw_none(tmp_path: Path) -> None:
    sources = tmp_path / "sources"
    (sources / "municipal").mkdir(parents=True)
    (sources / "municipal" / "proef.yml").write_text("source_id: [", encoding="utf-8")
    assert told(tmp_path, STEPS, sources).known_sources is None
