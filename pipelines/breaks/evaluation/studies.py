"""The studies of the report: which panels are simulated, which method runs on them, and what is measured.

What belongs here: a study as a function from seeds to figures. What does not: words and tables (`report`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from pipelines.breaks import detect
from pipelines.breaks.evaluation.baselines import METHODS, alarms_of_scores, values_of
from pipelines.breaks.evaluation.measure import (
    Alarms,
    Causes,
    Common,
    Known,
    Links,
    Scoring,
    Share,
    alarms_of,
    causes,
    common_breaks,
    detectable_per_series,
    known_breaks,
    links,
    newest_point,
    pooled,
    recall_by_kind,
    recall_by_size_and_count,
)
from pipelines.breaks.evaluation.rules_of_thumb import by_narrowest_scope, by_nearest_date, one_year_ratio_errors
from pipelines.breaks.evaluation.simulate import simulate
from pipelines.breaks.panel import Floats

DETECTION = "**Nulmeting**"
LARGE_COUNT = 500.0
_LARGEST_TOLD = 100.0  # percent; a larger detectable effect says that next to nothing can be found
_TOLD = ((0.0, 20.0), (20.0, 30.0), (30.0, 50.0), (50.0, _LARGEST_TOLD))
_SLOW = "Binseg"


@dataclass(frozen=True)
class Power:
    """One method on one kind of panel: the operating point at 20 per 1,000, and its own threshold."""

    f1: float
    precision: float
    recall: float
    own_f1: float
    own_false_per_1000: float
    by_kind: dict[str, Share]
    by_size_and_count: dict[tuple[int, int], Share]
    series: int


@dataclass(frozen=True)
class Extent:
    """How much is simulated: the seeds, and the indicators of 340 municipalities per panel."""

    seeds: tuple[int, ...]
    indicators: int = 4


def power_of_detection(generator: str, periods: int, extent: Extent, options: dict[str, Any] | None = None) -> Power:
    """The detection on panels of `simulate`, with other `options` than usual where given."""
    wishes = {"periods": periods, "indicators": extent.indicators, **(options or {})}
    panels = (simulate(generator, seed=seed, **wishes) for seed in extent.seeds)
    return _power([(alarms_of(panel, detect(panel.panel).breaks), known_breaks(panel)) for panel in panels])


def power_of_baselines(generator: str, periods: int, extent: Extent) -> dict[str, Power]:
    """Every method of METHODS; the slow ones on one indicator per seed."""
    found = {}
    for name, method in METHODS.items():
        indicators = 1 if name.startswith(_SLOW) else extent.indicators
        panels = (simulate(generator, seed=seed, periods=periods, indicators=indicators) for seed in extent.seeds)
        found[name] = _power([(alarms_of_scores(method(values_of(one))), known_breaks(one)) for one in panels])
    return found


def _power(parts: list[tuple[Alarms, Known]]) -> Power:
    scoring = Scoring(*pooled(parts))
    point, own = scoring.at(scoring.line()), scoring.at_own_threshold()
    return Power(
        f1=point.f1,
        precision=point.precision,
        recall=point.recall,
        own_f1=own.f1,
        own_false_per_1000=own.false_per_1000,
        by_kind=recall_by_kind(point, scoring.known),
        by_size_and_count=recall_by_size_and_count(point, scoring.known),
        series=scoring.known.total,
    )


def newest_points(generator: str, extent: Extent) -> Share:
    """Recall of a 40 % rise or fall at the newest period in counts above LARGE_COUNT, by the default threshold."""
    found = []
    for seed in extent.seeds:
        for percent in (40.0, -40.0):
            panel = simulate(generator, seed=seed, indicators=extent.indicators, fixed=(-1, percent, 0.1))
            found.append(newest_point(panel, detect(panel.panel).breaks, LARGE_COUNT))
    return reduce(add, found)


def national_changes(generator: str, extent: Extent) -> Common:
    """Common steps of a country in every second indicator."""
    panels = (simulate(generator, seed=seed, indicators=extent.indicators, national=True) for seed in extent.seeds)
    return reduce(add, (common_breaks(panel, detect(panel.panel).breaks) for panel in panels))


def cooperation_changes(generator: str, extent: Extent) -> Common:
    """Common steps of the members of a cooperation."""
    panels = (simulate(generator, seed=seed, indicators=extent.indicators, groups=6) for seed in extent.seeds)
    return reduce(add, (common_breaks(panel, detect(panel.panel, None, panel.groups).breaks) for panel in panels))


@dataclass(frozen=True)
class Attributed:
    """Causes and link factors where registered events compete, beside the rules of thumb; `informed` is the detection
    with the register, `uninformed` that on the same panels without it.
    """

    informed: Power
    uninformed: Power
    causes: Causes
    nearest: Share
    narrowest: Share
    links: Links
    one_year_errors: Floats

    @property
    def one_year_error(self) -> float:
        return float(np.sqrt(np.mean(self.one_year_errors**2))) if self.one_year_errors.size else float("nan")


def attributed(generator: str, extent: Extent) -> Attributed:
    """Six indicators of 340 municipalities per seed."""
    panels = [simulate(generator, seed=seed, indicators=6, competing=True) for seed in extent.seeds]
    found = [(panel, detect(panel.panel, panel.events).breaks) for panel in panels]
    without = [(panel, detect(panel.panel).breaks) for panel in panels]
    return Attributed(
        informed=_power([(alarms_of(panel, breaks), known_breaks(panel)) for panel, breaks in found]),
        uninformed=_power([(alarms_of(panel, breaks), known_breaks(panel)) for panel, breaks in without]),
        causes=reduce(add, (causes(panel, breaks) for panel, breaks in found)),
        nearest=reduce(add, (by_nearest_date(panel) for panel in panels)),
        narrowest=reduce(add, (by_narrowest_scope(panel) for panel in panels)),
        links=reduce(add, (links(panel, breaks) for panel, breaks in found)),
        one_year_errors=np.concatenate([one_year_ratio_errors(panel) for panel in panels]),
    )


def told_effects(generator: str, extent: Extent) -> dict[tuple[float, float], Share]:
    """Recall of level shifts that are just as large as the panel says it could find, by that size; 80 % is promised.

    The sizes come from the same municipalities without any break; the shifts begin in any period but the first and last
    two.
    """
    found = dict.fromkeys(_TOLD, Share(0, 0))
    for seed in extent.seeds:
        clean = simulate(generator, seed=seed, indicators=extent.indicators, broken=0.0)
        told = detectable_per_series(clean, detect(clean.panel).detectable)
        told = np.where(told <= _LARGEST_TOLD, told, np.nan)
        panel = simulate(generator, seed=seed, indicators=extent.indicators, fixed=(None, told, 0.15))
        known = known_breaks(panel)
        hit = Scoring(alarms_of(panel, detect(panel.panel).breaks), known).at_own_threshold().hit
        percent = 100.0 * np.expm1(known.effect)
        for least, most in _TOLD:
            found[least, most] += Share.of(hit[(percent >= least) & (percent < most)])
    return found
