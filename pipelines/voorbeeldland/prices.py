"""The price level of Voorbeeldland, a figure a year, as a publisher would give it.

What belongs here: the index and its file. What does not: amounts in prices of one year (`core_price_index`).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pipelines.voorbeeldland.chance import Chance
from pipelines.voorbeeldland.country import NOTICE, YEARS

BASE_YEAR = YEARS[0]
_DEAR_YEAR = 2022
"""In one year prices rise far more than in the others, so that money of before and after it cannot be compared."""


def write(folder: Path, seed: int) -> None:
    """`prijzen/vb_prijzen.csv` into `folder`: the index of every year, with the base year at 100."""
    rise = 1.5 + 1.5 * Chance(seed, "prices").uniform(len(YEARS))
    rise[YEARS.index(_DEAR_YEAR)] += 6
    rise[YEARS.index(BASE_YEAR)] = 0
    index = 100 * np.cumprod(1 + np.round(rise, 2) / 100)
    lines = [
        f"Jaar;Prijsindex ({BASE_YEAR} = 100)",
        *(f"{year};{level:.2f}".replace(".", ",") for year, level in zip(YEARS, index, strict=True)),
        f"Bron: Voorbeeldland. {NOTICE}.;",
    ]
    (folder / "prijzen").mkdir(parents=True, exist_ok=True)
    (folder / "prijzen" / "vb_prijzen.csv").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
