"""Reading the published file from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines.publish.publication import publish
from pipelines.query import QueryError, query_published
from pipelines.settings import Settings
from pipelines.warehouse.connection import connect


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(data_dir=tmp_path / "data")
    with connect(settings.warehouse_path) as connection:
        connection.execute(
            "create table marts.t as select * from (values ('=1+1', 25.0, null), ('-3', 0.123456, 'b')) "
            "as t (label, value, note)"
        )
        connection.execute(
            "create table marts.delivery as select 'v' as vintage_id, 's' as source_id, null::date as vintage_date, "
            "null as vintage_label, 'c' as checksum_sha256, true as is_current"
        )
    publish(settings, "run-1")
    return settings


def test_a_table_shows_whole_numbers_whole_and_counts_rows(settings: Settings) -> None:
    assert query_published(settings, "select value from marts.t order by 1 desc", "table") == (
        "value\n------\n25\n0.1235\n(2 rijen)\n"
    )


def test_csv_neutralises_what_a_spreadsheet_would_run_and_leaves_numbers(settings: Settings) -> None:
    text = query_published(settings, "select label, value from marts.t order by value desc", "csv")
    assert text.splitlines() == ["label,value", "'=1+1,25", "-3,0.123456"]


def test_json_keeps_types_and_nulls(settings: Settings) -> None:
    rows = json.loads(query_published(settings, "from marts.t order by value desc", "json"))
    assert rows[0] == {"label": "=1+1", "value": 25.0, "note": None}


@pytest.mark.parametrize(
    "query", ["select * from marts.nothing", "create table marts.x (a int)", "from read_csv('/etc/passwd')"]
)
def test_what_cannot_or_may_not_be_done_is_one_clear_error(settings: Settings, query: str) -> None:
    with pytest.raises(QueryError):
        query_published(settings, query, "table")


def test_before_the_first_publication_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(QueryError, match="nulmeting run"):
        query_published(Settings(data_dir=tmp_path), "select 1", "table")
