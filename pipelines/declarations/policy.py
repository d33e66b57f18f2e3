"""What the policy documents sort their goals and figures under: 003's opgaven, 001's ontwikkellijnen, 002's themes.

What belongs here: the names, as a council reads them. What does not: the goals themselves
(`sources/catalogue/goals*.yml`) and which indicator belongs where (`sources/catalogue/indicators*.yml`).
"""

from __future__ import annotations

from typing import Literal

# Samen sterk voor Heemskerk, as 003 goes through it (paragraph 1.4); what serves several of them is `overkoepelend`.
Opgave = Literal[
    "Vitaal en weerbaar",
    "Zorg en wonen",
    "Opgroeien en zelfontplooiing",
    "Financieel fit",
    "Ontmoeten en omzien naar elkaar",
    "overkoepelend",
]

# Beleidsplan Heemskerk 2020-2023 (001), chapter 7, in its order.
Ontwikkellijn = Literal[
    "Iedereen doet mee",
    "Integrale toegang",
    "Leefbare buurten",
    "Ondersteuning op maat",
    "Sociale veiligheid",
    "Een thuis voor kwetsbare doelgroepen",
    "Actieve inwoners",
    "Positieve gezondheid",
    "Gehoord worden",
]

# Jeugdbeleid IJmond 2018-2021 (002), chapter 3, in its order.
Theme = Literal[
    "Positief opvoed- en opgroeiklimaat",
    "Gezonde levensstijl",
    "Talent ontplooien",
    "Veilige omgeving",
    "Passende jeugdhulp",
]

# By what an analyst looks for a figure first.
Domain = Literal[
    "bevolking",
    "jeugd",
    "wmo",
    "participatie",
    "stapeling",
    "financien",
    "ervaring",
    "gezondheid_en_veiligheid",
]
