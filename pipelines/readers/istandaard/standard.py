"""What iWmo and iJw 3.2 say of a message: its code, who sends it, where its events stand and which values they have.

What belongs here: facts of the standard, as its schemas, code lists and rules (release 3.2) give them. What does not:
how a message is taken apart (`message`) and how its values are checked (`events`). The two standards are alike but for
their names, their codes and the categories of their products.

Only what is named here under `fields` is ever read from within a Client. Everything else of it, names, addresses, birth
dates and remarks, is passed over unread.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

VERSION: Final = "3"
SUBVERSION: Final = "2"

LAW: Final = MappingProxyType({"iwmo": "wmo", "ijw": "jw"})

MESSAGE_CODES: Final = MappingProxyType(
    {
        "iwmo": MappingProxyType(
            {
                "301": "414",
                "305": "418",
                "307": "420",
                "315": "444",
                "316": "445",
                "317": "480",
                "323": "484",
                "325": "485",
            }
        ),
        "ijw": MappingProxyType(
            {
                "301": "436",
                "305": "438",
                "307": "440",
                "315": "446",
                "316": "447",
                "317": "486",
                "323": "490",
                "325": "491",
            }
        ),
    }
)

# 316 keeps the sender and the receiver of the 315 that it returns.
SENT_BY_MUNICIPALITY: Final = frozenset({"301", "325"})

# A 316 repeats the identification of the 315 that it returns, and has its own beside it.
OWN_IDENTIFICATION: Final = MappingProxyType({"316": ("IdentificatieRetour", "DagtekeningRetour")})

HEADER: Final = "Header"
IDENTIFICATION: Final = ("Identificatie", "Dagtekening")
LONGEST_IDENTIFICATION: Final = 12

_TWO_DIGITS: Final = "{:02}".format
CATEGORIES: Final = MappingProxyType(
    {
        "iwmo": tuple(map(_TWO_DIGITS, range(1, 19))),
        # 31 to 38 are those of the transition in 2015, still in the list.
        "ijw": tuple(map(_TWO_DIGITS, (*range(31, 39), *range(40, 56)))),
    }
)
UNITS: Final = ("01", "04", "14", "16", "82", "83", "84")
FREQUENCIES: Final = ("1", "2", "4", "6")
REFERRERS: Final = ("01", "02", "03", "04", "05", "06", "08")
# By standard, like the categories: of what ends, 02, 20 and 36 to 39 mean the same in both, and 31 does not.
REASONS_OF_CHANGE: Final = MappingProxyType(dict.fromkeys(LAW, tuple(map(_TWO_DIGITS, range(1, 15)))))
REASONS_OF_END: Final = MappingProxyType(
    {
        "iwmo": ("02", "19", "20", "21", "22", "23", "31", "36", "37", "38", "39"),
        "ijw": ("02", "20", *map(_TWO_DIGITS, range(31, 40))),
    }
)
REASONS_OF_REQUEST: Final = MappingProxyType(dict.fromkeys(LAW, ("1", "2")))
STATUSES: Final = ("1", "3")
REMOVED: Final = "3"
DEBIT_CREDIT: Final = ("D", "C")
CREDIT: Final = "C"


@dataclass(frozen=True)
class EventKind:
    """One kind of event: the element that it is, and what is read of it.

    `path` is that of the element below the root. `fields` maps the paths below the element to the columns they fill;
    `passed_over` are its other elements, known and not read. `required` are columns that every event has, `key` those
    that make it one of its kind for a person in its message. `reasons` are the codes of its reason, by standard.
    """

    event: str
    path: str
    fields: Mapping[str, str]
    required: tuple[str, ...]
    key: tuple[str, ...]
    passed_over: tuple[str, ...] = ()
    reasons: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    needs_product_or_budget: bool = False

    @property
    def element(self) -> str:
        return self.path.rpartition("/")[2]

    def name_of(self, column: str) -> str:
        """What the standard calls a column of this event: the last part of its path."""
        return next((path.rpartition("/")[2] for path, name in self.fields.items() if name == column), self.element)


_PRODUCT: Final = {"Product/Categorie": "category", "Product/Code": "product_code"}
_EXTENT: Final = {
    "Omvang/Volume": "volume",
    "Omvang/Eenheid": "volume_unit",
    "Omvang/Frequentie": "volume_frequency",
    "Budget": "amount_eurocents",
}
_ALLOCATION: Final = {"ToewijzingNummer": "allocation_id"}
_DELIVERED: Final = {
    **_ALLOCATION,
    **_PRODUCT,
    "ToewijzingIngangsdatum": "other_date",
    "Begindatum": "start_date",
    "StatusAanlevering": "status",
}
_RETURN_CODE: Final = {"RetourCodes/RetourCode": "response_code"}
_WANTED: Final = {"GewensteIngangsdatum": "start_date", "Einddatum": "end_date", **_EXTENT}
_IN_REQUEST: Final = "Client/Verzoek"

_REQUEST: Final = EventKind(
    "request",
    "Client/AangevraagdeProducten/AangevraagdProduct",
    fields={
        "ReferentieAanbieder": "reference",
        **_PRODUCT,
        "BeschikkingIngangsdatum": "other_date",
        "ToewijzingIngangsdatum": "start_date",
        "ToewijzingEinddatum": "end_date",
        **_EXTENT,
        "Verwijzer/Type": "referrer_type",
    },
    required=("start_date", "referrer_type"),
    key=("reference",),
    # Who referred somebody is a person too.
    passed_over=(
        "BeschikkingNummer",
        "Verwijzer/Naam",
        "Verwijzer/ZorgverlenerCode",
        "Raamcontract",
        "Commentaar",
    ),
    needs_product_or_budget=True,
)
_CLAIM: Final = EventKind(
    "claim",
    "Declaratie/Clienten/Client/Prestaties/Prestatie",
    fields={
        "ProductReferentie/ReferentieNummer": "reference",
        "ProductReferentie/VorigReferentieNummer": "earlier_reference",
        **_ALLOCATION,
        "ProductCategorie": "category",
        "ProductCode": "product_code",
        "ProductPeriode/Begindatum": "start_date",
        "ProductPeriode/Einddatum": "end_date",
        "GeleverdVolume": "volume",
        "Eenheid": "volume_unit",
        "IngediendBedrag/Bedrag": "amount_eurocents",
        "IngediendBedrag/DebetCredit": "debit_credit",
    },
    required=(
        *("allocation_id", "category", "product_code", "start_date", "end_date"),
        *("volume", "volume_unit", "amount_eurocents", "debit_credit"),
    ),
    key=("reference", "earlier_reference"),
    passed_over=("ProductTarief",),
)


def _answered(kind: EventKind, event: str, path: str) -> EventKind:
    """What an answer repeats of an event, with the codes that it returns for it."""
    fields, required = {**kind.fields, **_RETURN_CODE}, (*kind.required, "response_code")
    return replace(kind, event=event, path=path, fields=fields, required=required)


EVENTS: Final[Mapping[str, tuple[EventKind, ...]]] = MappingProxyType(
    {
        "301": (
            EventKind(
                "allocation",
                "Client/ToegewezenProducten/ToegewezenProduct",
                fields={
                    **_ALLOCATION,
                    **_PRODUCT,
                    "Toewijzingsdatum": "allocated_on",
                    "Ingangsdatum": "start_date",
                    "Einddatum": "end_date",
                    "RedenWijziging": "reason_code",
                    **_EXTENT,
                },
                required=("allocation_id", "allocated_on", "start_date"),
                key=("allocation_id",),
                passed_over=("ReferentieAanbieder", "Toewijzingstijd", "Commentaar"),
                reasons=REASONS_OF_CHANGE,
                needs_product_or_budget=True,
            ),
        ),
        "305": (
            EventKind(
                "start",
                "Client/StartProducten/StartProduct",
                fields=_DELIVERED,
                required=("start_date", "status"),
                key=("allocation_id", "category", "product_code", "start_date", "status"),
            ),
        ),
        "307": (
            EventKind(
                "stop",
                "Client/StopProducten/StopProduct",
                fields={**_DELIVERED, "RedenBeeindiging": "reason_code", "Einddatum": "end_date"},
                required=("start_date", "end_date", "reason_code", "status"),
                key=("allocation_id", "category", "product_code", "start_date", "reason_code", "end_date", "status"),
                reasons=REASONS_OF_END,
            ),
        ),
        "315": (_REQUEST,),
        "316": (_answered(_REQUEST, "request_returned", _REQUEST.path),),
        "317": (
            EventKind(
                "change_request_unchanged",
                f"{_IN_REQUEST}/OngewijzigdeProducten/OngewijzigdProduct",
                fields=_ALLOCATION,
                required=("allocation_id",),
                key=("allocation_id",),
                reasons=REASONS_OF_REQUEST,
            ),
            EventKind(
                "change_request_changed",
                f"{_IN_REQUEST}/TeWijzigenProducten/TeWijzigenProduct",
                fields={**_ALLOCATION, **_WANTED},
                required=("allocation_id", "start_date"),
                key=("allocation_id",),
                reasons=REASONS_OF_REQUEST,
            ),
            EventKind(
                "change_request_new",
                f"{_IN_REQUEST}/NieuweProducten/NieuwProduct",
                fields={**_PRODUCT, **_WANTED},
                required=("start_date",),
                key=("category", "product_code", "start_date"),
                reasons=REASONS_OF_REQUEST,
                needs_product_or_budget=True,
            ),
        ),
        "323": (_CLAIM,),
        "325": (_answered(_CLAIM, "claim_rejected", "DeclaratieAntwoord/Clienten/Client/Prestaties/Prestatie"),),
    }
)

# One event of a message that returns nothing of any person: what it says of the whole.
ANSWERS: Final = MappingProxyType({"316": "request_answered", "325": "claim_answered"})

# What stands above the events and is about all of a message, by its path: codes that return it, and printed totals.
RETURN_CODES_AT: Final = MappingProxyType(
    {
        "316": ("Header/RetourCodes/RetourCode",),
        "325": ("Header/RetourCodes/RetourCode", "DeclaratieAntwoord/RetourCodes/RetourCode"),
    }
)
TOTAL_AT: Final = MappingProxyType(
    {"323": "Declaratie/TotaalIngediendBedrag", "325": "DeclaratieAntwoord/TotaalToegekendBedrag"}
)
REASON_AT: Final = MappingProxyType({"317": f"{_IN_REQUEST}/RedenVerzoek"})
