"""Breaks that the members of a cooperation share: one finding for the cooperation, not one per member.

What belongs here: reading who is a member of what, and the test of members together. What does not: a change of a whole
country (`national`), or registered events, which have a scope of their own.

Members share a break when their pooled estimate is far from nothing, nearly all of them agree with it, and it does not
rest on one of them. A member whose figures are off, as after a wrong scale, is not heard. Neighbours have shocks in
common: a break is held against how much the group as a whole varies, not against the noise of its members only.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.breaks.evidence import Spread, evidence, likeliest
from pipelines.breaks.null import Null
from pipelines.breaks.panel import Bools, Floats, Ints, PanelError, as_arrow, require_columns
from pipelines.breaks.peers import median_over
from pipelines.breaks.search import Searched
from pipelines.breaks.shapes import informations, pulls, shape_of, without

COLUMNS = ("group_code", "region_code")
_FEWEST_MEMBERS = 2
_MOST_SHARED = 2  # breaks of one group in one indicator
_AGREE = 0.75  # of the members
_APART = 0.25  # by which part of the common size members may differ, as a standard deviation
_BEYOND_NOISE = 5.0  # times the mean square of the panel
_PRIOR_FREEDOM = 6.0  # what the panel says of how much a group varies, in points
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
    if members.rest.shape[0] < _FEWEST_MEMBERS:
        return Shared.nothing()
    weight = _weights(members)
    if (weight > 0).sum() < _FEWEST_MEMBERS:
        return Shared.nothing()
    precision = members.precision
    for turn in range(_MOST_SHARED):
        information = informations(precision) * members.allowed
        pull = pulls(precision, members.rest, members.calm) * members.allowed
        strength = _pooled_strength(members, weight, precision, information, pull, turn)
        kind, period = likeliest(strength[:, None, :])
        score = float(null.rarity(strength).max())
        if score < floor:
            break
        shape = shape_of(kind, period, members.rest.shape[1]) * members.present
        left = without(precision, shape)
        own = _Sizes(
            pull[kind[0], :, period[0]], information[kind[0], :, period[0]], weight, _mean_squares(members, left)
        )
        if not own.agree(members.spread):
            break
        found.append(Shared(np.array([group]), period, kind, np.array([own.pooled]), own.error, np.array([score])))
        precision = left
    return Shared.together(found)


def _mean_squares(members: Searched, precision: Floats) -> Floats:
    """How much each member (S) is off from the course that the members have in common, as a mean square."""
    known = np.where(members.present, members.rest, np.nan)
    known = known - median_over(known, axis=1)[:, None]
    known = known - median_over(known, axis=0)
    apart = np.where(members.present, known - median_over(known, axis=1)[:, None], 0.0)
    total = np.einsum("si,si->s", np.matmul(precision, apart[:, :, None])[:, :, 0], apart)
    return np.asarray(total / np.maximum(members.present.sum(axis=1) - 1.0, 1.0))


def _weights(members: Searched) -> Floats:
    """What each member (S) has to say: 1 where it is as quiet as the panel, less where it goes its own way, and
    nothing where it does so by more than noise allows.
    """
    freedom = np.maximum(members.present.sum(axis=1) - 1.0, 1.0)
    noise = members.spread.moderated(_mean_squares(members, members.precision), freedom) ** 2 / members.spread.pooled
    return np.where(noise < _BEYOND_NOISE, np.minimum(1 / noise, 1.0), 0.0)


def _pooled_strength(
    members: Searched, weight: Floats, precision: Floats, information: Floats, pull: Floats, found: int
) -> Floats:
    """Evidence (K x n) where the members are one series with the sum of their information.

    That series varies by more than its members imply where they have neighbours, shocks or a carer in common: its own
    mean square tells by how much.
    """
    summed = np.einsum("s,ksn->kn", weight, information)[:, None, :]
    pooled = np.einsum("s,ksn->kn", weight, pull)[:, None, :]
    whole = np.tensordot(weight, precision, axes=1)
    weighed = weight[:, None, None] * np.stack([members.rest, members.calm], axis=2)
    drawn = np.matmul(precision, weighed).sum(axis=0)
    # Own levels are projected out of the precision, so that it has no inverse without a little on its diagonal.
    ridge = 1e-9 * np.trace(whole) * np.eye(whole.shape[0])
    square = np.einsum("ix,ix->x", drawn, np.linalg.solve(whole + ridge, drawn))
    total = square[[0, 1, 1], None]
    present = np.asarray(members.present.any(axis=0))[None, :]
    spread = Spread(members.spread.pooled, _PRIOR_FREEDOM)
    return evidence(pooled, summed, summed > 1e-9, total, present, spread, found=found)[:, 0]


class _Sizes:
    """What each member alone says of one break, from its `pull` and `information` (S each), its `weight`, and how much
    it is `off` from the common course even with a break of its own size there (mean square).
    """

    def __init__(self, pull: Floats, information: Floats, weight: Floats, off: Floats) -> None:
        tells = information > 1e-9
        self.pull, self.information = pull[tells], information[tells]
        self.weight, self.off = weight[tells], off[tells]
        weighed = max(float(self.weight @ self.information), 1e-12)
        self.pooled = float(self.weight @ self.pull / weighed)
        self.error = np.array([weighed**-0.5])

    def agree(self, spread: Spread) -> bool:
        """Whether nearly all members have a break of about this size, and not one of them alone. Who is off anyhow
        has no say.
        """
        sound = self.off < _BEYOND_NOISE * spread.pooled
        pull, information, weight = self.pull[sound], self.information[sound], self.weight[sound]
        if sound.sum() < _FEWEST_MEMBERS:
            return False
        size = pull / information
        allowed = np.sqrt(1 / information + (_APART * self.pooled) ** 2)
        near = (np.abs(size - self.pooled) < 2.5 * allowed) & (np.sign(size) == np.sign(self.pooled))
        strongest = int(np.argmax(np.abs(pull) * np.sqrt(weight / information)))
        rest, left = np.delete(weight * pull, strongest), np.delete(weight * information, strongest)
        return bool(near.mean() >= _AGREE and abs(rest.sum()) >= _ALONE * np.sqrt(max(left.sum(), 1e-12)))


def members_of(shared: Shared, rows: list[Ints], series: Ints, period: Ints, effect: Floats) -> Bools:
    """Which breaks (by `series`, `period` and `effect`) are but a member's part of what its group shares."""
    part = np.zeros(series.size, dtype=bool)
    for group, at, size in zip(shared.group, shared.period, shared.effect, strict=True):
        near = np.isin(series, rows[group]) & (np.abs(period - at) <= 1) & (effect * size > 0)
        part |= near & (np.abs(effect - size) < np.maximum(np.abs(size), 0.15))
    return part
