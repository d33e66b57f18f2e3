"""A workspace per test: its own copy of the bundled deliveries, its own data directory, the real main job."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
from filelock import FileLock

from pipelines.settings import (
    EARLIER_PSEUDONYM_KEYS_FILE,
    PROJECT_ROOT,
    PSEUDONYM_KEY,
    PSEUDONYM_KEY_FILE,
    Settings,
    load_settings,
)
from tests.integration.drop_folder import SECRET, Drop

NULMETING = Path(sys.executable).with_name("nulmeting")


@dataclass
class Workspace:
    """Where one test runs the product."""

    root: Path
    config: str = ""

    @property
    def sources(self) -> Path:
        return self.root / "sources"

    @property
    def sample(self) -> Path:
        return self.sources / "sample"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def published(self) -> Path:
        return self.data / "published" / "nulmeting.duckdb"

    def settings(self, **overrides: Any) -> Settings:
        here = {"data_dir": self.data, "sources_dir": self.sources, "profile": "sample", "today": "2026-07-01"}
        return load_settings(**{**here, **overrides})

    def environment(self) -> dict[str, str]:
        """What a process of its own needs to work here."""
        config = self.root / "nulmeting.toml"
        config.write_text(self.config, encoding="utf-8")
        return {
            **os.environ,
            "NULMETING_CONFIG": str(config),
            "NULMETING_DATA_DIR": str(self.data),
            "NULMETING_SOURCES_DIR": str(self.sources),
            "NULMETING_PROFILE": "sample",
            "NULMETING_TODAY": "2026-07-01",
        }

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The command line, in a process of its own."""
        return subprocess.run(
            [str(NULMETING), *arguments],
            cwd=self.root,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of the published file."""
        with duckdb.connect(str(self.published), read_only=True) as connection:
            return connection.execute(query).fetchall()

    def value(self, query: str) -> Any:
        """The only value of the only row."""
        ((value,),) = self.rows(query)
        return value


def _workspace(root: Path) -> Workspace:
    shutil.copytree(PROJECT_ROOT / "sources", root / "sources")
    return Workspace(root)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A fresh one, for tests that change deliveries."""
    return _workspace(tmp_path)


@pytest.fixture(scope="session")
def sample_run(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A finished run on the untouched sample, for tests that only read; made once, also for several workers.

    `root/summary.txt` is what it printed, `root/seconds.txt` how long it took.
    """
    base = tmp_path_factory.getbasetemp()
    # The folders of the workers lie in one that is theirs together.
    together = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    root = together / "sample"
    with FileLock(together / "sample.lock"):
        if not (root / "seconds.txt").is_file():
            shutil.rmtree(root, ignore_errors=True)
            root.mkdir()
            _run_on_the_sample(_workspace(root))
    return Workspace(root)


def _run_on_the_sample(workspace: Workspace) -> None:
    started = time.monotonic()
    outcome = workspace.command("run")
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    (workspace.root / "summary.txt").write_text(outcome.stdout, encoding="utf-8")
    (workspace.root / "seconds.txt").write_text(str(time.monotonic() - started), encoding="utf-8")


def copy_of(finished: Workspace, root: Path) -> Workspace:
    """A workspace with a finished run, to change."""
    shutil.copytree(finished.root, root, symlinks=True, dirs_exist_ok=True)
    return Workspace(root)


@pytest.fixture
def finished_workspace(sample_run: Workspace, tmp_path: Path) -> Workspace:
    """A copy of the finished run on the sample, for tests that go on from there: a run less for each."""
    return copy_of(sample_run, tmp_path)


@pytest.fixture
def pseudonym_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key that `drop_folder` knows, and no other."""
    monkeypatch.setenv(PSEUDONYM_KEY, SECRET)
    monkeypatch.delenv(PSEUDONYM_KEY_FILE, raising=False)
    monkeypatch.delenv(EARLIER_PSEUDONYM_KEYS_FILE, raising=False)


@pytest.fixture
def drop(tmp_path: Path, pseudonym_key: None) -> Drop:
    """A drop folder and what comes of it, below the folder of the test."""
    return Drop(tmp_path)


@pytest.fixture
def chaos(sample_run: Workspace, tmp_path: Path) -> Callable[..., str]:
    """A program of `tests.chaos` that goes on from the run on the sample; gives what it said."""

    def said(module: str, **flags: int) -> str:
        outcome = subprocess.run(
            [
                *(sys.executable, "-m", f"tests.chaos.{module}", "--finished", str(sample_run.root)),
                *(word for name, value in flags.items() for word in (f"--{name}", str(value))),
            ],
            cwd=PROJECT_ROOT,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "TMPDIR": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        sys.stdout.write(outcome.stdout)
        assert outcome.returncode == 0, outcome.stdout + outcome.stderr
        return outcome.stdout

    return said


@pytest.fixture
def run_here(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """The main job inside the test's own process: quicker, because nothing is imported twice."""
    from pipelines.main_job import run_main_job

    before = dict(os.environ)

    def run(workspace: Workspace, **overrides: Any) -> Any:
        os.environ.update({"NULMETING_CONFIG": workspace.environment()["NULMETING_CONFIG"]})
        return run_main_job(workspace.settings(**overrides))

    yield run
    os.environ.clear()
    os.environ.update(before)
