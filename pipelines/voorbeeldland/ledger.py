"""The money of three municipalities of Voorbeeldland: a budget, a ledger by the month, and levels to hold it against.

What belongs here: making these municipal deliveries, as files that a municipality could have exported. What does not:
the figures on persons (`counts`), and any judgement about an amount.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipelines.voorbeeldland.chance import Chance, FloatArray
from pipelines.voorbeeldland.country import NOTICE, YEARS, Country, found

MUNICIPALITIES = ("VB0060", "VB0061", "VB0062")
BUDGET_YEARS = (2024, 2025, 2026)
LEDGER_YEARS = (2025, 2026)
# Of the last year the ledger has come as far as this month.
LAST_MONTH = 6
REFERENCE_YEAR = 2025
# Those that also book that there was no income; the others leave it open.
BOOK_NOUGHT = MUNICIPALITIES[:2]


@dataclass(frozen=True)
class Programme:
    """A line of the budget, with what it costs per inhabitant in 2024 and the part of that which it brings in."""

    name: str
    taakveld: str
    taakgebied: str
    eur_per_inhabitant: float
    income: float = 0.0


PROGRAMMES = (
    Programme("Sociale basis", "6.1", "basisvoorzieningen", 150),
    Programme("Inkomensregelingen", "6.3", "participatie", 420, income=0.85),
    Programme("Hulpmiddelen en diensten", "6.60", "wmo", 60),
    Programme("Begeleiding", "6.712", "wmo", 180),
    Programme("Jeugdhulp zonder verblijf", "6.751", "jeugd", 330),
)


def write(folder: Path, seed: int) -> None:
    """The three files into `folder`; one seed gives the same bytes every time."""
    country = found(seed)
    budget = _budget(country)
    booked = _booked(budget, seed)
    folder.mkdir(parents=True, exist_ok=True)
    _write(
        folder / f"vb_begroting_{BUDGET_YEARS[0]}_{BUDGET_YEARS[-1]}.csv",
        ("Gemeentecode", "Programma", "Begroot jaar", "Lasten begroot"),
        (
            (code, programme.name, year, _amount(budget[row, column, at]))
            for row, code in enumerate(MUNICIPALITIES)
            for column, programme in enumerate(PROGRAMMES)
            for at, year in enumerate(BUDGET_YEARS)
        ),
    )
    _write(
        folder / f"vb_grootboek_{LEDGER_YEARS[0]}_{LEDGER_YEARS[-1]}.csv",
        ("Maand", "Gemeentecode", "Kant", "Taakveld", "Geboekt bedrag"),
        (
            (f"{year}M{month + 1:02d}", code, side, programme.taakveld, _amount(booked[row, column, at, month] * part))
            for at, year in enumerate(LEDGER_YEARS)
            for month in range(12 if year < LEDGER_YEARS[-1] else LAST_MONTH)
            for row, code in enumerate(MUNICIPALITIES)
            for column, programme in enumerate(PROGRAMMES)
            for side, part in (("lasten", 1.0), ("baten", programme.income))
            if part or code in BOOK_NOUGHT
        ),
    )
    _write(
        folder / f"vb_gemeentefonds_ijkpunt_{REFERENCE_YEAR}.csv",
        ("Jaar", "Gemeentecode", "Taakgebied", "IJkpunt", "IJkpunt per inwoner"),
        _references(country, booked, seed),
    )


def _inhabitants(country: Country, year: int) -> FloatArray:
    places = [country.codes.index(code) for code in MUNICIPALITIES]
    return country.population[places, YEARS.index(min(year, YEARS[-1]))].astype(np.float64)


def _budget(country: Country) -> FloatArray:
    """Yearly budgets in euros, in thousands; shape (municipalities, programmes, BUDGET_YEARS)."""
    costs = np.array([programme.eur_per_inhabitant for programme in PROGRAMMES])
    per_year = [
        np.outer(_inhabitants(country, year), costs) * 1.03 ** (year - BUDGET_YEARS[0]) for year in BUDGET_YEARS
    ]
    return np.asarray(np.round(np.stack(per_year, axis=2), -3))


def _booked(budget: FloatArray, seed: int) -> FloatArray:
    """Gross costs booked in each month, in euros; shape (municipalities, programmes, LEDGER_YEARS, 12)."""
    chance = Chance(seed, "ledger")
    level = 0.92 + 0.2 * chance.uniform(len(MUNICIPALITIES), len(PROGRAMMES), 1, 1)
    wave = 1 + 0.03 * chance.normal(len(MUNICIPALITIES), len(PROGRAMMES), len(LEDGER_YEARS), 12)
    of_years = [BUDGET_YEARS.index(year) for year in LEDGER_YEARS]
    return np.asarray(np.round(budget[:, :, of_years, None] / 12 * level * wave))


def _references(country: Country, booked: FloatArray, seed: int) -> list[tuple[object, ...]]:
    """Levels around what was spent; the first municipality tells totals only, the second amounts per inhabitant."""
    chance = Chance(seed, "reference levels")
    names = list(dict.fromkeys(programme.taakgebied for programme in PROGRAMMES))
    net = booked[:, :, LEDGER_YEARS.index(REFERENCE_YEAR), :].sum(axis=2) * [1 - one.income for one in PROGRAMMES]
    total = np.stack([net[:, [one.taakgebied == name for one in PROGRAMMES]].sum(axis=1) for name in names], axis=1) * (
        0.8 + 0.5 * chance.uniform(len(MUNICIPALITIES), len(names))
    )
    each = total / _inhabitants(country, REFERENCE_YEAR)[:, None]
    return [
        (
            REFERENCE_YEAR,
            code,
            name,
            "" if row == 1 else _amount(np.round(total[row, column], -3)),
            "" if row == 0 else f"{each[row, column]:.2f}".replace(".", ","),
        )
        for row, code in enumerate(MUNICIPALITIES)
        for column, name in enumerate(names)
    ]


def _amount(euros: float) -> str:
    return f"{int(np.round(euros)):,}".replace(",", ".")


def _write(path: Path, header: Sequence[str], lines: Iterable[Sequence[object]]) -> None:
    text = "\n".join(";".join(map(str, line)) for line in (header, *lines))
    path.write_text(f"{text}\nBron: {NOTICE}{';' * (len(header) - 1)}\n", encoding="utf-8", newline="\n")
