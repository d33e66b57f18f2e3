"""What the published file can be asked about an earlier day: `from marts.observation_as_of(date '2017-07-01')`.

What belongs here: the questions that the file answers by itself, as table macros with a description. What does not:
making the whole of an earlier publication again, which is for `run --as-of` (docs/decisions/007).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

# A vintage was there from its date until the day it was found to be withdrawn. Of one file the newest vintage counts,
# and what it left out is gone; of several files with one figure the later in the declared order, then the newest: the
# same order as in core.observation.
_OBSERVATION_AS_OF = """
create macro {schema}.observation_as_of(day) as table (
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
    )

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
)
"""
_ASKED = frozenset({"observation", "delivery"})
_DESCRIPTION = (
    "Every figure as it stood on a day, as in marts.observation: "
    "from marts.observation_as_of(date '2017-07-01'). One row per indicator, region, period and source."
)


def create_macros(connection: duckdb.DuckDBPyConnection, catalog: str, tables: Collection[str]) -> None:
    """Make the table macros in schema `marts` of an attached file, for as far as `tables` of it can answer them.

    Their tables are named without the file, so that they are found wherever the file is opened.
    """
    if _ASKED.issubset(tables):
        schema = f"{catalog}.marts"
        connection.execute(_OBSERVATION_AS_OF.format(schema=schema))
        text = _DESCRIPTION.replace("'", "''")
        connection.execute(f"comment on macro table {schema}.observation_as_of is '{text}'")
