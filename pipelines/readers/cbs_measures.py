"""What the measures of a CBS table are called, and which of them a declaration means.

What belongs here: names of measures and their units, over the distinct measures of a table. What does not: reading
the lists (`cbs_lists`) and the observations (`cbs_v4`). Codes move between editions of a table, so a declaration
names measures by their titles.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import pyarrow as pa

from pipelines.declarations.patterns import matches
from pipelines.declarations.source import Source


def measure_names(measures: pa.Table, groups: pa.Table | None) -> list[str]:
    """For every measure (a LIST) the name that no other measure of the table has.

    That is its title; where several have that title, the title of its group in front of it (`Aardgas: Appartement`);
    where that leaves two alike, its code in brackets behind it (`Appartement (ZW25810_2)`).
    """
    titles, codes = _titles(measures), measures["Identifier"].to_pylist()
    times = Counter(titles)
    names = [
        grouped if times[title] > 1 and grouped is not None else title
        for title, grouped in zip(titles, _with_group(measures, groups), strict=True)
    ]
    taken = Counter(names)
    return [
        name if taken[name] == 1 else f"{title} ({code})"
        for name, title, code in zip(names, titles, codes, strict=True)
    ]


def measures_meant(
    titles: Iterable[str], measures: pa.Table, groups: pa.Table | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The codes of the measures that declared titles mean, in the table's order, and the titles that mean none.

    A title means every measure that has it; with its group in front, or its code in brackets behind it, the one
    that is called so. Titles are compared exactly, after trimming.
    """
    columns = (_titles(measures), _with_group(measures, groups), measure_names(measures, groups))
    called = [set(names) for names in zip(*columns, strict=True)]
    wanted = [title.strip() for title in titles]
    meant = tuple(
        code for code, names in zip(measures["Identifier"].to_pylist(), called, strict=True) if names & set(wanted)
    )
    lacking = tuple(dict.fromkeys(title for title in wanted if not any(title in names for names in called)))
    return meant, lacking


def unexpected_units(items: Sequence[str | None], units: Sequence[str | None], source: Source) -> dict[int, str]:
    """Which of these figures come in another unit than their series declares: their place, and the declared unit.

    `items` and `units` are those of the distinct figures of a table. Spaces do not count: `x 1 000` is `x 1000`.
    """
    declared = [series for series in source.series if series.unit is not None]
    places: dict[str, list[int]] = {}
    for place, item in enumerate(items):
        if item is not None:
            places.setdefault(item, []).append(place)
    wrong: dict[int, str] = {}
    for series in declared:
        for item in matches(series.item, places):
            for place in places[item]:
                if _closed_up(units[place]) != _closed_up(series.unit):
                    wrong.setdefault(place, str(series.unit))
    return wrong


def _titles(measures: pa.Table) -> list[str]:
    """A measure without a title is called by its code."""
    pairs = zip(measures["Title"].to_pylist(), measures["Identifier"].to_pylist(), strict=True)
    return [title or str(code) for title, code in pairs]


def _with_group(measures: pa.Table, groups: pa.Table | None) -> list[str | None]:
    titled = {} if groups is None else dict(zip(groups["Id"].to_pylist(), groups["Title"].to_pylist(), strict=True))
    found = (titled.get(group) for group in measures["MeasureGroupId"].to_pylist())
    return [f"{group}: {title}" if group else None for group, title in zip(found, _titles(measures), strict=True)]


def _closed_up(unit: str | None) -> str:
    return "".join((unit or "").split())
