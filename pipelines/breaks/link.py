"""By how much figures before a break are multiplied to compare with those after it.

What belongs here: for which breaks such a factor may be given, and its interval. What does not: applying it to
figures (the models `core_linked` and `observation_linked`), or changes of borders, which are undone exactly before
anything is tested.

A change of measurement may be linked; a change of the world must not be, for then the linked figures would deny
what happened (OECD, Data and Metadata Reporting and Presentation Handbook, 2007, chapter 7).
"""

from __future__ import annotations

import numpy as np

from pipelines.breaks.attribution import Attribution
from pipelines.breaks.events import Events
from pipelines.breaks.panel import Bools, Floats
from pipelines.breaks.result import LEVEL, SCALE, Findings

MEASUREMENT = "measurement"
WIDEST = float(np.log(1.25))  # half the width of the widest interval: a factor known to a quarter either way
_ENOUGH = 0.5  # of a break that changes of measurement must carry
_CLEARLY_MORE = 2.0  # than everything else that may have happened
_CLEARLY_THERE = 3.0
_TWO_SIDED = 1.96
_TEN = float(np.log(10.0))


def link_factors(found: Findings, attribution: Attribution, register: Events) -> tuple[Floats, Floats, Floats]:
    """Factor, low and high (95 %) per finding, NaN where figures must not or cannot be linked.

    A lasting shift has one where it is sure enough, events of nature `measurement` carry it (which of several does
    not matter), and its size is known to a quarter either way. Sure enough is what alarms, and what is a member's
    part of a break in common and three standard errors from nothing: the cooperation alarms, each member has its
    own step. A lasting scale error has its power of ten, exactly. One-offs, changes of growth, gaps, and figures that
    became right again by themselves have none.
    """
    known = np.isfinite(found.effect) & np.isfinite(found.se)
    error = np.where(known, found.se, np.inf)
    sure = found.alarm | (found.part & (np.abs(np.where(known, found.effect, 0.0)) >= _CLEARLY_THERE * error))
    step = (found.kind == LEVEL) & sure & _by_measurement(attribution, register) & (_TWO_SIDED * error <= WIDEST)
    scale = (found.kind == SCALE) & (found.returned_in == "") & np.isfinite(found.effect)
    effect, se = np.where(step, found.effect, 0.0), np.where(step, found.se, 0.0)
    power = 10.0 ** np.rint(np.where(scale, found.effect, 0.0) / _TEN)
    none = np.where(step | scale, 1.0, np.nan)
    factor, low, high = (
        none * np.where(scale, power, np.exp(effect + side * _TWO_SIDED * se)) for side in (0.0, -1.0, 1.0)
    )
    return factor, low, high


def _by_measurement(attribution: Attribution, register: Events) -> Bools:
    """Whether changes of measurement carry a finding, and clearly more of it than changes of the world."""
    share = np.where(attribution.candidate, attribution.share, 0.0)
    measured = np.array([nature == MEASUREMENT for nature in register.natures], dtype=bool)
    by_measurement = share[:, measured].sum(axis=1)
    otherwise = share[:, ~measured].sum(axis=1)
    return np.asarray((by_measurement >= _ENOUGH) & (by_measurement >= _CLEARLY_MORE * otherwise))
