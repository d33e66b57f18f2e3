"""Every check passes on a good warehouse and names exactly the bad rows on a bad one.

Great Expectations takes seconds to import, so all that needs it stands in this module and in the pages' one.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest

from expectations.check import Check, CheckResult, Expects, expects
from expectations.docs import DocsStore
from expectations.findings import to_findings
from expectations.run import GX_SEVERITY, fetch_from, run_checks
from expectations.suites_core import RANGES, core_checks
from expectations.suites_marts import marts_checks
from expectations.suites_raw import raw_checks
from pipelines.declarations.source import Source
from pipelines.warehouse.figures import create_figures
from pipelines.warehouse.raw_tables import DELIVERY, QUARANTINE, raw_schema


def _source(source_id: str, reader: dict[str, object], **more: object) -> Source:
    return Source.model_validate(
        {
            "source_id": source_id,
            "title": source_id,
            "publisher": "Voorbeeldbureau",
            "licence": "CC0-1.0",
            "cadence": "half_yearly",
            "profiles": ["sample"],
            "origin": {"producer": "Voorbeeldbureau", "citation": "Voorbeeldbureau"},
            "connector": {"kind": "cbs_v4", "table": "83262NED"}
            if reader["kind"] == "cbs_v4"
            else {"kind": "folder", "pattern": "*"},
            "reader": reader,
            **more,
        }
    )


SOURCES = (
    _source(
        "vb_wmo",
        {"kind": "cbs_v4", "dimensions": ["Voorziening"]},
        series=[{"item": "Cliënten|A1", "indicator_id": "wmo"}],
        rounding=5,
    ),
    _source(
        "gmsd_wmo",
        {"kind": "swing", "items": ["hbh", "ondersteuning"]},
        series=[{"item": item, "indicator_id": item} for item in ("hbh", "ondersteuning")],
    ),
    _source(
        "enquete",
        {
            "kind": "delimited",
            "encoding": "utf-8",
            "delimiter": ";",
            "key": ["gemeente"],
            "columns": [
                {"header": "Gemeente", "name": "gemeente", "type": "region_name"},
                {"header": "Kwaliteit", "name": "kwaliteit", "type": "percentage"},
                {"header": "Jaar", "name": "jaar", "type": "year"},
            ],
        },
        series=[{"item": "kwaliteit", "indicator_id": "kwaliteit"}],
        rounding=10,
    ),
)

CHECKS = [*raw_checks(SOURCES), *core_checks(), *marts_checks()]
BY_NAME = {check.name: check for check in CHECKS}

GOOD = """
insert into raw.delivery by name
    select
        'v1' as vintage_id, 'vb_wmo' as source_id, 'wmo.json' as "file", true as is_current, 10 as rows_in,
        7 as rows_loaded, 2 as rows_no_data, 1 as rows_quarantined
    union all by name
    select
        'v0' as vintage_id, 'vb_wmo' as source_id, 'wmo.json' as "file", false as is_current, 0 as rows_in,
        0 as rows_loaded, 0 as rows_no_data, 0 as rows_quarantined;

insert into raw.vb_wmo by name
    select * from (values
        ('v1', 'Cliënten|A1', 'VB0001', '2016H1', 125.0),
        ('v1', 'Cliënten|A1', 'VB0002', '2016H1', null),
        ('v0', 'Cliënten|OUD', 'VB0001', '2016H1', 123.0)
    ) as t (vintage_id, item, region_code, period_code, value);
insert into raw.gmsd_wmo by name
    select * from (values ('v1', 'hbh', 25.0), ('v1', 'ondersteuning', 9.5)) as t (vintage_id, item, value);
insert into raw.enquete by name
    select 'v1' as vintage_id, * from (values
        ('Heiloo', 'GM0399', 2016, 70), ('Uitgeest', 'GM0450', 2016, 80)
    ) as t (gemeente, region_code, jaar, kwaliteit);

create table core.indicator as
    select * from (values
        ('aantal', 'count'), ('aandeel', 'pct'), ('per_1000', 'per_1000'), ('saldo', 'eur')
    ) as t (indicator_id, unit);
create table core.region_member as
    select * from (values
        ('SV-BUCH', 'GM0383', true), ('SV-BUCH', 'GM0399', true), ('SV-BUCH', 'GM0450', true),
        ('SV-DEEL', 'GM0399', false), ('SV-DEEL', 'GM0383', false)
    ) as t (group_code, member_code, members_complete);
create table core.region as
    select * from (values ('GM0383'), ('GM0399'), ('GM0383')) as t (region_code);
create table core.observation as
    select * from (values
        ('aantal', 'GM0383', '2016H1', 'a', 'v1', 12::double, true),
        ('aantal', 'GM0383', '2016H1', 'a', 'v0', -12.0, false),
        ('aantal', 'GM0383', '2016H1', 'b', 'v1', null, true),
        ('aandeel', 'GM0383', '2016', 'a', 'v1', 100.0, true),
        ('per_1000', 'GM0399', '2016H1', 'a', 'v1', 1000.0, true),
        ('saldo', 'GM0399', '2016', 'a', 'v1', -5000000.0, true)
    ) as t (indicator_id, region_code, period_code, source_id, vintage_id, value, is_latest);
create table core.reconciliation as
    select * from (values
        ('begroting', '2020', 'GM0396', 2020, 'lasten', 43418377::double, 43418376::double, -1::double)
    ) as t (
        source_id, vintage_label, region_code, fiscal_year, side, printed_eur, summed_eur, difference_eur
    );
create table core.unknown_item (source_id varchar, item varchar, rows_with_item bigint);
create table core.missing_series (source_id varchar, indicator_id varchar, items varchar);
create table core.scale_conflict as
    select * from (values
        ('per_1000', 'periods', 'a', 'a', '2017', 450::double, 45.0, true, false, 'eenheid_gewijzigd', 'In 2017.')
    ) as t (
        indicator_id, comparison, source_id, other_source_id, period_code, value, other_value, counts_in_marts,
        is_certain, event_id, because
    );
create table core.period_gap (source_id varchar, indicator_id varchar, period_code varchar);
create table core.stale_correction (
    source_id varchar, item varchar, region_code varchar, period_code varchar, expect double,
    delivered_value double, because varchar, standing varchar
);

create table marts.trend_break as
    select
        *, 'Sinds 2016 ligt het ' || break_id as explanation_nl,
        case when region_code = 'GM0373' then 'b4' end as part_of
    from (values
        ('b5', 'aantal', 'GM0373', '2016H2', 'level', 'een sprong', 5e0, 3e0, 7e0, 'unexplained', null),
        ('b0', 'aantal', 'NL01', '2016H1', 'level', 'een sprong', 5.0, 3.0, 7.0, 'explained', null),
        ('b1', 'aantal', 'GM0383', '2016H1', 'level', 'een sprong', 41.3, 30.0, 52.0, 'explained', null),
        (
            'b2', 'aantal', 'GM0399', '2016H1', 'level', 'een sprong', -20.0, -30.0, -10.0, 'unexplained',
            'accepted'
        ),
        ('b3', 'aantal', 'GM0399', '2016H2', 'gap', 'een gat in de reeks', null, null, null, 'unexplained', null),
        ('b4', 'aantal', 'GM0450', '2016H2', 'slope', 'een knik in de trend', 8.0, 1.0, 15.0, 'ambiguous', null)
    ) as t (
        break_id, indicator_id, region_code, period_code, kind, kind_nl, effect_pct, effect_low, effect_high,
        cause, decision
    );
create table marts.coverage as
    select * from (values
        ('a', 'aantal', 'GM0383', '2016H1', 'delivered', 'geleverd', null),
        ('a', 'aantal', 'GM0399', '2016H1', 'missing', 'niet geleverd', 'in time, not processed by the publisher'),
        ('a', 'aantal', 'GM0399', '2016H2', 'suppressed', 'niet te publiceren', null),
        ('a', 'aantal', 'GM0399', '2017H1', 'not_expected', 'niet verwacht', null)
    ) as t (source_id, indicator_id, region_code, period_code, delivery, delivery_nl, because);
create table marts.revision as
    select
        'a' as source_id, 'aantal' as indicator_id, 'v1' as old_vintage_id, 'v2' as new_vintage_id,
        100.0 as old_value, 100.0 + figure as new_value
    from range(20) as t (figure);
create table marts.observation as
    select 'v2' as vintage_id, 'aantal' as indicator_id, 100.0 as value from range(24)
    union all select 'v3', 'aantal', 100.0 from range(24);
create table marts.conflict (
    indicator_id varchar, region_code varchar, period_code varchar, conflict_kind varchar, source_id varchar,
    value double, other_source_id varchar, other_value double, difference_pct double
);
create table marts.quarantine as select * from raw.quarantine;
create table marts.indicator_municipality as
    select * from (values
        ('aantal', 'GM0383', '2016H1', 'published'), ('aantal', 'GM0383', '2016H1', '2026')
    ) as t (indicator_id, region_code, period_code, geography);
create table marts.indicator_wijk as
    select 'aantal' as indicator_id, 'WK038301' as region_code, '2022' as period_code, 'published' as geography;
create table marts.region as
    select * from (values
        ('NL01', 'land', false), ('GM0383', 'gemeente', false), ('GM0383', 'gemeente', false),
        ('VB00', 'land', true), ('VB0001', 'gemeente', true)
    ) as t (region_code, region_type, is_fictional);
create table marts.provision_use as
    select * from (values
        ('NL01', '2016H2', 'wmo', 'hbh', 22.0, 22.0),
        ('VB00', '2016H2', 'wmo', 'hbh', 40.0, 40.0),
        ('GM0383', '2015H2', 'wmo', 'hbh', 25.0, null),
        ('GM0383', '2016H2', 'wmo', 'hbh', 24.0, 22.0),
        ('VB0001', '2016H2', 'wmo', 'hbh', 30.0, 40.0)
    ) as t (region_code, period_code, law, provision, clients_per_1000, national_clients_per_1000);
"""

# The check, what is broken for it, and the keys that must be named, in their declared order.
BROKEN: list[tuple[str, str, set[tuple[object, ...]]]] = [
    (
        "raw_delivery__rows_accounted_for",
        "update raw.delivery set rows_loaded = 6 where vintage_id = 'v1'",
        {("vb_wmo", "wmo.json", "v1")},
    ),
    (
        "raw_vb_wmo__columns_declared",
        'alter table raw.vb_wmo drop column period_status; alter table raw.vb_wmo alter "value" type varchar',
        {("period_status", "missing"), ("value", "other_type")},
    ),
    (
        "raw_enquete__columns_declared",
        "alter table raw.enquete drop column region_code",
        {("region_code", "missing")},
    ),
    (
        "raw_vb_wmo__codes_known",
        "insert into raw.vb_wmo by name select 'v1' as vintage_id, unnest(['Nieuw|A9', null, 'Nieuw|A9']) as item",
        {("Nieuw|A9",), ("(leeg)",)},
    ),
    (
        "raw_gmsd_wmo__codes_known",
        "update raw.gmsd_wmo set item = 'HBH' where item = 'hbh'",
        {("HBH",)},
    ),
    (
        "raw_vb_wmo__rounding_as_declared",
        "update raw.vb_wmo set \"value\" = 127 where region_code = 'VB0001'",
        {("Cliënten|A1", "VB0001", "2016H1")},
    ),
    (
        "raw_enquete__rounding_as_declared",
        "update raw.enquete set kwaliteit = 71 where gemeente = 'Heiloo'",
        {("kwaliteit", "GM0399", "2016")},
    ),
    (
        "core_observation__key_unique",
        "insert into core.observation select * from core.observation where indicator_id = 'saldo'",
        {("saldo", "GM0399", "2016", "a", "v1")},
    ),
    (
        "core_observation__values_in_range",
        "update core.observation set value = -1 where source_id = 'b';"
        "update core.observation set value = 100.5 where indicator_id = 'aandeel';"
        "update core.observation set value = 'nan' where indicator_id = 'per_1000'",
        {
            ("aantal", "GM0383", "2016H1", "b"),
            ("aandeel", "GM0383", "2016", "a"),
            ("per_1000", "GM0399", "2016H1", "a"),
        },
    ),
    (
        "core_observation__regions_known",
        "delete from core.region where region_code = 'GM0399'",
        {("a", "GM0399")},
    ),
    (
        "core_reconciliation__totals_reconcile",
        "update core.reconciliation set difference_eur = 1.01; insert into core.reconciliation values "
        "('begroting', '2020', 'GM0396', 2021, 'baten', 14151353, null, null),"
        "('begroting', '2020', 'GM0396', 2022, 'baten', 100, 100.99, 0.99)",
        {("begroting", "2020", "GM0396", 2020, "lasten"), ("begroting", "2020", "GM0396", 2021, "baten")},
    ),
    (
        "core_missing_series__declared_is_delivered",
        "insert into core.missing_series values ('vb_wmo', 'wmo', 'Cliënten|A1')",
        {("vb_wmo", "wmo")},
    ),
    (
        "core_unknown_item__nothing_unmapped",
        "insert into core.unknown_item values ('begroting', 'Nieuwe regel', 2)",
        {("begroting", "Nieuwe regel")},
    ),
    (
        "core_scale_conflict__one_scale",
        "insert into core.scale_conflict values "
        "('per_1000', 'sources', 'a', 'b', null, 450, 45, true, true, null, 'Tien keer.'),"
        "('aantal', 'sources', 'a', 'b', null, 450, 45, false, true, null, 'Tien keer, en in geen mart.'),"
        "('saldo', 'sources', 'a', 'b', null, 450, 45, true, false, null, 'Tien keer, en maar een keer.')",
        {("per_1000", "sources", "a", "b", "")},
    ),
    (
        "core_scale_conflict__no_jump_of_scale",
        "update core.scale_conflict set event_id = null; insert into core.scale_conflict values "
        "('per_1000', 'sources', 'a', 'b', null, 450, 45, true, true, null, 'Tien keer.'),"
        "('aantal', 'sources', 'a', 'b', null, 450, 45, false, true, null, 'Tien keer, en in geen mart.')",
        {("per_1000", "periods", "a", "a", "2017"), ("aantal", "sources", "a", "b", "")},
    ),
    (
        "core_period_gap__periods_continuous",
        "insert into core.period_gap values ('a', 'aantal', '2016H2')",
        {("a", "aantal", "2016H2")},
    ),
    (
        "core_stale_correction__every_correction_fits",
        "insert into core.stale_correction values "
        "('a', 'hbh', 'GM0383', '2016H1', 460, 46, 'tikfout', 'changed'),"
        "('a', 'hbh', 'GM0399', '2016H1', 460, null, 'tikfout', 'not_delivered')",
        {("a", "hbh", "GM0383", "2016H1"), ("a", "hbh", "GM0399", "2016H1")},
    ),
    (
        "marts_trend_break__no_unexplained_open_break",
        "update marts.trend_break set decision = null",
        {("b2",)},
    ),
    (
        "marts_coverage__deliveries_as_declared",
        "update marts.coverage set because = ' '; insert into marts.coverage values "
        "('a', 'aantal', 'GM0450', '2016H1', 'late', 'te laat', null),"
        "('a', 'aantal', 'GM0373', '2016H1', null, null, null)",
        {
            ("a", "aantal", "GM0399", "2016H1"),
            ("a", "aantal", "GM0450", "2016H1"),
            ("a", "aantal", "GM0373", "2016H1"),
        },
    ),
    (
        "marts_coverage__source_on_time",
        # nothing of 2018 for no reason; of 2017 for a reason, of 2016 from one of two, of source b never anything
        "insert into marts.coverage values "
        "('a', 'aantal', 'GM0373', '2016', 'delivered', 'geleverd', null),"
        "('a', 'aantal', 'GM0450', '2016', 'missing', 'niet geleverd', null),"
        "('a', 'aantal', 'GM0373', '2015', 'missing', 'niet geleverd', null),"
        "('a', 'aantal', 'GM0373', '2017', 'missing', 'niet geleverd', 'gemeld'),"
        "('a', 'aantal', 'GM0373', '2018', 'late', 'te laat', null),"
        "('a', 'aantal', 'GM0450', '2018', 'late', 'te laat', null),"
        "('a', 'aantal', 'GM0450', '2019', 'not_expected', 'niet verwacht', null),"
        "('b', 'aantal', 'GM0373', '2017Q4', 'missing', 'niet geleverd', ' ')",
        {("a", "2018"), ("b", "2017Q4")},
    ),
    (
        "marts_trend_break__no_national_change_without_event",
        "update marts.trend_break set cause = 'unexplained', decision = null",
        {("b0",)},
    ),
    (
        "marts_coverage__delivery_uniform",
        # one member without a reason; nobody at all, a group with a reason, and one that is not known whole
        "insert into marts.coverage values "
        "('a', 'aantal', 'GM0450', '2016H1', 'late', 'te laat', null),"
        "('a', 'aantal', 'GM0450', '2016H2', 'missing', 'niet geleverd', 'gemeld'),"
        "('a', 'aantal', 'GM0399', '2018', 'missing', 'niet geleverd', null),"
        "('a', 'aantal', 'GM0450', '2018', 'missing', 'niet geleverd', ' ');"
        "insert into core.region_member values ('SV-DEEL', 'GM0450', false)",
        {("SV-BUCH", "a", "2016H1")},
    ),
    (
        "marts_revision__unit_continues",
        # 1.21 times all figures but one; the same for a few of many; ten times is told by the scales
        "insert into marts.revision select 'a', 'aantal', 'v2', 'v3', 100.0, 121.0 + (figure % 2) * 0.4 "
        "from range(23) as t (figure);"
        "insert into marts.revision select 'b', 'aantal', 'v2', 'v3', 100.0, 121.0 from range(9);"
        "insert into marts.revision select 'c', 'aantal', 'v2', 'v3', 100.0, 1000.0 from range(24)",
        {("a", "aantal", "v2", "v3")},
    ),
    (
        "marts_conflict__no_source_conflict",
        "insert into marts.conflict values ('aantal', 'GM0383', '2016H1', 'two_sources', 'a', 10, 'b', 12, 20),"
        "('aantal', 'GM0399', '2016H1', 'two_sources', 'a', 0, 'b', 12, null)",
        {("aantal", "GM0383", "2016H1", "a", "b"), ("aantal", "GM0399", "2016H1", "a", "b")},
    ),
    (
        "marts_conflict__rates_follow_from_counts",
        "insert into marts.conflict values "
        "('aandeel', 'GM0383', '2016H1', 'rate_against_counts', 'a', 10, 'b', 12, 20)",
        {("aandeel", "GM0383", "2016H1", "a", "b")},
    ),
    (
        "marts_quarantine__nothing_refused",
        "insert into marts.quarantine by name select * from (values "
        "('v1', 'vb_wmo', 'wmo.csv', 4, 'aantal', 'not_a_number'),"
        "('v1', 'vb_wmo', 'wmo.csv', 9, 'aantal', 'not_a_number'),"
        "('v2', 'enquete', 'leeg.csv', null, null, 'empty_file')"
        ') as t (vintage_id, source_id, "file", line, column_name, reason)',
        {
            ("vb_wmo", "wmo.csv", "v1", "not_a_number", "aantal"),
            ("enquete", "leeg.csv", "v2", "empty_file", ""),
        },
    ),
    (
        "marts_indicator_municipality__key_unique",
        "insert into marts.indicator_municipality values ('aantal', 'GM0383', '2016H1', '2026')",
        {("aantal", "GM0383", "2016H1", "2026")},
    ),
    (
        "marts_indicator_wijk__key_unique",
        "insert into marts.indicator_wijk select * from marts.indicator_wijk",
        {("aantal", "WK038301", "2022", "published")},
    ),
    (
        "marts_provision_use__compares_same_period",
        "update marts.provision_use set national_clients_per_1000 = 22 where period_code = '2015H2';"
        "update marts.provision_use set national_clients_per_1000 = 22 where region_code = 'VB0001'",
        {("GM0383", "2015H2", "wmo", "hbh"), ("VB0001", "2016H2", "wmo", "hbh")},
    ),
]


@pytest.fixture
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    """A small warehouse in which everything is as it should be."""
    with duckdb.connect() as connection:
        for schema in ("raw", "core", "marts"):
            connection.execute(f"create schema {schema}")
        schemas = {source.source_id: raw_schema(source) for source in SOURCES}
        for name, schema in {**schemas, "delivery": DELIVERY, "quarantine": QUARANTINE}.items():
            connection.register("empty", schema.empty_table())
            connection.execute(f"create table raw.{name} as select * from empty")
            connection.unregister("empty")
        create_figures(connection, SOURCES)
        connection.execute(GOOD)
        yield connection


def _run(connection: duckdb.DuckDBPyConnection, *names: str) -> dict[str, CheckResult]:
    checks = [BY_NAME[name] for name in names] if names else CHECKS
    return {result.check.name: result for result in run_checks(fetch_from(connection), checks)}


def _keys(result: CheckResult) -> set[tuple[object, ...]]:
    return {tuple(row[column] for column in result.check.key_columns) for row in result.failing_rows.to_pylist()}


def test_every_check_passes_on_a_good_warehouse(warehouse: duckdb.DuckDBPyConnection) -> None:
    results = run_checks(fetch_from(warehouse), CHECKS)
    assert [result.check for result in results] == CHECKS
    assert [(r.check.name, r.error, r.preview) for r in results if not r.passed] == []
    assert all(result.evaluated and result.failing_count == 0 for result in results)


@pytest.mark.parametrize(("name", "change", "keys"), BROKEN, ids=[name for name, _, _ in BROKEN])
def test_a_check_names_exactly_the_rows_that_are_bad(
    warehouse: duckdb.DuckDBPyConnection, name: str, change: str, keys: set[tuple[object, ...]]
) -> None:
    warehouse.execute(change)
    result = _run(warehouse, name)[name]
    assert result.evaluated, result.error
    assert not result.passed
    assert _keys(result) == keys
    assert result.failing_rows.num_rows == len(keys)


def test_every_check_has_a_bad_example() -> None:
    shared_by_kind = {"raw_gmsd_wmo__columns_declared"}
    assert {name for name, _, _ in BROKEN} | shared_by_kind == set(BY_NAME)


def test_a_broken_table_fails_no_check_of_another(warehouse: duckdb.DuckDBPyConnection) -> None:
    warehouse.execute("insert into core.period_gap values ('a', 'aantal', '2016H2')")
    failed = [name for name, result in _run(warehouse).items() if not result.passed]
    assert failed == ["core_period_gap__periods_continuous"]


def test_every_check_passes_on_empty_tables(warehouse: duckdb.DuckDBPyConnection) -> None:
    tables = warehouse.sql("select schema_name || '.' || table_name from duckdb_tables()").fetchall()
    for (table,) in tables:
        warehouse.execute(f"delete from {table}")
    assert [name for name, result in _run(warehouse).items() if not result.passed] == []


def test_rows_that_share_a_key_count_as_one_finding_with_their_number(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    warehouse.execute("insert into core.observation select * from core.observation where indicator_id = 'saldo'")
    result = _run(warehouse)["core_observation__key_unique"]
    assert result.failing_count == 2
    assert result.failing_rows.column("rows_failing").to_pylist() == [2]
    assert result.observed == "2 van 7 rijen niet goed"


def test_all_failing_keys_come_back_not_a_sample(warehouse: duckdb.DuckDBPyConnection) -> None:
    warehouse.execute(
        "insert into core.observation "
        "select 'aantal', 'GM0383', '2016H1', 'bron_' || i, 'v1', -1, true from range(5000) as t (i)"
    )
    result = _run(warehouse)["core_observation__values_in_range"]
    assert result.failing_rows.num_rows == result.failing_count == 5000
    assert len(result.preview) == 20


def test_a_missing_table_leaves_its_checks_unevaluated_and_the_others_run(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    warehouse.execute("drop table core.observation; drop table raw.gmsd_wmo")
    results = _run(warehouse)
    unevaluated = {name for name, result in results.items() if not result.evaluated}
    assert unevaluated == {
        "core_observation__key_unique",
        "core_observation__values_in_range",
        "core_observation__regions_known",
        "raw_gmsd_wmo__columns_declared",
        "raw_gmsd_wmo__codes_known",
        # of a table of columns, the figures are looked at in the view over all sources
        "raw_enquete__rounding_as_declared",
    }
    result = results["core_observation__key_unique"]
    assert not result.passed
    assert result.blocks
    assert result.error is not None
    assert "observation" in result.error
    assert "\n" not in result.error
    assert all(result.passed for name, result in results.items() if name not in unevaluated)


def test_a_column_that_the_expectation_needs_and_the_query_lacks_is_not_a_pass(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    check = _any_check(query="select 1 as een", expects=expects("ExpectTotalsToReconcile"))
    (result,) = run_checks(fetch_from(warehouse), [check])
    assert not result.evaluated
    assert not result.passed
    assert "difference_eur" in (result.error or "")


def test_tables_are_fetched_once_for_all_checks_that_share_a_query(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    queries: list[str] = []
    fetch = fetch_from(warehouse)
    run_checks(lambda query: (queries.append(query), fetch(query))[1], core_checks())
    assert len(queries) == len(set(queries)) == 7


def test_nothing_is_sent_and_nothing_is_printed(
    warehouse: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    # A cloud that is configured around us must not become the context.
    monkeypatch.setenv("GX_CLOUD_ACCESS_TOKEN", "x")
    monkeypatch.setenv("GX_CLOUD_ORGANIZATION_ID", "00000000-0000-0000-0000-000000000000")
    warehouse.execute("update core.observation set value = -1")
    results = run_checks(fetch_from(warehouse), [*core_checks(), *marts_checks()])
    assert all(result.evaluated for result in results)
    assert capfd.readouterr() == ("", "")


def test_check_names_are_unique_and_start_with_their_table() -> None:
    names = [check.name for check in CHECKS]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"(raw|core|marts)_[a-z0-9_]+__[a-z0-9_]+", name) for name in names)


def test_checks_say_what_they_detect_the_usual_cause_and_what_to_do() -> None:
    for check in CHECKS:
        assert check.title_nl and not check.title_nl.endswith("."), check.name
        assert check.detects_nl.endswith("."), check.name
        assert check.usual_cause_nl.endswith(".") and check.usual_cause_nl[0].islower(), check.name
        assert check.next_step_nl.endswith("."), check.name


def test_structural_failures_block_and_statistical_surprises_warn() -> None:
    severities = {check.name: check.severity for check in CHECKS}
    assert {name for name, severity in severities.items() if severity == "blocking"} == {
        "raw_delivery__rows_accounted_for",
        "raw_vb_wmo__columns_declared",
        "raw_gmsd_wmo__columns_declared",
        "raw_enquete__columns_declared",
        "core_observation__key_unique",
        "core_scale_conflict__one_scale",
        "marts_indicator_municipality__key_unique",
        "marts_indicator_wijk__key_unique",
        "marts_provision_use__compares_same_period",
    }
    assert severities["marts_trend_break__no_unexplained_open_break"] == "warning"
    assert severities["marts_quarantine__nothing_refused"] == "error"


def test_each_severity_has_its_own_in_great_expectations() -> None:
    from great_expectations.expectations.metadata_types import FailureSeverity

    graver_first = [FailureSeverity(GX_SEVERITY[severity]) for severity in ("blocking", "error", "warning")]
    assert all(graver > milder for graver, milder in pairwise(graver_first))
    built = BY_NAME["core_observation__key_unique"].expects.build(severity=GX_SEVERITY["blocking"])
    assert built.severity == FailureSeverity.CRITICAL


def test_every_expectation_says_itself_in_dutch(warehouse: duckdb.DuckDBPyConnection) -> None:
    statements = {result.check.name: result.statement for result in _run(warehouse).values()}
    assert statements["core_reconciliation__totals_reconcile"] == (
        "Elk gedrukt totaal is de som van zijn delen, op hooguit 1 euro na"
    )
    assert all(statement and "$" not in statement for statement in statements.values())


def test_an_expectation_of_gx_without_a_description_is_said_in_its_own_words(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    check = _any_check(
        query="select 1 as een", expects=expects("ExpectColumnValuesToBeBetween", column="een", max_value=2)
    )
    (result,) = run_checks(fetch_from(warehouse), [check])
    assert result.passed
    assert result.statement == "een values must be less than or equal to 2.0."


def test_a_unit_without_bounds_accepts_any_amount() -> None:
    assert not {"eur", "eur_per_inhabitant", "mean"} & RANGES.keys()


def test_two_checks_with_one_name_are_refused(warehouse: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(ValueError, match="core_x__y"):
        run_checks(fetch_from(warehouse), [_any_check(), _any_check(query="select 2 as een")])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"name": "marts_x__y"}, "starts with its table"),
        ({"asset": "staging.x", "name": "staging_x__y"}, "no layer"),
        ({"severity": "mild"}, "severity"),
        ({"key_columns": ()}, "no key"),
    ],
)
def test_a_check_that_cannot_be_is_refused(changed: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _any_check(**changed)


def test_an_expectation_that_nobody_has_is_named_when_built() -> None:
    with pytest.raises(AttributeError, match="ExpectTheUnexpected"):
        Expects("ExpectTheUnexpected").build()


def _any_check(**changed: object) -> Check:
    values: dict[str, object] = {
        "name": "core_x__y",
        "asset": "core.x",
        "query": "select 1 as een",
        "expects": expects("ExpectColumnValuesToNotBeNull", column="een"),
        "severity": "error",
        "title_nl": "Iets klopt niet",
        "detects_nl": "Iets.",
        "usual_cause_nl": "iets.",
        "next_step_nl": "Iets.",
        "key_columns": ("een",),
    }
    return Check(**(values | changed))  # type: ignore[arg-type]


def test_a_run_writes_its_pages_and_a_second_run_replaces_them(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    warehouse.execute(
        "insert into marts.conflict values ('aantal', 'VB0001', '2016H1', 'two_sources', 'a', 10, 'b', 12, 20)"
    )
    for run_id in ("run-1", "run-2"):
        docs = DocsStore(tmp_path / "docs", run_id)
        run_checks(fetch_from(warehouse), CHECKS, docs)
        index = docs.index.read_text(encoding="utf-8")
        assert f"Run {run_id}" in index
        assert f"{len(CHECKS)} controles: {len(CHECKS) - 1} voldoen, 1 voldoen niet" in index
    page = (tmp_path / "docs" / "marts.conflict.html").read_text(encoding="utf-8")
    assert "Geen twee bronnen geven een verschillend cijfer voor hetzelfde" in page
    assert "VB0001 – Voorbeeldland, fictief" in page
    assert len(list((tmp_path / "docs").glob("*.html"))) == 1 + len({check.asset for check in CHECKS})


def test_findings_of_a_run_can_be_made_for_every_check(warehouse: duckdb.DuckDBPyConnection) -> None:
    for _, change, _ in BROKEN:
        if "drop column" not in change:
            warehouse.execute(change)
    results = run_checks(fetch_from(warehouse), CHECKS)
    findings = to_findings(results, {})
    assert {finding.check for finding in findings} == {r.check.name for r in results if not r.passed}
    assert len({finding.full_key for finding in findings}) == len(findings)


def test_a_finding_about_a_break_quotes_what_the_mart_says_of_it_and_says_it_once(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    warehouse.execute("update marts.trend_break set decision = null")
    check = BY_NAME["marts_trend_break__no_unexplained_open_break"]
    (finding,) = to_findings(run_checks(fetch_from(warehouse), [check]), {})
    assert (finding.key, finding.explanation_nl) == ("b2", "Sinds 2016 ligt het b2")
    assert finding.title_nl == "Trendbreuk zonder verklaring: een sprong, -20 %"
    assert "explanation_nl" not in finding.rows[0]


def test_the_size_of_a_change_of_growth_is_told_per_period(warehouse: duckdb.DuckDBPyConnection) -> None:
    warehouse.execute("update marts.trend_break set cause = 'unexplained' where kind = 'slope'")
    check = BY_NAME["marts_trend_break__no_unexplained_open_break"]
    (finding,) = to_findings(run_checks(fetch_from(warehouse), [check]), {})
    assert finding.title_nl == "Trendbreuk zonder verklaring: een knik in de trend (per halfjaar), +8 %"
