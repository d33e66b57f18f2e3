"""A register of regions that is asked once for every spelling, however many parts of a file have it.

What belongs here: remembering answers while one file is read. What does not: the answers (`geography.regions`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.readers.lookup import RegionLookup

# What has more spellings than this is no column of regions, and not worth the memory.
_MOST_REMEMBERED: Final = 50_000


class RememberingLookup:
    """A `RegionLookup` in front of another one. Several threads may use it."""

    def __init__(self, lookup: RegionLookup) -> None:
        self._lookup = lookup
        self._names: dict[str, str | None] = {}
        self._codes: dict[str, str | None] = {}

    def resolve_names(self, names: pa.Array, /) -> pa.Array:
        return _resolved(names, self._names, self._lookup.resolve_names)

    def resolve_codes(self, codes: pa.Array, /) -> pa.Array:
        return _resolved(codes, self._codes, self._lookup.resolve_codes)

    def suggest(self, name: str, /) -> tuple[str, ...]:
        return self._lookup.suggest(name)

    def ambiguous(self, name: str, /) -> tuple[str, ...]:
        return self._lookup.ambiguous(name)


def _resolved(texts: pa.Array, known: dict[str, str | None], resolve: Callable[[pa.Array], pa.Array]) -> pa.Array:
    encoded = pc.dictionary_encode(texts)
    distinct = encoded.dictionary
    if len(distinct) > _MOST_REMEMBERED or len(known) > _MOST_REMEMBERED:
        return resolve(texts)
    spellings = distinct.to_pylist()
    if unknown := [spelling for spelling in spellings if spelling not in known]:
        known.update(zip(unknown, resolve(pa.array(unknown, pa.string())).to_pylist(), strict=True))
    return pa.array([known[spelling] for spelling in spellings], pa.string()).take(encoded.indices)
