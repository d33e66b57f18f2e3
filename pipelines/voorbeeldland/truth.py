"""What is really the matter with the sample: the planted disturbances, and which series are clean.

What belongs here: writing down the plan, for tests and for people. What does not: anything that the pipeline
reads to make a figure. Truth is about counts on the borders after the herindeling.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.voorbeeldland.chance import IntArray
from pipelines.voorbeeldland.country import COUNTRY_CODE, HALF_YEARS, HERINDELING_YEAR, NOTICE, YEARS, Country
from pipelines.voorbeeldland.plan import FUSION_GROUP, HERINDELING_EVENT, HERINDELING_START, Plan, Planted
from pipelines.voorbeeldland.subjects import POPULATION_ID, SUBJECTS
from pipelines.voorbeeldland.wire import compact

COLUMNS = ("indicator_id", "region_code", "period_code", "kind", "effect_pct", "event_id", "note")
_PERIOD_CODES = tuple(f"{year}H{half}" for year, half in HALF_YEARS)


def write(folder: Path, country: Country, counts: IntArray, plan: Plan, seed: int) -> None:
    """`truth.json` and `truth.csv` into `folder`; `counts` are the true counts, shape (8, 121, 20)."""
    rows = [_row(planted, country) for planted in plan.planted]
    sections = {
        "notice": compact(NOTICE),
        "seed": compact(seed),
        "country": compact(COUNTRY_CODE),
        "periods": compact(_PERIOD_CODES),
        "groups": compact({FUSION_GROUP: [country.codes[member] for member in plan.fusion]}),
        "herindeling": compact(_herindeling(country)),
        "counts_before_herindeling": _items(_counts_before(country, counts)),
        "planted": _items([compact(row) for row in rows]),
        "series": _items(_series(country, plan)),
    }
    body = ",\n".join(f"{compact(name)}:{text}" for name, text in sections.items())
    (folder / "truth.json").write_bytes(f"{{\n{body}\n}}\n".encode())

    table = io.StringIO()
    writer = csv.DictWriter(table, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    (folder / "truth.csv").write_bytes(table.getvalue().encode())


def _row(planted: Planted, country: Country) -> dict[str, Any]:
    population = planted.subject is None
    return {
        "indicator_id": _indicator_id(planted.subject),
        "region_code": country.codes[planted.region],
        "period_code": str(HALF_YEARS[planted.period][0]) if population else _PERIOD_CODES[planted.period],
        "kind": planted.kind,
        "effect_pct": planted.effect_pct,
        "event_id": planted.event_id,
        "note": planted.note,
    }


def _indicator_id(subject: int | None) -> str:
    return POPULATION_ID if subject is None else SUBJECTS[subject].indicator_id


def _herindeling(country: Country) -> dict[str, Any]:
    year = YEARS.index(HERINDELING_YEAR)
    involved = (*country.parts, country.merged)
    return {
        "event_id": HERINDELING_EVENT,
        "effective_date": f"{HERINDELING_YEAR}-01-01",
        "from_codes": [country.codes[part] for part in country.parts],
        "to_code": country.codes[country.merged],
        "inhabitants": {country.codes[region]: int(country.population[region, year]) for region in involved},
    }


def _counts_before(country: Country, counts: IntArray) -> list[str]:
    """The unrounded counts until the herindeling, of each part and of the municipality they will make."""
    return [
        compact(
            {
                "indicator_id": subject.indicator_id,
                "region_code": country.codes[region],
                "counts": counts[place, region, :HERINDELING_START].tolist(),
            }
        )
        for place, subject in enumerate(SUBJECTS)
        for region in (*country.parts, country.merged)
    ]


def _series(country: Country, plan: Plan) -> list[str]:
    """One item per indicator and municipality after the herindeling, which itself disturbs none of them."""
    disturbed: dict[tuple[str, int], str] = {
        (_indicator_id(planted.subject), planted.region): planted.kind
        for planted in plan.planted
        if planted.kind != "herindeling"
    }
    remaining = np.delete(np.arange(len(country.codes)), country.parts).tolist()
    indicators = [*(subject.indicator_id for subject in SUBJECTS), POPULATION_ID]
    return [
        compact(
            {
                "indicator_id": indicator,
                "region_code": country.codes[region],
                "clean": (indicator, region) not in disturbed,
                "because": disturbed.get((indicator, region)),
            }
        )
        for indicator in indicators
        for region in remaining
    ]


def _items(lines: list[str]) -> str:
    return "[\n" + ",\n".join(lines) + "\n]"
