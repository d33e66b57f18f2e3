"""A run over a snapshot whose bytes were changed: one message that says it all, exit code 3, nothing published."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from pipelines.connectors.snapshot import SnapshotStore
from pipelines.main_job import DONE, FAILED, RunSummary, run_main_job
from tests.integration.conftest import Workspace

SOURCE = "vb_wijken"


@pytest.fixture
def load(finished_workspace: Workspace) -> Iterator[Callable[[], RunSummary]]:
    """The part of the main job that loads one source, inside this process."""
    before = dict(os.environ)

    def run() -> RunSummary:
        os.environ.update(finished_workspace.environment())
        return run_main_job(finished_workspace.settings(), f'key:"raw/{SOURCE}"')

    yield run
    os.environ.clear()
    os.environ.update(before)


def test_a_run_names_the_snapshot_what_was_found_and_what_to_do(
    finished_workspace: Workspace, load: Callable[[], RunSummary]
) -> None:
    workspace = finished_workspace
    published = (workspace.data / "published" / "current").resolve()
    snapshot, *_ = kept = SnapshotStore(workspace.settings().snapshots_dir).list(SOURCE)
    path = snapshot.folder / snapshot.files[0].name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)

    summary = load()
    assert (summary.exit_code, summary.is_published) == (FAILED, False)
    (failure,) = summary.failures
    assert failure.step == f"raw__{SOURCE}"
    for told in (
        f"{snapshot.folder}: {path.name}: found {len(content)} bytes with SHA-256 ",
        f"expected {len(content)} bytes with {snapshot.files[0].sha256[:12]}",
        "put the folder back from a backup, or move it away and deliver again",
        "`nulmeting verify`",
    ):
        assert told in failure.cause
    assert path.read_bytes() == bytes(content)
    assert (workspace.data / "published" / "current").resolve() == published

    # moved away, as it says, and fetched anew
    snapshot.folder.rename(workspace.root / "damaged")
    assert load().exit_code == DONE
    fetched = SnapshotStore(workspace.settings().snapshots_dir).list(SOURCE)
    assert {one.vintage_id for one in fetched} == {one.vintage_id for one in kept}
