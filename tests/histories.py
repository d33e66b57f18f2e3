"""Small histories of regions, told in the sentences of the source: by hand, or at random.

What belongs here: making descriptions as CBS writes them. What does not: what follows from them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import strategies as st

from pipelines.geography.history import History, parse_history

FIRST, LAST = 2010, 2026


def flow(code: str, inhabitants: int | None) -> str:
    moved = "" if inhabitants is None else f"... 10 hectare met 0 woningen en {inhabitants} inwoners\n"
    return f"- Naam (GM{code}),\n{moved}"


def ended(year: int, *successors: tuple[str, int | None]) -> str:
    """What the source says of a municipality that went to others, each with the inhabitants who moved there."""
    parts = "".join(flow(code, inhabitants) for code, inhabitants in successors)
    return f"Opgeheven per 01-01-{year}, overgegaan naar:\n{parts}\n"


def began(year: int) -> str:
    return f"Begindatum 01-01-{year}\n"


def history_of(**descriptions: str) -> History:
    """The history that these descriptions tell, by code."""
    return parse_history(
        [{"Identifier": code, "Title": f"Naam {code}", "Description": text} for code, text in descriptions.items()]
    )


@dataclass
class Country:
    """A country that is being reorganised, told in the sentences of the source."""

    living: list[str]
    texts: dict[str, str]
    living_on: dict[int, list[str]] = field(default_factory=dict)


@st.composite
def countries(draw: st.DrawFn) -> Country:
    """A country of three to seven municipalities, of which one is reorganised in some of the years."""
    first = [f"{number:04d}" for number in range(1, draw(st.integers(3, 7)) + 1)]
    country = Country(living=list(first), texts=dict.fromkeys(first, ""))
    for year in range(FIRST, LAST + 1):
        if len(country.living) > 1 and draw(st.booleans()):
            reorganise(draw, country, year)
        country.living_on[year] = list(country.living)
    return country


def reorganise(draw: st.DrawFn, country: Country, year: int) -> None:
    """One municipality is renamed, merged under a new code, divided over others, or loses a piece, at random."""
    kind = draw(st.sampled_from(["rename", "merge", "divide", "correct"]))
    gone = draw(st.sampled_from(country.living))
    others = [code for code in country.living if code != gone]
    if kind == "correct":
        piece = flow(draw(st.sampled_from(others)), draw(st.integers(0, 2_000)))
        country.texts[gone] = f"Grenswijziging per 01-01-{year}, overgegaan naar:\n{piece}\n" + country.texts[gone]
        return
    new = f"{len(country.texts) + 1:04d}"
    country.living.remove(gone)
    if kind == "divide":
        heirs = draw(st.lists(st.sampled_from(others), min_size=1, max_size=4, unique=True))
        inhabitants = draw(st.lists(st.integers(1, 50_000), min_size=len(heirs), max_size=len(heirs)))
        country.texts[gone] = ended(year, *zip(heirs, inhabitants, strict=True)) + country.texts[gone]
        return
    country.texts[new] = began(year)
    if kind == "rename":
        renamed = f"Naamswijziging per 01-01-{year},\nnieuwe naam: Naam (GM{new})\n"
        country.texts[gone] = renamed + country.texts[gone]
    else:
        partner = draw(st.sampled_from(others))
        country.living.remove(partner)
        for part in (gone, partner):
            country.texts[part] = ended(year, (new, draw(st.integers(0, 50_000)))) + country.texts[part]
    country.living.append(new)


def told(country: Country) -> History:
    """The history of such a country."""
    return history_of(**{f"GM{code}": text for code, text in country.texts.items()})
