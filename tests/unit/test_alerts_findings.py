"""The file between the checks and the alerts: what goes in comes out, nothing personal or broken passes."""

from __future__ import annotations

import datetime as dt
import json
import math
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.alerts.findings import HIDDEN, AlertError, Finding, RunFindings, clean_text

FINISHED = dt.datetime(2026, 3, 1, 9, 30, tzinfo=dt.UTC)


def a_finding(**changes: object) -> Finding:
    values: dict[str, object] = {
        "check": "marts_break_explained",
        "severity": "warning",
        "key": "GM0383|wmo_hulp|2016H2",
        "title_nl": "Onverklaarde sprong van 41%",
        "cause_nl": "Een andere telwijze bij de aanbieder",
        "next_step_nl": "Vraag het na bij de gemeente",
    }
    return Finding(**(values | changes))  # type: ignore[arg-type]


def a_run(*findings: Finding, **changes: object) -> RunFindings:
    values: dict[str, object] = {
        "run_id": "run-1",
        "finished_at": FINISHED,
        "evaluated_checks": frozenset(finding.check for finding in findings),
        "findings": findings,
    }
    return RunFindings(**(values | changes))  # type: ignore[arg-type]


names = st.text(st.characters(exclude_characters="|", exclude_categories=("Cc", "Cs")), min_size=1).filter(
    lambda name: name.strip() != "" and name != "run"
)
values = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text())
findings = st.builds(
    a_finding,
    check=names,
    severity=st.sampled_from(["blocking", "error", "warning"]),
    key=st.text(min_size=1),
    title_nl=st.text(),
    region_code=st.none() | st.text(),
    rows=st.lists(st.dictionaries(st.text(), values, max_size=3), max_size=3).map(tuple),
)


@given(st.lists(findings, max_size=4), st.integers(0, 10**6))
def test_a_run_reads_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, found: list[Finding], quarantined: int
) -> None:
    path = tmp_path_factory.mktemp("run") / "findings.json"
    run = a_run(*found, quarantined=quarantined)
    run.write(path)
    assert RunFindings.read(path) == run


@given(st.text())
def test_cleaned_text_is_one_printable_line_and_stays_as_it_is_when_cleaned_again(text: str) -> None:
    cleaned = clean_text(text)
    assert len(cleaned.splitlines()) <= 1
    assert clean_text(cleaned) == cleaned


def test_writing_leaves_no_temporary_file_and_replaces_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "findings.json"
    a_run(a_finding()).write(path)
    a_run(run_id="run-2").write(path)
    assert [file.name for file in path.parent.iterdir()] == ["findings.json"]
    assert RunFindings.read(path).run_id == "run-2"


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"run_id": "x"}', '{"run_id": 1, "findings": 3}'])
def test_a_file_that_holds_no_findings_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "findings.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(AlertError, match=r"findings\.json: not a findings file"):
        RunFindings.read(path)


def test_an_absent_file_is_told_apart_from_a_broken_one(tmp_path: Path) -> None:
    with pytest.raises(AlertError, match="no findings of a run here"):
        RunFindings.read(tmp_path / "findings.json")


def test_a_broken_file_is_not_quoted_in_the_error(tmp_path: Path) -> None:
    path = tmp_path / "findings.json"
    path.write_text('{"run_id": "r", "finished_at": "Jan Jansen"}', encoding="utf-8")
    with pytest.raises(AlertError) as caught:
        RunFindings.read(path)
    assert "Jansen" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("klant 111222333 staat dubbel", f"klant {HIDDEN} staat dubbel"),
        ("bsn_111222333", f"bsn_{HIDDEN}"),
        ("111222333.", f"{HIDDEN}."),
        ("111222334 is geen bsn", "111222334 is geen bsn"),
        ("0.111222333", "0.111222333"),
        ("1,111222333,2019-01-01", f"1,{HIDDEN},2019-01-01"),
        ("111222333,999999990", f"{HIDDEN},{HIDDEN}"),
        ("a111222333", f"a{HIDDEN}"),
        ("1111222333", "1111222333"),
        ("checksum a111222333f", "checksum a111222333f"),
        ("bedrag 000000000", "bedrag 000000000"),
    ],
)
def test_a_citizen_service_number_is_hidden_and_other_figures_are_not(text: str, expected: str) -> None:
    assert clean_text(text) == expected


def test_personal_columns_of_a_failing_row_are_left_out_whatever_their_case(tmp_path: Path) -> None:
    row = {
        "BSN": 111222333,
        "naam": "Jan",
        " Geboortedatum ": "1980-01-01",
        "raw_text": "Jan;1980",
        "line": 7,
    }
    path = tmp_path / "findings.json"
    a_run(a_finding(rows=(row,))).write(path)
    assert json.loads(path.read_text(encoding="utf-8"))["findings"][0]["rows"] == [{"line": 7}]


def test_rows_become_plain_values() -> None:
    row = {
        "int": np.int64(3),
        "float": np.float64(1.5),
        "nan": math.nan,
        "infinite": np.float32("inf"),
        "flag": np.bool_(True),
        "day": dt.date(2016, 7, 1),
        "amount": Decimal("1.10"),
        "none": None,
    }
    assert a_finding(rows=(row,)).rows == (
        {
            "int": 3,
            "float": 1.5,
            "nan": None,
            "infinite": None,
            "flag": True,
            "day": "2016-07-01",
            "amount": "1.10",
            "none": None,
        },
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"check": "a|b"}, "without '|'"),
        ({"check": ""}, "without '|'"),
        ({"key": ""}, "without a key"),
        ({"severity": "fatal"}, "severity 'fatal'"),
    ],
)
def test_a_finding_that_cannot_be_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        a_finding(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"run_id": ""}, "without a usable id"),
        ({"run_id": "a\nb"}, "without a usable id"),
        ({"finished_at": dt.datetime(2026, 3, 1)}, "no time zone"),  # noqa: DTZ001
        ({"status": "failed"}, "failed step None"),
        ({"failed_step": "dbt"}, "failed step 'dbt'"),
        ({"status": "broken"}, "status 'broken'"),
        ({"evaluated_checks": frozenset({"run"})}, "taken by the run itself"),
    ],
)
def test_findings_of_a_run_that_cannot_be_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        a_run(**changes)


def test_a_failed_run_is_a_finding_of_its_own_named_after_the_step() -> None:
    failing = a_run(a_finding(), status="failed", failed_step="dbt_build").failing()
    assert list(failing) == ["run|failed|dbt_build", "marts_break_explained|GM0383|wmo_hulp|2016H2"]
    assert failing["run|failed|dbt_build"].severity == "blocking"


def test_two_findings_with_one_key_count_as_the_first() -> None:
    failing = a_run(a_finding(title_nl="eerst"), a_finding(title_nl="later")).failing()
    assert [finding.title_nl for finding in failing.values()] == ["eerst"]


def test_importing_the_package_loads_no_channel_library() -> None:
    code = (
        "import sys, pipelines.alerts.dispatch, pipelines.alerts.channels, pipelines.alerts.outbox;"
        "import pipelines.cli_alerts;"
        "heavy = {'apprise', 'httpx', 'jinja2', 'requests', 'rich', 'filelock', 'dagster', 'numpy'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
