"""When runs start by the calendar of the publishers; all off until somebody turns them on in the interface.

In the sample profile there is nothing new to fetch. A run that finds nothing new costs little, so that a day too many
does no harm, and one too few is made good by the next.
"""

import calendar
import datetime as dt
from collections.abc import Iterable

import dagster as dg

from pipelines.declarations.load import Declarations
from pipelines.declarations.source import Source
from pipelines.defs.jobs import MONITOR
from pipelines.defs.run_tags import BY_SCHEDULE
from pipelines.periods import PeriodKind, period_kind

TIMEZONE = "Europe/Amsterdam"
_EARLY = "0 6"
_PLAIN_YEAR = 2025

# The last day of every period of a kind, as month and day.
_ENDS: dict[PeriodKind, tuple[tuple[int, int], ...]] = {
    "year": ((12, 31),),
    "half_year": ((6, 30), (12, 31)),
    "quarter": ((3, 31), (6, 30), (9, 30), (12, 31)),
    "month": tuple((month, calendar.monthrange(_PLAIN_YEAR, month)[1]) for month in range(1, 13)),
}


def schedules(declarations: Declarations) -> list[dg.ScheduleDefinition]:
    """The calendar: what is known of the publishers' days, the days that the declarations give, and every morning."""
    return [
        _schedule(
            "na_de_publicaties",
            [f"{_EARLY} 15 4 *", f"{_EARLY} 15 10 *"],
            "After the spring and the autumn publication of the Gemeentelijke Monitor Sociaal Domein.",
        ),
        _schedule(
            "na_de_jeugdcijfers",
            # In the afternoon of the day itself, and once more for what came later.
            ["0 13 30 4 *", "0 13 31 10 *", f"{_EARLY} 1 5,11 *"],
            "On 30 April and 31 October, when CBS publishes the figures on youth care, and on the morning after.",
        ),
        _schedule(
            "na_de_iv3_kwartalen",
            [f"{_EARLY} 15 2,5,8,11 *"],
            "Six weeks after every quarter, when the Iv3 reports of municipalities come out.",
        ),
        _schedule(
            "na_de_uiterste_dagen",
            [f"{_EARLY} {day} {month} *" for month, day in days_after_due(declarations.sources)],
            "On the morning after each day on which, by its declaration, a source should have delivered: what is late "
            "is told at once.",
        ),
        _schedule(
            "dagelijkse_leveringen",
            ["30 5 * * *"],
            "Every morning: what municipalities put in the drop folder, and what publishers changed, since yesterday.",
        ),
    ]


def days_after_due(sources: Iterable[Source]) -> list[tuple[int, int]]:
    """Month and day of every morning in a year after something was due, by the periods and `due_days` declared.

    Counted in a year without 29 February, so that in a leap year some of them come a day later than they might. What
    appears once is due on no day of a calendar.
    """
    days: set[tuple[int, int]] = set()
    for source in sources:
        for expected in source.expected if source.cadence != "once" else ():
            for kind in {period_kind(expression.partition("..")[0]) for expression in expected.periods}:
                for month, day in _ENDS[kind]:
                    after = dt.date(_PLAIN_YEAR, month, day) + dt.timedelta(days=expected.due_days + 1)
                    days.add((after.month, after.day))
    return sorted(days)


def _schedule(name: str, cron: list[str], description: str) -> dg.ScheduleDefinition:
    return dg.ScheduleDefinition(
        name=name,
        job_name=MONITOR,
        cron_schedule=cron,
        execution_timezone=TIMEZONE,
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description=description,
        tags=BY_SCHEDULE,
    )
