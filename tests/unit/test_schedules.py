"""The calendar: on which mornings of the Netherlands a schedule asks for a run, whatever the clock of the server."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from dagster._utils.schedules import schedule_execution_time_iterator

from pipelines.declarations.load import load_declarations
from pipelines.declarations.source import Source
from pipelines.defs.schedules import days_after_due, schedules
from pipelines.settings import PROJECT_ROOT

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


@pytest.fixture(scope="module")
def calendar() -> dict[str, dg.ScheduleDefinition]:
    return {one.name: one for one in schedules(load_declarations(PROJECT_ROOT / "sources", "live"))}


def _moments(schedule: dg.ScheduleDefinition, year: int) -> list[str]:
    """Every moment of a year, as a clock in Amsterdam shows it."""
    begin = dt.datetime(year, 1, 1, tzinfo=AMSTERDAM).timestamp()
    found = []
    assert isinstance(schedule.cron_schedule, list) and schedule.execution_timezone is not None
    for moment in schedule_execution_time_iterator(begin, schedule.cron_schedule, schedule.execution_timezone):
        here = moment.astimezone(AMSTERDAM)
        if here.year > year:
            return found
        found.append(f"{here:%m-%d %H:%M}")
    return found


@pytest.mark.parametrize(
    ("name", "moments"),
    [
        ("na_de_publicaties", ["04-15 06:00", "10-15 06:00"]),
        ("na_de_jeugdcijfers", ["04-30 13:00", "05-01 06:00", "10-31 13:00", "11-01 06:00"]),
        ("na_de_iv3_kwartalen", ["02-15 06:00", "05-15 06:00", "08-15 06:00", "11-15 06:00"]),
    ],
)
def test_the_days_of_publishers_by_the_clock_of_the_netherlands(
    calendar: dict[str, dg.ScheduleDefinition], name: str, moments: list[str]
) -> None:
    assert _moments(calendar[name], 2026) == moments
    assert _moments(calendar[name], 2028) == moments


def test_all_are_off_and_say_who_launched_a_run(calendar: dict[str, dg.ScheduleDefinition]) -> None:
    for schedule in calendar.values():
        assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED
        tick = schedule.evaluate_tick(dg.build_schedule_context(scheduled_execution_time=dt.datetime.now(dt.UTC)))
        assert tick.run_requests is not None
        (request,) = tick.run_requests
        assert (schedule.job_name, request.tags["nulmeting/launched_by"]) == ("monitor", "schedule")


def _source(**fields: Any) -> Source:
    return Source.model_validate(
        {
            "source_id": "eigen_bron",
            "title": "Eigen bron",
            "publisher": "Gemeente",
            "licence": "eigen",
            "cadence": "half_yearly",
            "profiles": ["live"],
            "origin": {"producer": "Gemeente", "citation": "Eigen bron"},
            "connector": {"kind": "cbs_v4", "table": "00001ned"},
            "reader": {"kind": "cbs_v4"},
            **fields,
        }
    )


def _expected(*periods: str, due_days: int) -> dict[str, Any]:
    return {"regions": ["GM*"], "periods": periods, "items": ["Inwoners"], "due_days": due_days}


@pytest.mark.parametrize(
    ("expected", "days"),
    [
        # 130 days after 30 June is 7 November, after 31 December 10 May; told on the morning after
        ([_expected("2021H1..", due_days=130)], [(5, 11), (11, 8)]),
        ([_expected("2021..2024", due_days=0)], [(1, 1)]),
        ([_expected("2021Q1", "2021Q2", due_days=30)], [(1, 31), (5, 1), (7, 31), (10, 31)]),
        ([_expected("2021", due_days=30), _expected("2021H1..", due_days=30)], [(1, 31), (7, 31)]),
        ([], []),
    ],
)
def test_the_morning_after_a_declared_day_is_in_the_calendar(
    expected: list[dict[str, Any]], days: list[tuple[int, int]]
) -> None:
    assert days_after_due([_source(expected=expected)]) == days


def test_what_appears_once_is_due_on_no_day_of_a_year() -> None:
    assert days_after_due([_source(cadence="once", expected=[_expected("2021", due_days=30)])]) == []


def test_the_days_of_the_declared_sources_are_all_in_the_schedule(calendar: dict[str, dg.ScheduleDefinition]) -> None:
    moments = _moments(calendar["na_de_uiterste_dagen"], 2026)
    declared = days_after_due(load_declarations(PROJECT_ROOT / "sources", "live").sources)
    assert moments == [f"{month:02}-{day:02} 06:00" for month, day in declared]
    assert len(moments) > 5
