"""The complaints of three municipalities of Voorbeeldland: how many per year, law and subject.

What belongs here: making this delivery, as a file that a complaints coordinator could have sent. What does not: which
of these counts may be shown, and whether two years compare.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pipelines.voorbeeldland.chance import Chance
from pipelines.voorbeeldland.country import NOTICE

MUNICIPALITIES = ("VB0060", "VB0061", "VB0062")
YEARS = tuple(range(2018, 2026))
# From this year on the three register in one system, and more of what people say is written down as a complaint.
ONE_SYSTEM = 2021
LAWS = {"wmo": 1.0, "jeugd": 0.7, "participatie": 1.3}
SUBJECTS = {"bejegening": 14.0, "informatie": 22.0, "privacy": 2.0, "wachttijd": 30.0}
_HEADER = ("Periode", "Gemeentecode", "Wet", "Onderwerp", "Aantal klachten")


def write(folder: Path, seed: int) -> None:
    """The file into `folder`; one seed gives the same bytes every time."""
    size = 0.6 + 0.8 * Chance(seed, "complaints of municipalities").uniform(len(MUNICIPALITIES))
    registered = np.where(np.array(YEARS) < ONE_SYSTEM, 0.6, 1.0)
    mean = np.einsum("m,y,l,s->ymls", size, registered, list(LAWS.values()), list(SUBJECTS.values()))
    # Small means: the number of marks below a level in so many draws, instead of a Poisson number.
    draws = Chance(seed, "complaints").uniform(*mean.shape, 200)
    counts = (draws < (mean / 200)[..., None]).sum(axis=-1)
    lines = [
        (year, code, law, subject, counts[at_year, at, at_law, at_subject])
        for at_year, year in enumerate(YEARS)
        for at, code in enumerate(MUNICIPALITIES)
        for at_law, law in enumerate(LAWS)
        for at_subject, subject in enumerate(SUBJECTS)
    ]
    text = "\n".join(";".join(map(str, line)) for line in (_HEADER, *lines))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"vb_klachten_{YEARS[0]}_{YEARS[-1]}.csv"
    path.write_text(f"{text}\nBron: {NOTICE}{';' * (len(_HEADER) - 1)}\n", encoding="utf-8", newline="\n")
