"""The project agrees with itself: declarations and models, documents and code, lock and settings."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from pipelines.declarations.load import load_declarations
from pipelines.dictionary import render, render_catalogue
from pipelines.settings import PROJECT_ROOT
from pipelines.warehouse.transform import ensure_manifest

DBT = PROJECT_ROOT / "dbt_project"


def test_no_model_names_a_source_so_that_a_new_one_needs_no_sql() -> None:
    ids = {
        source.source_id
        for profile in ("sample", "live")
        for source in load_declarations(PROJECT_ROOT / "sources", profile).sources
    }
    assert len(ids) > 10
    named = {
        (path.name, source_id)
        for path in (DBT / "models").rglob("*.sql")
        # two sources bear the name of the standard they follow
        for source_id in ids - {"iwmo", "ijw"}
        if re.search(rf"'{source_id}'", path.read_text(encoding="utf-8"))
    }
    assert named == set()


def test_every_model_and_column_is_described_and_no_text_is_a_stand_in() -> None:
    nodes = json.loads(ensure_manifest().read_text(encoding="utf-8"))["nodes"].values()
    models = [node for node in nodes if node["resource_type"] == "model"]
    assert len(models) > 25
    for model in models:
        assert "One row per" in model["description"], model["name"]
        assert model["columns"], model["name"]
        for column in model["columns"].values():
            assert len(column["description"]) > 10, (model["name"], column["name"])


def test_marts_have_enforced_contracts() -> None:
    nodes = json.loads(ensure_manifest().read_text(encoding="utf-8"))["nodes"].values()
    marts = [node for node in nodes if node["resource_type"] == "model" and node["schema"] == "marts"]
    assert marts and all(node["config"]["contract"]["enforced"] for node in marts)


def test_marts_read_only_core_and_what_numpy_makes_of_it() -> None:
    manifest = json.loads(ensure_manifest().read_text(encoding="utf-8"))
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    read_by_marts = {
        (model["name"], read) for model in models if model["schema"] == "marts" for read in model["depends_on"]["nodes"]
    }
    # `declared.setting` comes by the macro `setting`: the day and the borders a run was told are no data. Neither is
    # what earlier runs took.
    allowed = {model["unique_id"] for model in models if model["schema"] == "core"} | {
        source["unique_id"]
        for source in manifest["sources"].values()
        if source["schema"] in ("breaks", "benchmark", "privacy", "runs") or source["name"] == "setting"
    }
    assert len(read_by_marts) > 50
    assert {(mart, read) for mart, read in read_by_marts if read not in allowed} == set()


def test_the_data_dictionary_is_what_the_models_say() -> None:
    assert (PROJECT_ROOT / "docs" / "data-dictionary.md").read_text(encoding="utf-8") == render()


def test_the_list_of_indicators_and_sources_is_what_is_declared() -> None:
    said = (PROJECT_ROOT / "docs" / "indicators.md").read_text(encoding="utf-8")
    assert said == render_catalogue()
    assert said.count("| `") > 300


def test_the_lock_has_hashes_and_no_address() -> None:
    text = (PROJECT_ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "--hash=sha256:" in text
    assert "://" not in text and "index-url" not in text


def _tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True
    ).stdout
    return [path for name in listed.split("\0") if name and (path := PROJECT_ROOT / name).is_file()]


@pytest.mark.skipif(not (PROJECT_ROOT / ".git").exists(), reason="not a git checkout")
def test_nothing_unfinished_is_committed() -> None:
    word = re.compile(rb"\b(TO" + rb"DO|FIX" + rb"ME|XX" + rb"X)\b")
    found = [
        path.relative_to(PROJECT_ROOT).as_posix()
        for path in _tracked()
        if path.suffix in (".py", ".sql", ".yml", ".md", ".toml") and word.search(path.read_bytes())
    ]
    assert found == []


def test_every_model_has_a_description_file_beside_it() -> None:
    for path in (DBT / "models").rglob("*.sql"):
        assert path.with_suffix(".yml").is_file(), path.name
