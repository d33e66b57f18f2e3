"""What is counted in Voorbeeldland: eight indicators, the table each stands in, and how they behave.

What belongs here: the fixed properties of the indicators. What does not: any drawn number.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Subject:
    """One indicator. `per_1000` is its national level in 2015, in persons per 1,000 inhabitants.

    `growth` and `wave` shape the smooth national trend, as parts of the level: the growth is reached in the
    last half-year, the wave is at its highest halfway. `second_half` is how much the second half of a year
    differs from its mean.
    """

    indicator_id: str
    table: str
    measure: str
    dimension_code: str | None
    per_1000: float
    growth: float
    wave: float
    second_half: float


SUBJECTS = (
    Subject("wmo_ondersteuning_thuis", "VB01NED", "M900101", "A019506", 15.0, 0.30, 0.04, 0.010),
    Subject("wmo_hulp_bij_het_huishouden", "VB01NED", "M900101", "A019507", 22.0, 0.25, -0.06, 0.015),
    Subject("wmo_verblijf_en_opvang", "VB01NED", "M900101", "A019508", 5.0, -0.10, 0.05, 0.010),
    Subject("wmo_hulpmiddelen_en_diensten", "VB01NED", "M900101", "A019509", 38.0, 0.08, -0.03, 0.020),
    Subject("jeugd_hulp_zonder_verblijf", "VB02NED", "M900201", "VBJ001", 20.0, 0.22, 0.03, -0.025),
    Subject("jeugd_hulp_met_verblijf", "VB02NED", "M900201", "VBJ002", 2.0, -0.12, 0.04, -0.015),
    Subject("participatie_bijstand", "VB03NED", "M900301", None, 26.0, -0.15, 0.08, -0.010),
    Subject("participatie_reintegratie", "VB03NED", "M900302", None, 11.0, 0.12, -0.05, 0.020),
)
POPULATION_ID = "bevolking"
HUISHOUDEN = next(place for place, s in enumerate(SUBJECTS) if s.indicator_id == "wmo_hulp_bij_het_huishouden")


def of_law(law: str) -> list[int]:
    """The positions of the indicators of one law (`wmo`, `jeugd`, `participatie`)."""
    return [place for place, subject in enumerate(SUBJECTS) if subject.indicator_id.startswith(f"{law}_")]
