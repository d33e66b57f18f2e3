"""Who may read what a run leaves: its owner alone, but for what is published; whatever the umask was."""

from __future__ import annotations

import datetime as dt
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from typer.testing import CliRunner

from expectations.docs import DocsStore
from pipelines.cli import app
from pipelines.connectors.snapshot import SnapshotStore
from pipelines.durable import write_atomically
from pipelines.file_modes import keep_private, settle, wrong_modes
from pipelines.publish.publication import publish
from pipelines.run_folder import RunFolder
from pipelines.run_log import RunLog
from pipelines.settings import Settings
from pipelines.warehouse.connection import connect


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    """What the process came with."""
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.fixture
def _umask_again() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def _a_run(settings: Settings) -> None:
    """All that a run writes, by the code that writes it, without the run."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    store = SnapshotStore(settings.snapshots_dir)
    now = dt.datetime(2026, 7, 1, tzinfo=dt.UTC)
    store.put_files("bron", "a.csv", {"a.csv": b"x"}, origin="a.csv", fetched_at=now)
    store.key()
    with connect(settings.warehouse_path) as connection:
        connection.execute("create or replace table marts.t as select 1 as a")
        connection.execute(
            "create or replace table marts.delivery as select 'v' as vintage_id, 's' as source_id, "
            "null::date as vintage_date, null as vintage_label, 'c' as checksum_sha256, true as is_current"
        )
        # The log of the database, which a killed run leaves.
        (settings.data_dir / "warehouse.duckdb.damaged").write_bytes(b"x")
    RunFolder(settings, "run-1").write("x", {})
    with RunLog(settings, "run-1") as log:
        log.failure(ValueError("x"))
    write_atomically(settings.alerts_dir / "bericht.txt", "x")
    (settings.state_dir / "dagster").mkdir(exist_ok=True)
    DocsStore(settings.data_docs_dir, "run-1").record([])
    publish(settings, "run-1-2345")


def _modes(root: Path) -> dict[str, int]:
    return {
        path.relative_to(root).as_posix(): stat.S_IMODE(path.stat().st_mode)
        for path in sorted((root, *root.rglob("*")))
        if not path.is_symlink()
    }


@pytest.mark.parametrize(
    ("readers", "folder", "file", "above"),
    [("everyone", 0o755, 0o644, 0o711), ("group", 0o750, 0o640, 0o710), ("owner", 0o700, 0o600, 0o700)],
)
@pytest.mark.usefixtures("umask")
def test_the_owner_reads_all_and_others_what_is_published_whatever_the_umask(
    tmp_path: Path, readers: Literal["owner", "group", "everyone"], folder: int, file: int, above: int
) -> None:
    settings = Settings(data_dir=tmp_path / "data", published_readable_by=readers)
    keep_private()
    _a_run(settings)
    modes = _modes(settings.data_dir)
    assert modes.pop(".") == above
    public = {name: mode for name, mode in modes.items() if name.split("/")[0] in ("published", "data_docs")}
    assert len(public) > 8
    # What was published is written by nobody any more; the pages of the expectations are made anew by each run.
    closed = file & ~0o222
    assert {name for name, mode in public.items() if mode not in (folder, file, closed)} == set()
    assert {mode for name, mode in public.items() if name.endswith((".duckdb", ".parquet", "t.json"))} == {closed}
    assert {mode for name, mode in public.items() if name.endswith(".html")} == {file}
    private = {name: mode for name, mode in modes.items() if name not in public}
    assert {name.split("/")[0] for name in private} >= {"raw", "warehouse.duckdb", "alerts", "runs", "logs", "dagster"}
    assert {name: oct(mode) for name, mode in private.items() if mode & 0o077} == {}
    assert wrong_modes(settings) == []
    # A later run writes its pages before it publishes, or without ever doing so.
    DocsStore(settings.data_docs_dir, "run-2").record([])
    assert _modes(settings.data_docs_dir)["index.html"] == file


@pytest.mark.usefixtures("_umask_again")
def test_what_an_earlier_version_left_open_is_told_and_closed_by_the_next_run(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    _a_run(settings)
    for path in settings.data_dir.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o777 if path.is_dir() else 0o644)
    settings.data_dir.chmod(0o775)
    told = wrong_modes(settings)
    for name in ("raw", "alerts", "runs", "logs", "dagster", "warehouse.duckdb", "warehouse.duckdb.damaged"):
        assert [line for line in told if line.startswith(f"{settings.data_dir / name}: found mode 0")], name
    assert any("expected that only its owner writes; chmod go-w" in line for line in told)
    settle(settings)
    assert wrong_modes(settings) == []


@pytest.mark.usefixtures("_umask_again")
def test_a_published_set_that_its_readers_cannot_reach_is_told(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    _a_run(settings)
    settings.data_dir.chmod(0o700)
    (line,) = wrong_modes(settings)
    assert "expected to be read by everyone (published_readable_by)" in line
    # Behind a closed folder nothing is open, whatever its own mode.
    settings.warehouse_path.chmod(0o666)
    assert wrong_modes(settings) == [line]


def test_a_secret_that_others_may_read_is_told_by_the_name_of_its_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "sleutel"
    secret.write_text("geheim")
    monkeypatch.setenv("NULMETING_PSEUDONYM_KEY_FILE", str(secret))
    settings = Settings(data_dir=tmp_path / "data")
    for mode, problems in ((0o644, 1), (0o660, 1), (0o640, 0), (0o600, 0), (0o400, 0)):
        secret.chmod(mode)
        told = wrong_modes(settings)
        assert len(told) == problems, oct(mode)
        assert all(line.startswith("NULMETING_PSEUDONYM_KEY_FILE: found mode") for line in told)
        assert not any("geheim" in line for line in told)


@pytest.mark.usefixtures("_umask_again")
def test_commands_close_what_they_make_and_leave_to_users_what_users_ask_for(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    _a_run(settings)
    data = ["--data-dir", str(settings.data_dir)]
    exported = CliRunner().invoke(app, ["export", "t", "--format", "csv", "--out", str(tmp_path / "out"), *data])
    assert exported.exit_code == 0, exported.output
    assert _modes(tmp_path / "out") == {".": 0o755, "t.csv": 0o644, "uitleg.csv": 0o644}
    assert CliRunner().invoke(app, ["sql", "from marts.t", *data]).exit_code == 0
    assert os.umask(0o022) == 0o077
