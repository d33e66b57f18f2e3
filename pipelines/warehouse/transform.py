"""Runs the dbt project inside this process, so that nothing is imported or parsed twice.

dbt's own subprocess costs seconds for every call; its programmatic runner does the same work here. The project is
parsed when one of its files has changed, once for all data directories, and read back from what that left.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from filelock import FileLock

from pipelines.settings import PROJECT_ROOT

DBT_PROJECT = PROJECT_ROOT / "dbt_project"
# A folder of our own: a dbt that someone starts by hand writes beside it, with its own variables.
_PARSED = DBT_PROJECT / "target" / "parsed"
_WAREHOUSE = "warehouse"
_DATABASE_VARIABLE = "NULMETING_WAREHOUSE"


class TransformError(Exception):
    """A model could not be built; the message names it and gives the database's own words."""


@dataclass(frozen=True)
class ModelRun:
    """One model that stands: its dbt unique id, how long it took in seconds, and whether it stood already."""

    unique_id: str
    seconds: float
    reused: bool


def ensure_manifest() -> Path:
    """The manifest of the project as its files are now; parsed only when a file has changed."""
    return _ensure_parsed(_WAREHOUSE) / "manifest.json"


def _ensure_parsed(database: str) -> Path:
    """The folder with the project as parsed for a DuckDB file of that name, which stands in every relation."""
    folder = _PARSED / database
    stamp = folder / "project.sha256"
    now = fingerprint()
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        if not (stamp.is_file() and stamp.read_text(encoding="utf-8") == now):
            stamp.unlink(missing_ok=True)
            with _warehouse_variable(folder / f"{database}.duckdb"):
                _invoke(None, ["parse"], folder)
            stamp.write_text(now, encoding="utf-8")
    return folder


@contextmanager
def _warehouse_variable(path: Path) -> Iterator[None]:
    before = os.environ.get(_DATABASE_VARIABLE)
    os.environ[_DATABASE_VARIABLE] = str(path)
    try:
        yield
    finally:
        if before is None:
            del os.environ[_DATABASE_VARIABLE]
        else:
            os.environ[_DATABASE_VARIABLE] = before


def build(warehouse: Path, selection: Sequence[str]) -> list[ModelRun]:
    """Build the selected seeds and models in the given warehouse, but for those that stand as they would be built.

    What dbt does not make has to be measured first (`reuse.contents`). Raises TransformError on the first failure.
    """
    os.environ[_DATABASE_VARIABLE] = str(warehouse)
    target = warehouse.parent / "dbt"
    target.mkdir(parents=True, exist_ok=True)
    result = _invoke(
        _parsed(warehouse.stem),
        [
            # What dbt would write of the whole project here, nobody reads.
            "--no-write-json",
            "build",
            "--exclude-resource-type",
            "unit_test",
            "--exclude-resource-type",
            "test",
            "--vars",
            '{"reuse": true}',
            "--select",
            *selection,
        ],
        target,
    )
    return [
        ModelRun(node.node.unique_id, float(node.execution_time), reused=node.message == "REUSED")
        for node in result.results
        if node.node.resource_type != "operation"
    ]


_manifests: dict[tuple[str, str], Any] = {}


def _parsed(database: str) -> Any:
    """dbt's own object of the parsed project, as its next parse would read it back."""
    folder = _ensure_parsed(database)
    key = (database, (folder / "project.sha256").read_text(encoding="utf-8"))
    if key not in _manifests:
        from dbt.contracts.graph.manifest import Manifest
        from dbt.parser.manifest import extended_mashumuro_decoder

        saved = (folder / "partial_parse.msgpack").read_bytes()
        manifest = Manifest.from_msgpack(saved, decoder=extended_mashumuro_decoder)
        manifest.build_flat_graph()
        _manifests[key] = manifest
    return _manifests[key]


def _invoke(manifest: Any, arguments: list[str], target: Path) -> Any:
    os.environ.setdefault("DO_NOT_TRACK", "1")
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
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
    # It would keep the warehouse open for as long as this process lives.
    DuckDBConnectionManager.close_all_connections()
    if outcome.exception is not None:
        raise TransformError(str(outcome.exception)) from outcome.exception
    if not outcome.success:
        raise TransformError("; ".join(_failures(outcome.result)))
    return outcome.result


def _failures(result: Any) -> Iterator[str]:
    for node in getattr(result, "results", ()):
        if str(node.status) in ("error", "fail", "runtime error"):
            yield f"{node.node.unique_id}: {node.message}"


def fingerprint() -> str:
    """The project as its files are now, and the dbt that reads it."""
    digest = hashlib.sha256("".join(f"{name} {version(name)};" for name in ("dbt-core", "dbt-duckdb")).encode())
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
