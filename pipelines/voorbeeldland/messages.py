"""Messages and a table about the fictional persons, as a municipality would receive and deliver them.

What belongs here: the XML of iWmo and iJw 3.2, the table of the Participatiewet, and the one of households. What does
not: who had what (`persons`). Every file says that it is fictional, as far as its form lets it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from pipelines.readers.istandaard.standard import LAW, MESSAGE_CODES
from pipelines.voorbeeldland.persons import (
    FIRST_DAY,
    JEUGD,
    LAST_DAY,
    PARTICIPATIE,
    TOLD_ON,
    WMO,
    Kind,
    Stretches,
    households,
    numbers,
    stretches,
)

_NOTE: Final = "Fictief: Voorbeeldland bestaat niet, en de personen in dit bericht ook niet."
_MUNICIPALITY, _REGION = "9999", "VB0001"
_PROVIDERS: Final = {"iwmo": "99999901", "ijw": "99999902"}
_WIJKTEAM: Final = "99999903"
_SURNAMES: Final = (
    *("Kwelderstra", "Nevelzwaan", "Pimpelmeesma", "Rietvorstink", "Zeggemansen", "Duindoornsma"),
    *("Waterralder", "Kievitslander", "Wulpenstein", "Tureluursma"),
)
# Never the first or the last day of a month, which periods begin and end on.
_BIRTHS: Final = {
    "iwmo": tuple(
        f"19{year}-{month:02}-{day:02}"
        for year, month, day in zip(range(31, 71, 4), range(2, 12), range(4, 24, 2), strict=True)
    ),
    "ijw": tuple(
        f"20{year:02}-{month:02}-{day:02}"
        for year, month, day in zip(range(8, 18), range(2, 12), range(5, 25, 2), strict=True)
    ),
}
# It ended as planned.
_PLAN: Final = {"iwmo": "19", "ijw": "31"}

# One element: its name, and its text or the elements in it.
_Element = tuple[str, Any]


def generate_messages(folder: Path, seed: int) -> None:
    """Write the messages and the tables into `folder`. One seed gives the same bytes every time."""
    folder.mkdir(parents=True, exist_ok=True)
    known = numbers()
    clients = set[int]()
    for standard, kinds, first, last in (("iwmo", WMO, 0, 360), ("ijw", JEUGD, 230, 520)):
        used = stretches(standard, kinds, first, last, seed)
        clients.update(used.person.tolist())
        for name, text in _messages(standard, kinds, used, known):
            (folder / f"vb_{name}.xml").write_text(text, encoding="utf-8", newline="\n")
    used = stretches("participatie", PARTICIPATIE, 130, 470, seed)
    clients.update(used.person.tolist())
    household = households(seed)
    tables = {
        "participatie": _table(used, known, household),
        "huishouden": _households(sorted(clients), known, household),
    }
    for name, table in tables.items():
        (folder / f"vb_{name}_client_2025.csv").write_text(table, encoding="utf-8", newline="\n")


def _messages(standard: str, kinds: Sequence[Kind], used: Stretches, known: Sequence[str]) -> Iterable[tuple[str, str]]:
    """The messages of a law, a set for each of the days they are signed on."""
    at = np.arange(len(used.person))
    of = _Writer(standard, kinds, used, known)
    before = np.datetime64("1900-01-01")
    for place, day in enumerate(TOLD_ON):
        number = f"{place + 2:03}"
        until = LAST_DAY if place == len(TOLD_ON) - 1 else day
        begun = at[(used.start > before) & (used.start <= until)]
        ended = at[(used.end > before) & (used.end <= until)]
        yield f"{standard}_301_{number}", of.message("301", day, number, begun)
        for provider, mask in (("", ~used.is_wijkteam), ("w", used.is_wijkteam)):
            mine, over = begun[mask[begun]], ended[mask[ended]]
            if provider and standard == "iwmo":
                continue
            yield f"{standard}_305_{number}{provider}", of.message("305", day, number, mine, provider)
            if len(over):
                yield f"{standard}_307_{number}{provider}", of.message("307", day, number, over, provider)
        if standard == "ijw":
            asked = begun[used.referrer[begun] != ""]
            yield f"{standard}_315_{number}", of.message("315", day, number, asked)
        if place:
            yield f"{standard}_323_{number}", of.claims(day, number)
        before = until


class _Writer:
    """Writes the messages of one standard."""

    def __init__(self, standard: str, kinds: Sequence[Kind], used: Stretches, known: Sequence[str]) -> None:
        self._standard, self._kinds, self._used, self._known = standard, kinds, used, known
        self._first = 100_000 if standard == "iwmo" else 200_000

    def message(self, number: str, day: np.datetime64, series: str, rows: np.ndarray, provider: str = "") -> str:
        """A message about products: the stretches at `rows`, by person."""
        group, element, product = {
            "301": ("ToegewezenProducten", "ToegewezenProduct", self._allocated),
            "305": ("StartProducten", "StartProduct", self._started),
            "307": ("StopProducten", "StopProduct", self._stopped),
            "315": ("AangevraagdeProducten", "AangevraagdProduct", self._requested),
        }[number]
        clients: list[_Element] = []
        for person in np.unique(self._used.person[rows]):
            of_person = rows[self._used.person[rows] == person]
            products: list[_Element] = [(element, product(int(row))) for row in of_person]
            clients.append(("Client", [*self._person(int(person)), (group, products)]))
        return self._written(number, day, series, provider, clients)

    def claims(self, day: np.datetime64, series: str) -> str:
        """What is claimed for a year: a Prestatie for each quarter in which a stretch was in use."""
        year = str(day)[:4]
        of_person: dict[int, list[_Element]] = {}
        total = 0
        for quarter in range(4):
            first = np.datetime64(f"{year}-{quarter * 3 + 1:02}-01")
            last = (np.datetime64(f"{year}-{quarter * 3 + 3:02}") + 1).astype("datetime64[D]") - 1
            begin = np.maximum(self._used.start, first)
            end = np.minimum(np.where(np.isnat(self._used.end), last, self._used.end), last)
            days = (end - begin).astype(int) + 1
            for row in np.flatnonzero(days > 0):
                cents = int(self._used.quarter_eur[row]) * 100 * int(days[row]) // 92
                total += cents
                claim = self._claimed(int(row), f"{year}{quarter + 1}", str(begin[row]), str(end[row]), cents)
                of_person.setdefault(int(self._used.person[row]), []).append(("Prestatie", claim))
        clients: list[_Element] = [
            ("Client", [("Bsn", self._known[person]), ("Prestaties", of_person[person])])
            for person in sorted(of_person)
        ]
        claim_of = [
            ("DeclaratieNummer", f"DN{series}"),
            ("DeclaratiePeriode", [(":Begindatum", f"{year}-01-01"), (":Einddatum", f"{year}-12-31")]),
            ("DeclaratieDagtekening", str(day)),
            ("TotaalIngediendBedrag", [(":TotaalBedrag", str(total)), (":DebetCredit", "D")]),
            ("Clienten", clients),
        ]
        return self._written("323", day, series, "", [("Declaratie", claim_of)])

    def _number(self, row: int) -> str:
        return str(self._first + row)

    def _product(self, row: int) -> _Element:
        kind = self._kinds[self._used.kind[row]]
        return ("Product", [(":Categorie", kind.category), (":Code", kind.product)])

    def _allocated(self, row: int) -> list[_Element]:
        start = self._used.start[row]
        return [
            ("ToewijzingNummer", self._number(row)),
            self._product(row),
            ("Toewijzingsdatum", str(start - 7)),
            ("Ingangsdatum", str(start)),
        ]

    def _started(self, row: int) -> list[_Element]:
        start = str(self._used.start[row])
        return [
            ("ToewijzingNummer", self._number(row)),
            self._product(row),
            ("ToewijzingIngangsdatum", start),
            ("Begindatum", start),
            ("StatusAanlevering", "1"),
        ]

    def _stopped(self, row: int) -> list[_Element]:
        elements = self._started(row)
        elements[4:4] = [("RedenBeeindiging", _PLAN[self._standard]), ("Einddatum", str(self._used.end[row]))]
        return elements

    def _requested(self, row: int) -> list[_Element]:
        return [
            ("ReferentieAanbieder", f"R{self._number(row)}"),
            self._product(row),
            ("ToewijzingIngangsdatum", str(self._used.start[row])),
            ("Verwijzer", [(":Type", str(self._used.referrer[row]))]),
        ]

    def _claimed(self, row: int, quarter: str, begin: str, end: str, cents: int) -> list[_Element]:
        kind = self._kinds[self._used.kind[row]]
        return [
            ("ProductReferentie", [(":ReferentieNummer", f"{self._number(row)}Q{quarter}")]),
            ("ToewijzingNummer", self._number(row)),
            ("ProductCategorie", kind.category),
            ("ProductCode", kind.product),
            ("ProductPeriode", [(":Begindatum", begin), (":Einddatum", end)]),
            ("GeleverdVolume", "1"),
            ("Eenheid", "82"),
            ("IngediendBedrag", [(":Bedrag", str(cents)), (":DebetCredit", "D")]),
        ]

    def _person(self, person: int) -> list[_Element]:
        births = _BIRTHS[self._standard]
        surname = [
            (":Geslachtsnaam", [(":Achternaam", _SURNAMES[person % len(_SURNAMES)])]),
            (":Voornamen", "Voornaam"),
        ]
        return [
            ("Bsn", self._known[person]),
            ("Geboortedatum", [(":Datum", births[person % len(births)])]),
            ("Geslacht", str(1 + person % 2)),
            ("Naam", surname),
        ]

    def _written(self, number: str, day: np.datetime64, series: str, provider: str, content: list[_Element]) -> str:
        law = f"{LAW[self._standard]}{number}"
        agb = _WIJKTEAM if provider else _PROVIDERS[self._standard]
        parties = [("Afzender", _MUNICIPALITY), ("Ontvanger", agb)]
        if number != "301":
            parties = [("Afzender", agb), ("Ontvanger", _MUNICIPALITY)]
        called = [(":Identificatie", f"VB-{number}-{series}{provider}"), (":Dagtekening", str(day))]
        header: list[_Element] = [
            ("BerichtCode", MESSAGE_CODES[self._standard][number]),
            ("BerichtVersie", "3"),
            ("BerichtSubversie", "2"),
            *parties,
            ("BerichtIdentificatie", called),
            ("XsdVersie", [(":BasisschemaXsdVersie", "1.0.0"), (":BerichtXsdVersie", "1.0.0")]),
        ]
        schema = f"http://www.istandaarden.nl/{self._standard}/3_2"
        lines = [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f"<!-- {_NOTE} -->",
            f'<{law}:Bericht xmlns:{self._standard}="{schema}/basisschema/schema" xmlns:{law}="{schema}/{law}/schema">',
            *(_line(element, law, self._standard) for element in [("Header", header), *content]),
            f"</{law}:Bericht>",
        ]
        return "\n".join(lines) + "\n"


def _line(element: _Element, law: str, standard: str) -> str:
    """An element with what is in it; a name with a colon before it is one of the base schema. A client has a line."""
    name, inside = element
    tag = f"{standard}{name}" if name.startswith(":") else f"{law}:{name}"
    if isinstance(inside, str):
        return f"<{tag}>{inside}</{tag}>"
    between = "\n" if name in ("Declaratie", "Clienten") else ""
    return f"<{tag}>{between}{between.join(_line(one, law, standard) for one in inside)}{between}</{tag}>"


def _households(clients: Sequence[int], known: Sequence[str], household: np.ndarray) -> str:
    """Everybody who had anything, as the register of persons has them on the last day."""
    rows = [f"{_REGION};{known[person]};H{household[person]:05};{LAST_DAY}" for person in clients]
    return "\n".join(["Gemeente;BSN;Huishouden;Peildatum", *rows]) + "\n"


def _table(used: Stretches, known: Sequence[str], household: np.ndarray) -> str:
    header = "Gemeente;BSN;Huishouden;Wet;Voorziening;Begin;Einde;Volledig vanaf;Volledig tot en met"
    rows = [
        f"{_REGION};{known[person]};H{household[person]:05};participatie;{PARTICIPATIE[kind].category};{start};"
        f"{'' if np.isnat(end) else end};{FIRST_DAY};{LAST_DAY}"
        for person, kind, start, end in zip(used.person, used.kind, used.start, used.end, strict=True)
    ]
    return "\n".join([header, *rows]) + "\n"
