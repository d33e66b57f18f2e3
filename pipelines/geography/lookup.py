"""Which names and codes a delivery may use for a region: the publisher's, the declared ones, and the aliases."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pipelines.geography.regions import RegionLookup

if TYPE_CHECKING:
    from pipelines.declarations.load import Declarations


def declared_lookup(
    declarations: Declarations,
    source_id: str,
    published: Iterable[tuple[str, str]] = (),
    codes: Iterable[str] = (),
) -> RegionLookup:
    """A lookup over the published (code, name) pairs and the declared regions, for one source.

    `codes` are those of wijken and buurten, whose names say too little.

    An alias that is limited to some sources counts for those only: a plain `Bergen` is clear in a delivery of
    the BUCH and nowhere else.
    """
    declared = {region.code: region.name for region in (*declarations.regions, *declarations.groups)}
    return RegionLookup((declared | dict(published)).items(), declarations.aliases_for(source_id), codes)
