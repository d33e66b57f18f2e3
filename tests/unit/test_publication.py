"""The published set: whole, swapped in as one, and described."""

from __future__ import annotations

import datetime as dt
import errno
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.publish import place, publication, versions
from pipelines.publish.place import standing_file, standing_folder
from pipelines.publish.publication import PublicationError, current, publish, verify
from pipelines.publish.versions import PublicationDamaged, Version, looks_whole, retained, versions_of
from pipelines.settings import Settings
from pipelines.warehouse.connection import connect, connect_read_only


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", keep_publications=2)


def _fill(settings: Settings, figure: int) -> None:
    with connect(settings.warehouse_path) as connection:
        connection.execute(
            f"create or replace table marts.observation as select {figure}::bigint as value, 'i' as indicator_id, "
            "'r' || range as region_code, '2020' as period_code, 'a' as source_id, 'a/b/c' as vintage_id, "
            "date '2026-01-01' as vintage_date, 'A' as obs_status, true as is_latest from range(1000)"
        )
        connection.execute("comment on column marts.observation.value is 'The figure''s value'")
        connection.execute(
            "create or replace table marts.delivery as select 'a/b/c' as vintage_id, 'a' as source_id, "
            "'b' as file, date '2026-01-01' as vintage_date, timestamp '2026-01-01 08:00:00' as fetched_at, "
            "null::bigint as vintage_order, 'x' as vintage_label, 'ff' as checksum_sha256, true as is_current, "
            "null::date as withdrawn_on, 'loaded' as status"
        )


def _change_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[10] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)


def _published(settings: Settings, query: str) -> object:
    with duckdb.connect(str(settings.published_path), read_only=True) as connection:
        ((value,),) = connection.execute(query).fetchall()
    return value


def test_nothing_is_published_before_the_first_time(settings: Settings) -> None:
    assert current(settings) is None


def test_a_publication_holds_marts_parquet_and_a_manifest_that_agree(settings: Settings) -> None:
    _fill(settings, 1)
    publication = publish(settings, "run-1")
    manifest = current(settings)
    assert manifest is not None
    assert manifest["row_counts"] == {"delivery": 1, "observation": 1000}
    assert (manifest["format"], manifest["release"], manifest["number"]) == (2, version("nulmeting"), 1)
    assert manifest["sizes"]["nulmeting.duckdb"] == settings.published_path.stat().st_size
    assert manifest["vintages"][0]["vintage_id"] == "a/b/c"
    assert verify(publication.folder) == []
    assert _published(settings, "select sum(value) from marts.observation") == 1000


def test_a_table_that_is_no_longer_made_is_not_published(settings: Settings) -> None:
    _fill(settings, 1)
    with connect(settings.warehouse_path) as connection:
        connection.execute("create table marts.of_an_earlier_release as select 1 as figure")
    assert "of_an_earlier_release" in publish(settings, "run-1").row_counts
    assert list(publish(settings, "run-2", marts=["observation", "delivery"]).row_counts) == ["delivery", "observation"]


def test_the_costliest_cases_are_published_only_where_the_settings_say_so(settings: Settings) -> None:
    _fill(settings, 1)
    with connect(settings.warehouse_path) as connection:
        connection.execute("create table marts.costliest_case as select 1 as band")
    publication = publish(settings, "run-1")
    assert "costliest_case" not in publication.row_counts
    assert not list(publication.folder.rglob("costliest_case*"))
    told = publish(settings.model_copy(update={"publish_costliest_cases": True}), "run-2")
    assert told.row_counts["costliest_case"] == 1
    assert _published(settings, "select band from marts.costliest_case") == 1


def test_descriptions_travel_with_the_file(settings: Settings) -> None:
    _fill(settings, 1)
    publish(settings, "run-1")
    comment = _published(
        settings,
        "select comment from duckdb_columns() where table_name = 'observation' and column_name = 'value'",
    )
    assert comment == "The figure's value"


def test_a_changed_byte_is_found(settings: Settings) -> None:
    _fill(settings, 1)
    folder = publish(settings, "run-1").folder
    parquet = folder / "parquet" / "observation.parquet"
    _change_a_byte(parquet)
    assert looks_whole(folder)
    assert verify(folder) == ["parquet/observation.parquet"]


def test_a_file_cut_off_one_added_and_one_missing_are_seen_without_reading_them(settings: Settings) -> None:
    _fill(settings, 1)
    folder = publish(settings, "run-1").folder
    log = folder / "nulmeting.duckdb.wal"
    log.write_bytes(b"what somebody wrote into it")
    assert not looks_whole(folder) and verify(folder) == ["nulmeting.duckdb.wal"]
    log.unlink()
    assert looks_whole(folder)
    parquet = folder / "parquet" / "observation.parquet"
    parquet.chmod(0o644)
    parquet.write_bytes(parquet.read_bytes()[:-1])
    assert not looks_whole(folder)
    parquet.unlink()
    assert not looks_whole(folder) and verify(folder) == ["parquet/observation.parquet"]


def test_a_disk_that_gives_a_file_back_no_more_is_damage(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    _fill(settings, 1)
    folder = publish(settings, "run-1").folder
    checksum = versions.sha256_of

    def unreadable(path: Path) -> str:
        if path.name == "delivery.parquet":
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        return checksum(path)

    monkeypatch.setattr(versions, "sha256_of", unreadable)
    assert verify(folder) == ["parquet/delivery.parquet"]


@pytest.mark.parametrize(
    "damage",
    [lambda text: text[:-20], lambda text: text.replace("1000", "1001"), lambda _: "[]", lambda _: "\0" * 50],
)
def test_a_damaged_manifest_is_found_and_a_run_publishes_anew(settings: Settings, damage: Callable[[str], str]) -> None:
    _fill(settings, 1)
    manifest = publish(settings, "run-1").folder / "manifest.json"
    manifest.chmod(0o644)
    manifest.write_text(damage(manifest.read_text(encoding="utf-8")), encoding="utf-8")
    assert current(settings) is None
    assert not looks_whole(manifest.parent)
    with pytest.raises(PublicationDamaged, match=r"manifest\.json: found other text than was published"):
        verify(manifest.parent)
    publish(settings, "run-2")
    found = current(settings)
    assert found is not None and found["run_id"] == "run-2"


def test_a_damaged_manifest_takes_no_earlier_publication_with_it(settings: Settings) -> None:
    _fill(settings, 1)
    publish(settings, "run-1")
    manifest = publish(settings, "run-2").folder / "manifest.json"
    manifest.chmod(0o644)
    manifest.write_text("{", encoding="utf-8")
    publish(settings.model_copy(update={"keep_publications": 3}), "run-3")
    kept = versions_of(settings.published_path.parent)
    assert [one.folder.name[-5:] for one in kept if one.manifest is not None] == ["run-1", "run-3"]


@pytest.mark.parametrize("with_links", [True, False])
def test_broken_off_after_the_swap_what_was_published_stands(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, with_links: bool
) -> None:
    """Ctrl-C or a signal while the disk is waited for: the names lead to the new publication by then."""
    if not with_links:
        _without_links(monkeypatch)
    _fill(settings, 1)
    publish(settings, "run-1")

    def interrupted(_: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(place, "sync", interrupted)
    _fill(settings, 2)
    with pytest.raises(KeyboardInterrupt):
        publish(settings, "run-2")
    found = current(settings)
    assert found is not None and found["run_id"] == "run-2"
    with connect_read_only(settings.published_path) as connection:
        assert connection.execute("select max(value) from marts.observation").fetchall() == [(2,)]


def test_nobody_writes_into_what_was_published(settings: Settings) -> None:
    _fill(settings, 1)
    folder = publish(settings, "run-1").folder
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) == 4
    assert not [path for path in files if path.stat().st_mode & 0o222]


def test_the_same_content_gives_the_same_parquet_bytes(settings: Settings) -> None:
    _fill(settings, 1)
    first = publish(settings, "run-1").checksums
    second = publish(settings, "run-2").checksums
    assert {k: v for k, v in first.items() if k.startswith("parquet/")} == {
        k: v for k, v in second.items() if k.startswith("parquet/")
    }


def test_a_failing_publication_leaves_the_standing_one(settings: Settings) -> None:
    _fill(settings, 1)
    publish(settings, "run-1")
    with connect(settings.warehouse_path) as connection:
        connection.execute("drop table marts.delivery")
    with pytest.raises(duckdb.Error):
        publish(settings, "run-2")
    manifest = current(settings)
    assert manifest is not None and manifest["run_id"] == "run-1"
    assert _published(settings, "select max(value) from marts.observation") == 1


def test_what_a_killed_run_left_is_cleared_and_old_sets_are_dropped(settings: Settings) -> None:
    _fill(settings, 1)
    versions = settings.published_path.parent / "versions"
    left_over = [versions / ".building-x", versions / ".removed-x"]
    for folder in left_over:
        (folder / "parquet").mkdir(parents=True)
    (versions.parent / ".restored.json.0123abcd").write_text("[", encoding="utf-8")
    (versions.parent / ".current.new").symlink_to("versions/x")
    for number in range(4):
        publish(settings, f"run-{number}")
    assert not [folder for folder in left_over if folder.exists()]
    assert not list(versions.parent.glob(".*"))
    assert len(list(versions.iterdir())) == 2


def test_what_counted_a_moment_ago_stays_for_whoever_just_opened_it(settings: Settings) -> None:
    _fill(settings, 1)
    sparing = settings.model_copy(update={"keep_publications": 1, "keep_monthly_publications": 0})
    first, second, third = (publish(sparing, f"run-{number}").folder for number in range(3))
    assert (first.exists(), second.exists(), third.exists()) == (False, True, True)


def _version(number: int, published_at: str) -> Version:
    return Version(f"v{number}", Path(f"v{number}"), number, {"published_at": published_at})


def test_the_newest_stay_and_the_last_of_each_month() -> None:
    days = ["2026-01-10", "2026-01-31", "2026-02-01", "2026-02-28", "2026-04-01", "2026-04-02", "2026-04-03"]
    versions = [_version(number, f"{day}T08:00:00+00:00") for number, day in enumerate(days)]
    assert retained(versions, keep=2, keep_monthly=0) == {"v5", "v6"}
    assert retained(versions, keep=2, keep_monthly=2) == {"v3", "v5", "v6"}
    assert retained(versions, keep=1, keep_monthly=12) == {"v1", "v3", "v6"}


@given(
    st.lists(st.datetimes(min_value=dt.datetime(1990, 1, 1), max_value=dt.datetime(2090, 1, 1)), min_size=1),  # noqa: DTZ001
    st.integers(1, 6),
    st.integers(0, 6),
)
def test_the_last_ones_made_stay_whatever_the_clock_said(clocks: list[dt.datetime], keep: int, monthly: int) -> None:
    versions = [_version(number, moment.isoformat()) for number, moment in enumerate(clocks)]
    stay = retained(versions, keep, monthly)
    assert {version.publication_id for version in versions[-keep:]} <= stay
    assert len(stay) <= keep + monthly


class _Clock(dt.datetime):
    """A clock that says what it is told to."""

    says = dt.datetime(2026, 7, 1, 8, tzinfo=dt.UTC)

    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> _Clock:
        return cls.fromtimestamp(cls.says.timestamp(), tz)


def test_a_clock_set_back_neither_hides_nor_drops_what_is_published_after(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fill(settings, 1)
    monkeypatch.setattr(publication.dt, "datetime", _Clock)
    moments = ["2030-01-01T00:00:00", "2026-07-01T08:00:00", "2026-07-01T08:00:00", "2026-06-30T23:59:59"]
    made = []
    for number, moment in enumerate(moments):
        monkeypatch.setattr(_Clock, "says", dt.datetime.fromisoformat(f"{moment}+00:00"))
        made.append(publish(settings, "the same run"))
        found = current(settings)
        assert found is not None and found["number"] == number + 1
        assert standing_folder(settings.published_path.parent) == made[-1].folder
    assert made[1].publication_id != made[2].publication_id
    # the last two by number, and the last of each month: 2030-01, 2026-07 and 2026-06
    assert [one.publication_id for one in versions_of(settings.published_path.parent)] == [
        made[0].publication_id,
        made[2].publication_id,
        made[3].publication_id,
    ]


def test_publications_of_the_release_before_come_before_those_with_a_number(settings: Settings) -> None:
    _fill(settings, 1)
    old = publish(settings, "run-0").folder
    _as_the_release_before_made_it(old)
    assert [one.number for one in versions_of(settings.published_path.parent)] == [0]
    assert verify(old) == [] and looks_whole(old)
    assert publish(settings, "run-1").number == 1
    assert [one.number for one in versions_of(settings.published_path.parent)] == [0, 1]


def _as_the_release_before_made_it(folder: Path) -> None:
    """Its manifest had these keys, and no checksum of its own."""
    keys = ["publication_id", "run_id", "published_at", "git_revision", "row_counts", "checksums", "vintages", "folder"]
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    path.unlink()
    path.write_text(json.dumps({key: manifest[key] for key in keys}, indent=1) + "\n", encoding="utf-8")


# A full disk, and a folder that cannot be written.


def _names(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*")}


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
        duckdb.IOException('Could not write file "x": No space left on device'),
    ],
)
@pytest.mark.parametrize("place_of_failure", ["_copy_comments", "write_manifest", "sync"])
def test_a_full_disk_leaves_the_standing_publication_and_nothing_half_made(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, error: Exception, place_of_failure: str
) -> None:
    _fill(settings, 1)
    publish(settings, "run-1")
    root = settings.published_path.parent
    before = _names(root)

    def full(*_: object) -> None:
        raise error

    monkeypatch.setattr(publication, place_of_failure, full)
    with pytest.raises(PublicationError, match="No space left on device; what was published before stands"):
        publish(settings, "run-2")
    assert _names(root) == before
    assert verify(root / "current") == []
    monkeypatch.undo()
    assert publish(settings, "run-2").number == 2


@pytest.fixture
def somebody_else() -> Iterator[Path]:
    """A folder of an account without rights over others' files, which this process is meanwhile."""
    folder = Path(tempfile.mkdtemp(prefix="nulmeting-"))
    is_root = os.geteuid() == 0
    if is_root:
        os.chown(folder, 65534, 65534)
        os.seteuid(65534)
    yield folder
    if is_root:
        os.seteuid(0)
    for path in (folder, *folder.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)
    shutil.rmtree(folder)


@pytest.mark.parametrize("closed", ["published", "published/versions"])
def test_a_folder_that_may_not_be_written_leaves_the_standing_publication(somebody_else: Path, closed: str) -> None:
    settings = Settings(data_dir=somebody_else / "data", keep_publications=2)
    _fill(settings, 1)
    first = publish(settings, "run-1")
    (settings.data_dir / closed).chmod(0o555)
    with pytest.raises(PublicationError, match=r"cannot be written \(Permission denied\); what was published before"):
        publish(settings, "run-2")
    found = current(settings)
    assert found is not None and found["run_id"] == "run-1"
    assert verify(first.folder) == []
    (settings.data_dir / closed).chmod(0o755)
    publish(settings, "run-3")
    assert _published(settings, "select max(value) from marts.observation") == 1
    assert [one.folder.name[-5:] for one in versions_of(settings.published_path.parent)] == ["run-1", "run-3"]


def test_what_was_made_by_a_run_killed_before_the_swap_never_counts(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fill(settings, 1)
    publish(settings, "run-1")

    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    monkeypatch.setattr(publication, "swap", killed)
    monkeypatch.setattr(publication, "set_aside", killed)
    with pytest.raises(Killed):
        publish(settings, "run-2")
    assert len(versions_of(settings.published_path.parent)) == 2
    monkeypatch.undo()
    assert publish(settings, "run-3").number == 2
    assert [one.folder.name[-5:] for one in versions_of(settings.published_path.parent)] == ["run-1", "run-3"]


# Where a link cannot be made, and where a file cannot be replaced while somebody holds it.


def _without_links(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "A required privilege is not held by the client")

    monkeypatch.setattr(Path, "symlink_to", refuse)


@pytest.mark.parametrize("has_hard_links", [True, False])
def test_without_links_a_file_names_what_counts(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, has_hard_links: bool
) -> None:
    _fill(settings, 1)
    root = settings.published_path.parent
    publish(settings, "run-1")
    _without_links(monkeypatch)
    if not has_hard_links:
        monkeypatch.setattr(os, "link", Path.symlink_to)
    _fill(settings, 2)
    second = publish(settings, "run-2")
    assert second.notices == ()
    assert (root / "current.txt").read_text(encoding="utf-8") == f"{second.publication_id}\n"
    # no link is left that leads to what no longer counts
    assert sorted(path.name for path in root.iterdir()) == ["current.txt", "nulmeting.duckdb", "versions"]
    found = current(settings)
    assert found is not None and found["run_id"] == "run-2"
    assert _published(settings, "select max(value) from marts.observation") == 2
    assert standing_file(settings.published_path) == second.folder / "nulmeting.duckdb"
    monkeypatch.undo()
    _fill(settings, 3)
    third = publish(settings, "run-3")
    assert not (root / "current.txt").exists()
    assert standing_folder(root) == third.folder
    assert settings.published_path.is_symlink()
    assert _published(settings, "select max(value) from marts.observation") == 3


def test_a_file_that_a_reader_holds_stays_as_it_was_and_ours_read_the_one_that_counts(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    _without_links(monkeypatch)
    monkeypatch.setattr(place, "_SECONDS_BETWEEN", 0.0)
    _fill(settings, 1)
    publish(settings, "run-1")
    rename = Path.replace

    def held(path: Path, target: Path) -> Path:
        if Path(target).name == "nulmeting.duckdb":
            raise PermissionError(errno.EACCES, "used by another process", str(target))
        return rename(path, target)

    monkeypatch.setattr(Path, "replace", held)
    _fill(settings, 2)
    second = publish(settings, "run-2")
    (notice,) = second.notices
    assert "held by a reader" in notice and "current.txt names the one that counts" in notice
    assert not list(settings.published_path.parent.glob(".*"))
    # the held file is the whole publication before; what counts is found by name
    assert _published(settings, "select max(value) from marts.observation") == 1
    with connect_read_only(settings.published_path) as connection:
        assert connection.execute("select max(value) from marts.observation").fetchall() == [(2,)]
    monkeypatch.setattr(Path, "replace", rename)
    assert publish(settings, "run-3").notices == ()
    assert _published(settings, "select max(value) from marts.observation") == 2


def test_a_pointer_that_is_read_just_then_is_replaced_a_moment_later(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    _without_links(monkeypatch)
    monkeypatch.setattr(place, "_SECONDS_BETWEEN", 0.0)
    _fill(settings, 1)
    rename, refused = Path.replace, [0]

    def held(path: Path, target: Path) -> Path:
        if Path(target).name == "current.txt" and refused[0] < 3:
            refused[0] += 1
            raise PermissionError(errno.EACCES, "used by another process", str(target))
        return rename(path, target)

    monkeypatch.setattr(Path, "replace", held)
    assert publish(settings, "run-1").notices == ()
    assert refused == [3]
    assert current(settings) is not None


def test_a_publication_that_a_reader_holds_is_removed_the_next_time(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fill(settings, 1)
    sparing = settings.model_copy(update={"keep_publications": 1, "keep_monthly_publications": 0})
    first = publish(sparing, "run-1").folder
    rename = Path.rename

    def held(path: Path, target: Path) -> Path:
        if path == first:
            raise PermissionError(errno.EACCES, "used by another process", str(path))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", held)
    for number in (2, 3):
        publish(sparing, f"run-{number}")
    assert verify(first) == []
    monkeypatch.undo()
    publish(sparing, "run-4")
    assert not first.exists()


def test_a_copy_that_was_put_back_without_its_links_is_published_over(settings: Settings) -> None:
    _fill(settings, 1)
    publish(settings, "run-1")
    root = settings.published_path.parent
    copy = root.with_name("copy")
    shutil.copytree(root, copy, symlinks=False)
    shutil.rmtree(root)
    copy.rename(root)
    assert (root / "current").is_dir() and not (root / "current").is_symlink()
    found = current(settings)
    assert found is not None and found["run_id"] == "run-1"
    _fill(settings, 2)
    publish(settings, "run-2")
    assert (root / "current").is_symlink() and (root / "parquet").is_symlink()
    assert _published(settings, "select max(value) from marts.observation") == 2


def _catalogue(settings: Settings) -> None:
    """Two counts, the stock below the line, and the rate that follows from them."""
    with connect(settings.warehouse_path) as connection:
        connection.execute(
            "create table marts.indicator as select indicator_id, 'Naam' as label_nl, aggregation, numerator_id, "
            "denominator_id, rate_factor::double as rate_factor, value_kind, sources from (values "
            "('i', 'sum', null, null, null, 'flow', 'own|cbs'), "
            "('people', 'sum', null, null, null, 'stock', 'cbs'), "
            "('i_per_1000', 'recompute', 'i', 'people', 1000, 'rate', 'cbs')) "
            "as indicator (indicator_id, aggregation, numerator_id, denominator_id, rate_factor, value_kind, sources)"
        )


def _keep(settings: Settings, deliveries: str, figures: str) -> None:
    """A warehouse with these vintages and these figures of theirs."""
    _catalogue(settings)
    with connect(settings.warehouse_path) as connection:
        connection.execute(
            "create table marts.delivery as select source_id || '/' || file || '/' || number as vintage_id, "
            "source_id, file, vintage_date::date as vintage_date, vintage_order::bigint as vintage_order, "
            "timestamp '2026-07-01 08:00:00' + to_minutes(number) as fetched_at, 'x' as vintage_label, "
            "'ff' as checksum_sha256, true as is_current, withdrawn_on::date as withdrawn_on, status "
            f"from (values {deliveries}) as delivery "
            "(source_id, file, number, vintage_date, vintage_order, withdrawn_on, status)"
        )
        connection.execute(
            "create table marts.observation as select indicator_id, region_code, period_code, source_id, vintage_id, "
            "vintage_date, value::double as value, if(value is null, 'L', 'A') as obs_status, true as is_latest "
            f"from (values {figures}) as figure (vintage_id, indicator_id, region_code, period_code, value) "
            "inner join marts.delivery using (vintage_id)"
        )
    publish(settings, "run-1")


def _asked(settings: Settings, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(settings.published_path), read_only=True) as connection:
        return connection.execute(query).fetchall()


def _known_on(settings: Settings, day: str) -> list[tuple[object, ...]]:
    return _asked(
        settings,
        f"select region_code, value, source_id from marts.observation_as_of(date '{day}') "
        "where indicator_id = 'i' order by all",
    )


def test_the_file_tells_what_stood_there_on_a_day(settings: Settings) -> None:
    _keep(
        settings,
        deliveries="('cbs', 't', 1, '2020-05-01', null, null, 'loaded'), "
        "('cbs', 't', 2, '2021-05-01', null, null, 'loaded'), "
        "('cbs', 't', 3, '2022-05-01', null, null, 'refused'), "
        "('own', 'a', 1, '2020-06-01', null, '2021-01-01', 'loaded')",
        figures="('cbs/t/1', 'i', 'GM0001', '2020', 10), ('cbs/t/1', 'i', 'GM0002', '2020', 20), "
        "('cbs/t/2', 'i', 'GM0001', '2020', 11), ('own/a/1', 'i', 'GM0001', '2020', 9), "
        "('own/a/1', 'i', 'GM0002', '2020', null)",
    )
    assert _known_on(settings, "2020-04-30") == []
    assert _known_on(settings, "2020-05-01") == [("GM0001", 10, "cbs"), ("GM0002", 20, "cbs")]
    # of two sources that contradict each other the one that the indicator prefers, and any figure before none
    assert _known_on(settings, "2020-12-31") == [("GM0001", 9, "own"), ("GM0002", 20, "cbs")]
    assert _known_on(settings, "2021-01-01") == [("GM0001", 10, "cbs"), ("GM0002", 20, "cbs")]
    # the newest vintage left the second municipality out; one that was refused never stood there
    assert _known_on(settings, "2023-01-01") == [("GM0001", 11, "cbs")]


def test_of_two_files_of_one_figure_the_later_in_the_declared_order_stood_there(settings: Settings) -> None:
    _keep(
        settings,
        deliveries="('own', 'mei', 1, '2020-06-01', 0, null, 'loaded'), "
        "('own', 'mei', 2, '2022-06-01', 0, null, 'loaded'), "
        "('own', 'september', 3, '2021-06-01', 1, null, 'loaded')",
        figures="('own/mei/1', 'i', 'GM0001', '2020', 10), ('own/mei/2', 'i', 'GM0001', '2020', 11), "
        "('own/september/3', 'i', 'GM0001', '2020', 12)",
    )
    assert _known_on(settings, "2020-12-31") == [("GM0001", 10, "own")]
    assert _known_on(settings, "2021-12-31") == [("GM0001", 12, "own")]
    assert _known_on(settings, "2022-12-31") == [("GM0001", 12, "own")]


def test_a_rate_on_a_day_is_the_delivered_one_or_follows_from_the_counts_of_that_day(settings: Settings) -> None:
    _keep(
        settings,
        deliveries="('cbs', 'people', 1, '2020-03-01', null, null, 'loaded'), "
        "('cbs', 't', 1, '2020-05-01', null, null, 'loaded'), "
        "('cbs', 't', 2, '2021-05-01', null, null, 'loaded'), "
        "('cbs', 'rates', 1, '2022-05-01', null, null, 'loaded')",
        figures="('cbs/people/1', 'people', 'GM0001', '2020', 1000), ('cbs/people/1', 'people', 'GM0002', '2020', 0), "
        "('cbs/t/1', 'i', 'GM0001', '2020H1', 10), ('cbs/t/1', 'i', 'GM0002', '2020H1', 20), "
        "('cbs/t/1', 'i', 'GM0003', '2020H1', 30), ('cbs/t/2', 'i', 'GM0001', '2020H1', 12), "
        "('cbs/rates/1', 'i_per_1000', 'GM0001', '2020H1', 12.5)",
    )

    def rates(day: str) -> list[tuple[object, ...]]:
        return _asked(
            settings,
            "select region_code, value, obs_status, is_computed, vintage_date::varchar "
            f"from marts.observation_as_of(date '{day}') where indicator_id = 'i_per_1000' order by 1",
        )

    assert rates("2020-04-30") == []
    # without inhabitants there is no rate, and where nobody lives there cannot be one
    assert rates("2020-12-31") == [
        ("GM0001", 10, "A", True, "2020-05-01"),
        ("GM0002", None, "M", True, "2020-05-01"),
        ("GM0003", None, "L", True, "2020-05-01"),
    ]
    assert rates("2021-05-01") == [("GM0001", 12, "A", True, "2021-05-01")]
    assert rates("2022-05-01") == [("GM0001", 12.5, "A", False, "2022-05-01")]


def test_what_stood_there_stands_beside_the_country_and_the_figure_of_now(settings: Settings) -> None:
    with connect(settings.warehouse_path) as connection:
        connection.execute(
            "create table marts.region as select region_code, region_name, region_type, valid_from::date as valid_from "
            "from (values ('GM0001', 'Oud', 'gemeente', null), ('GM0001', 'Nieuw', 'gemeente', '2019-01-01'), "
            "('NL01', 'Nederland', 'land', null), ('WK000101', 'Wijk', 'wijk', null)) "
            "as region (region_code, region_name, region_type, valid_from)"
        )
        connection.execute(
            "create table marts.indicator_municipality as select 'i' as indicator_id, 'GM0001' as region_code, "
            "'2020' as period_code, geography, value, 'A' as obs_status from (values ('published', 11), ('2026', 99)) "
            "as present (geography, value)"
        )
    _keep(
        settings,
        deliveries="('cbs', 't', 1, '2020-05-01', null, null, 'loaded'), "
        "('cbs', 't', 2, '2021-05-01', null, null, 'loaded')",
        figures="('cbs/t/1', 'i', 'GM0001', '2020', 10), ('cbs/t/1', 'i', 'NL01', '2020', 500), "
        "('cbs/t/1', 'i', 'WK000101', '2020', 4), ('cbs/t/2', 'i', 'GM0001', '2020', 11)",
    )
    asked = (
        "select region_code, region_name, label_nl, geography, value, national_value, value_now "
        "from marts.indicator_municipality_as_of(date '{}') where indicator_id = 'i'"
    )
    assert _asked(settings, asked.format("2020-12-31")) == [("GM0001", "Nieuw", "Naam", "published", 10, 500, 11)]
    assert _asked(settings, asked.format("2021-12-31")) == [("GM0001", "Nieuw", "Naam", "published", 11, None, 11)]


def test_what_the_file_can_be_asked_is_described_in_it(settings: Settings) -> None:
    _fill(settings, 1)
    _catalogue(settings)
    publish(settings, "run-1")
    comment = _published(settings, "select comment from duckdb_functions() where function_name = 'observation_as_of'")
    assert "marts.observation_as_of(date '" in str(comment)
    asked = "select count(*) from marts.observation_as_of(date '2026-01-01') where indicator_id = 'i'"
    assert _published(settings, asked) == 1000
