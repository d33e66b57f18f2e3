"""The registration of the wijkteams of a few municipalities of Voorbeeldland: how many inhabitants they supported.

What belongs here: making this delivery, as a file that a municipality could have sent: exact, with small counts. What
does not: which of these counts may be shown.

Three municipalities tell it by wijk and buurt as well, so that everything adds up to them; two that merged tell it
under their old codes and then under the new one.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pipelines.voorbeeldland.chance import Chance, FloatArray, IntArray
from pipelines.voorbeeldland.country import HERINDELING_YEAR, NOTICE, YEARS, Country
from pipelines.voorbeeldland.wijken import EDITIONS, names_of

# Under 1,000 inhabitants, by the heaviest support that somebody had in the year.
KINDS = {"Advies": 5.0, "Begeleiding": 2.5, "Procesregie": 0.5}
BUURTEN = ("01", "02", "03")
_MUNICIPALITIES = (0, 1, 2)
_FIRST_YEAR, _LAST_YEAR = 2016, 2024
# Of a wijk, by buurt: the last one is so small that nearly all of its counts are.
_SHARE = np.array([0.52, 0.44, 0.04])
_DRAWS = 400
_HEADER = ("Gebied", "Jaar", *KINDS, "Totaal")


def write(folder: Path, country: Country, seed: int) -> None:
    """The file into `folder`/wijkteam; one seed gives the same bytes every time."""
    lines = [*_merged(country, seed), *_by_area(country, seed)]
    text = "\n".join(";".join(map(str, line)) for line in (_HEADER, *sorted(lines, key=lambda line: line[1::-1])))
    path = folder / "wijkteam" / f"vb_wijkteam_{_FIRST_YEAR}_{_LAST_YEAR}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\nBron: {NOTICE}{';' * (len(_HEADER) - 1)}\n", encoding="utf-8", newline="\n")


def _merged(country: Country, seed: int) -> list[tuple[object, ...]]:
    """The two parts until the herindeling, and what they became after it."""
    lines: list[tuple[object, ...]] = []
    for year in range(_FIRST_YEAR, _LAST_YEAR + 1):
        inhabitants = country.population[list(country.parts), YEARS.index(year)].astype(np.float64)
        counts = _counted(inhabitants, Chance(seed, f"wijkteams of merging municipalities in {year}"))
        if year < HERINDELING_YEAR:
            lines += [_line(country.codes[part], year, row) for part, row in zip(country.parts, counts, strict=True)]
        else:
            lines.append(_line(country.codes[country.merged], year, counts.sum(axis=0)))
    return lines


def _by_area(country: Country, seed: int) -> list[tuple[object, ...]]:
    """The buurten of three municipalities, their wijken and they themselves."""
    lines: list[tuple[object, ...]] = []
    for year in EDITIONS:
        for place, municipality in enumerate(_MUNICIPALITIES):
            code = country.codes[municipality]
            wijken = list(names_of(year, place))
            share = np.outer(np.full(len(wijken), 1 / len(wijken)), _SHARE)
            inhabitants = float(country.population[municipality, YEARS.index(year)]) * share
            counts = _counted(inhabitants, Chance(seed, f"wijkteams of {code} in {year}"))
            lines.append(_line(code, year, counts.sum(axis=(0, 1))))
            for wijk, of_wijk in zip(wijken, counts, strict=True):
                area = f"{code.removeprefix('VB')}{wijk}"
                lines.append(_line(f"VBWK{area}", year, of_wijk.sum(axis=0)))
                lines += [_line(f"VBBU{area}{buurt}", year, row) for buurt, row in zip(BUURTEN, of_wijk, strict=True)]
    return lines


def _counted(inhabitants: FloatArray, chance: Chance) -> IntArray:
    """Supported inhabitants, with one more axis: the kinds. Small means, so that marks below a level are counted."""
    mean = inhabitants[..., None] * np.array(list(KINDS.values())) / 1000
    draws = chance.uniform(*mean.shape, _DRAWS)
    return np.asarray((draws < (mean / _DRAWS)[..., None]).sum(axis=-1), dtype=np.int64)


def _line(code: str, year: int, counts: IntArray) -> tuple[object, ...]:
    return (code, year, *counts.tolist(), int(counts.sum()))
