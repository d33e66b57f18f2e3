"""Going back to an earlier publication: checked, swapped, written down, and not undone by a run with nothing new."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from filelock import FileLock
from typer.testing import CliRunner, Result

from pipelines import cli
from pipelines.publish import place
from pipelines.publish.place import standing_folder
from pipelines.publish.publication import current, publish, verify
from pipelines.publish.restore import RECORD, RestoreError, restorations, restore, standing_restoration
from pipelines.publish.standing import standing
from pipelines.publish.versions import versions_of
from pipelines.settings import Settings, SetupError
from pipelines.warehouse.connection import connect, connect_read_only


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data")


def _publish(settings: Settings, *figures: int) -> list[str]:
    """One publication per figure; their ids."""
    made = []
    for figure in figures:
        with connect(settings.warehouse_path) as connection:
            connection.execute(f"create or replace table marts.observation as select {figure} as value")
            connection.execute(
                "create or replace table marts.delivery as select 'a/b/c' as vintage_id, 'a' as source_id, "
                "null::date as vintage_date, 'x' as vintage_label, 'ff' as checksum_sha256, true as is_current"
            )
        made.append(publish(settings, f"run-{figure}").publication_id)
    return made


def _figure(settings: Settings) -> int:
    with connect_read_only(settings.published_path) as connection:
        ((value,),) = connection.execute("select value from marts.observation").fetchall()
    return int(value)


def _damage(settings: Settings, publication_id: str) -> None:
    path = settings.published_path.parent / "versions" / publication_id / "parquet" / "observation.parquet"
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)


def test_an_earlier_publication_counts_again_and_who_when_and_why_stand_beside_it(settings: Settings) -> None:
    first, _, third = _publish(settings, 1, 2, 3)
    root = settings.published_path.parent
    done, notices = restore(settings, first, "  the accounts of\n2025 were wrong ", "A. Beheer")
    assert notices == ()
    assert _figure(settings) == 1
    manifest = current(settings)
    assert manifest is not None and manifest["publication_id"] == first
    (written,) = json.loads((root / RECORD).read_text(encoding="utf-8"))
    assert written == {
        "publication_id": first,
        "instead_of": third,
        "newest": third,
        "restored_at": done.restored_at,
        "by": "A. Beheer",
        "because": "the accounts of 2025 were wrong",
    }
    assert standing_restoration(root) == done
    assert verify(root / "versions" / first) == []


def test_going_back_further_remembers_the_newest_that_was_made(settings: Settings) -> None:
    first, second, third = _publish(settings, 1, 2, 3)
    root = settings.published_path.parent
    restore(settings, second, "a reason", "somebody")
    done, _ = restore(settings, first, "a better reason", "somebody")
    assert (done.instead_of, done.newest) == (second, third)
    # and forward again: then nothing is gone back to, and all of it stays on record
    restore(settings, third, "it was right after all", "somebody")
    assert _figure(settings) == 3
    assert standing_restoration(root) is None
    assert [entry.publication_id for entry in restorations(root)] == [second, first, third]


def test_whoever_finds_nothing_changed_sees_what_counts_and_whether_it_is_whole(settings: Settings) -> None:
    assert standing(settings) is None
    first, second = _publish(settings, 1, 2)
    seen = standing(settings)
    assert seen is not None
    assert (seen.publication_id, seen.damaged, seen.restored) == (second, (), None)
    done, _ = restore(settings, first, "a reason", "somebody")
    seen = standing(settings)
    assert seen is not None
    assert (seen.publication_id, seen.damaged, seen.restored) == (first, (), done)
    _damage(settings, first)
    seen = standing(settings)
    assert seen is not None and seen.damaged == ("parquet/observation.parquet",)
    (seen.folder / "manifest.json").unlink()
    seen = standing(settings)
    assert seen is not None and seen.damaged == ("manifest.json",)
    _publish(settings, 3)
    seen = standing(settings)
    assert seen is not None and seen.damaged == ()


def test_a_publication_removed_by_hand_is_damage_and_not_nothing(settings: Settings) -> None:
    (first,) = _publish(settings, 1)
    shutil.rmtree(settings.published_path.parent / "versions" / first)
    seen = standing(settings)
    assert seen is not None and seen.damaged == ("manifest.json",)
    _publish(settings, 2)
    assert _figure(settings) == 2


def test_the_next_publication_counts_as_usual(settings: Settings) -> None:
    first, second = _publish(settings, 1, 2)
    root = settings.published_path.parent
    restore(settings, first, "a reason", "somebody")
    (fourth,) = _publish(settings, 4)
    assert _figure(settings) == 4
    assert standing_restoration(root) is None
    assert [(one.publication_id, one.number) for one in versions_of(root)] == [(first, 1), (second, 2), (fourth, 3)]


def test_what_is_gone_back_to_and_what_counted_before_it_stay_when_few_are_kept(settings: Settings) -> None:
    sparing = settings.model_copy(update={"keep_publications": 1, "keep_monthly_publications": 0})
    first, second = _publish(settings, 1, 2)
    restore(settings, first, "a reason", "somebody")
    _publish(sparing, 3)
    # the one that counted until a moment ago is being read still
    assert first in _ids(settings) and second not in _ids(settings)


def _ids(settings: Settings) -> list[str]:
    return [one.publication_id for one in versions_of(settings.published_path.parent)]


def test_a_damaged_publication_is_refused_and_what_was_published_stands(settings: Settings) -> None:
    first, second = _publish(settings, 1, 2)
    _damage(settings, first)
    with pytest.raises(RestoreError, match=r"found other bytes .* in parquet/observation\.parquet; it is not restored"):
        restore(settings, first, "a reason", "somebody")
    assert _figure(settings) == 2
    assert not (settings.published_path.parent / RECORD).exists()
    folder = settings.published_path.parent / "versions" / second
    assert standing_folder(settings.published_path.parent) == folder


def test_one_with_a_damaged_manifest_is_refused(settings: Settings) -> None:
    first, _ = _publish(settings, 1, 2)
    manifest = settings.published_path.parent / "versions" / first / "manifest.json"
    manifest.chmod(0o644)
    manifest.write_text("{", encoding="utf-8")
    with pytest.raises(RestoreError, match=r"manifest\.json: found other text than was published; it is not restored"):
        restore(settings, first, "a reason", "somebody")


def test_a_publication_of_a_later_release_is_left_to_that_release(settings: Settings) -> None:
    from pipelines.publish.versions import read_manifest, write_manifest

    first, _ = _publish(settings, 1, 2)
    folder = settings.published_path.parent / "versions" / first
    later = {**read_manifest(folder), "format": 3, "release": "9.0.0"}
    (folder / "manifest.json").unlink()
    write_manifest(folder, later)
    with pytest.raises(SetupError, match=r"found format 3, expected 2 at most; it was made by release 9\.0\.0"):
        restore(settings, first, "a reason", "somebody")


def test_wrong_use_is_told_and_changes_nothing(settings: Settings) -> None:
    with pytest.raises(SetupError, match="found nothing published"):
        restore(settings, "x", "a reason", "somebody")
    first, second = _publish(settings, 1, 2)
    with pytest.raises(SetupError, match=f"x: found no such publication .* expected one of: {first}, {second}"):
        restore(settings, "x", "a reason", "somebody")
    with pytest.raises(SetupError, match="counts already"):
        restore(settings, second, "a reason", "somebody")
    with pytest.raises(SetupError, match="--because: found no reason"):
        restore(settings, first, " \n", "somebody")
    with pytest.raises(SetupError, match="--by: found no name"):
        restore(settings, first, "a reason", "")
    assert _figure(settings) == 2


def test_while_a_run_is_writing_nothing_is_restored(settings: Settings) -> None:
    first, _ = _publish(settings, 1, 2)
    with FileLock(settings.data_dir / ".run.lock"), pytest.raises(RestoreError, match="another run is writing"):
        restore(settings, first, "a reason", "somebody")
    assert _figure(settings) == 2


def test_killed_between_the_record_and_the_swap_nothing_is_gone_back_to(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = _publish(settings, 1, 2)

    class Killed(BaseException):
        pass

    def killed(*_: object, **__: object) -> None:
        raise Killed

    monkeypatch.setattr(place, "_link", killed)
    with pytest.raises(Killed):
        restore(settings, first, "a reason", "somebody")
    monkeypatch.undo()
    assert _figure(settings) == 2
    assert standing_restoration(settings.published_path.parent) is None


def _command(settings: Settings, *arguments: str) -> Result:
    return CliRunner().invoke(cli.app, [*arguments, "--data-dir", str(settings.data_dir)])


def _lines(result: Result) -> Sequence[str]:
    return result.stdout.splitlines()


def test_the_command_line_lists_restores_and_verifies(settings: Settings) -> None:
    first, second = _publish(settings, 1, 2)
    listed = _lines(_command(settings, "publications"))
    assert listed[0].startswith(f"* {second}  ") and listed[1].startswith(f"  {first}  ")
    assert "2 rows  run run-1" in listed[1]

    done = _command(settings, "restore", first, "--because", "a reason", "--by", "somebody")
    assert (done.exit_code, done.stdout) == (0, f"{first}: counts now, instead of {second}\n")
    listed = _lines(_command(settings, "publications"))
    assert listed[0].startswith(f"  {second}") and listed[1].startswith(f"* {first}")
    assert listed[2].startswith("restored by somebody on 2") and listed[2].endswith(f"instead of {second}: a reason")

    whole = _command(settings, "verify")
    assert (whole.exit_code, whole.stdout) == (0, "0 snapshots with 0 files, 0 damaged; 2 publications, 0 damaged\n")
    _damage(settings, second)
    found = _command(settings, "verify")
    assert found.exit_code == 1
    assert "found other bytes than were published: parquet/observation.parquet" in found.stdout
    refused = _command(settings, "restore", second, "--because", "a reason", "--by", "somebody")
    assert refused.exit_code == 3 and "it is not restored" in refused.stderr
    assert _figure(settings) == 1


def test_before_the_first_publication_the_list_says_what_to_do(settings: Settings) -> None:
    settings.data_dir.mkdir()
    listed = _command(settings, "publications")
    assert listed.exit_code == 0 and "nothing has been published yet" in listed.stderr
