"""The tables of Voorbeeldland: ids, titles, measures, dimensions and dates of publication.

What belongs here: what a table is, in the words a reader of it sees (Dutch, and always marked fictional).
What does not: its figures (observations.py), the yearly editions about wijken (wijken.py), and how a table is
written as CBS would (wire.py).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from pipelines.voorbeeldland.country import HALF_YEARS, YEARS

POPULATION_TABLE = "VB00NED"
CONFLICT_TABLE = "VB05NED"


@dataclass(frozen=True)
class Measure:
    """One measure: its code, its title (the key that a declaration maps) and what it counts.

    Measures of one title are told apart by the title of their `group`.
    """

    code: str
    title: str
    description: str
    unit: str = "aantal"
    group: str | None = None


@dataclass(frozen=True)
class Dimension:
    """A dimension beside region and period: its codes with their titles."""

    name: str
    title: str
    codes: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Period:
    """One period in CBS's code (`2024HJ01`, `2025JJ00`), with whether its figures are still provisional."""

    code: str
    title: str
    provisional: bool


@dataclass(frozen=True)
class Regions:
    """The regions of a table that has others than the country and its municipalities: code, title and group each."""

    dimension: str
    title: str
    codes: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Table:
    """One table. Its observations run over `dimension`, region, period and measure, in that order.

    A table of one year has no periods: it is an edition.
    """

    table_id: str
    title: str
    description: str
    modified: dt.date
    frequency: str
    measures: tuple[Measure, ...]
    periods: tuple[Period, ...]
    dimension: Dimension | None = None
    regions: Regions | None = None
    edition: str | None = None

    @property
    def region_dimension(self) -> str:
        """What the dimension of its regions is called."""
        return self.regions.dimension if self.regions else "RegioS"

    @property
    def groups(self) -> tuple[str, ...]:
        """The titles of the groups of its measures, in order; none where they have no groups."""
        return tuple(dict.fromkeys(measure.group for measure in self.measures if measure.group is not None))

    @property
    def dimension_codes(self) -> tuple[str | None, ...]:
        """The codes of the further dimension; a single None where there is none."""
        return tuple(code for code, _ in self.dimension.codes) if self.dimension else (None,)


_YEARS = tuple(Period(f"{year}JJ00", str(year), False) for year in YEARS)
_HALF_YEARS = tuple(
    Period(f"{year}HJ{half:02d}", f"{year} {half}e halfjaar", year == YEARS[-2]) for year, half in HALF_YEARS
)
_SPRING = dt.date(2025, 5, 28)
_SUMMER = dt.date(2025, 6, 30)

TABLES = (
    Table(
        POPULATION_TABLE,
        "Bevolking op 1 januari; regio",
        "Inwoners van Voorbeeldland en van elk van zijn gemeenten, geteld op de eerste dag van het jaar.",
        _SUMMER,
        "Per jaar",
        (Measure("M900001", "Bevolking op 1 januari", "Wie op 1 januari in het bevolkingsregister staat."),),
        _YEARS,
    ),
    Table(
        "VB01NED",
        "Wmo-cliënten; type maatwerkarrangement, regio",
        "Personen met een maatwerkvoorziening op grond van de Wmo 2015, per halfjaar. "
        "Afgerond op vijftallen; minder dan tien wordt niet getoond.",
        _SUMMER,
        "Per halfjaar",
        (Measure("M900101", "Wmo-cliënten", "Personen die in het halfjaar ten minste een dag zorg kregen."),),
        _HALF_YEARS,
        Dimension(
            "TypeMaatwerkarrangement",
            "Type maatwerkarrangement",
            (
                ("A019506", "Ondersteuning thuis"),
                ("A019507", "Hulp bij het huishouden"),
                ("A019508", "Verblijf en opvang"),
                ("A019509", "Hulpmiddelen en diensten"),
            ),
        ),
    ),
    Table(
        "VB02NED",
        "Jongeren met jeugdhulp; verblijf, regio",
        "Jongeren met jeugdhulp op grond van de Jeugdwet, per halfjaar. "
        "Afgerond op vijftallen; minder dan tien wordt niet getoond.",
        _SUMMER,
        "Per halfjaar",
        (Measure("M900201", "Jongeren met jeugdhulp", "Jongeren voor wie in het halfjaar jeugdhulp liep."),),
        _HALF_YEARS,
        Dimension(
            "Verblijf",
            "Verblijf",
            (("VBJ001", "Jeugdhulp zonder verblijf"), ("VBJ002", "Jeugdhulp met verblijf")),
        ),
    ),
    Table(
        "VB03NED",
        "Participatie; bijstand en re-integratie, regio",
        "Bijstand en re-integratie op grond van de Participatiewet, stand aan het eind van het halfjaar. "
        "Afgerond op vijftallen; minder dan tien wordt niet getoond.",
        _SUMMER,
        "Per halfjaar",
        (
            Measure("M900301", "Personen met bijstandsuitkering", "Personen die algemene bijstand ontvangen."),
            Measure("M900302", "Lopende re-integratievoorzieningen", "Voorzieningen die op de peildatum lopen."),
        ),
        _HALF_YEARS,
    ),
    Table(
        CONFLICT_TABLE,
        "Kerncijfers Wmo; regio",
        "De hulp bij het huishouden uit VB01NED nog eens, voor de laatste vier halfjaren.",
        _SPRING,
        "Per halfjaar",
        (
            Measure(
                "M900501",
                "Cliënten hulp bij het huishouden",
                "Personen met hulp bij het huishouden (Wmo 2015).",
            ),
        ),
        _HALF_YEARS[-4:],
    ),
)
