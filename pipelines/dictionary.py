"""Writes the data dictionary from the models, and the list of indicators and sources from the declarations, so that
neither can say anything else than they do."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pipelines.declarations.catalogue import Indicator
from pipelines.declarations.load import Declarations, load_declarations
from pipelines.declarations.rhythms import Rhythm
from pipelines.declarations.source import Source
from pipelines.settings import PROJECT_ROOT
from pipelines.warehouse.transform import ensure_manifest

_HEAD = """# Data dictionary

Generated from the models by `make docs`; do not edit by hand. The tables stand in schema `marts` of
`data/published/nulmeting.duckdb`, and as Parquet in `data/published/parquet/`. In DuckDB the same descriptions can
be read with `from duckdb_columns()`.

What stood there on an earlier day is a question to the file itself, with what was withdrawn since and without what was
corrected since. Every figure, one row per indicator, region and period, rates that follow from their counts included:
`select * from marts.observation_as_of(date '2017-12-31')`. Of municipalities, beside what stands there now:

    select indicator_id, region_code, period_code, value, value_now, vintage_date
    from marts.indicator_municipality_as_of(date '2017-12-31')
    where value is distinct from value_now;

All tables of a day, with the comparisons and breaks as they were judged then: `nulmeting run --as-of 2017-12-31`.

Which indicators there are, and which sources: [indicators.md](indicators.md).
"""

_CATALOGUE_HEAD = """# Indicators and sources

Generated from `sources/` by `make docs`; do not edit by hand. What each indicator counts exactly, its numerator and
denominator, how it is added up and rounded, and every version of its definition stand in the tables `indicator` and
`indicator_definition` of the published file.
"""


def render() -> str:
    """The dictionary of the public tables as Markdown."""
    nodes = json.loads(ensure_manifest().read_text(encoding="utf-8"))["nodes"].values()
    marts = sorted(
        (node for node in nodes if node["resource_type"] == "model" and node["schema"] == "marts"),
        key=lambda node: str(node["name"]),
    )
    return _HEAD + "".join(_table(node) for node in marts)


def render_catalogue(sources_dir: Path = PROJECT_ROOT / "sources") -> str:
    """The declared indicators, by domain, and the sources of both profiles, as Markdown."""
    sample, live = (load_declarations(sources_dir, profile) for profile in ("sample", "live"))
    domains = dict.fromkeys(one.domain for one in live.indicators)
    parts = [_CATALOGUE_HEAD]
    for domain in domains:
        found = [one for one in live.indicators if one.domain == domain]
        parts.append(f"\n## {domain} ({len(found)})\n\n{_INDICATOR_HEAD}")
        parts += [_row(_indicator(one)) for one in found]
    parts += ["\n## Sources\n\n", _SOURCE_HEAD, *(_row(one) for one in _sources(sample, live))]
    return "".join(parts)


_INDICATOR_HEAD = """| indicator | label | unit | law | opgave; ontwikkellijn; theme | since | sources, in order |
|---|---|---|---|---|---|---|
"""
_SOURCE_HEAD = """| source | title | publisher | rhythm | profile | expected from, or why nothing is |
|---|---|---|---|---|---|
"""


def _indicator(one: Indicator) -> Sequence[str]:
    placed = "; ".join(filter(None, (one.opgave, one.ontwikkellijn, one.theme)))
    since = ", ".join(str(version.valid_from or "not known") for version in one.definitions)
    computed = f"computed: {one.numerator_id} / {one.denominator_id}" if one.numerator_id else ""
    ways = ", ".join(filter(None, (*one.sources, computed)))
    return (f"`{one.indicator_id}`", one.label_nl, one.unit, one.law, placed, since, ways)


def _sources(sample: Declarations, live: Declarations) -> Iterable[Sequence[str]]:
    known: list[Source | Rhythm] = [*sample.rhythms, *live.rhythms]
    for some in (sample, live):
        known += [*some.sources, *some.disabled]
    declared = {one.source_id: one for one in known}
    for name in sorted(declared):
        one = declared[name]
        profile = ", ".join(one.profiles) if isinstance(one, Source) else "not connected"
        because = one.not_expected_because if isinstance(one, Source) else None
        first = ", ".join(dict.fromkeys(wanted.periods[0].partition("..")[0] for wanted in one.expected))
        yield (f"`{name}`", one.title, one.publisher, one.cadence.replace("_", "-"), profile, first or because or "")


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(_cell, cells))} |\n"


def _table(node: dict[str, Any]) -> str:
    rows = "".join(
        f"| {column['name']} | {column['data_type']} | {_cell(column['description'])} |\n"
        for column in node["columns"].values()
    )
    return f"\n## {node['name']}\n\n{node['description'].strip()}\n\n| column | type | meaning |\n|---|---|---|\n{rows}"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.write_text(render(), encoding="utf-8")
    target.with_name("indicators.md").write_text(render_catalogue(), encoding="utf-8")
