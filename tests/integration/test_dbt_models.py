"""The unit tests of the dbt models, which stand beside the models, and the models on a warehouse without a single row.

What belongs here: running them once and reporting each by its name. What does not: what a model must do; that is
said in the `unit_tests` of its own file.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
import yaml

from pipelines.benchmark.result import SCHEMAS as BENCHMARK
from pipelines.breaks.identity import NAMED_SCHEMA
from pipelines.breaks.result import ATTRIBUTION_SCHEMA, DETECTABLE_SCHEMA, EVENT_SCHEMA
from pipelines.declarations.declared_schema import SCHEMAS
from pipelines.declarations.load import load_declarations
from pipelines.geography.tables import SCHEMAS as GEOGRAPHY
from pipelines.periods import PERIOD_SCHEMA
from pipelines.privacy.suppression import SHOWN_SCHEMA
from pipelines.settings import PROJECT_ROOT
from pipelines.step_timings import step_schema
from pipelines.warehouse.client_events import create_client_events
from pipelines.warehouse.connection import connect
from pipelines.warehouse.figures import create_figures
from pipelines.warehouse.load import replace_tables
from pipelines.warehouse.raw_tables import ACCOUNTS

pytestmark = pytest.mark.xdist_group("dbt")

DBT_PROJECT = PROJECT_ROOT / "dbt_project"
SETTING = pa.schema([("today", pa.date32()), ("reference_year", pa.int32()), ("price_year", pa.int32())])


def _unit_tests() -> Iterator[tuple[str, str]]:
    for path in sorted((DBT_PROJECT / "models").rglob("*.yml")):
        for test in yaml.safe_load(path.read_text(encoding="utf-8")).get("unit_tests", ()):
            yield test["model"], test["name"]


UNIT_TESTS = list(_unit_tests())


@dataclass(frozen=True)
class Build:
    """What dbt said: per node of the project its status and message; and the warehouse it made."""

    results: dict[str, tuple[str, str]]
    warehouse: Path


def _empty_warehouse(path: Path) -> None:
    """Every table that the models read, with its columns and without rows."""
    sources = [
        source
        for profile in ("sample", "live")
        for source in load_declarations(PROJECT_ROOT / "sources", profile).sources
    ]
    tables: dict[str, dict[str, pa.Schema]] = {
        "raw": {
            **ACCOUNTS,
            **GEOGRAPHY,
        },
        "declared": {**SCHEMAS, "period": PERIOD_SCHEMA, "setting": SETTING},
        "breaks": {
            "detected": NAMED_SCHEMA,
            "detectable": DETECTABLE_SCHEMA,
            "attribution": ATTRIBUTION_SCHEMA,
            "event_effect": EVENT_SCHEMA,
        },
        "benchmark": BENCHMARK,
        "privacy": {"shown": SHOWN_SCHEMA},
        "runs": {"step": step_schema()},
    }
    with connect(path) as connection:
        for schema, columns in tables.items():
            replace_tables(connection, schema, {name: fields.empty_table() for name, fields in columns.items()})
        create_figures(connection, sources)
        create_client_events(connection, sources)


# Two commands in one process, so that the project is parsed once; the tests need the tables to be there.
_COMMANDS = """
import json, sys
from dbt.cli.main import dbtRunner

folder, project = sys.argv[1:]
options = ["--quiet", "--no-use-colors", "--no-send-anonymous-usage-stats", "--log-level-file", "none"]
places = ["--project-dir", project, "--profiles-dir", project, "--target-path", folder, "--log-path", folder]
parsed = dbtRunner().invoke([*options, "parse", *places])
if not parsed.success:
    sys.exit(str(parsed.exception))
found = {}
for command in (["build", "--exclude-resource-type", "unit_test"], ["test", "--select", "test_type:unit"]):
    outcome = dbtRunner(manifest=parsed.result).invoke([*options, *command, *places])
    if outcome.result is None:
        sys.exit(str(outcome.exception))
    found |= {one.node.unique_id: [str(one.status), one.message or ""] for one in outcome.result.results}
with open(f"{folder}/found.json", "w") as file:
    json.dump(found, file)
"""


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """All models built on an empty warehouse, and then their unit tests, in a process of their own."""
    folder = tmp_path_factory.mktemp("dbt")
    warehouse = folder / "warehouse.duckdb"
    _empty_warehouse(warehouse)
    outcome = subprocess.run(
        [sys.executable, "-c", _COMMANDS, str(folder), str(DBT_PROJECT)],
        env={**os.environ, "NULMETING_WAREHOUSE": str(warehouse), "DO_NOT_TRACK": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    found = json.loads((folder / "found.json").read_text(encoding="utf-8"))
    return Build({node: (status, message) for node, (status, message) in found.items()}, warehouse)


@pytest.mark.parametrize(("model", "name"), UNIT_TESTS, ids=[f"{model}-{name}" for model, name in UNIT_TESTS])
def test_unit_test_of_a_model(build: Build, model: str, name: str) -> None:
    status, message = build.results[f"unit_test.nulmeting.{model}.{name}"]
    assert status == "pass", message


def test_every_model_builds_on_a_warehouse_without_rows(build: Build) -> None:
    made = {node: result for node, result in build.results.items() if node.startswith(("model.", "seed."))}
    assert len(made) > 35
    assert {node: result for node, result in made.items() if result[0] != "success"} == {}
    with duckdb.connect(str(build.warehouse), read_only=True) as connection:
        filled = connection.sql(
            "select schema_name || '.' || table_name from duckdb_tables() "
            "where schema_name in ('core', 'marts') and table_name != 'budget_item' and estimated_size > 0"
        ).fetchall()
    assert filled == []


def test_the_models_that_judge_have_unit_tests() -> None:
    judging = {
        "client_experience",
        "complaint",
        "core_amount",
        "core_benchmark_cost",
        "core_break_between",
        "core_break_felt",
        "core_compared",
        "core_complaint",
        "core_complaint_compared",
        "core_complaint_sum",
        "core_conflict",
        "core_costliest_case",
        "core_counted_figure",
        "core_delivered_spell",
        "core_drill_down",
        "core_drill_down_cost",
        "core_drill_down_pair",
        "core_drill_down_sum",
        "core_drill_down_within",
        "core_few_counted",
        "core_harmonised",
        "core_incomparable",
        "core_judged",
        "core_key_figure",
        "core_low_response",
        "core_no_figure",
        "core_observation",
        "core_out_of_scale",
        "core_panel",
        "core_person_period",
        "core_person_window",
        "core_protected_sum",
        "core_provision_spell",
        "core_preferred",
        "core_rate_conflict",
        "core_reconciliation",
        "core_scale_conflict",
        "core_stale_correction",
        "core_stands_beside",
        "core_stapeling",
        "core_structure",
        "core_unknown_item",
        "core_usual_revision",
        "cost_benchmark",
        "coverage",
        "drill_down",
        "drill_down_referrer",
        "goal_status",
        "indicator_municipality",
        "indicator_wijk",
        "key_figure",
        "provision_use",
        "revision",
        "stapeling",
        "trend_break",
    }
    assert judging <= {model for model, _ in UNIT_TESTS}


def test_every_column_that_is_built_is_described_and_no_other(build: Build) -> None:
    with duckdb.connect(str(build.warehouse), read_only=True) as connection:
        built: dict[str, set[str]] = {}
        for table, column in connection.execute(
            "select schema_name || '.' || table_name, column_name from duckdb_columns() "
            "where schema_name in ('core', 'marts', 'staging')"
        ).fetchall():
            built.setdefault(table, set()).add(column)
    described = {
        _table(model["name"]): {column["name"] for column in model["columns"]}
        for path in (DBT_PROJECT / "models").rglob("*.yml")
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", [])
    }
    assert described == {table: columns for table, columns in built.items() if table != "core.budget_item"}


def _table(model: str) -> str:
    if model.startswith("core_"):
        return f"core.{model.removeprefix('core_')}"
    return f"{'staging' if model.startswith('stg_') else 'marts'}.{model}"
