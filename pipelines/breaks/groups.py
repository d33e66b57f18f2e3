"""Breaks that the members of a cooperation share: one finding for the cooperation, not one per member.

What belongs here: reading who is a member of what, and the test of members together. What does not: a change of a whole
country (`national`), or registered events, which have a scope of their own.

Members share a break when their pooled estimate is far from nothing, nearly all of them agree with it, and it does not
rest on one of them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.breaks.evidence import evidence, likeliest
from pipelines.breaks.null import Null
from pipelines.breaks.panel import Bools, Floats, Ints, PanelError, as_arrow, require_columns
from pipelines.breaks.search import Searched
from pipelines.breaks.shapes import informations, pulls, shape_of, totals, without

COLUMNS = ("group_code", "region_code")
_FEWEST_MEMBERS = 2
_MOST_SHARED = 2  # breaks of one group in one indicator
_AGREE = 0.75  # of the members
_APART = 0.25  # by which part of the common size members may differ, as a standard deviation
_ALONE = 3.0  # |z| of what is left without the member that shows it most


@dataclass(frozen=True)
class Groups:
    """G cooperations: their `codes` and, per code, the codes of their `members`."""

    codes: tuple[str, ...]
    members: tuple[frozenset[str], ...]

    def rows(self, regions: npt.NDArray[np.str_]) -> list[Ints]:
        """Per group the places of its members among `regions`."""
        return [np.flatnonzero(np.isin(regions, list(names))) for names in self.members]


def read_groups(groups: Any) -> Groups:
    """The cooperations of a table with COLUMNS; none where it is None.

    Raises PanelError for a missing column or a row without a code.
    """
    if groups is None:
        return Groups((), ())
    table = as_arrow(groups, "groups")
    require_columns(table, COLUMNS, "groups")
    pairs = list(zip(*(table[name].to_pylist() for name in COLUMNS), strict=True))
    if any(code is None or region is None for code, region in pairs):
        raise PanelError("groups: found a row without group_code or region_code, expected both")
    codes = sorted({str(code) for code, _ in pairs})
    return Groups(
        tuple(codes), tuple(frozenset(str(region) for code, region in pairs if str(code) == own) for own in codes)
    )


@dataclass(frozen=True)
class Shared:
    """Breaks that a group shares, one per entry: which `group`, `period` and shape, and the pooled size (log)."""

    group: Ints
    period: Ints
    kind: Ints
    effect: Floats
    se: Floats
    score: Floats

    @classmethod
    def nothing(cls) -> Shared:
        whole, number = np.empty(0, dtype=np.int64), np.empty(0)
        return cls(whole, whole, whole, number, number, number)

    @classmethod
    def together(cls, parts: list[Shared]) -> Shared:
        if not parts:
            return cls.nothing()
        return cls(**{item.name: np.concatenate([getattr(part, item.name) for part in parts]) for item in fields(cls)})


def shared_breaks(group: int, members: Searched, null: Null, floor: float) -> Shared:
    """The breaks that the members (S series) of one group share, with a score of at least `floor`."""
    found: list[Shared] = []
    precision = members.precision
    if members.rest.shape[0] < _FEWEST_MEMBERS:
        return Shared.nothing()
    for turn in range(_MOST_SHARED):
        information = informations(precision) * members.allowed
        pull = pulls(precision, members.rest, members.calm) * members.allowed
        strength = _pooled_strength(members, precision, information, pull, turn)
        kind, period = likeliest(strength[:, None, :])
        score = float(null.rarity(strength).max())
        own = _Sizes(pull[kind[0], :, period[0]], information[kind[0], :, period[0]])
        if score < floor or not own.agree():
            break
        found.append(Shared(np.array([group]), period, kind, np.array([own.pooled]), own.error, np.array([score])))
        shape = shape_of(kind, period, members.rest.shape[1]) * members.present
        precision = without(precision, shape)
    return Shared.together(found)


def _pooled_strength(members: Searched, precision: Floats, information: Floats, pull: Floats, found: int) -> Floats:
    """Evidence (K x n) where the members are one series with the sum of their information."""
    total = totals(precision, members.rest, members.calm)
    freedom = np.maximum(members.present.sum(axis=1) - 1.0, 1.0)
    whole = (total / freedom).mean(axis=1, keepdims=True) * freedom.mean()
    # What the members share counts once; their mean square alone would not hold it.
    summed = information.sum(axis=1, keepdims=True)
    square = pull.sum(axis=1, keepdims=True) ** 2 / np.maximum(summed, 1e-12)
    whole = np.maximum(whole, square.max(axis=2))
    present = np.asarray(members.present.any(axis=0))[None, :]
    return evidence(
        pull.sum(axis=1, keepdims=True), summed, summed > 1e-9, whole, present, members.spread, found=found
    )[:, 0]


class _Sizes:
    """What each member alone says of one break, from its `pull` and `information` (S each)."""

    def __init__(self, pull: Floats, information: Floats) -> None:
        tells = information > 1e-9
        self.pull, self.information = pull[tells], information[tells]
        self.pooled = float(self.pull.sum() / max(self.information.sum(), 1e-12))
        self.error = np.array([max(self.information.sum(), 1e-12) ** -0.5])

    def agree(self) -> bool:
        """Whether nearly all members have a break of about this size, and not one of them alone."""
        if self.pull.size < _FEWEST_MEMBERS:
            return False
        size = self.pull / self.information
        allowed = np.sqrt(1 / self.information + (_APART * self.pooled) ** 2)
        near = (np.abs(size - self.pooled) < 2.5 * allowed) & (np.sign(size) == np.sign(self.pooled))
        strongest = int(np.argmax(np.abs(self.pull) / np.sqrt(self.information)))
        rest, weight = np.delete(self.pull, strongest), np.delete(self.information, strongest)
        left = abs(rest.sum()) / np.sqrt(max(weight.sum(), 1e-12))
        return bool(near.mean() >= _AGREE and left >= _ALONE)


def members_of(shared: Shared, rows: list[Ints], series: Ints, period: Ints, effect: Floats) -> Bools:
    """Which breaks (by `series`, `period` and `effect`) are but a member's part of what its group shares."""
    part = np.zeros(series.size, dtype=bool)
    for group, at, size in zip(shared.group, shared.period, shared.effect, strict=True):
        near = np.isin(series, rows[group]) & (np.abs(period - at) <= 1) & (effect * size > 0)
        part |= near & (np.abs(effect - size) < np.maximum(np.abs(size), 0.15))
    return part
