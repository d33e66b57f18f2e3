"""iWmo and iJw messages as a sender writes them, about persons who do not exist, for the tests that read them.

Every element stands on a line of its own, so that a place can be asserted. The numbers are of the range that is kept
for tests and never given to anybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.declarations.source import FolderConnector, IstandaardReader, Origin, Source
from pipelines.geography.regions import RegionLookup
from pipelines.privacy.pseudonym import PseudonymKey
from pipelines.readers import ReadResult, read_file

KEY = PseudonymKey(b"a key for tests, of more than 32 bytes")
REGIONS = RegionLookup([("GM9001", "Testgemeente"), ("GM9002", "Proefstad"), ("VB0001", "Voorbeeld")], {})
MUNICIPALITY, PROVIDER = "9001", "65656565"
BSN, OTHER_BSN, THIRD_BSN = "999900006", "999900018", "999900031"
BIRTH, SURNAME, STREET, REMARK = "1953-09-17", "Vlasblom", "Dijkweg", "Mevrouw is slecht ter been"

CODES = {
    "wmo301": "414",
    "wmo305": "418",
    "wmo307": "420",
    "wmo315": "444",
    "wmo316": "445",
    "wmo317": "480",
    "wmo323": "484",
    "wmo325": "485",
    "jw301": "436",
    "jw305": "438",
    "jw307": "440",
    "jw315": "446",
    "jw316": "447",
    "jw317": "486",
    "jw323": "490",
    "jw325": "491",
}
_FROM_MUNICIPALITY = ("301", "325")

# One element: its name and what is in it. A name with a colon before it is one of the base schema.
Element = tuple[str, Any]


@dataclass(frozen=True)
class Client:
    """A person, with the products of a message as lists of elements."""

    bsn: str
    products: Sequence[Sequence[Element]]
    surname: str = SURNAME
    birth: str = BIRTH
    returned: Sequence[str] = ()


def source_of(standard: str = "iwmo", **more: Any) -> Source:
    """A declared source of one of the two standards."""
    values: dict[str, Any] = {
        "source_id": standard,
        "title": f"{standard} (test)",
        "publisher": "Testgemeente",
        "licence": "geen",
        "cadence": "monthly",
        "profiles": ("live",),
        "origin": Origin(producer="Testgemeente", citation="Test"),
        "connector": FolderConnector(kind="folder", pattern="*.xml"),
        "reader": IstandaardReader.model_validate({"kind": "istandaard", "standard": standard}),
        "person_level": True,
    }
    return Source(**{**values, **more})


def standard_of(name: str) -> str:
    return "iwmo" if name.startswith("wmo") else "ijw"


def read(
    data: str | bytes, source: Source | None = None, name: str = "bericht.xml", key: PseudonymKey | None = KEY
) -> ReadResult:
    """A message read with the key of the tests."""
    return read_file(name, data.encode() if isinstance(data, str) else data, source or source_of(), REGIONS, key)


def message(name: str, clients: Iterable[Client] = (), **header: str | None) -> str:
    """A whole message (`wmo301`). `header` replaces elements of the header by their name; None leaves one out."""
    number, clients = name[-3:], list(clients)
    content: list[Element] = [("Header", _header(name, header))]
    if number == "323":
        total = sum(_amount(product) for client in clients for product in client.products)
        amount = [(":TotaalBedrag", str(abs(total))), (":DebetCredit", "C" if total < 0 else "D")]
        people = [("Client", _person(number, client)) for client in clients]
        period = [(":Begindatum", "2026-03-01"), (":Einddatum", "2026-03-31")]
        claim: list[Element] = [("DeclaratieNummer", "DN001"), ("DeclaratiePeriode", period)]
        claim += [("DeclaratieDagtekening", "2026-04-02"), ("TotaalIngediendBedrag", amount), ("Clienten", people)]
        content.append(("Declaratie", claim))
    elif number == "325":
        granted = [(":TotaalBedrag", "24000"), (":DebetCredit", "D")]
        answer: list[Element] = [("DeclaratieNummer", "DN001"), ("TotaalToegekendBedrag", granted)]
        answer += [("Clienten", [("Client", _person(number, client)) for client in clients])] if clients else []
        content.append(("DeclaratieAntwoord", [*answer, *_codes(("0200",) if clients else ("8001",))]))
    else:
        content += [("Client", _person(number, client)) for client in clients]
    standard = standard_of(name)
    root = (
        f'<{name}:Bericht xmlns:{standard}="http://www.istandaarden.nl/{standard}/3_2/basisschema/schema" '
        f'xmlns:{name}="http://www.istandaarden.nl/{standard}/3_2/{name}/schema">'
    )
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        root,
        *_written(content, name, standard, 1),
        f"</{name}:Bericht>",
    ]
    return "\n".join(lines) + "\n"


def allocation(number: str = "300201", **changed: Any) -> list[Element]:
    """A ToegewezenProduct; `changed` replaces elements by their name, None leaves one out."""
    elements: list[Element] = [
        ("ToewijzingNummer", number),
        ("ReferentieAanbieder", "R-1"),
        ("Product", [(":Categorie", "02"), (":Code", "02A05")]),
        ("Toewijzingsdatum", "2026-01-05"),
        ("Toewijzingstijd", "12:30:00"),
        ("Ingangsdatum", "2026-01-12"),
        ("Einddatum", "2026-12-31"),
        ("Omvang", [(":Volume", "3"), (":Eenheid", "04"), (":Frequentie", "2")]),
        ("Commentaar", REMARK),
    ]
    return _changed(elements, changed)


def start(number: str = "300201", **changed: Any) -> list[Element]:
    """A StartProduct."""
    elements: list[Element] = [
        ("ToewijzingNummer", number),
        ("Product", [(":Categorie", "02"), (":Code", "02A05")]),
        ("ToewijzingIngangsdatum", "2026-01-12"),
        ("Begindatum", "2026-01-15"),
        ("StatusAanlevering", "1"),
    ]
    return _changed(elements, changed)


def stop(number: str = "300201", **changed: Any) -> list[Element]:
    """A StopProduct."""
    elements = start(number)
    elements[4:4] = [("RedenBeeindiging", "19"), ("Einddatum", "2026-06-30")]
    return _changed(elements, changed)


def request(reference: str = "R-1", **changed: Any) -> list[Element]:
    """An AangevraagdProduct."""
    elements: list[Element] = [
        ("ReferentieAanbieder", reference),
        ("Product", [(":Categorie", "02"), (":Code", "02A05")]),
        ("ToewijzingIngangsdatum", "2026-01-12"),
        ("ToewijzingEinddatum", "2026-12-31"),
        ("Omvang", [(":Volume", "3"), (":Eenheid", "04"), (":Frequentie", "2")]),
        ("Verwijzer", [(":Type", "02"), (":Naam", "Huisarts Oosterling")]),
        ("Raamcontract", "2"),
        ("Commentaar", REMARK),
    ]
    return _changed(elements, changed)


def wanted(number: str | None = "300201", **changed: Any) -> list[Element]:
    """A TeWijzigenProduct, or without a number a NieuwProduct."""
    first: Element = ("ToewijzingNummer", number)
    elements: list[Element] = [
        first if number else ("Product", [(":Categorie", "02"), (":Code", "02A05")]),
        ("GewensteIngangsdatum", "2026-07-01"),
        ("Einddatum", "2026-12-31"),
        ("Omvang", [(":Volume", "5"), (":Eenheid", "04"), (":Frequentie", "2")]),
    ]
    return _changed(elements, changed)


def claim(reference: str = "RN001", **changed: Any) -> list[Element]:
    """A Prestatie."""
    elements: list[Element] = [
        ("ProductReferentie", [(":ReferentieNummer", reference)]),
        ("ToewijzingNummer", "300201"),
        ("ProductCategorie", "02"),
        ("ProductCode", "02A05"),
        ("ProductPeriode", [(":Begindatum", "2026-03-01"), (":Einddatum", "2026-03-31")]),
        ("GeleverdVolume", "12"),
        ("Eenheid", "04"),
        ("ProductTarief", "5000"),
        ("IngediendBedrag", [(":Bedrag", "60000"), (":DebetCredit", "D")]),
    ]
    return _changed(elements, changed)


def credit(reference: str = "RN002", of: str = "RN001", **changed: Any) -> list[Element]:
    """A Prestatie that takes back an earlier one."""
    elements = claim(reference, **changed)
    elements[0] = ("ProductReferentie", [(":ReferentieNummer", reference), (":VorigReferentieNummer", of)])
    elements[-1] = ("IngediendBedrag", [(":Bedrag", "60000"), (":DebetCredit", "C")])
    return elements


def line_of(text: str, part: str, which: int = 1) -> int:
    """The line on which a part of a message stands for the first, second ... time."""
    lines = [number for number, line in enumerate(text.split("\n"), start=1) if part in line]
    return lines[which - 1]


def bsn(number: int) -> str:
    """The test number that follows from a small number; every one passes the eleven test."""
    at = 99_990_000 + number
    while True:
        rest = sum(int(digit) * weight for digit, weight in zip(f"{at:08}", range(9, 1, -1), strict=True)) % 11
        if rest < 10:
            return f"{at:08}{rest}"
        at += 1_000


_PRODUCTS = {
    "301": ("ToegewezenProducten", "ToegewezenProduct"),
    "305": ("StartProducten", "StartProduct"),
    "307": ("StopProducten", "StopProduct"),
    "315": ("AangevraagdeProducten", "AangevraagdProduct"),
    "316": ("AangevraagdeProducten", "AangevraagdProduct"),
    "323": ("Prestaties", "Prestatie"),
    "325": ("Prestaties", "Prestatie"),
}


def _header(name: str, changed: Mapping[str, str | None]) -> list[Element]:
    parties = [("Afzender", MUNICIPALITY), ("Ontvanger", PROVIDER)]
    if name[-3:] not in _FROM_MUNICIPALITY:
        parties = [("Afzender", PROVIDER), ("Ontvanger", MUNICIPALITY)]
    called = [
        (f":{part}", changed.get(part, given))
        for part, given in (("Identificatie", "123456"), ("Dagtekening", "2026-04-02"))
    ]
    versions = [(":BasisschemaXsdVersie", "1.0.0"), (":BerichtXsdVersie", "1.0.0")]
    elements: list[Element] = [
        ("BerichtCode", CODES[name]),
        ("BerichtVersie", "3"),
        ("BerichtSubversie", "2"),
        *parties,
        ("BerichtIdentificatie", called),
        ("XsdVersie", versions),
    ]
    if name[-3:] == "316":
        elements += [
            ("IdentificatieRetour", "TT-1"),
            ("DagtekeningRetour", "2026-04-04"),
            ("XsdVersieRetour", versions),
        ]
    if name[-3:] == "325":
        before = [(":Identificatie", "654321"), (":Dagtekening", "2026-04-01")]
        elements += [("DeclaratieIdentificatie", before), ("XsdVersieDeclaratie", versions), *_codes(("0200",))]
    own = {key: value for key, value in changed.items() if key not in ("Identificatie", "Dagtekening")}
    return _changed(elements, own)


def _person(number: str, client: Client) -> list[Element]:
    elements: list[Element] = [("Bsn", client.bsn)]
    if number not in ("317", "323", "325"):
        name = [
            (":Geslachtsnaam", [(":Achternaam", client.surname), (":Voorvoegsel", "van")]),
            (":Voornamen", "Sjoukje"),
        ]
        elements += [("Geboortedatum", [(":Datum", client.birth)]), ("Geslacht", "2"), ("Naam", name)]
    if number == "301":
        home = [(":Huis", [(":Huisnummer", "12")]), (":Postcode", "9999XX"), (":Straatnaam", STREET)]
        contact = [("Soort", "01"), ("Adres", home), ("Emailadres", "sjoukje@voorbeeld.example")]
        elements += [("Commentaar", REMARK), ("Contactgegevens", [("Contact", contact)])]
    if number == "317":
        elements.append(("Verzoek", _wish(client)))
    else:
        group, element = _PRODUCTS[number]
        elements.append((group, [(element, list(product)) for product in client.products]))
    return [*elements, *(_codes(client.returned) if client.returned else [])]


def _wish(client: Client) -> list[Element]:
    """A Verzoek, with each product in the group that its elements belong to."""
    groups: dict[str, list[Element]] = {}
    for product in client.products:
        names = {name for name, _ in product}
        kind = (
            "Ongewijzigd" if names == {"ToewijzingNummer"} else "TeWijzigen" if "ToewijzingNummer" in names else "Nieuw"
        )
        element = "NieuwProduct" if kind == "Nieuw" else f"{kind}Product"
        group = {"Ongewijzigd": "OngewijzigdeProducten", "Nieuw": "NieuweProducten"}.get(kind, "TeWijzigenProducten")
        groups.setdefault(group, []).append((element, list(product)))
    return [("ReferentieAanbieder", "R-1"), ("RedenVerzoek", "1"), *groups.items()]


def _codes(codes: Iterable[str]) -> list[Element]:
    return [("RetourCodes", [("RetourCode", code) for code in codes])]


def _changed(elements: Sequence[Element], changed: Mapping[str, Any]) -> list[Element]:
    """The elements with those that are named replaced or left out; a name that is not there is put at the end."""
    present = {name for name, _ in elements}
    kept = [(name, changed.get(name, content)) for name, content in elements]
    added = [(name, content) for name, content in changed.items() if name not in present]
    return [(name, content) for name, content in [*kept, *added] if content is not None]


def _amount(product: Sequence[Element]) -> int:
    ((_, amount), (_, side)) = dict(product)["IngediendBedrag"]
    return (-1 if side == "C" else 1) * int(amount if str(amount).isdigit() else 0)


def _written(content: Any, name: str, standard: str, depth: int) -> list[str]:
    lines = []
    for element, inside in content:
        if inside is None:
            continue
        tag = f"{standard}{element}" if element.startswith(":") else f"{name}:{element}"
        if isinstance(inside, str):
            lines.append("\t" * depth + f"<{tag}>{inside}</{tag}>")
        else:
            lines += [
                "\t" * depth + f"<{tag}>",
                *_written(inside, name, standard, depth + 1),
                "\t" * depth + f"</{tag}>",
            ]
    return lines
