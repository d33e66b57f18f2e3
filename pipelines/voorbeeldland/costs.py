"""What the municipalities are like, and what they spend on the social domain: two files a year, as a desk exports them.

What belongs here: structure and costs, and how the one follows from the other. What does not: the municipalities
themselves (country.py), and the truth about breaks: no break is planted here.

Costs per inhabitant depend on the structure, with chance on top. One municipality books nearly all of its youth care on
6.72, where the others book most of it on 6.73 and 6.74; one delivered no accounts of the second year, which shows as
nothing but zeros.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pipelines.voorbeeldland.chance import Chance, FloatArray
from pipelines.voorbeeldland.country import HERINDELING_YEAR, NOTICE, YEARS, Country

COST_YEARS = (2023, 2024)
BOOKED_ELSEWHERE, NOT_DELIVERED = "VB0020", "VB0080"

# Euros per inhabitant where everything is average, and by which part they rise with one standard deviation of each
# characteristic: older people, families, living alone, income, density.
TAAKVELDEN: dict[str, tuple[float, tuple[float, float, float, float, float]]] = {
    "6.1": (150.0, (0.02, 0.03, 0.05, -0.08, 0.06)),
    "6.2": (70.0, (0.05, 0.05, 0.05, -0.05, 0.04)),
    "6.3": (480.0, (-0.02, -0.04, 0.14, -0.26, 0.10)),
    "6.4": (140.0, (0.02, -0.02, 0.08, -0.15, 0.02)),
    "6.5": (60.0, (-0.02, 0.00, 0.06, -0.12, 0.05)),
    "6.6": (55.0, (0.16, -0.04, 0.06, -0.08, 0.00)),
    "6.71": (190.0, (0.20, -0.05, 0.10, -0.10, 0.02)),
    "6.72": (130.0, (-0.06, 0.14, 0.02, -0.08, 0.03)),
    "6.73": (80.0, (-0.05, 0.12, 0.04, -0.12, 0.04)),
    "6.74": (60.0, (-0.05, 0.10, 0.04, -0.08, 0.05)),
    "6.81": (25.0, (0.02, -0.04, 0.12, -0.12, 0.18)),
    "6.82": (30.0, (-0.04, 0.12, 0.03, -0.14, 0.06)),
}
_SPREAD = 0.08
_NOTE = f"Bron: Voorbeeldland. {NOTICE}."


def write(folder: Path, country: Country, seed: int) -> None:
    """`lasten/vb_lasten_<year>.csv` (thousands of euros) and `structuur/vb_structuur_<year>.csv` into `folder`."""
    there = np.flatnonzero(country.exists_in_years()[:, YEARS.index(HERINDELING_YEAR)])
    codes = [country.codes[place] for place in there]
    traits = Chance(seed, "structure").normal(len(there), 5)
    own = np.exp(_SPREAD * Chance(seed, "costs").normal(len(there), len(TAAKVELDEN)))
    for kind in ("lasten", "structuur"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    for year in COST_YEARS:
        people = country.population[there, YEARS.index(year)].astype(np.float64)
        thousands = np.floor(_costs(traits, own, codes, year) * people[:, None] / 1000 + 0.5)
        if year == COST_YEARS[-1]:
            thousands[codes.index(NOT_DELIVERED)] = 0
        _write(
            folder / "lasten" / f"vb_lasten_{year}.csv",
            "Jaar;Gemeente;Taakveld;Lasten x 1 000 euro",
            [
                f"{year};{code};{taakveld};{amount:.0f}"
                for code, row in zip(codes, thousands, strict=True)
                for taakveld, amount in zip(TAAKVELDEN, row, strict=True)
            ],
        )
        _write(
            folder / "structuur" / f"vb_structuur_{year}.csv",
            "Jaar;Gemeente;65 jaar of ouder;Huishoudens;Eenpersoonshuishoudens;Huishoudens met kinderen;"
            "Inkomen per inwoner;Adressendichtheid",
            [
                f"{year};{code};" + ";".join(f"{value:.0f}" for value in row)
                for code, row in zip(codes, _structure(traits, people), strict=True)
            ],
        )


def _costs(traits: FloatArray, own: FloatArray, codes: list[str], year: int) -> FloatArray:
    """Euros per inhabitant, shape (municipalities, taakvelden)."""
    level = np.array([level for level, _ in TAAKVELDEN.values()])
    effects = np.array([effects for _, effects in TAAKVELDEN.values()])
    costs: FloatArray = level * (1 + traits @ effects.T).clip(0.3) * own * 1.05 ** (year - COST_YEARS[0])
    names = list(TAAKVELDEN)
    parts = [names.index(name) for name in ("6.73", "6.74")]
    moved = 0.85 * costs[codes.index(BOOKED_ELSEWHERE), parts]
    costs[codes.index(BOOKED_ELSEWHERE), parts] -= moved
    costs[codes.index(BOOKED_ELSEWHERE), names.index("6.72")] += moved.sum()
    return np.round(costs, 6)


def _structure(traits: FloatArray, people: FloatArray) -> FloatArray:
    """The columns of the file after year and code, shape (municipalities, 6); counts in fives, as CBS has them."""
    older, families, alone, income, density = traits.T
    households = people / 2.15
    counts = np.stack(
        [
            people * (0.20 + 0.03 * older).clip(0.05),
            households,
            households * (0.34 + 0.05 * alone).clip(0.1),
            households * (0.33 + 0.04 * families).clip(0.1),
        ],
        axis=1,
    )
    others = np.stack([29_000 + 3_000 * income, 900 * np.exp(np.round(0.6 * density, 6))], axis=1)
    return np.concatenate([np.floor(counts / 5 + 0.5) * 5, np.floor(others + 0.5)], axis=1)


def _write(path: Path, header: str, lines: list[str]) -> None:
    path.write_bytes("\r\n".join([header, *lines, _NOTE, ""]).encode())
