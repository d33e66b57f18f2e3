"""Runs the dbt project inside this process, so that nothing is imported or parsed twice.

dbt's own subprocess costs seconds for every call; its programmatic runner does the same work here. The parsed
project is kept per process, and beside the data directory between processes.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from pipelines.settings import PROJECT_ROOT

DBT_PROJECT = PROJECT_ROOT / "dbt_project"
MANIFEST = DBT_PROJECT / "target" / "manifest.json"
_STAMP = DBT_PROJECT / "target" / "manifest.sha256"


class TransformError(Exception):
    """A model could not be built; the message names it and gives the database's own words."""


@dataclass(frozen=True)
class ModelRun:
    """One model that was built: its dbt unique id and how long it took in seconds."""

    unique_id: str
    seconds: float


def ensure_manifest() -> Path:
    """The manifest of the project as its files are now; parsed only when a file has changed."""
    fingerprint = _fingerprint()
    MANIFEST.parent.mkdir(exist_ok=True)
    with FileLock(MANIFEST.parent / ".lock"):
        fresh = MANIFEST.is_file() and _STAMP.is_file() and _STAMP.read_text() == fingerprint
        if not fresh:
            _invoke(None, ["parse"], MANIFEST.parent)
            _STAMP.write_text(fingerprint)
    return MANIFEST


def build(warehouse: Path, selection: Sequence[str]) -> list[ModelRun]:
    """Build the selected seeds and models in the given warehouse. Raises TransformError on the first failure."""
    os.environ["NULMETING_WAREHOUSE"] = str(warehouse)
    target = warehouse.parent / "dbt"
    target.mkdir(parents=True, exist_ok=True)
    manifest = _parsed(target, warehouse)
    result = _invoke(
        manifest,
        [
            "build",
            "--exclude-resource-type",
            "unit_test",
            "--exclude-resource-type",
            "test",
            "--select",
            *selection,
        ],
        target,
    )
    return [ModelRun(unique_id=node.node.unique_id, seconds=float(node.execution_time)) for node in result.results]


_manifests: dict[tuple[Path, str], Any] = {}


def _parsed(target: Path, warehouse: Path) -> Any:
    key = (warehouse, _fingerprint())
    if key not in _manifests:
        _manifests[key] = _invoke(None, ["parse"], target)
    return _manifests[key]


def _invoke(manifest: Any, arguments: list[str], target: Path) -> Any:
    os.environ.setdefault("DO_NOT_TRACK", "1")
    from dbt.cli.main import dbtRunner

    outcome = dbtRunner(manifest=manifest).invoke(
        [
            "--quiet",
            "--no-use-colors",
            "--log-level-file",
            "none",
            "--no-send-anonymous-usage-stats",
            *arguments,
            "--project-dir",
            str(DBT_PROJECT),
            "--profiles-dir",
            str(DBT_PROJECT),
            "--target-path",
            str(target),
            "--log-path",
            str(target / "logs"),
        ]
    )
    if outcome.exception is not None:
        raise TransformError(str(outcome.exception)) from outcome.exception
    if not outcome.success:
        raise TransformError("; ".join(_failures(outcome.result)))
    return outcome.result


def _failures(result: Any) -> Iterator[str]:
    for node in getattr(result, "results", ()):
        if str(node.status) in ("error", "fail", "runtime error"):
            yield f"{node.node.unique_id}: {node.message}"


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for path in sorted(DBT_PROJECT.rglob("*")):
        parts = path.relative_to(DBT_PROJECT).parts
        if path.is_file() and parts[0] not in ("target", "logs") and path.suffix in (".sql", ".yml", ".csv", ".md"):
            digest.update("/".join(parts).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def model_names(manifest_path: Path, schema: str) -> list[str]:
    """The tables of one schema, sorted, as the manifest knows them."""
    nodes = json.loads(manifest_path.read_text(encoding="utf-8"))["nodes"].values()
    return sorted(node["alias"] for node in nodes if node["resource_type"] == "model" and node["schema"] == schema)
