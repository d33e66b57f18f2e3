"""The published set: whole, swapped in as one, and described."""

from __future__ import annotations

import threading
from pathlib import Path

import duckdb
import pytest

from pipelines.publish.publication import current, publish, verify
from pipelines.settings import Settings
from pipelines.warehouse.connection import connect


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
    assert manifest["vintages"][0]["vintage_id"] == "a/b/c"
    assert verify(publication.folder) == []
    assert _published(settings, "select sum(value) from marts.observation") == 1000


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
    content = bytearray(parquet.read_bytes())
    content[10] ^= 1
    parquet.write_bytes(content)
    assert verify(folder) == ["parquet/observation.parquet"]


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
    left_over = settings.published_path.parent / "versions" / ".building-x"
    left_over.mkdir(parents=True)
    for number in range(4):
        publish(settings, f"run-{number}")
    versions = settings.published_path.parent / "versions"
    assert not left_over.exists()
    assert len(list(versions.iterdir())) == 2


def test_readers_never_fail_or_see_a_mixture_while_sets_are_swapped(settings: Settings) -> None:
    _fill(settings, 0)
    publish(settings, "run-0")
    done = threading.Event()
    torn: list[object] = []

    def read() -> None:
        while not done.is_set():
            with duckdb.connect(str(settings.published_path.resolve()), read_only=True) as connection:
                ((low, high),) = connection.execute("select min(value), max(value) from marts.observation").fetchall()
            if low != high:
                torn.append((low, high))

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    patient = settings.model_copy(update={"keep_publications": 50})
    for number in range(1, 6):
        _fill(settings, number)
        publish(patient, f"run-{number}")
    done.set()
    for reader in readers:
        reader.join()
    assert torn == []
    assert _published(settings, "select max(value) from marts.observation") == 5


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
