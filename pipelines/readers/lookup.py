"""What the readers ask of the register of regions, so that they need not know how it is built."""

from __future__ import annotations

from typing import Protocol

import pyarrow as pa


class RegionLookup(Protocol):
    """Names and codes as publishers write them, resolved to the codes of the warehouse."""

    def resolve_names(self, names: pa.Array, /) -> pa.Array:
        """The region code of every name; null where no region, or more than one, has that name."""

    def resolve_codes(self, codes: pa.Array, /) -> pa.Array:
        """The region code of every code (`GM0373`, `0373`, `373`, `gemeente_106`); null where unknown."""

    def suggest(self, name: str, /) -> tuple[str, ...]:
        """Names of regions that come near, nearest first."""

    def ambiguous(self, name: str, /) -> tuple[str, ...]:
        """The codes that the name could stand for, where that is more than one; else nothing."""
