"""A survey among the inhabitants of three municipalities of Voorbeeldland, in both shapes in which they come.

What belongs here: making answers, and writing them as a municipality could have: counted, and a row per respondent.
What does not: the questions (`sources/catalogue/surveys.yml`), and what is made of the answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipelines.voorbeeldland.chance import Chance
from pipelines.voorbeeldland.country import NOTICE, YEARS, found

COUNTED = ("VB0060", "VB0061")
COUNTED_YEARS = (2021, 2023)
# The second municipality asks too few people.
RESPONDENTS = (420, 180)
EACH = "VB0062"
EACH_YEAR = 2023
EACH_RESPONDENTS = 64

# The shares of the answers in the first year, and how far the first of them moves towards the next year.
CHOSEN: dict[str, tuple[tuple[str, ...], tuple[float, ...], float]] = {
    "weg_naar_hulp": (("ja", "nee"), (0.58, 0.42), 0.12),
    "tevreden_over_hulp": (("goed", "redelijk", "slecht", "weet_niet"), (0.52, 0.27, 0.12, 0.09), 0.02),
    "kent_kwetsbare_inwoners": (("ja", "nee"), (0.41, 0.59), -0.11),
    "computer_digid": (("goed", "matig", "slecht"), (0.66, 0.21, 0.13), 0.0),
    "waardering_buurt": (
        tuple(str(mark) for mark in range(1, 11)),
        (0.01, 0.01, 0.02, 0.03, 0.06, 0.15, 0.33, 0.28, 0.08, 0.03),
        0.0,
    ),
}
SEVERAL = {"actief_deelnemen": {"sport": 0.44, "activiteiten": 0.31, "vrijwilliger": 0.22, "mantelzorger": 0.16}}
POINTS = {"beter_redden": {"familie_en_buren": 34, "wmo": 22, "welzijn": 12, "medici": 18, "buurt": 14}}
WRITTEN = "veilig_in_de_buurt"

Numbers = npt.NDArray[np.int64]


def write(folder: Path, seed: int) -> None:
    """Both files into `folder`; one seed gives the same bytes every time."""
    folder.mkdir(parents=True, exist_ok=True)
    _write(
        folder / f"vb_inwonersenquete_{COUNTED_YEARS[0]}_{COUNTED_YEARS[-1]}.csv",
        ("Gemeentecode", "Jaar", "Vraag", "Antwoord", "Maat", "Waarde"),
        _counted(seed),
    )
    each = _each(Chance(seed, "respondents"))
    _write(
        folder / f"vb_inwonersenquete_antwoorden_{EACH_YEAR}.csv",
        ("Gemeentecode", "Jaar", *each),
        zip([EACH] * EACH_RESPONDENTS, [EACH_YEAR] * EACH_RESPONDENTS, *each.values(), strict=True),
    )


def _counted(seed: int) -> Iterable[tuple[object, ...]]:
    country, chance = found(seed), Chance(seed, "counted answers")
    for code, respondents in zip(COUNTED, RESPONDENTS, strict=True):
        for at, year in enumerate(COUNTED_YEARS):
            population = int(country.population[country.codes.index(code), YEARS.index(year)])
            yield code, year, "respons", "respondenten", "aantal", respondents
            yield code, year, "respons", "populatie", "aantal", population
            for question, (answers, shares, move) in CHOSEN.items():
                moved = np.array(shares)
                moved[0] += move * at
                given = _places(chance, respondents, moved / moved.sum())
                for answer, number in zip(answers, np.bincount(given, minlength=len(answers)), strict=True):
                    yield code, year, question, answer, "aantal", number
            for question, several in SEVERAL.items():
                yield code, year, question, "beantwoord", "aantal", respondents
                for answer, share in several.items():
                    yield code, year, question, answer, "aantal", int((chance.uniform(respondents) < share).sum())
            for question, points in POINTS.items():
                yield code, year, question, "beantwoord", "aantal", respondents
                divided = _divided(chance, respondents, tuple(points.values())).sum(axis=0)
                for answer, total in zip(points, divided, strict=True):
                    yield code, year, question, answer, "punten", total
            yield code, year, WRITTEN, "ingevuld", "aantal", int((chance.uniform(respondents) < 0.35).sum())


def _each(chance: Chance) -> dict[str, list[object]]:
    """The columns of a table with one row per respondent, by header."""
    columns: dict[str, list[object]] = {}
    for question, (answers, shares, _) in CHOSEN.items():
        given = _places(chance, EACH_RESPONDENTS, np.array(shares))
        columns[_header(question)] = [answers[place].replace("_", " ") for place in given]
    for question, several in SEVERAL.items():
        for answer, share in several.items():
            chosen = chance.uniform(EACH_RESPONDENTS) < share
            columns[_header(question, answer)] = ["ja" if one else "nee" for one in chosen]
    for question, points in POINTS.items():
        divided = _divided(chance, EACH_RESPONDENTS, tuple(points.values()))
        for place, answer in enumerate(points):
            columns[_header(question, answer)] = divided[:, place].tolist()
    filled = chance.uniform(EACH_RESPONDENTS) < 0.35
    columns[_header(WRITTEN)] = [f"{NOTICE}: een verzonnen antwoord" if one else "" for one in filled]
    return columns


def _header(question: str, answer: str | None = None) -> str:
    words = question.replace("_", " ").capitalize()
    return words if answer is None else f"{words}, {answer.replace('_', ' ')}"


def _places(chance: Chance, size: int, shares: npt.NDArray[np.float64]) -> Numbers:
    found_at = np.searchsorted(np.cumsum(shares), chance.uniform(size), side="right")
    return np.asarray(np.minimum(found_at, len(shares) - 1), dtype=np.int64)


def _divided(chance: Chance, size: int, means: Sequence[int]) -> Numbers:
    """100 points divided by each respondent, in fives; shape (size, answers)."""
    weights = np.array(means) * (0.4 + 1.2 * chance.uniform(size, len(means)))
    points = 5 * np.floor(weights / weights.sum(axis=1, keepdims=True) * 20).astype(np.int64)
    points[:, 0] += 100 - points.sum(axis=1)
    return np.asarray(points, dtype=np.int64)


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    lines = [";".join(f'"{name}"' if "," in name else name for name in header)]
    lines += [";".join(map(str, row)) for row in rows]
    lines.append(f"Bron: {NOTICE}{';' * (len(header) - 1)}")
    path.write_text("\n".join([*lines, ""]), encoding="utf-8-sig", newline="\r\n")
