"""Wijken and buurten of a few municipalities, in one table a year: the division changes, and no key says how.

What belongs here: which wijken there are in which year, what they are called, and their figures. What does not: the
municipalities themselves (country.py), and the truth about breaks: no break is planted here.

Of the three municipalities the first keeps its wijken. In the second one wijk keeps its number and gets another name
with other borders; in the third one keeps its name and gets another number. Neither may be compared over that year.
Every wijk has three buurten, of which the last is so small that its counts of persons are not shown; with one of a
wijk's buurten the smallest of the others is hidden, or the wijk would tell it.
"""

from __future__ import annotations

import datetime as dt

import numpy as np

from pipelines.voorbeeldland.chance import Chance, FloatArray
from pipelines.voorbeeldland.country import COUNTRY_CODE, COUNTRY_NAME, YEARS, Country
from pipelines.voorbeeldland.tables import Measure, Regions, Table
from pipelines.voorbeeldland.wire import compact

EDITIONS = {2022: "VB22NED", 2023: "VB23NED", 2024: "VB24NED"}
RENAMED_IN, RENUMBERED_IN = 2023, 2024

_MUNICIPALITIES = (0, 1, 2)
_STAYS = {"01": "Centrum", "02": "Haven", "03": "Hoogveld"}
# Of every wijk: number, name, and which part of its inhabitants live there.
_BUURTEN = (("01", "Oost", 0.52), ("02", "West", 0.44), ("03", "Buitengebied", 0.04))
_ROUNDING, _SUPPRESSED_BELOW = 5, 10
_WMO_PER_1000, _BIJSTAND_PER_1000 = 60.0, 25.0
_PER_1000 = "Per 1 000 inwoners"
_MEASURES = (
    Measure("M900601", "Aantal personen", "Wie op 1 januari in de wijk woont.", group="Bevolking"),
    Measure("M900602", "Aantal personen", "Wie in het jaar een maatwerkvoorziening had.", group="Wmo"),
    Measure("M900603", _PER_1000, "Cliënten naar het aantal inwoners.", "per 1 000 inwoners", group="Wmo"),
    Measure("M900604", "Aantal personen", "Wie aan het eind van het jaar bijstand had.", group="Bijstand"),
    Measure("M900605", _PER_1000, "Personen met bijstand naar inwoners.", "per 1 000 inwoners", group="Bijstand"),
)


def names_of(year: int, place: int) -> dict[str, str]:
    """The wijken of the municipality at a place (0, 1 or 2) in a year: number to name."""
    names = dict(_STAYS)
    if place == 1 and year >= RENAMED_IN:
        names["02"] = "Haven en Dijkzicht"
    if place == 2 and year >= RENUMBERED_IN:
        names["04"] = names.pop("02")
    return names


def slots_of(year: int, place: int) -> list[int]:
    """For every wijk of names_of, in its order, which of the wijken of the first year it goes on from.

    By its number, and where that is new by its name: so an unchanged wijk keeps its share of the inhabitants.
    """
    numbers, first_names = list(_STAYS), list(_STAYS.values())
    return [
        numbers.index(number) if number in _STAYS else first_names.index(name)
        for number, name in names_of(year, place).items()
    ]


def editions(country: Country, seed: int) -> list[tuple[Table, list[str]]]:
    """The table of every year with its observations as compact JSON objects."""
    share = 0.2 + Chance(seed, "wijken").uniform(len(_MUNICIPALITIES), len(_STAYS))
    rate = 0.6 + 0.8 * Chance(seed, "use in wijken").uniform(len(_MUNICIPALITIES), len(_STAYS), 2)
    return [_edition(country, year, share / share.sum(axis=1, keepdims=True), rate) for year in EDITIONS]


def _edition(country: Country, year: int, share: FloatArray, rate: FloatArray) -> tuple[Table, list[str]]:
    listed = [(COUNTRY_CODE, COUNTRY_NAME, "VB")]
    wijken: list[str] = []
    buurten: list[str] = []
    for place, municipality in enumerate(_MUNICIPALITIES):
        code, number = country.codes[municipality], country.codes[municipality].removeprefix("VB")
        listed.append((code, country.names[municipality], "GMVB"))
        for wijk, name in names_of(year, place).items():
            wijken.append(f"VBWK{number}{wijk}")
            listed.append((wijken[-1], f"{name} (VB)", "WKVB"))
            for buurt, part_of_it, _ in _BUURTEN:
                buurten.append(f"VBBU{number}{wijk}{buurt}")
                listed.append((buurten[-1], f"{name}, {part_of_it} (VB)", "BUVB"))
    table = Table(
        EDITIONS[year],
        f"Kerncijfers wijken en buurten {year}",
        f"Inwoners, Wmo en bijstand per wijk en buurt in enkele gemeenten, op de indeling van {year}. "
        "Afgerond op vijftallen; minder dan tien wordt niet getoond.",
        dt.date(year + 1, 3, 31),
        "Eenmalig",
        _MEASURES,
        (),
        regions=Regions("WijkenEnBuurten", "Wijken en buurten", tuple(listed)),
        edition=str(year),
    )
    return table, _lines([*wijken, *buurten], _figures(country, year, share, rate))


def _figures(country: Country, year: int, share: FloatArray, rate: FloatArray) -> FloatArray:
    """Shape (wijken and then buurten, measures); negative where a figure is not shown."""
    slots = np.array([slots_of(year, place) for place in range(len(_MUNICIPALITIES))])
    share = np.take_along_axis(share, slots, axis=1)
    rate = np.take_along_axis(rate, slots[:, :, None], axis=1)
    inhabitants = country.population[list(_MUNICIPALITIES), YEARS.index(year)].astype(np.float64)
    whole = (inhabitants[:, None] * share).ravel()
    rate = rate.reshape(-1, rate.shape[-1])
    buurten = np.outer(whole, [part for _, _, part in _BUURTEN])
    return np.concatenate(
        [
            _of_areas(whole[:, None], rate).reshape(-1, len(_MEASURES)),
            _of_areas(buurten, rate).reshape(-1, len(_MEASURES)),
        ]
    )


def _of_areas(people: FloatArray, rate: FloatArray) -> FloatArray:
    """Shape (wijken, areas in each, measures), from people by wijk and area and the two rates of every wijk."""
    people = _rounded(people)
    clients, on_benefit = (
        _shown(people * rate[:, [place]] * per_1000 / 1000)
        for place, per_1000 in enumerate((_WMO_PER_1000, _BIJSTAND_PER_1000))
    )
    return np.stack([people, clients, _per_1000(clients, people), on_benefit, _per_1000(on_benefit, people)], axis=2)


def _rounded(value: FloatArray) -> FloatArray:
    return np.floor(value / _ROUNDING + 0.5) * _ROUNDING


def _shown(value: FloatArray) -> FloatArray:
    """Counts by wijk and area, -1 where hidden: the small ones, and where that is one of several the next as well."""
    rank = np.argsort(np.argsort(value, axis=1, kind="stable"), axis=1, kind="stable")
    small = (value < _SUPPRESSED_BELOW).sum(axis=1, keepdims=True)
    hidden = np.where((small == 1) & (value.shape[1] > 1), 2, small)
    return np.where(rank < hidden, -1.0, _rounded(value))


def _per_1000(persons: FloatArray, people: FloatArray) -> FloatArray:
    return np.where(persons < 0, -1.0, np.floor(1000 * persons / people + 0.5))


def _lines(areas: list[str], figures: FloatArray) -> list[str]:
    cells = [(area, measure.code) for area in areas for measure in _MEASURES]
    return [
        compact(
            {
                "Id": place,
                "Measure": measure,
                "ValueAttribute": "None" if value >= 0 else "Confidential",
                "Value": int(value) if value >= 0 else None,
                "StringValue": None,
                "WijkenEnBuurten": area,
            }
        )
        for place, ((area, measure), value) in enumerate(zip(cells, figures.ravel().tolist(), strict=True))
    ]
