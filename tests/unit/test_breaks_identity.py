"""A break keeps its id while new figures move it about, so that nobody is told of it twice."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from pipelines.alerts.findings import Finding, RunFindings
from pipelines.alerts.outbox import Outbox
from pipelines.breaks import detect
from pipelines.breaks.identity import named_breaks
from pipelines.breaks.result import BREAK_SCHEMA

LINE = 1.82
CHECK = "marts_trend_break__no_unexplained_open_break"


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("create schema breaks")
        yield connection


def _found(*breaks: tuple[str, str, float | None, float]) -> pa.Table:
    """Breaks of one series: period, kind, effect and score; what scores above the line alarms."""
    nothing = dict.fromkeys(BREAK_SCHEMA.names)
    return pa.Table.from_pylist(
        [
            {
                **nothing,
                "indicator_id": "x",
                "region_code": "GM0001",
                "period_code": period,
                "kind": kind,
                "effect_log": effect,
                "score": score,
                "alarm": score >= LINE,
            }
            for period, kind, effect, score in breaks
        ],
        schema=BREAK_SCHEMA,
    )


def _run(connection: duckdb.DuckDBPyConnection, found: pa.Table) -> dict[str, str]:
    """One run: the ids of what stands, by period and kind."""
    named, known = named_breaks(connection, found, LINE)
    connection.register("remembered", known)
    connection.execute("create or replace table breaks.known as select * from remembered")
    connection.unregister("remembered")
    rows = named.filter(pa.compute.equal(named["stands"], True)).to_pylist()
    ids = {f"{row['period_code']} {row['kind']}": row["break_id"] for row in rows}
    assert len(set(ids.values())) == len(rows)
    return ids


def test_a_break_of_an_earlier_run_keeps_its_id_when_its_period_moves_step_by_step(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    first = _run(connection, _found(("2018H2", "level", 0.3, 5)))["2018H2 level"]
    assert _run(connection, _found(("2019H1", "level", 0.2, 6))) == {"2019H1 level": first}
    assert _run(connection, _found(("2019H1", "slope", 0.1, 6))) == {"2019H1 slope": first}
    assert _run(connection, _found(("2018H2", "level", 0.3, 5))) == {"2018H2 level": first}


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(("2018H2", "level", -0.3, 5.0), id="the other way"),
        pytest.param(("2019H2", "level", 0.3, 5.0), id="two periods on"),
        pytest.param(("2018H2", "one_off", 0.3, 5.0), id="one figure only"),
        pytest.param(("2018", "level", 0.3, 5.0), id="in years instead of half-years"),
    ],
)
def test_another_break_is_another_one(
    connection: duckdb.DuckDBPyConnection, other: tuple[str, str, float, float]
) -> None:
    first = _run(connection, _found(("2018H2", "level", 0.3, 5)))
    assert set(_run(connection, _found(other)).values()).isdisjoint(first.values())


def test_of_two_breaks_beside_each_other_the_nearest_is_the_known_one(connection: duckdb.DuckDBPyConnection) -> None:
    first = _run(connection, _found(("2018H2", "level", 0.3, 5)))["2018H2 level"]
    both = _run(connection, _found(("2018H2", "level", 0.2, 4), ("2019H1", "level", 0.2, 9)))
    assert both["2018H2 level"] == first != both["2019H1 level"]


def test_a_break_that_comes_where_a_known_one_moved_away_has_an_id_of_its_own(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    first = _run(connection, _found(("2018H2", "level", 0.3, 5)))["2018H2 level"]
    _run(connection, _found(("2019H1", "level", 0.3, 5)))
    again = _run(connection, _found(("2018H2", "level", 0.3, 9), ("2019H1", "level", 0.3, 5)))
    assert again["2019H1 level"] == first != again["2018H2 level"]


def test_a_known_break_stands_just_below_the_line_and_a_new_one_does_not(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    below = _found(("2018H2", "level", 0.3, LINE - 0.3))
    assert _run(connection, below) == {}
    known = _run(connection, _found(("2018H2", "level", 0.3, 5)))
    assert _run(connection, below) == known
    assert _run(connection, _found(("2018H2", "level", 0.3, LINE - 0.8))) == {}


def test_a_break_that_became_part_of_one_in_common_stands_no_longer_and_keeps_its_id(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    found = _found(("2018H2", "level", 0.3, 5))
    first = _run(connection, found)["2018H2 level"]
    silent = found.set_column(found.schema.get_field_index("alarm"), "alarm", pa.array([False]))
    (part,) = named_breaks(connection, silent, LINE)[0].to_pylist()
    assert (part["stands"], part["is_part"], part["break_id"]) == (False, True, first)


def test_gaps_stand_and_the_same_gap_has_the_same_id_in_another_warehouse(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    gap = _found(("2018H2", "gap", None, 0))
    first = _run(connection, gap)
    connection.execute("drop table breaks.known")
    assert _run(connection, gap) == first != {}


def _panel(periods: int, shifts: dict[int, float]) -> pa.Table:
    """Twenty-four municipalities by half-year; in the first, growth by these factors from these periods on.

    The figures of a period are the same however many follow it.
    """
    size = 24
    level = np.random.default_rng(5).uniform(np.log(400), np.log(3000), size)
    rows = []
    for period in range(periods):
        rate = level + 0.01 * period
        rate[0] += sum(np.log(factor) for start, factor in shifts.items() if period >= start)
        counts = np.random.default_rng([11, period]).poisson(np.exp(rate))
        rows += [
            {
                "indicator_id": "x",
                "region_code": f"GM{region:04d}",
                "period_code": f"{2000 + period // 2}H{period % 2 + 1}",
                "value": float(count),
                "numerator": float(count),
                "denominator": None,
                "unit": "count",
                "obs_status": "A",
            }
            for region, count in enumerate(counts)
        ]
    schema = pa.schema(
        [(name, pa.float64() if name in ("value", "numerator", "denominator") else pa.string()) for name in rows[0]]
    )
    return pa.Table.from_pylist(rows, schema=schema)


def test_one_lasting_shift_alarms_once_in_thirty_later_runs_and_a_second_shift_once_more(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    outbox = Outbox(tmp_path / "alerts.sqlite")
    told: list[tuple[int, str]] = []
    for periods in range(12, 43):
        found = detect(_panel(periods, {11: 1.5, 30: 1.4}))
        named, known = named_breaks(connection, found.breaks, LINE)
        connection.register("remembered", known)
        connection.execute("create or replace table breaks.known as select * from remembered")
        standing = [row for row in named.to_pylist() if row["stands"] and row["region_code"] == "GM0000"]
        findings = tuple(
            Finding(
                check=CHECK,
                severity="warning",
                key=row["break_id"],
                title_nl="Trendbreuk",
                cause_nl="?",
                next_step_nl="?",
            )
            for row in standing
        )
        moment = dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(days=periods)
        run = RunFindings(
            run_id=f"run-{periods}", finished_at=moment, evaluated_checks=frozenset({CHECK}), findings=findings
        )
        message = outbox.record_run(run, channels=(), link="docs", now=moment)
        if message is not None:
            told += [(periods, "new")] * message.payload["new_count"]
            told += [(periods, "resolved")] * message.payload["resolved_count"]
    assert [what for _, what in told] == ["new", "new"]
    assert told[0][0] in (12, 13) and told[1][0] in (31, 32)
