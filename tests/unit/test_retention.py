"""The rules of retention: what they let go, what they keep all the same, and that the rest stays as it was."""

from __future__ import annotations

import datetime as dt
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.connectors.snapshot import Snapshot, SnapshotStore
from pipelines.declarations.source import DelimitedReader, Source
from pipelines.deliveries import load_folder_source
from pipelines.deliveries.kept_rows import EXPIRED
from pipelines.privacy.pseudonym import PseudonymKey
from pipelines.retention import by_rule
from pipelines.retention.by_rule import apply_rules
from pipelines.retention.kept_from import read_kept_from, record_kept_from
from pipelines.run_folder import forget_old_runs
from pipelines.settings import (
    EARLIER_PSEUDONYM_KEYS_FILE,
    PSEUDONYM_KEY,
    PSEUDONYM_KEY_FILE,
    Retention,
    Settings,
    SetupError,
    load_settings,
)
from pipelines.warehouse.connection import connect
from pipelines.warehouse.load import load_source
from tests.istandaard_messages import (
    BSN,
    OTHER_BSN,
    REGIONS,
    THIRD_BSN,
    Client,
    allocation,
    message,
    source_of,
    start,
    stop,
)

SECRET = "the key of this municipality, for tests"
KEY = PseudonymKey(SECRET.encode())
TODAY = dt.date(2026, 7, 1)
LONG_AGO = {"Begindatum": "2012-02-01"}


def _delimited(source_id: str, pattern: str, columns: list[dict[str, Any]], key: list[str]) -> Source:
    """A table about persons, with the municipality and the person in front."""
    first = [
        {"header": "Gemeente", "name": "gemeente", "type": "region_code"},
        {"header": "BSN", "name": "person", "type": "person"},
    ]
    return Source.model_validate(
        {
            **source_of().model_dump(exclude={"reader", "connector"}),
            "source_id": source_id,
            "connector": {"kind": "folder", "pattern": pattern},
            "reader": {
                "kind": "delimited",
                "encoding": "utf-8",
                "delimiter": ";",
                "columns": first + columns,
                "key": ["gemeente", "person", *key],
            },
        }
    )


HOUSEHOLDS = _delimited(
    "huishouden",
    "*.csv",
    [
        {"header": "Huishouden", "name": "household", "type": "household"},
        {"header": "Peildatum", "name": "start_date", "type": "date"},
    ],
    ["start_date"],
)
SPELLS = _delimited(
    "bijstand",
    "*.txt",
    [
        {"header": "Wet", "name": "law", "type": "text", "allowed": ["participatie"]},
        {"header": "Voorziening", "name": "provision", "type": "text", "allowed": ["bijstand"]},
        {"header": "Begin", "name": "start_date", "type": "date"},
        {"header": "Einde", "name": "end_date", "type": "date", "nullable": True},
    ],
    ["provision", "start_date"],
)


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PSEUDONYM_KEY, SECRET)
    monkeypatch.delenv(PSEUDONYM_KEY_FILE, raising=False)
    monkeypatch.delenv(EARLIER_PSEUDONYM_KEYS_FILE, raising=False)


class Place:
    """A drop folder, what is kept of it, and the warehouse that a run made of that."""

    def __init__(self, root: Path, **rules: Any) -> None:
        drop = root / "drop"
        drop.mkdir()
        self.settings = Settings(
            profile="live", data_dir=root / "data", drop_dir=drop, today=TODAY, retention=Retention(**rules)
        )
        self.store = SnapshotStore(self.settings.snapshots_dir)

    def deliver(self, name: str, text: str) -> None:
        (self.settings.deliveries_dir / name).write_text(text, encoding="utf-8")

    def load(self, *sources: Source, **changed: Any) -> dict[str, Any]:
        loads = {}
        with connect(self.settings.warehouse_path) as connection:
            for source in sources or (source_of(),):
                settings = self.settings.model_copy(update=changed)
                load = loads[source.source_id] = load_folder_source(source, settings, self.store, REGIONS)
                load_source(connection, source.source_id, load.rows, load.accounts)
        return loads

    def persons(self, *sources: Source) -> dict[str, set[str]]:
        return {name: set(load.rows["person"].to_pylist()) for name, load in self.load(*sources).items()}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def begun(*clients: Client) -> str:
    return message("wmo305", list(clients), Dagtekening="2012-02-03", Identificatie="begin")


def ended(*clients: Client) -> str:
    return message("wmo307", list(clients), Dagtekening="2012-07-03", Identificatie="einde")


def test_a_person_whose_help_ended_long_ago_goes_and_one_who_still_has_it_stays_whole(place: Place) -> None:
    clients = [Client(bsn, [start(ToewijzingNummer=None, **LONG_AGO)]) for bsn in (BSN, OTHER_BSN)]
    place.deliver("begin.xml", begun(*clients))
    place.deliver(
        "einde.xml", ended(Client(BSN, [stop(ToewijzingNummer=None, Begindatum="2012-02-01", Einddatum="2012-06-30")]))
    )
    before = place.load()["iwmo"]
    assert set(before.rows["person"].to_pylist()) == {KEY.person(BSN), KEY.person(OTHER_BSN)}
    plan = apply_rules(place.settings, dry_run=False)
    assert (sum(one.rows for one in plan.rows), plan.rows_before) == (2, dt.date(2018, 1, 1))
    assert not place.settings.warehouse_path.exists()
    after = place.load()["iwmo"]
    others = [row for row in before.rows.to_pylist() if row["person"] == KEY.person(OTHER_BSN)]
    assert after.rows.to_pylist() == others and len(others) == 1
    accounts = after.accounts["delivery"].to_pylist()
    assert {row["rows_from"] for row in accounts} == {dt.date(2018, 1, 1)}
    assert all(row["rows_in"] == row["rows_loaded"] + row["rows_no_data"] for row in accounts)
    assert {row["kind"] for row in after.accounts["no_data_row"].to_pylist()} == {EXPIRED}
    assert apply_rules(place.settings, dry_run=False).is_empty


@pytest.mark.parametrize(
    ("ends", "goes"),
    [
        ([allocation("1", Einddatum="2012-12-31", Ingangsdatum="2012-02-01", Toewijzingsdatum="2012-01-05")], True),
        ([allocation("1", Einddatum="2031-12-31", Ingangsdatum="2012-02-01", Toewijzingsdatum="2012-01-05")], False),
        ([allocation("1", Einddatum=None, Ingangsdatum="2012-02-01", Toewijzingsdatum="2012-01-05")], False),
    ],
    ids=["allocated until then", "allocated until later", "allocated without an end"],
)
def test_what_nobody_stopped_goes_on_until_its_allocation_ends(place: Place, ends: list[Any], goes: bool) -> None:
    place.deliver("toewijzing.xml", message("wmo301", [Client(BSN, ends)], Dagtekening="2012-01-06"))
    place.deliver("begin.xml", begun(Client(BSN, [start("1", **LONG_AGO)])))
    place.load()
    assert bool(apply_rules(place.settings, dry_run=True).rows) == goes


STOPPED = {"ToewijzingNummer": None, "Begindatum": "2012-02-01", "Einddatum": "2012-06-30"}


@pytest.mark.parametrize(
    ("stops", "goes"),
    [
        ([STOPPED], True),
        ([STOPPED, {**STOPPED, "StatusAanlevering": "3"}], False),
        ([{**STOPPED, "ToewijzingNummer": "7"}], False),
        ([{**STOPPED, "Begindatum": "2012-02-02"}], False),
    ],
    ids=["stopped", "the stop was taken back", "something else was stopped", "a later start was stopped"],
)
def test_only_a_stop_of_that_start_that_still_stands_ends_it(
    place: Place, stops: list[dict[str, Any]], goes: bool
) -> None:
    place.deliver("begin.xml", begun(Client(BSN, [start(ToewijzingNummer=None, **LONG_AGO)])))
    for number, words in enumerate(stops):
        header = {"Dagtekening": f"2012-07-0{number + 1}", "Identificatie": f"einde{number}"}
        place.deliver(f"einde{number}.xml", message("wmo307", [Client(BSN, [stop(**words)])], **header))
    assert place.load()["iwmo"].rows.num_rows == 1 + len(stops)
    assert bool(apply_rules(place.settings, dry_run=True).rows) == goes


def test_an_allocation_that_lost_its_last_day_goes_on(place: Place) -> None:
    days = {"Ingangsdatum": "2012-02-01", "Toewijzingsdatum": "2012-01-05"}
    for number, end in enumerate(("2012-12-31", None)):
        text = message(
            "wmo301",
            [Client(BSN, [allocation("1", Einddatum=end, **days)])],
            Dagtekening=f"2012-01-0{number + 6}",
            Identificatie=f"t{number}",
        )
        place.deliver(f"toewijzing{number}.xml", text)
    place.deliver("begin.xml", begun(Client(BSN, [start("1", **LONG_AGO)])))
    place.load()
    assert apply_rules(place.settings, dry_run=True).is_empty


def test_of_a_table_the_end_of_the_last_stretch_tells(place: Place) -> None:
    place.deliver(
        "bijstand.txt",
        "Gemeente;BSN;Wet;Voorziening;Begin;Einde\n"
        f"GM9001;{BSN};participatie;bijstand;2010-01-01;2012-03-31\n"
        f"GM9001;{OTHER_BSN};participatie;bijstand;2010-01-01;2012-03-31\n"
        f"GM9001;{OTHER_BSN};participatie;bijstand;2017-01-01;2018-01-01\n"
        f"GM9001;{THIRD_BSN};participatie;bijstand;2010-01-01;\n",
    )
    place.load(SPELLS)
    assert [one.rows for one in apply_rules(place.settings, dry_run=False).rows] == [1]
    assert place.persons(SPELLS) == {"bijstand": {KEY.person(OTHER_BSN), KEY.person(THIRD_BSN)}}


def test_a_household_goes_with_the_last_of_its_person(place: Place) -> None:
    place.deliver(
        "bijstand.txt",
        "Gemeente;BSN;Wet;Voorziening;Begin;Einde\n"
        f"GM9001;{BSN};participatie;bijstand;2010-01-01;2012-03-31\n"
        f"GM9001;{OTHER_BSN};participatie;bijstand;2010-01-01;\n",
    )
    rows = "".join(f"GM9001;{bsn};h1;2012-01-01\n" for bsn in (BSN, OTHER_BSN, THIRD_BSN))
    place.deliver("huishouden.csv", f"Gemeente;BSN;Huishouden;Peildatum\n{rows}GM9001;{THIRD_BSN};h1;2024-01-01\n")
    place.load(SPELLS, HOUSEHOLDS)
    plan = apply_rules(place.settings, dry_run=False)
    assert {one.source_id: one.rows for one in plan.rows} == {"bijstand": 1, "huishouden": 2}
    assert place.persons(SPELLS, HOUSEHOLDS) == {
        "bijstand": {KEY.person(OTHER_BSN)},
        "huishouden": {KEY.person(OTHER_BSN), KEY.person(THIRD_BSN)},
    }
    # what is left says who is in which household on its days as before
    assert read_kept_from(place.store.root, "huishouden") is None


def test_of_what_was_replaced_long_ago_only_who_still_counts_stays(place: Place) -> None:
    header = "Gemeente;BSN;Wet;Voorziening;Begin;Einde\n"
    first = f"GM9001;{BSN};participatie;bijstand;2010-01-01;\nGM9001;{OTHER_BSN};participatie;bijstand;2010-01-01;\n"
    place.deliver("bijstand.txt", header + first)
    place.load(SPELLS, today=dt.date(2012, 1, 1))
    place.deliver("bijstand.txt", f"{header}GM9001;{OTHER_BSN};participatie;bijstand;2010-01-01;\n")
    place.load(SPELLS, today=dt.date(2013, 1, 1))
    assert [one.rows for one in apply_rules(place.settings, dry_run=False).rows] == [1]
    assert place.persons(SPELLS) == {"bijstand": {KEY.person(OTHER_BSN)}}


def test_with_years_of_nought_every_person_stays(tmp_path: Path) -> None:
    place = Place(tmp_path, client_rows_years=0)
    place.deliver(
        "einde.xml", ended(Client(BSN, [stop(ToewijzingNummer=None, Begindatum="2012-02-01", Einddatum="2012-06-30")]))
    )
    place.load()
    assert apply_rules(place.settings, dry_run=False).is_empty


def test_the_day_that_is_kept_from_never_goes_back(tmp_path: Path) -> None:
    (tmp_path / "iwmo").mkdir()
    for day in (dt.date(2018, 1, 1), dt.date(2015, 1, 1)):
        record_kept_from(tmp_path, "iwmo", day)
    assert read_kept_from(tmp_path, "iwmo") == dt.date(2018, 1, 1)


def test_a_kill_anywhere_leaves_what_a_next_run_and_a_next_removal_finish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def dying(*_: object) -> None:
        raise Killed

    place = Place(tmp_path)
    place.deliver(
        "begin.xml", begun(*[Client(bsn, [start(ToewijzingNummer=None, **LONG_AGO)]) for bsn in (BSN, OTHER_BSN)])
    )
    place.deliver(
        "einde.xml", ended(Client(BSN, [stop(ToewijzingNummer=None, Begindatum="2012-02-01", Einddatum="2012-06-30")]))
    )
    place.load()
    for name in ("empty_warehouses", "note"):
        with monkeypatch.context() as patch:
            patch.setattr(by_rule, name, dying)
            with pytest.raises(Killed):
                apply_rules(place.settings, dry_run=False)
        # figures of the years before are not told, whether the rows are gone yet or not
        assert set(place.load()["iwmo"].accounts["delivery"]["rows_from"].to_pylist()) == {dt.date(2018, 1, 1)}
    apply_rules(place.settings, dry_run=False)
    assert place.persons() == {"iwmo": {KEY.person(OTHER_BSN)}}


def test_without_a_finished_run_nothing_is_judged(place: Place) -> None:
    place.deliver(
        "einde.xml", ended(Client(BSN, [stop(ToewijzingNummer=None, Begindatum="2012-02-01", Einddatum="2012-06-30")]))
    )
    place.load()
    place.settings.warehouse_path.unlink()
    with pytest.raises(SetupError, match="found no warehouse, which tells what counts now"):
        apply_rules(place.settings, dry_run=True)


def test_without_the_key_nothing_is_judged(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.deliver(
        "einde.xml", ended(Client(BSN, [stop(ToewijzingNummer=None, Begindatum="2012-02-01", Einddatum="2012-06-30")]))
    )
    place.load()
    monkeypatch.delenv(PSEUDONYM_KEY)
    with pytest.raises(SetupError, match="the key of the pseudonyms: found no key"):
        apply_rules(place.settings, dry_run=True)


# Vintages of other deliveries


def a_source(**more: Any) -> Source:
    reader = DelimitedReader.model_validate(
        {
            "kind": "delimited",
            "encoding": "utf-8",
            "delimiter": ";",
            "columns": [{"header": "a", "name": "a", "type": "text"}],
            "key": ["a"],
        }
    )
    values = source_of().model_dump(exclude={"reader", "connector", "source_id", "person_level"})
    connector = {"kind": "folder", "pattern": "*.csv"}
    return Source.model_validate({**values, "source_id": "finance", "connector": connector, "reader": reader, **more})


def vintages(store: SnapshotStore, *days: dt.date, name: str = "a.csv") -> list[Snapshot]:
    return [
        store.put_files(
            "finance",
            name,
            {name: f"{place}".encode()},
            origin=name,
            fetched_at=dt.datetime(2020, 1, 1, place, tzinfo=dt.UTC),
            vintage_date=day,
        )
        for place, day in enumerate(days)
    ]


def superseded(
    source: Source, snapshots: list[Snapshot], before: dt.date, status: dict[str, tuple[bool, str]]
) -> list[Snapshot]:
    return list(by_rule._superseded_of(source, snapshots, before, status))


def test_a_vintage_goes_when_the_one_after_it_has_been_there_long_enough(tmp_path: Path) -> None:
    kept = vintages(SnapshotStore(tmp_path), dt.date(2012, 1, 1), dt.date(2014, 1, 1), dt.date(2025, 1, 1))
    status = {one.vintage_id: (one is kept[-1], "loaded") for one in kept}
    assert superseded(a_source(), kept, dt.date(2016, 7, 1), status) == [kept[0]]
    assert superseded(a_source(), kept, dt.date(2013, 7, 1), status) == []


def test_what_counts_now_and_what_was_refused_change_nothing_for_the_vintage_before(tmp_path: Path) -> None:
    kept = vintages(SnapshotStore(tmp_path), dt.date(2012, 1, 1), dt.date(2014, 1, 1))
    counts = {kept[0].vintage_id: (True, "loaded"), kept[1].vintage_id: (False, "loaded")}
    assert superseded(a_source(), kept, dt.date(2016, 7, 1), counts) == []
    refused = {kept[0].vintage_id: (False, "loaded"), kept[1].vintage_id: (False, "refused")}
    assert superseded(a_source(), kept, dt.date(2016, 7, 1), refused) == []


def test_the_first_of_a_name_stays_where_its_day_is_declared(tmp_path: Path) -> None:
    """Without it the next would be the first, and be taken for known since the declared day."""
    kept = vintages(SnapshotStore(tmp_path), dt.date(2012, 1, 1), dt.date(2013, 1, 1), dt.date(2014, 1, 1))
    status = {one.vintage_id: (one is kept[-1], "loaded") for one in kept}
    source = a_source(vintages=[{"pattern": "a*.csv", "label": "a", "published": "2012-01-01"}])
    assert superseded(source, kept, dt.date(2016, 7, 1), status) == [kept[1]]


@settings(max_examples=200, deadline=None)
@given(
    days=st.lists(st.dates(dt.date(2010, 1, 1), dt.date(2026, 6, 1)), min_size=1, max_size=6),
    refused=st.sets(st.integers(0, 5)),
    before=st.dates(dt.date(2011, 1, 1), dt.date(2026, 6, 1)),
)
def test_no_day_that_is_kept_is_answered_otherwise(days: list[dt.date], refused: set[int], before: dt.date) -> None:
    folder = Path("made")
    made = [
        Snapshot(
            source_id="finance",
            name="a.csv",
            checksum=f"{place:064d}"[::-1],
            files=(),
            origin="a.csv",
            fetched_at=dt.datetime(2020, 1, 1, place, tzinfo=dt.UTC),
            vintage_date=day,
            vintage_label=None,
            has_bytes=True,
            folder=folder,
        )
        for place, day in enumerate(days)
    ]
    status = {one.vintage_id: (False, "refused" if place in refused else "loaded") for place, one in enumerate(made)}

    def answer(left: list[Snapshot], day: dt.date) -> Snapshot | None:
        """The vintage that counted on a day: the latest of those that could be read."""
        known = [one for one in left if one.was_known_on(day) and status[one.vintage_id][1] == "loaded"]
        return max(known, key=lambda one: (one.vintage_date, one.fetched_at), default=None)

    gone = superseded(a_source(), made, before, status)
    left = [one for one in made if one not in gone]
    for day in {*days, before, dt.date(2026, 7, 1)}:
        if day >= before:
            assert answer(left, day) == answer(made, day)
    assert answer(made, dt.date(2026, 7, 1)) not in gone or answer(made, dt.date(2026, 7, 1)) is None


def test_removing_a_vintage_takes_its_read_only_files_and_leaves_the_others(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path)
    first, second = vintages(store, dt.date(2012, 1, 1), dt.date(2014, 1, 1))
    assert stat.S_IMODE((first.folder / "a.csv").stat().st_mode) == 0o400
    store.remove(first)
    store.remove(first)
    assert store.list("finance") == (second,)
    store.verify(second)
    assert not list(tmp_path.glob("*/.*"))


# Runs, settings and the command


def aged(path: Path, days: int, make: Callable[[Path], object]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    make(path)
    then = time.time() - days * 86_400
    os.utime(path, (then, then))
    return path


def test_runs_and_logs_go_by_age_and_the_latest_stays(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, retention=Retention(runs_days=30))
    for name, days in (("a", 90), ("b", 31), ("c", 1)):
        aged(settings.runs_dir / name, days, Path.mkdir)
    only = aged(settings.logs_dir / "a.log", 90, Path.touch)
    forget_old_runs(settings)
    assert [path.name for path in settings.runs_dir.iterdir()] == ["c"]
    assert only.exists()
    forget_old_runs(settings.model_copy(update={"retention": Retention()}))
    assert only.exists()


def test_a_rule_that_does_not_exist_is_told_with_those_that_do(tmp_path: Path) -> None:
    config = tmp_path / "nulmeting.toml"
    config.write_text("[retention]\nclients_years = 5\n", encoding="utf-8")
    expected = "unknown key retention.clients_years, expected one of client_rows_years, snapshots_years, runs_days"
    with pytest.raises(SetupError, match=expected):
        load_settings(config)
    config.write_text("[retention]\nclient_rows_years = 5\n", encoding="utf-8")
    assert load_settings(config).retention == Retention(client_rows_years=5)


def test_a_clock_that_is_years_ahead_removes_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    published = {"published_at": dt.datetime(2026, 7, 1, tzinfo=dt.UTC).isoformat()}
    monkeypatch.setattr(by_rule, "current", lambda _: published)
    monkeypatch.setattr(by_rule, "_plan", lambda *_: by_rule.Plan())
    place.settings.snapshots_dir.mkdir(parents=True, exist_ok=True)
    ahead = place.settings.model_copy(update={"today": dt.date(2027, 7, 3)})
    apply_rules(ahead, dry_run=True)
    with pytest.raises(SetupError, match="more than a year after the last publication"):
        apply_rules(ahead, dry_run=False)
    apply_rules(place.settings.model_copy(update={"today": dt.date(2027, 7, 2)}), dry_run=False)


def test_the_command_only_says_what_would_go_until_it_is_told_to_apply_it(tmp_path: Path) -> None:
    place = Place(tmp_path, runs_days=30)
    for name, days in (("a", 90), ("b", 1)):
        aged(place.settings.runs_dir / name, days, Path.mkdir)
    place.deliver(
        "begin.xml", begun(*[Client(bsn, [start(ToewijzingNummer=None, **LONG_AGO)]) for bsn in (BSN, OTHER_BSN)])
    )
    place.deliver(
        "einde.xml", ended(Client(BSN, [stop(ToewijzingNummer=None, Begindatum="2012-02-01", Einddatum="2012-06-30")]))
    )
    place.load()
    config = tmp_path / "nulmeting.toml"
    config.write_text("profile = 'live'\n[retention]\nruns_days = 30\n", encoding="utf-8")

    def command(*more: str) -> subprocess.CompletedProcess[str]:
        environment = {"NULMETING_CONFIG": str(config), "NULMETING_TODAY": TODAY.isoformat()}
        program = Path(sys.executable).with_name("nulmeting")
        return subprocess.run(
            [program, "retention", "--data-dir", str(place.settings.data_dir), *more],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    told = "iwmo: 2 rows in 2 vintages, of persons last heard of before 2018-01-01\n1 folders and logs of runs\n"
    looked = command()
    assert (looked.returncode, looked.stdout) == (0, f"{told}Nothing was removed; --apply removes it.\n")
    assert len(place.persons()["iwmo"]) == 2 and (place.settings.runs_dir / "a").exists()
    applied = command("--apply")
    assert applied.returncode == 0 and applied.stdout.startswith(f"{told}All of it was removed.\n")
    log = (place.settings.data_dir / "removed.log").read_text(encoding="utf-8").splitlines()
    assert [line.split(" retention: ")[1].split("/")[0] for line in log] == [
        "warehouse.duckdb",
        "1 rows of iwmo",
        "1 rows of iwmo",
        "runs",
    ]
    assert KEY.person(BSN) not in "".join(log)
    again = command("--apply")
    assert (again.returncode, "run `nulmeting run`" in again.stderr) == (2, True)
