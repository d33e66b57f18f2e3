"""Which break of this run is which break of an earlier one: ids that outlive new figures.

What belongs here: the id of a break, and the memory of breaks in the warehouse (`breaks.known`). What does not:
finding breaks, and what people decided about them.

New figures move the estimated period of a break by one, turn a shift into a change of growth, or bring its score
just below the line. None of that is a new break, and whoever was told of it once must not be told again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from pipelines.breaks.period import Period
from pipelines.breaks.result import BREAK_SCHEMA, COPY, GAP, ROUNDING

if TYPE_CHECKING:
    import duckdb

NAMED_SCHEMA = pa.schema(
    [
        ("break_id", pa.string()),
        *BREAK_SCHEMA,
        ("family", pa.string()),
        ("direction", pa.int32()),
        ("stands", pa.bool_()),
        ("is_part", pa.bool_()),
    ]
)
SLACK = 0.5  # of the score: what stood stays until chance is three times as likely to bring it
_KNOWN = """
    create table if not exists breaks.known (
        break_id varchar, indicator_id varchar, region_code varchar, period_code varchar, family varchar, direction int
    )
"""
_NAMED = """
    with this_run as (
        select
            found.*,
            row_number() over () as place,
            -- a shift that lasts and a change of growth are told apart by figures that are still to come
            case when found.kind in ('level', 'slope') then 'lasting' else found.kind end as family,
            coalesce(sign(found.effect_log), 0)::int as direction,
            period.per_year,
            period.ordinal
        from found
        inner join period on found.period_code = period.period_code
    ),

    near as (
        select
            this_run.place,
            known.break_id,
            abs(this_run.ordinal - period.ordinal) as apart,
            this_run.alarm,
            this_run.score
        from this_run
        inner join breaks.known as known
            on
                this_run.indicator_id = known.indicator_id
                and this_run.region_code = known.region_code
                and this_run.family = known.family
                and this_run.direction = known.direction
        inner join period
            on
                known.period_code = period.period_code
                and this_run.per_year = period.per_year
                and abs(this_run.ordinal - period.ordinal) <= 1
    ),

    -- each break takes the nearest that was known, and each that was known is taken once
    known_again as (
        select * from near
        qualify
            row_number() over (partition by place order by apart, break_id) = 1
            and row_number() over (partition by break_id order by apart, alarm desc, score desc, place) = 1
    ),

    first_seen as (
        select
            place,
            concat_ws('|', indicator_id, region_code, period_code, kind) as written
        from this_run
    )

    select
        coalesce(
            known_again.break_id,
            -- what was known under this name has moved away, and another break came in its place
            case
                when taken.break_id is null then left(md5(first_seen.written), 10)
                else left(md5(first_seen.written || '|' || taken.period_code), 10)
            end
        ) as break_id,
        this_run.* exclude (place, per_year, ordinal),
        coalesce(
            this_run.alarm
            or list_contains($rule_kinds, this_run.kind)
            -- what scores above the line without an alarm is part of a break in common, which stands for it
            or (known_again.break_id is not null and this_run.score between $line - $slack and $line),
            false
        ) as stands,
        not this_run.alarm and this_run.score > $line as is_part
    from this_run
    inner join first_seen on this_run.place = first_seen.place
    left join known_again on this_run.place = known_again.place
    left join breaks.known as taken on left(md5(first_seen.written), 10) = taken.break_id
    order by this_run.place
"""
_REMEMBERED = """
    select break_id, indicator_id, region_code, period_code, family, direction from named where stands
    union all
    select * from breaks.known as known
    where not exists (select 1 from named where named.break_id = known.break_id and named.stands)
    order by all
"""


def named_breaks(connection: duckdb.DuckDBPyConnection, found: pa.Table, line: float) -> tuple[pa.Table, pa.Table]:
    """The breaks of this run with `break_id`, `stands` and `is_part`, and what to keep as `breaks.known`.

    `found` is `Detection.breaks`, `line` the score from which a break alarms. A break of the same series,
    family and direction within one period of a known one is that one. `stands` is true for an alarm, for what a
    rule found, and for a known break that is hardly below the line; `is_part` for what is above the line without an
    alarm: a member's part of a break in common. Makes `breaks.known` where it is not there.
    """
    connection.execute(_KNOWN)
    connection.register("found", found)
    connection.register("period", _periods(connection, found))
    values = {"rule_kinds": [GAP, ROUNDING, COPY], "line": line, "slack": SLACK}
    named = connection.execute(_NAMED, values).to_arrow_table()
    connection.register("named", named)
    known = connection.execute(_REMEMBERED).to_arrow_table()
    for name in ("found", "period", "named"):
        connection.unregister(name)
    return named, known


def _periods(connection: duckdb.DuckDBPyConnection, found: pa.Table) -> pa.Table:
    """Every period of this run and of the memory, by number."""
    rows = connection.execute("select period_code from found union select period_code from breaks.known").fetchall()
    codes = sorted(code for (code,) in rows)
    periods = [Period.parse(code) for code in codes]
    return pa.table(
        {
            "period_code": pa.array(codes, pa.string()),
            "per_year": pa.array([period.per_year for period in periods], pa.int64()),
            "ordinal": pa.array([period.ordinal for period in periods], pa.int64()),
        }
    )
