"""What the published file can be asked about an earlier day: `from marts.observation_as_of(date '2017-12-31')`.

What belongs here: the questions that the file answers by itself, as table macros with a description. What does not:
making the whole of an earlier publication again, which is for `run --as-of` (docs/decisions/007).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class _Question:
    """A table macro: its name, the tables it asks, what it says of itself, and its text, in which `day` is the day."""

    name: str
    asked: frozenset[str]
    description: str
    text: str


# A vintage was there from its date until the day it was found to be withdrawn. Of one file the newest vintage counts,
# and what it left out is gone; of several files with one figure the later in the declared order, then the newest: the
# same order as in core.observation. Of several sources the first in the order of the indicator counts, as in
# core.preferred, and a rate that nobody delivered is computed from its counts, as in core.harmonised: what was known
# on a day is put together as it is now. tests/integration/test_comparisons.py holds the two together.
_STOOD: Final = """
with counted as (
    select
        vintage_id, vintage_order, fetched_at,
        row_number() over (
            partition by source_id, file order by vintage_date desc, fetched_at desc, vintage_id desc
        ) as age
    from marts.delivery
    where
        status = 'loaded'
        and coalesce(vintage_date, fetched_at::date) <= day
        and (withdrawn_on is null or withdrawn_on > day)
),

stood as (
    select observation.* exclude (is_latest)
    from marts.observation as observation
    inner join counted on observation.vintage_id = counted.vintage_id and counted.age = 1
    qualify
        row_number() over (
            partition by
                observation.indicator_id, observation.region_code, observation.period_code, observation.source_id
            order by
                counted.vintage_order desc nulls first,
                observation.vintage_date desc,
                counted.fetched_at desc,
                observation.vintage_id desc
        ) = 1
),

preferred as (
    select stood.*, coalesce(indicator.aggregation = 'recompute', false) as is_rate
    from stood
    inner join marts.indicator as indicator on stood.indicator_id = indicator.indicator_id
    qualify
        row_number() over (
            partition by stood.indicator_id, stood.region_code, stood.period_code
            order by
                (stood.value is null)::integer,
                coalesce(list_position(string_split(indicator.sources, '|'), stood.source_id), 999),
                stood.source_id
        ) = 1
),

-- the count below the line is of the same period; a stock of 1 January serves every part of its year
counts as (
    select
        rate.indicator_id,
        above.region_code,
        above.period_code,
        rate.rate_factor,
        above.value as numerator,
        above.obs_status as numerator_status,
        coalesce(same_period.value, same_year.value) as denominator,
        case
            when same_period.value is not null then same_period.obs_status
            else coalesce(same_year.obs_status, same_period.obs_status, 'L')
        end as denominator_status,
        greatest(
            above.vintage_date,
            case when same_period.value is not null then same_period.vintage_date else same_year.vintage_date end
        ) as vintage_date
    from marts.indicator as rate
    inner join preferred as above on rate.numerator_id = above.indicator_id
    inner join marts.indicator as below on rate.denominator_id = below.indicator_id
    left join preferred as same_period
        on
            rate.denominator_id = same_period.indicator_id
            and above.region_code = same_period.region_code
            and above.period_code = same_period.period_code
    left join preferred as same_year
        on
            rate.denominator_id = same_year.indicator_id
            and above.region_code = same_year.region_code
            and case below.value_kind when 'stock' then left(above.period_code, 4) end = same_year.period_code
    where rate.aggregation = 'recompute'
),

every as (
    select
        * exclude (is_rate),
        false as is_computed,
        case when not is_rate or value is not null then 0 else 2 end as preference
    from preferred

    union all by name

    select
        indicator_id,
        region_code,
        period_code,
        vintage_date,
        numerator * rate_factor / nullif(denominator, 0) as value,
        case
            when numerator is null then numerator_status
            when denominator is null then denominator_status
            when denominator = 0 then 'M'
            when 'P' in (numerator_status, denominator_status) then 'P'
            else 'A'
        end as obs_status,
        true as is_computed,
        case when numerator / nullif(denominator, 0) is null then 3 else 1 end as preference
    from counts
)

select * exclude (preference)
from every
qualify row_number() over (partition by indicator_id, region_code, period_code order by preference) = 1
"""

# Whether two figures compared on that day goes by the breaks that were found then: that is for `run --as-of`.
_OF_MUNICIPALITIES: Final = """
with stood as materialized (
    select
        *,
        case when regexp_matches(region_code, '^(SV-)?VB') then 'VB00' else 'NL01' end as country_code
    from ({stood})
),

municipalities as (
    select
        region_code,
        arg_max(region_name, coalesce(valid_from, date '0001-01-01')) as region_name
    from marts.region
    where region_type = 'gemeente'
    group by region_code
)

select
    stood.indicator_id,
    stood.region_code,
    stood.period_code,
    'published' as geography,
    indicator.label_nl,
    municipalities.region_name,
    stood.value,
    stood.obs_status,
    stood.vintage_date,
    stood.source_id,
    stood.is_computed,
    country.value as national_value,
    present.value as value_now,
    present.obs_status as obs_status_now
from stood
inner join municipalities on stood.region_code = municipalities.region_code
inner join marts.indicator as indicator on stood.indicator_id = indicator.indicator_id
left join stood as country
    on
        stood.indicator_id = country.indicator_id
        and stood.country_code = country.region_code
        and stood.period_code = country.period_code
left join marts.indicator_municipality as present
    on
        stood.indicator_id = present.indicator_id
        and stood.region_code = present.region_code
        and stood.period_code = present.period_code
        and present.geography = 'published'
"""

_QUESTIONS: Final = (
    _Question(
        "observation_as_of",
        frozenset({"observation", "delivery", "indicator"}),
        "Every figure as it stood on a day, on the borders it was published on: from marts.observation_as_of(date "
        "'2017-12-31'). Of several sources the first in the order of the indicator; a rate that nobody delivered is "
        "computed from its counts (is_computed; it has no source, and the date on which both were there). One row per "
        "indicator, region and period.",
        _STOOD,
    ),
    _Question(
        "indicator_municipality_as_of",
        frozenset({"observation", "delivery", "indicator", "region", "indicator_municipality"}),
        "What marts.indicator_municipality held on a day for a municipality and its country, beside what it holds now "
        "(value_now): from marts.indicator_municipality_as_of(date '2017-12-31'). Whether figures compared then is for "
        "nulmeting run --as-of. One row per indicator, municipality and period, on published borders.",
        _OF_MUNICIPALITIES.format(stood=_STOOD),
    ),
)


def create_macros(connection: duckdb.DuckDBPyConnection, catalog: str, tables: Collection[str]) -> None:
    """Make the table macros in schema `marts` of an attached file, for as far as `tables` of it can answer them.

    Their tables are named without the file, so that they are found wherever the file is opened.
    """
    for question in _QUESTIONS:
        if question.asked.issubset(tables):
            connection.execute(f"create macro {catalog}.marts.{question.name}(day) as table ({question.text})")
            told = question.description.replace("'", "''")
            connection.execute(f"comment on macro table {catalog}.marts.{question.name} is '{told}'")
