"""What a panel, a register or a list of cooperations holds that detection could do nothing with.

What belongs here: sentences for whoever runs a detection, each with what was found, how often, an example and what
was expected. What does not: tables that cannot be used at all; those raise PanelError where they are read.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from pipelines.breaks.events import EVERYTHING, Events
from pipelines.breaks.groups import Groups
from pipelines.breaks.panel import Grid, is_country

NATURES = ("measurement", "real_world", "mixed")
_NAMED = 3  # examples in a sentence


def left_out(grids: list[Grid], register: Events, groups: Groups) -> tuple[str, ...]:
    """Sentences, empty where everything was used.

    A register of the whole country beside the panel of one region names regions that are not in it; that is as it
    should be. Only an event or a cooperation of which nothing is in the panel is told.
    """
    regions = {str(code) for grid in grids for code in grid.regions} | {grid.country for grid in grids}
    indicators = {grid.indicator_id for grid in grids}
    return (
        *_below_zero(grids),
        *_told(
            "events",
            "of a nature that is none",
            (
                f"{name} ({nature or 'empty'})"
                for name, nature in zip(register.event_ids, register.natures, strict=True)
                if nature not in NATURES
            ),
            f"one of {', '.join(NATURES)}: what they caused is not linked",
        ),
        *_told(
            "events",
            "that touch no region of the panel",
            (
                name
                for name, codes in zip(register.event_ids, register.regions, strict=True)
                if EVERYTHING not in codes and not codes & regions and not any(is_country(code) for code in codes)
            ),
            "region_codes of the panel, separated by |, or *",
        ),
        *_told(
            "events",
            "that touch no indicator of the panel",
            (
                name
                for name, names in zip(register.event_ids, register.indicators, strict=True)
                if EVERYTHING not in names and not names & indicators
            ),
            "indicator_ids of the panel, separated by |, or *",
        ),
        *_told(
            "groups",
            "with fewer than two members in the panel",
            (code for code, members in zip(groups.codes, groups.members, strict=True) if len(members & regions) < 2),
            "region_codes of the panel",
        ),
    )


def _below_zero(grids: list[Grid]) -> Iterable[str]:
    for grid in grids:
        below = np.argwhere(grid.value < 0)
        if below.size:
            row, column = below[0]
            yield (
                f"panel: found {len(below)} figures below zero in {grid.indicator_id} ({grid.regions[row]}, "
                f"{grid.periods[column].code}: {grid.value[row, column]:g}), expected none: changes are measured in "
                "percent, so these, and series with many of them, were not tested"
            )


def _told(what: str, found: str, names: Iterable[str], expected: str) -> Iterable[str]:
    listed = list(names)
    if listed:
        more = f" and {len(listed) - _NAMED} more" if len(listed) > _NAMED else ""
        yield f"{what}: found {len(listed)} {found} ({', '.join(listed[:_NAMED])}{more}), expected {expected}"
