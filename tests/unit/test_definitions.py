"""The code location as Dagster and `dg dev` see it. A changed asset key or check name must be meant."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from pipelines.settings import PROJECT_ROOT

pytestmark = pytest.mark.xdist_group("definitions")


@pytest.fixture(scope="module")
def keys() -> dict[str, list[str]]:
    """Asset keys, check names, jobs, schedules and sensors, as a process of its own loads them."""
    script = (
        "import json\n"
        "from pipelines.definitions import defs\n"
        "graph = defs.resolve_asset_graph()\n"
        "print(json.dumps({\n"
        "    'assets': sorted(key.to_user_string() for key in graph.get_all_asset_keys()),\n"
        "    'checks': sorted(f'{k.asset_key.to_user_string()}: {k.name}' for k in graph.asset_check_keys),\n"
        "    'groups': sorted({node.group_name for node in graph.asset_nodes}),\n"
        "    'jobs': sorted(job.name for job in defs.resolve_all_job_defs() if not job.name.startswith('__')),\n"
        "    'schedules': sorted(f'{s.name} {s.default_status.value}' for s in defs.schedules),\n"
        "    'sensors': sorted(f'{s.name} {s.default_status.value}' for s in defs.sensors),\n"
        "    'unbuilt': sorted(k.to_user_string() for k in graph.get_all_asset_keys()\n"
        "                      if not graph.get(k).is_materializable),\n"
        "}))\n"
    )
    outcome = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True
    )
    found: dict[str, list[str]] = json.loads(outcome.stdout.splitlines()[-1])
    return found


def test_asset_keys_and_check_names(keys: dict[str, list[str]], snapshot: SnapshotAssertion) -> None:
    assert {"assets": keys["assets"], "checks": keys["checks"]} == snapshot


def test_a_group_per_layer(keys: dict[str, list[str]]) -> None:
    between = ["benchmark", "breaks", "privacy"]
    layers = ["core", "declared", "geography", "marts", "published", "raw", "staging"]
    assert keys["groups"] == sorted([*between, *layers])


def test_every_asset_in_the_graph_is_made_by_the_project(keys: dict[str, list[str]]) -> None:
    assert keys["unbuilt"] == []


def test_one_job_and_schedules_that_are_off(keys: dict[str, list[str]]) -> None:
    assert keys["jobs"] == ["monitor"]
    assert keys["schedules"] == ["dagelijkse_leveringen STOPPED", "na_de_publicaties STOPPED"]
    assert keys["sensors"] == ["afgebroken_runs RUNNING", "melding_na_mislukte_run RUNNING", "melding_na_run RUNNING"]


def test_dg_check_defs_passes() -> None:
    dg = Path(sys.executable).with_name("dg")
    outcome = subprocess.run([str(dg), "check", "defs"], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
