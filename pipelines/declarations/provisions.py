"""Provisions as deliveries about persons name them: by category and product, and who referred to them.

What belongs here: what a code of the standards for messages stands for, which provisions are help in a crisis, and what
counts as the wijkteam. What does not: reading a message (`readers.istandaard`), and counting persons (the core models).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import Field

from pipelines.declarations.strict import Strict

if TYPE_CHECKING:
    from pipelines.declarations.as_read import Everything, Placed

_Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
_Text = Annotated[str, Field(min_length=1)]
_Law = Literal["wmo", "jeugd", "participatie"]

# What stands for all provisions of a law together.
WHOLE_LAW: Final = "totaal"


class Provision(Strict):
    """One provision of a law: a category of the code list of its messages, or what a table calls it."""

    law: _Law
    category: _Text
    provision: _Id
    label_nl: _Text
    is_crisis: bool = False
    reference: _Text


class CrisisProduct(Strict):
    """A product that is help in a crisis, within a category that is not: municipalities choose these codes."""

    law: _Law
    product_code: _Text
    region_codes: tuple[str, ...] = Field(default=(), description="none: in all municipalities")
    reference: _Text


class Referrer(Strict):
    """A sort of referrer, as requests name it (COD327)."""

    code: Annotated[str, Field(pattern=r"^\d{2}$")]
    referrer: _Id
    label_nl: _Text
    is_wijkteam: bool = False
    reference: _Text


class WijkteamProvider(Strict):
    """A provider that is the wijkteam of a municipality, by the AGB code that its messages bear."""

    region_code: _Text
    provider_agb: Annotated[str, Field(pattern=r"^\d{8}$")]
    because: _Text


def provision_contradictions(everything: Everything) -> Iterator[str]:
    """One line for everything that stands twice, or bears the name of all provisions together."""
    yield from _twice(everything.provisions, lambda one: (one.law, one.category), "law and category")
    yield from _twice(everything.provisions, lambda one: (one.law, one.provision), "law and provision")
    yield from _twice(everything.referrers, lambda one: (one.code,), "code")
    yield from _twice(everything.referrers, lambda one: (one.referrer,), "referrer")
    for placed in everything.provisions:
        if placed.item.provision == WHOLE_LAW:
            yield placed.problem(WHOLE_LAW, "another name: this one stands for the whole law", "provision")


def _twice(placed: Iterable[Placed[Any]], key: Callable[[Any], tuple[str, ...]], name: str) -> Iterator[str]:
    first: dict[tuple[str, ...], Placed[Any]] = {}
    for one in placed:
        value = key(one.item)
        if value in first:
            yield one.problem(f"{name} {', '.join(value)} a second time", f"it only at {first[value].place}")
        first.setdefault(value, one)


def provision_rows(
    provisions: Iterable[Provision],
    crisis_products: Iterable[CrisisProduct],
    referrers: Iterable[Referrer],
    wijkteam_providers: Iterable[WijkteamProvider],
) -> dict[str, list[dict[str, object]]]:
    """The rows of the declared tables that bear these names."""
    return {
        "provision": [one.model_dump() for one in provisions],
        "crisis_product": [
            {"law": one.law, "product_code": one.product_code, "region_code": region, "reference": one.reference}
            for one in crisis_products
            for region in (one.region_codes or (None,))
        ],
        "referrer": [one.model_dump() for one in referrers],
        "wijkteam_provider": [one.model_dump() for one in wijkteam_providers],
    }
