"""One trend break as it was published: what `nulmeting breaks explain` prints and `decide` decides about.

What belongs here: finding a break by its id. What does not: the text about it, which `marts.trend_break` holds,
and decisions (`decisions`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.settings import Settings, SetupError

if TYPE_CHECKING:
    from pipelines.declarations.catalogue import Decision


@dataclass(frozen=True)
class PublishedBreak:
    """A row of `marts.trend_break`. `direction` is up, down or None; `part_of` the break of the cooperation of which
    this is one member's part, or None.
    """

    break_id: str
    indicator_id: str
    region_code: str
    period_code: str
    kind: str
    direction: str | None
    label_nl: str
    region_name: str
    kind_nl: str
    explanation_nl: str
    part_of: str | None

    @property
    def heading(self) -> str:
        from pipelines.alerts.content import period_nl

        when = period_nl(self.period_code)
        return f"Trendbreuk {self.break_id}: {self.label_nl}, {self.region_name}, {when} ({self.kind_nl})"


_COLUMNS = """
    select
        break_id, indicator_id, region_code, period_code, kind, direction,
        coalesce(label_nl, indicator_id), coalesce(region_name, region_code), kind_nl, explanation_nl,
        part_of
    from marts.trend_break
"""


def find_break(settings: Settings, break_id: str) -> PublishedBreak:
    """The published break of this id.

    An id that is no longer published is looked up among the decisions: the break of its series that was decided
    about is the one. Raises SetupError where nothing is published, or no break is meant by it.
    """
    import duckdb

    from pipelines.warehouse.connection import WarehouseError, connect_read_only

    try:
        with connect_read_only(settings.published_path) as connection:
            rows = connection.execute(f"{_COLUMNS} where break_id = ?", [break_id]).fetchall()
            for made in () if rows else _decisions(settings, break_id):
                rows = connection.execute(
                    f"{_COLUMNS} where indicator_id = ? and region_code = ? and decided_because = ? and decision = ?",
                    [made.indicator_id, made.region_code, made.because, made.decision],
                ).fetchall()
                if rows:
                    break
    except (WarehouseError, duckdb.Error) as error:
        raise SetupError(str(error).splitlines()[0]) from None
    if not rows:
        raise SetupError(f"{break_id}: found no break of that id, expected one of marts.trend_break")
    return PublishedBreak(*rows[0])


def _decisions(settings: Settings, break_id: str) -> list[Decision]:
    """What was decided about a break under this id, the newest first."""
    from pipelines.declarations.load import load_declarations

    made = load_declarations(settings.sources_dir, settings.profile).decisions
    return sorted((one for one in made if one.break_id == break_id), key=lambda one: one.when, reverse=True)
