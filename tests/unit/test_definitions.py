"""The code location as Dagster and `dg dev` see it. A changed asset key or check name must be meant."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from pipelines.defs.raw import GEOGRAPHY
from pipelines.settings import PROJECT_ROOT

pytestmark = pytest.mark.xdist_group("definitions")


@pytest.fixture(scope="module")
def keys() -> dict[str, list[str]]:
    """Asset keys, check names, jobs, schedules and sensors, as a process of its own loads them."""
    script = (
        "import json\n"
        "from pipelines.definitions import defs\n"
        "graph = defs.resolve_asset_graph()\n"
        "jobs = {job.name: job for job in defs.resolve_all_job_defs() if not job.name.startswith('__')}\n"
        "print(json.dumps({\n"
        "    'assets': sorted(key.to_user_string() for key in graph.get_all_asset_keys()),\n"
        "    'checks': sorted(f'{k.asset_key.to_user_string()}: {k.name}' for k in graph.asset_check_keys),\n"
        "    'groups': sorted({node.group_name for node in graph.asset_nodes}),\n"
        "    'jobs': sorted(jobs),\n"
        "    'schedules': sorted(f'{s.name} {s.default_status.value}' for s in defs.schedules),\n"
        "    'sensors': sorted(f'{s.name} {s.default_status.value}' for s in defs.sensors),\n"
        "    **{f'of {name}': sorted(key.to_user_string() for key in job.asset_layer.selected_asset_keys)\n"
        "       for name, job in jobs.items()},\n"
        "    **{f'checks of {name}': sorted(f'{k.asset_key.to_user_string()}: {k.name}'\n"
        "                                  for k in job.asset_layer.asset_graph.asset_check_keys)\n"
        "       for name, job in jobs.items()},\n"
        "    'tags': sorted(set.intersection(*(set(job.tags) for job in jobs.values()))),\n"
        "    'fresh': sorted(node.key.to_user_string() for node in graph.asset_nodes if node.freshness_policy),\n"
        "    'fetched': sorted(node.key.to_user_string() for node in graph.asset_nodes if 'api' in node.kinds),\n"
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
    assert keys["groups"] == sorted([*between, *layers, "looking_back"])


def test_every_asset_in_the_graph_is_made_by_the_project(keys: dict[str, list[str]]) -> None:
    assert keys["unbuilt"] == []


def test_jobs_and_what_starts_them(keys: dict[str, list[str]]) -> None:
    assert keys["jobs"] == ["deliveries", "looking_back", "monitor", "publish"]
    assert keys["schedules"] == [
        "dagelijkse_leveringen STOPPED",
        "na_de_iv3_kwartalen STOPPED",
        "na_de_jeugdcijfers STOPPED",
        "na_de_publicaties STOPPED",
        "na_de_uiterste_dagen STOPPED",
    ]
    assert keys["sensors"] == [
        "afgebroken_runs RUNNING",
        "gewijzigde_cbs_tabellen STOPPED",
        "melding_na_mislukte_run RUNNING",
        "melding_na_run RUNNING",
        "nieuwe_bestanden STOPPED",
        "wachtende_meldingen RUNNING",
    ]


def test_what_each_job_makes(keys: dict[str, list[str]]) -> None:
    parts = {name.removeprefix("of "): set(made) for name, made in keys.items() if name.startswith("of ")}
    every = set(keys["assets"])
    assert parts["looking_back"] == {"published/as_of"}
    assert parts["monitor"] == every - {"published/as_of"}
    assert parts["publish"] == {"published/nulmeting"}
    # What comes from publishers stands, and what is made of nothing else.
    not_made = every - parts["deliveries"]
    assert {*keys["fetched"], *(f"raw/{name}" for name in GEOGRAPHY)} <= not_made
    assert {key.partition("/")[0] for key in not_made} == {"raw", "core", "published"}
    assert {key for key in not_made if key.startswith("core/")} == {
        "core/budget_item",
        "core/neighbourhood",
        "core/neighbourhood_link",
    }
    for name in ("monitor", "deliveries", "publish"):
        assert keys[f"checks of {name}"] == keys["checks"], "what is published was checked in every layer"


def test_every_run_is_labelled(keys: dict[str, list[str]]) -> None:
    assert keys["tags"] == ["nulmeting/launched_by", "nulmeting/profile", "nulmeting/release", "nulmeting/revision"]


def test_sources_marts_and_the_published_set_say_how_old_they_may_become(keys: dict[str, list[str]]) -> None:
    marts = {key for key in keys["assets"] if key.startswith("marts/")}
    assert {*marts, "published/nulmeting", "raw/vb_wmo", "raw/vb_grootboek"} <= set(keys["fresh"])
    assert "raw/finance_buch" in keys["fresh"] and "core/observation" not in keys["fresh"]


def test_dg_check_defs_passes() -> None:
    dg = Path(sys.executable).with_name("dg")
    outcome = subprocess.run([str(dg), "check", "defs"], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
