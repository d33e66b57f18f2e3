"""Exports with a file beside them that says what their items are: the units count with the vintage they came with."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from pipelines.connectors.snapshot import SnapshotStore
from pipelines.declarations.source import FolderConnector, Series, Source, SwingReader
from pipelines.deliveries.accounts import SourceLoad
from pipelines.deliveries.folder import load_folder_source
from pipelines.delivery_check import Outcome, check_files
from pipelines.settings import Settings
from tests.unit.reader_sources import REGIONS, saved, source_of, workbook

HEADER = "period;geolevel;geoitem;hulp;opvang\n"
PER_1000 = "code;unit\nhulp;per 1.000 inwoners\nopvang;per 1.000 inwoners\n"
PER_10000 = "code;unit\nhulp;per 10.000 inwoners\nopvang;per 1.000 inwoners\n"


class Place:
    """A drop folder, and the source whose exports are dropped in it."""

    def __init__(self, root: Path) -> None:
        self.settings = Settings(
            data_dir=root / "data", drop_dir=root / "drop", profile="live", today=dt.date(2026, 7, 1)
        )
        self.settings.deliveries_dir.mkdir()
        self.store = SnapshotStore(self.settings.snapshots_dir)
        self.metadata: str | None = "{name}_metadata.csv"

    @property
    def source(self) -> Source:
        reader = SwingReader(kind="swing", items=("hulp", "opvang"), metadata=self.metadata)
        series = tuple(Series(item=item, indicator_id=item, unit="per 1.000 inwoners") for item in reader.items)
        made = source_of(reader, series=series)
        return made.model_copy(update={"connector": FolderConnector(kind="folder", pattern="gmsd*.csv")})

    def deliver(self, figures: str, metadata: str | bytes | None) -> None:
        (self.settings.deliveries_dir / "gmsd.csv").write_text(HEADER + figures, encoding="utf-8")
        beside = self.settings.deliveries_dir / "gmsd_metadata.csv"
        if metadata is None:
            beside.unlink(missing_ok=True)
        else:
            beside.write_bytes(metadata.encode() if isinstance(metadata, str) else metadata)

    def load(self, **settings: object) -> SourceLoad:
        return load_folder_source(self.source, self.settings.model_copy(update=settings), self.store, REGIONS)

    def current(self, load: SourceLoad) -> list[tuple[str, float]]:
        counting = {row["vintage_id"] for row in load.accounts["delivery"].to_pylist() if row["is_current"]}
        return [(row["item"], row["value"]) for row in load.rows.to_pylist() if row["vintage_id"] in counting]

    def kept(self) -> bytes:
        files = sorted(path for path in self.settings.data_dir.rglob("*") if path.is_file())
        return b"\n".join(str(path).encode() + path.read_bytes() for path in files)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_the_file_beside_an_export_is_no_delivery_of_its_own(place: Place) -> None:
    place.deliver("2016;gemeente;373;55,5;9\n", PER_1000)
    load = place.load()
    assert [row["file"] for row in load.accounts["delivery"].to_pylist()] == ["gmsd.csv"]
    assert place.current(load) == [("hulp", 55.5), ("opvang", 9.0)]
    assert load.problems == ()


def test_an_edition_in_another_unit_is_quarantined_and_the_one_before_it_is_read_as_it_was(place: Place) -> None:
    place.deliver("2016;gemeente;373;55,5;9\n", PER_1000)
    place.load()
    place.deliver("2016;gemeente;373;450;10\n", PER_10000)
    load = place.load()
    assert place.current(load) == [("opvang", 10.0)]
    assert [(problem.column_name, problem.reason) for problem in load.problems] == [("hulp", "unexpected_unit")]
    # The earlier vintage keeps its own units: its figures are what they were.
    assert sorted((row["item"], row["value"]) for row in load.rows.to_pylist()) == [
        ("hulp", 55.5),
        ("opvang", 9.0),
        ("opvang", 10.0),
    ]
    # And the later one keeps its own when the file beside it is repaired: that makes a vintage of its own.
    place.deliver("2016;gemeente;373;450;10\n", PER_1000)
    assert place.current(place.load()) == [("hulp", 450.0), ("opvang", 10.0)]
    assert len(place.load().accounts["delivery"].to_pylist()) == 3


def test_the_same_export_and_units_are_no_second_vintage(place: Place) -> None:
    place.deliver("2016;gemeente;373;55,5;9\n", PER_1000)
    first = place.load().accounts["delivery"].to_pylist()
    place.deliver("2016;gemeente;373;55,5;9\n", PER_1000.replace("1.000", "1.000 "))
    assert len(place.load().accounts["delivery"].to_pylist()) == len(first) == 1


def test_metadata_that_cannot_be_used_refuses_the_export_and_leaves_the_vintage_before_it(place: Place) -> None:
    place.deliver("2016;gemeente;373;55,5;9\n", PER_1000)
    place.load()
    place.deliver("2016;gemeente;373;450;10\n", "code;naam\nhulp;Hulp\n")
    load = place.load()
    assert place.current(load) == [("hulp", 55.5), ("opvang", 9.0)]
    assert [(problem.file, problem.reason) for problem in load.problems] == [("gmsd_metadata.csv", "missing_column")]
    # Read again later, it is refused for the same reason.
    place.deliver("2016;gemeente;373;60;11\n", PER_1000)
    load = place.load()
    assert place.current(load) == [("hulp", 60.0), ("opvang", 11.0)]
    assert 450.0 not in load.rows["value"].to_pylist()


def test_a_vintage_from_before_the_metadata_was_declared_is_read_without_it(place: Place) -> None:
    place.metadata = None
    (place.settings.deliveries_dir / "gmsd.csv").write_text(HEADER + "2016;gemeente;373;55,5;9\n", encoding="utf-8")
    place.load()
    place.metadata = "{name}_metadata.csv"
    place.deliver("2016;gemeente;373;450;10\n", PER_10000)
    load = place.load()
    assert sorted(row["value"] for row in load.rows.to_pylist() if row["item"] == "hulp") == [55.5]


def test_an_export_without_its_metadata_is_read_and_the_notice_says_so(place: Place) -> None:
    place.deliver("2016;gemeente;373;55,5;9\n", None)
    load = place.load()
    assert place.current(load) == [("hulp", 55.5), ("opvang", 9.0)]
    (row,) = load.accounts["delivery"].to_pylist()
    assert row["notice"] == "no unit is given for hulp, opvang: the declared one is not confirmed"


def test_nothing_but_the_units_of_the_metadata_is_kept(place: Place) -> None:
    metadata = 'code;unit;description\nhulp;per 1.000 inwoners;"vraag J. Vlasblom, 123456782"\nopvang;zie 123456782;\n'
    place.deliver("2016;gemeente;373;55,5;9\n", metadata)
    load = place.load()
    shown = str(load) + "".join(str(table.to_pylist()) for table in load.accounts.values())
    assert "123456782" not in shown and "Vlasblom" not in shown
    assert b"123456782" not in place.kept() and b"Vlasblom" not in place.kept()


# Before it is sent

DECLARATION = """
source_id: gmsd
title: Proef
publisher: VNG
licence: geen
cadence: yearly
profiles: [live]
origin: {producer: VNG, citation: Proef}
connector: {kind: folder, pattern: "gmsd_*"}
reader:
  kind: swing
  items: [hulp, opvang]
  metadata: "{name}_metadata.csv"
series:
  - {item: hulp, indicator_id: hulp_per_1000, unit: per 1.000 inwoners}
"""
INDICATOR = """
indicators:
  - indicator_id: hulp_per_1000
    label_nl: Hulp
    label_en: Help
    law: wmo
    unit: per_1000
    value_kind: rate
    aggregation: none
    desired_direction: none
    description_nl: Proef
"""


def _check(tmp_path: Path, path: Path) -> Outcome:
    sources = tmp_path / "sources"
    (sources / "catalogue").mkdir(parents=True)
    (sources / "swing").mkdir()
    (sources / "swing" / "gmsd.yml").write_text(DECLARATION, encoding="utf-8")
    (sources / "catalogue" / "indicators.yml").write_text(INDICATOR, encoding="utf-8")
    regions = (
        "regions:\n"
        "  - {code: NL01, name: Nederland, region_type: land, municipality_prefix: GM}\n"
        "  - {code: GM0373, name: Bergen (NH.), region_type: gemeente}\n"
    )
    (sources / "catalogue" / "regions.yml").write_text(regions, encoding="utf-8")
    settings = Settings(data_dir=tmp_path / "data", sources_dir=sources, profile="live")
    (outcome,) = check_files(settings, [path], None)
    return outcome


def test_a_check_holds_an_export_against_the_file_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "gmsd_2016.csv"
    path.write_text(HEADER + "2016;gemeente;373;450;9\n", encoding="utf-8")
    (tmp_path / "gmsd_2016_metadata.csv").write_text(PER_10000, encoding="utf-8")
    outcome = _check(tmp_path, path)
    assert [str(problem) for problem in outcome.problems] == [
        'gmsd_2016.csv:1:4 (hulp): found the unit "per 10.000 inwoners" in gmsd_2016_metadata.csv, '
        'expected the declared unit "per 1.000 inwoners"'
    ]


def test_a_workbook_under_another_name_is_recognised_by_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "van_collega.xlsx"
    path.write_bytes(saved(workbook([HEADER.strip().split(";"), [2016, "gemeente", 373, 55.5, 9]])))
    outcome = _check(tmp_path, path)
    assert (outcome.problems, outcome.not_checked) == ((), None)
    assert outcome.verdict.startswith("van_collega.xlsx als gmsd: 2 rijen in = 1 te laden")
