"""Which vintage of a delivery counts, and what is kept of it; without Dagster and without a warehouse."""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest

from pipelines.connectors import folder
from pipelines.connectors.snapshot import SnapshotStore
from pipelines.declarations.source import CbsV4Connector, CbsV4Reader, FileVintage, FolderConnector, Origin, Source
from pipelines.deliveries import SourceLoad, fetch_cbs_source, load_cbs_source, load_folder_source
from pipelines.delivery_privacy import shown_name
from pipelines.readers.account import Problem
from pipelines.settings import Settings
from tests.unit.reader_sources import BEDRAG, GEMEENTE, JAAR, POST, REGIONS, delimited

HEADER = "Gemeente;Jaar;Bedrag\n"
BSN = "123456782"


class Place:
    """A folder of deliveries and a store of snapshots, with one declared source."""

    def __init__(self, root: Path, source: Source | None = None) -> None:
        self.settings = Settings(sources_dir=root, data_dir=root / "data", today=dt.date(2026, 7, 1))
        self.settings.deliveries_dir.mkdir()
        self.store = SnapshotStore(self.settings.snapshots_dir)
        self.source = source or _source()

    def deliver(self, text: str, name: str = "levering.csv") -> Path:
        path = self.settings.deliveries_dir / name
        path.write_text(text, encoding="utf-8")
        return path

    def load(self) -> SourceLoad:
        return load_folder_source(self.source, self.settings, self.store, REGIONS)

    def current(self) -> list[float]:
        """The amounts of the vintages that count."""
        load = self.load()
        current = {row["vintage_id"] for row in load.accounts["delivery"].to_pylist() if row["is_current"]}
        return [row["bedrag"] for row in load.rows.to_pylist() if row["vintage_id"] in current]

    def kept(self) -> bytes:
        """Every byte below the data directory, with the names."""
        files = sorted(path for path in self.settings.data_dir.rglob("*") if path.is_file())
        return b"\n".join(str(path).encode() + path.read_bytes() for path in files)


def _source(**more: Any) -> Source:
    values = {"connector": FolderConnector(kind="folder", pattern="levering*.csv"), **more}
    return delimited().model_copy(update=values)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_changed_file_is_a_new_vintage_and_the_earlier_one_stays_on_record(place: Place) -> None:
    place.deliver(HEADER + "Heiloo;2016;10\n")
    assert place.current() == [10]
    place.deliver(HEADER + "Heiloo;2016;11\n")
    assert place.current() == [11]
    rows = place.load().accounts["delivery"].to_pylist()
    assert [(row["is_current"], row["status"]) for row in rows] == [(True, "loaded"), (False, "loaded")]
    assert len({row["checksum_sha256"] for row in rows}) == 2
    assert sorted(row["bedrag"] for row in place.load().rows.to_pylist()) == [10, 11]


def test_a_second_run_on_the_same_file_makes_no_second_vintage(place: Place) -> None:
    place.deliver(HEADER + "Heiloo;2016;10\n")
    first = place.load().accounts["delivery"].to_pylist()
    assert place.load().accounts["delivery"].to_pylist() == first


def test_a_refused_file_leaves_the_vintage_before_it_in_place(place: Place) -> None:
    place.deliver(HEADER + "Heiloo;2016;10\n")
    place.load()
    place.deliver("Gemeente;Jaar\nHeiloo;2016\n")
    assert place.current() == [10]
    load = place.load()
    by_status = {row["status"]: row for row in load.accounts["delivery"].to_pylist()}
    assert (by_status["refused"]["is_current"], by_status["loaded"]["is_current"]) == (False, True)
    assert [problem.reason for problem in load.problems] == ["missing_column"]
    assert load.rows_quarantined == 2


def test_a_first_file_that_is_refused_gives_no_rows_and_an_account(place: Place) -> None:
    place.deliver("")
    load = place.load()
    assert load.rows.num_rows == 0
    ((status, is_current),) = [(r["status"], r["is_current"]) for r in load.accounts["delivery"].to_pylist()]
    assert (status, is_current) == ("refused", False)
    assert load.accounts["quarantine"].column("reason").to_pylist() == ["empty_file"]


def test_rows_that_are_wrong_do_not_keep_the_others_out(place: Place) -> None:
    place.deliver(HEADER + "Heiloo;2016;10\nNergens;2016;11\n")
    load = place.load()
    assert (load.rows_loaded, load.rows_quarantined) == (1, 1)
    (row,) = load.accounts["quarantine"].to_pylist()
    assert (row["file"], row["line"], row["column"], row["reason"]) == ("levering.csv", 3, 1, "unknown_region")


def test_a_file_that_is_gone_is_withdrawn_and_its_vintages_stay_in_the_snapshots(place: Place) -> None:
    path = place.deliver(HEADER + "Heiloo;2016;10\n")
    place.load()
    path.unlink()
    load = place.load()
    assert load.problems == ()
    (row,) = load.accounts["delivery"].to_pylist()
    assert (row["is_current"], row["withdrawn_on"]) == (False, dt.date(2026, 7, 1))
    assert [row["bedrag"] for row in load.rows.to_pylist()] == [10]
    assert place.current() == []
    assert len(place.store.list("proef", "levering.csv")) == 1


def test_a_withdrawal_keeps_its_day_until_the_file_comes_back(place: Place) -> None:
    path = place.deliver(HEADER + "Heiloo;2016;10\n")
    place.load()
    path.unlink()
    for day in (dt.date(2026, 7, 2), dt.date(2026, 7, 9)):
        place.settings = place.settings.model_copy(update={"today": day})
        (row,) = place.load().accounts["delivery"].to_pylist()
        assert row["withdrawn_on"] == dt.date(2026, 7, 2)
    place.deliver(HEADER + "Heiloo;2016;10\n")
    assert place.current() == [10]
    assert [row["withdrawn_on"] for row in place.load().accounts["delivery"].to_pylist()] == [None]


def test_as_of_a_day_that_counts_which_was_known_then(place: Place) -> None:
    def on(day: dt.date, **more: Any) -> None:
        place.settings = place.settings.model_copy(update={"today": day, **more})

    on(dt.date(2026, 3, 1))
    path = place.deliver(HEADER + "Heiloo;2016;10\n")
    place.load()
    on(dt.date(2026, 4, 1))
    place.deliver(HEADER + "Heiloo;2016;11\n")
    place.load()
    on(dt.date(2026, 5, 1))
    path.unlink()
    place.load()
    on(dt.date(2026, 6, 1))
    place.deliver(HEADER + "Heiloo;2016;12\n")
    assert place.current() == [12]

    known = {}
    for day in (
        dt.date(2026, 2, 1),
        dt.date(2026, 3, 15),
        dt.date(2026, 4, 1),
        dt.date(2026, 5, 9),
        dt.date(2026, 6, 1),
    ):
        on(dt.date(2026, 7, 1), as_of=day)
        known[day.month] = place.current()
    assert known == {2: [], 3: [10], 4: [11], 5: [], 6: [12]}


def test_a_return_to_an_older_version_counts_again(place: Place) -> None:
    for amount in (10, 11, 10):
        place.deliver(HEADER + f"Heiloo;2016;{amount}\n")
        assert place.current() == [amount]
    assert len(place.store.list("proef", "levering.csv")) == 2


def test_a_file_still_being_written_leaves_the_vintage_before_it_and_is_told(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.deliver(HEADER + "Heiloo;2016;10\n")
    place.load()
    place.deliver(HEADER + "Heiloo;20")

    def growing(path: Path) -> bytes:
        raise folder.DeliveryError(f"{path.name}: found a file that is still being written, expected a finished one")

    monkeypatch.setattr(folder, "read_bytes", growing)
    assert place.current() == [10]
    assert [str(problem) for problem in place.load().problems] == [
        "levering.csv: found a file that is still being written, expected a finished one"
    ]


def test_a_file_that_may_not_be_opened_does_not_stop_the_others(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.deliver(HEADER + "Heiloo;2016;10\n", "levering_1.csv")
    place.deliver(HEADER + "Uitgeest;2016;11\n", "levering_2.csv")
    really = folder.read_bytes

    def closed(path: Path) -> bytes:
        if path.name == "levering_1.csv":
            raise PermissionError(13, "Permission denied")
        return really(path)

    monkeypatch.setattr(folder, "read_bytes", closed)
    load = place.load()
    assert [row["bedrag"] for row in load.rows.to_pylist()] == [11]
    (problem,) = load.problems
    assert (problem.file, problem.reason) == ("levering_1.csv", "unfinished_file")
    assert "Permission denied" in problem.found


def test_files_of_one_source_count_side_by_side(place: Place) -> None:
    place.deliver(HEADER + "Heiloo;2016;10\n", "levering_1.csv")
    place.deliver(HEADER + "Uitgeest;2016;11\n", "levering_2.csv")
    assert sorted(place.current()) == [10, 11]


def test_the_declared_label_and_date_of_a_vintage_count_from_the_day_they_are_declared(place: Place) -> None:
    place.deliver(HEADER + "Heiloo;2016;10\n")
    (row,) = place.load().accounts["delivery"].to_pylist()
    assert (row["vintage_label"], row["vintage_date"]) == ("levering", dt.date(2026, 7, 1))
    vintage = FileVintage(pattern="levering*.csv", label="begroting-2016", published=dt.date(2015, 11, 1))
    place.source = _source(vintages=(vintage,))
    (row,) = place.load().accounts["delivery"].to_pylist()
    assert (row["vintage_label"], row["vintage_date"]) == ("begroting-2016", dt.date(2015, 11, 1))


def test_the_declared_date_is_that_of_the_first_bytes_and_what_came_later_has_its_own_day(place: Place) -> None:
    vintage = FileVintage(pattern="levering*.csv", label="begroting-2016", published=dt.date(2015, 11, 1))
    place.source = _source(vintages=(vintage,))
    place.deliver("Gemeente;Jaar\nHeiloo;2016\n")
    place.load()
    place.deliver(HEADER + "Heiloo;2016;10\n")
    place.load()
    place.deliver(HEADER + "Heiloo;2016;11\n")
    rows = place.load().accounts["delivery"].to_pylist()
    assert [(row["is_current"], row["vintage_label"], str(row["vintage_date"])) for row in rows] == [
        (True, "begroting-2016", "2026-07-01"),
        (False, "begroting-2016", "2015-11-01"),
    ]
    place.settings = place.settings.model_copy(update={"as_of": dt.date(2015, 12, 31)})
    assert place.current() == [10]


# What holds persons


def test_of_a_person_level_source_only_the_account_is_kept(tmp_path: Path) -> None:
    place = Place(tmp_path, _source(person_level=True))
    place.deliver(HEADER + "Heiloo;2016;4711\n")
    assert place.current() == [4711]
    (snapshot,) = place.store.list("proef", "levering.csv")
    assert not snapshot.has_bytes
    assert b"4711" not in place.kept()


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"Gemeente;Jaar;Bedrag;BSN\nHeiloo;2016;10;{BSN}\n", BSN),
        (f"Gemeente;Jaar;Bedrag;Volgnummer\nHeiloo;2016;10;{BSN}\n", BSN),
        ("Gemeente;Jaar;Bedrag;Naam\nHeiloo;2016;10;Sjoukje Vlasblom\n", "Vlasblom"),
        ("Gemeente;Jaar;Bedrag;Geboortedatum\nHeiloo;2016;10;17-03-1968\n", "17-03-1968"),
        (HEADER + f"Heiloo;2016;10\n{BSN};2016;11\n", BSN),
        (HEADER + f"Heiloo;2016;10\nUitgeest;2016;{BSN}\n", BSN),
        (f"Gemeente;Jaar;Bedrag;Opmerking\nHeiloo;2016;10;\nUitgeest;2016;11;zie {BSN}\n", BSN),
        (HEADER + f"Heiloo;2016;10\nBron: Sjoukje Vlasblom, {BSN}\n", BSN),
        (f"Jaar;Bedrag\n2016;10\n2017;{BSN}\n", BSN),
    ],
    ids=["BSN column", "unnamed BSN", "names", "births", "region", "figure", "undeclared remark", "footer", "refused"],
)
def test_a_file_with_a_person_in_it_is_refused_and_nothing_of_it_kept(place: Place, text: str, secret: str) -> None:
    place.deliver(HEADER + "Heiloo;2016;9\n")
    place.load()
    place.deliver(text)
    load = place.load()
    assert {problem.reason for problem in load.problems} == {"personal_data"}
    assert place.current() == [9]
    assert load.rows_quarantined == text.count("\n")
    shown = str(load.problems) + str(load.rows.to_pylist())
    shown += "".join(str(table.to_pylist()) for table in load.accounts.values())
    assert secret not in shown and "Vlasblom" not in shown
    assert secret.encode() not in place.kept() and b"Vlasblom" not in place.kept()


def test_the_other_cells_of_a_row_about_a_person_are_not_shown(tmp_path: Path) -> None:
    place = Place(tmp_path, _source(reader=delimited(GEMEENTE, JAAR, POST, BEDRAG).reader))
    place.deliver(f"Gemeente;Jaar;Post;Bedrag\nHeiloo;2016;mevrouw Vlasblom, {BSN};10\nJ. Vlasblom;2016;pgb;11\n")
    load = place.load()
    assert load.rows.num_rows == 0
    assert "Vlasblom" not in str(load.problems) + str(load.accounts["quarantine"].to_pylist())


def test_a_name_of_a_file_with_a_bsn_in_it_is_refused_and_shown_nowhere(place: Place) -> None:
    place.deliver(HEADER + "Heiloo;2016;10\n", f"levering_{BSN}.csv")
    load = place.load()
    assert [problem.reason for problem in load.problems] == ["personal_data"]
    assert load.rows.num_rows == 0
    assert BSN not in str(load) and BSN.encode() not in place.kept()


def test_a_file_with_a_bsn_in_its_name_that_is_still_being_written_is_not_named(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = place.deliver(HEADER, f"levering_{BSN}.csv")

    def growing(path: Path) -> bytes:
        raise folder.DeliveryError(f"{path.name}: found a file that is still being written, expected a finished one")

    monkeypatch.setattr(folder, "read_bytes", growing)
    load = place.load()
    assert path.is_file() and BSN not in str(load) and BSN.encode() not in place.kept()


@pytest.mark.parametrize(
    "name",
    [
        "levering_2016.csv",
        "begroting_2020_2027.csv",
        "levering_20260701.csv",
        "levering_20160101_1.csv",
        *(f"levering_2026-{month:02}-{day:02}.csv" for month in range(1, 13) for day in (1, 2, 3, 9, 15, 28)),
        *(f"levering_{day:02}-{month:02}-2026.csv" for month in range(1, 13) for day in (1, 2, 3, 9, 15, 28)),
        "levering 123456789.csv",
    ],
)
def test_dates_and_years_in_a_name_are_no_bsn(name: str) -> None:
    assert shown_name(name) == name


@pytest.mark.parametrize("name", [f"a_{BSN}.csv", "a_1234.56.782.csv", f"2016/{BSN} pgb.xlsx", f"x{BSN}x.csv"])
def test_a_bsn_in_a_name_or_path_is_withheld(name: str) -> None:
    assert "782" not in shown_name(name)


def test_figures_of_nine_digits_are_figures_where_the_declaration_expects_them(tmp_path: Path) -> None:
    large = BEDRAG.model_copy(update={"maximum": 999_999_999.0})
    place = Place(tmp_path, _source(reader=delimited(GEMEENTE, JAAR, large).reader))
    place.deliver(HEADER + f"Heiloo;2016;{BSN}\nUitgeest;2016;123.456.782\nTotaal;;246913564\n")
    assert place.current() == [123456782, 123456782]
    (snapshot,) = place.store.list("proef", "levering.csv")
    assert snapshot.has_bytes


def test_bytes_kept_before_persons_were_recognised_in_them_are_removed(place: Place) -> None:
    old = HEADER + f"Heiloo;2016;10\nBron: {BSN}\n"
    place.store.put_files(
        "proef",
        "levering.csv",
        {"levering.csv": old.encode()},
        origin="x",
        fetched_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
    )
    place.deliver(HEADER + "Heiloo;2016;11\n")
    assert place.current() == [11]
    assert BSN.encode() not in place.kept()


def test_what_nobody_can_look_into_is_not_kept(place: Place) -> None:
    path = place.deliver("")
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 versleuteld")
    load = place.load()
    assert [problem.reason for problem in load.problems] == ["unknown_format"]
    assert b"versleuteld" not in place.kept()


# Tables of a publisher

TABLE = {
    "Properties": {"Identifier": "PROEF", "Modified": "2026-03-01T02:00:00+01:00", "ObservationCount": 1},
    "Dimensions": {
        "value": [{"Identifier": "RegioS", "Kind": "GeoDimension"}, {"Identifier": "Perioden", "Kind": "TimeDimension"}]
    },
    "MeasureCodes": {"value": [{"Identifier": "M1", "Title": "Cliënten", "Unit": "aantal"}]},
    "RegioSCodes": {"value": [{"Identifier": "GM0399", "Title": "Heiloo", "Description": ""}]},
    "PeriodenCodes": {"value": [{"Identifier": "2016JJ00", "Title": "2016", "Status": "Definitief"}]},
}


def _observations(value: float) -> dict[str, Any]:
    row = {"Id": 0, "Measure": "M1", "ValueAttribute": "None", "Value": value, "StringValue": None}
    return {"value": [{**row, "RegioS": "GM0399", "Perioden": "2016JJ00"}]}


def _publisher(root: Path, **resources: Any) -> Path:
    table = root / "sample" / "voorbeeldland" / "cbs_v4" / "PROEF"
    table.mkdir(parents=True, exist_ok=True)
    for name, content in {**TABLE, **resources}.items():
        (table / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    return table


def _cbs(tmp_path: Path) -> SourceLoad:
    source = Source(
        source_id="cbs_proef",
        title="Proef",
        publisher="CBS",
        licence="CC BY 4.0",
        cadence="yearly",
        profiles=("sample",),
        origin=Origin(producer="CBS", citation="Proef"),
        connector=CbsV4Connector(kind="cbs_v4", table="PROEF"),
        reader=CbsV4Reader(kind="cbs_v4"),
    )
    settings = Settings(sources_dir=tmp_path, data_dir=tmp_path / "data", today=dt.date(2026, 7, 1))
    with tempfile.TemporaryDirectory(dir=tmp_path) as scratch:
        store = SnapshotStore(settings.snapshots_dir)
        load, _ = load_cbs_source(source, settings, store, fetch_cbs_source(source, settings, store, Path(scratch)))
    return load


def test_a_corrected_table_is_a_new_vintage_dated_by_its_publisher(tmp_path: Path) -> None:
    _publisher(tmp_path, Observations=_observations(10.0))
    (row,) = _cbs(tmp_path).accounts["delivery"].to_pylist()
    assert (row["is_current"], row["vintage_date"]) == (True, dt.date(2026, 3, 1))
    later = {**TABLE["Properties"], "Modified": "2026-04-01T02:00:00+01:00"}
    _publisher(tmp_path, Observations=_observations(12.0), Properties=later)
    load = _cbs(tmp_path)
    current = {row["vintage_id"] for row in load.accounts["delivery"].to_pylist() if row["is_current"]}
    assert [row["value"] for row in load.rows.to_pylist() if row["vintage_id"] in current] == [12.0]
    assert load.rows.num_rows == 2


def test_a_table_the_publisher_does_not_know_is_a_problem_and_its_earlier_vintage_stays(tmp_path: Path) -> None:
    table = _publisher(tmp_path, Observations=_observations(10.0))
    assert _cbs(tmp_path).problems == ()
    table.rename(table.with_name("ANDERS"))
    load = _cbs(tmp_path)
    assert [row["value"] for row in load.rows.to_pylist()] == [10.0]
    (problem,) = load.problems
    assert isinstance(problem, Problem) and (problem.file, problem.reason) == ("PROEF", "not_delivered")
    assert "404" in problem.found


def test_a_table_that_was_never_there_is_a_problem_without_rows(tmp_path: Path) -> None:
    load = _cbs(tmp_path)
    assert (load.rows.num_rows, load.deliveries) == (0, ())
    assert load.accounts["quarantine"].column("reason").to_pylist() == ["not_delivered"]
