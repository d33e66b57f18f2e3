"""Which region a delivery means, from the name or the code it writes.

What belongs here: the comparison of spellings, and the refusal to choose where a spelling fits two regions.
What does not: which regions exist (`history`), which aliases were decided (a reviewed file in
`sources/catalogue`) and what happens to a row whose region is not known (the readers).
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

import pyarrow as pa
import pyarrow.compute as pc

_QUALIFIER = re.compile(r"\s*\([^()]*\)$")
_LOST_IN_TRANSPORT = str.maketrans({**dict.fromkeys("'\u2019\u2018`\u00b4."), "-": " ", "\u2011": " ", "\u2013": " "})
_MUNICIPAL_NUMBER = re.compile(r"(?:GEMEENTE_)?([0-9]{1,4})")


class RegionLookup:
    """Resolves names and codes of regions; what is unknown or ambiguous becomes null, never a guess.

    `regions` are (code, name) pairs; a code may come with several names. Whoever knows that a column holds
    municipalities passes only those: with provinces among them `Groningen` is ambiguous. `aliases` maps
    another name to a code; being the decision of a person, it also settles an ambiguous name. `codes` are regions that
    are known by their code only: wijken and buurten, of which half the country has a Centrum.

    A name is compared in three steps, and the first step at which it fits anything decides:
    1. as it is, after NFC, trimming, collapsing of white space and casefolding: titles and aliases;
    2. without apostrophes, full stops, hyphens and accents: `Bergen (NH)` is `Bergen (NH.)`, `Sudwest Fryslan` is
       `Súdwest-Fryslân`;
    3. with the qualifier that the source put behind a title left out: `s-Gravenhage` is
       `'s-Gravenhage (gemeente)`, `Laren` is `Laren (NH.)`, and `Bergen` fits two.
    A title that another kind of area shares but for its qualifier (`Zeeland`, a former municipality, and
    `Zeeland (PV)`) is ambiguous too.

    Raises ValueError for an alias of an unknown code, or one that is the title of another region.
    """

    def __init__(
        self, regions: Iterable[tuple[str, str]], aliases: Mapping[str, str], codes: Iterable[str] = ()
    ) -> None:
        exact: dict[str, set[str]] = defaultdict(set)
        loose: dict[str, set[str]] = defaultdict(set)
        base: dict[str, set[str]] = defaultdict(set)
        self._spellings: dict[str, list[str]] = defaultdict(list)
        for padded_code, name in regions:
            code, key = padded_code.strip(), _normalised(name)
            exact[key].add(code)
            loose[_loose(key)].add(code)
            unqualified = _QUALIFIER.sub("", key)
            base[_loose(unqualified)].add(code)
            for spelling in {key, unqualified}:
                self._spellings[spelling].append(" ".join(name.split()))
        by_code = {code for named in exact.values() for code in named} | {code.strip() for code in codes}
        self._codes = {code.upper(): code for code in by_code}
        self._decided = self._checked_aliases(aliases, exact)
        self._exact, self._loose, self._base = exact, loose, base

    def resolve_names(self, column: pa.Array | pa.ChunkedArray) -> pa.Array:
        """The code of each name, null where the name is null, unknown or ambiguous. Same length, string."""
        return _resolve_distinct(column, self._code_of_name)

    def resolve_codes(self, column: pa.Array | pa.ChunkedArray) -> pa.Array:
        """The known code that each text or number stands for, else null. Same length, string.

        Accepts codes as the source writes them in either case (`GM0373`, `NL01`, `VB0001`), the number of a
        municipality with or without leading zeros (`0373`, `373`) and Swing's `gemeente_373`, all trimmed.
        """
        return _resolve_distinct(column, self._code_of_code)

    def ambiguous(self, name: str) -> tuple[str, ...]:
        """The codes that `name` might stand for when it fits more than one, sorted; else empty."""
        candidates = self._candidates(name)
        return candidates if len(candidates) > 1 else ()

    def suggest(self, name: str) -> tuple[str, ...]:
        """Known names that look like `name`, the nearest first, as the source spells them; else empty."""
        near = difflib.get_close_matches(_normalised(name), self._spellings, n=3, cutoff=0.7)
        return tuple(dict.fromkeys(text for key in near for text in self._spellings[key]))

    def _checked_aliases(self, aliases: Mapping[str, str], exact: Mapping[str, set[str]]) -> dict[str, str]:
        decided: dict[str, str] = {}
        for alias, code in aliases.items():
            key = _normalised(alias)
            if code not in self._codes.values():
                raise ValueError(f"alias {alias!r}: found code {code!r}, expected the code of a known region")
            if key in exact and code not in exact[key]:
                raise ValueError(
                    f"alias {alias!r}: found code {code!r}, "
                    f"expected {' or '.join(sorted(exact[key]))}, which has this name as its title"
                )
            if decided.setdefault(key, code) != code:
                raise ValueError(f"alias {alias!r}: found codes {decided[key]!r} and {code!r}, expected one")
            self._spellings[key].append(" ".join(alias.split()))
        return decided

    def _candidates(self, name: str) -> tuple[str, ...]:
        key = _normalised(name)
        if key in self._decided:
            return (self._decided[key],)
        bare = _loose(key)
        fits = self._exact.get(key) or self._loose.get(bare) or self._base.get(bare) or set()
        kinds = {code[:2] for code in fits}
        namesakes = {code for code in self._base.get(bare, ()) if code[:2] not in kinds}
        return tuple(sorted(fits | namesakes)) if fits else ()

    def _code_of_name(self, name: str) -> str | None:
        candidates = self._candidates(name)
        return candidates[0] if len(candidates) == 1 else None

    def _code_of_code(self, text: str) -> str | None:
        code = text.strip().upper()
        if number := _MUNICIPAL_NUMBER.fullmatch(code):
            code = f"GM{number[1].zfill(4)}"
        return self._codes.get(code)


def _resolve_distinct(column: pa.Array | pa.ChunkedArray, resolve: Callable[[str], str | None]) -> pa.Array:
    """Applies `resolve` once to every distinct value: a million rows name some hundreds of regions."""
    values = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    encoded = pc.dictionary_encode(values.cast(pa.string()))
    codes = pa.array([resolve(text) for text in encoded.dictionary.to_pylist()], pa.string())
    return codes.take(encoded.indices)


def _normalised(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", name).split()).casefold()


def _loose(key: str) -> str:
    """The key without what is lost on the way: accents, apostrophes, full stops and hyphens."""
    letters = "".join(letter for letter in unicodedata.normalize("NFD", key) if not unicodedata.combining(letter))
    return " ".join(letters.translate(_LOST_IN_TRANSPORT).split())
