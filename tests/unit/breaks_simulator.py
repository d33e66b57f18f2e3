"""Panels with known breaks, and how well a detection found them. For the tests of `pipelines.breaks` only.

Two generators: `plain` (count noise, mild autocorrelated over-dispersion) and `misspecified` (heavy tails,
random walks, regional shocks, own slopes, half-year seasonality, gaps). Both: lognormal populations,
Poisson counts, rounded to 5, suppressed below 10, breaks in 15 % of the series.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

ROUNDED_TO = 5
SUPPRESSED_BELOW = 10
BROKEN = 0.15


@dataclass(frozen=True)
class Truth:
    """One planted break: `series` is (indicator, region), `at` the index of the first period that differs."""

    series: tuple[str, str]
    at: int
    kind: str
    effect_log: float
    median_count: float


@dataclass(frozen=True)
class Simulated:
    panel: pa.Table
    truth: list[Truth]
    periods: list[str]
    regions: list[str]
    indicators: list[str]


@dataclass(frozen=True)
class Plan:
    """What to simulate. `shifts` plants level shifts by (indicator, region, index of the first new period),
    `national` the same for everyone, `kinds` are drawn from for the `broken` part of the series.
    """

    municipalities: int = 340
    points: int = 16
    indicators: int = 1
    misspecified: bool = False
    broken: float = BROKEN
    denominators: bool = True
    prefix: str = "GM"
    kinds: tuple[str, ...] = ("level", "level", "level", "one_off", "one_off", "scale")
    shifts: dict[tuple[str, str, int], float] = field(default_factory=dict)
    national: dict[tuple[str, int], float] = field(default_factory=dict)

    @property
    def size(self) -> tuple[int, int]:
        return self.municipalities, self.points

    @property
    def regions(self) -> list[str]:
        return [f"{self.prefix}{index + 1:04d}" for index in range(self.municipalities)]


def half_years(number: int, first_year: int = 2015) -> list[str]:
    return [f"{first_year + index // 2}H{index % 2 + 1}" for index in range(number)]


def simulate(seed: int, **wishes: Any) -> Simulated:
    """A panel of counts after `Plan(**wishes)`."""
    plan = Plan(**wishes)
    rng = np.random.default_rng(seed)
    names = [f"indicator_{index + 1}" for index in range(plan.indicators)]
    population = np.exp(rng.normal(np.log(28_000), 0.75, plan.municipalities))
    growth = rng.normal(0.003, 0.002, plan.municipalities)
    people = population[:, None] * np.exp(growth[:, None] * np.arange(plan.points) / 2)
    area = rng.integers(0, 12, plan.municipalities)
    truth: list[Truth] = []
    parts = []
    for name in names:
        log_rate = _log_rate(rng, plan, area)
        effects = [*_drawn(rng, plan), *_asked_for(plan, name)]
        factor, scaled = np.ones(plan.size), np.ones(plan.size)
        for row, periods, kind, effect in effects:
            # A scale error multiplies what was counted; a real break changes what there is to count.
            target = scaled if kind == "scale" else factor
            target[row, periods] *= np.exp(effect)
        for (indicator, at), effect in plan.national.items():
            if indicator == name:
                factor[:, at:] *= np.exp(effect)
        counts = rng.poisson(people * np.exp(log_rate) * factor)
        published = np.round(np.round(counts / ROUNDED_TO) * ROUNDED_TO * scaled)
        status = np.where(published < SUPPRESSED_BELOW, "Q", "A").astype("<U1")
        if plan.misspecified:
            for late in np.flatnonzero(rng.random(plan.municipalities) < 0.04):
                first = int(rng.integers(1, plan.points - 1))
                status[late, first : first + int(rng.integers(1, 4))] = "L"
        level = np.median(people * np.exp(log_rate), axis=1)
        truth += [
            Truth((name, plan.regions[row]), int(periods.start), kind, float(effect), float(level[row]))
            for row, periods, kind, effect in effects
        ]
        parts.append(_table(plan, name, published, status, people))
    return Simulated(pa.concat_tables(parts), truth, half_years(plan.points), plan.regions, names)


def _log_rate(rng: np.random.Generator, plan: Plan, area: np.ndarray) -> np.ndarray:
    municipalities, points = plan.size
    usual = np.log(np.exp(rng.uniform(0, np.log(25))) / 1000)
    log_rate = np.repeat(rng.normal(usual, 0.35, municipalities)[:, None], points, axis=1)
    log_rate += np.cumsum(rng.normal(0.005, 0.02, points))
    if not plan.misspecified:
        noise = rng.normal(0, 0.04, plan.size)
        for index in range(1, points):
            noise[:, index] = 0.4 * noise[:, index - 1] + np.sqrt(1 - 0.16) * noise[:, index]
        return log_rate + noise
    season = np.where(np.arange(points) % 2 == 0, 1.0, -1.0)
    log_rate += 0.035 * rng.standard_t(3, plan.size)
    log_rate += np.cumsum(rng.normal(0, 0.025, plan.size), axis=1)
    log_rate += rng.normal(0, 0.008, municipalities)[:, None] * (np.arange(points) - points / 2)
    log_rate += (0.04 + rng.normal(0, 0.03, municipalities))[:, None] * season
    return np.asarray(log_rate + np.cumsum(0.012 * rng.standard_t(4, (12, points)), axis=1)[area])


Effect = tuple[int, slice, str, float]


def _drawn(rng: np.random.Generator, plan: Plan) -> list[Effect]:
    effects: list[Effect] = []
    for row in np.flatnonzero(rng.random(plan.municipalities) < plan.broken):
        kind = plan.kinds[rng.integers(len(plan.kinds))]
        sign = 1 if rng.random() < 0.5 else -1
        if kind == "level":
            at = int(rng.integers(2, plan.points - 1))
            effects.append((int(row), slice(at, None), kind, sign * rng.uniform(0.12, 0.8)))
        elif kind == "one_off":
            at = int(rng.integers(1, plan.points - 1))
            effects.append((int(row), slice(at, at + 1), kind, sign * rng.uniform(0.2, 0.9)))
        else:
            at = int(rng.integers(1, plan.points))
            last = None if rng.random() < 0.5 else at + 1
            effects.append((int(row), slice(at, last), kind, float(np.log(10.0))))
    return effects


def _asked_for(plan: Plan, name: str) -> list[Effect]:
    return [
        (plan.regions.index(region), slice(at, None), "level", effect)
        for (indicator, region, at), effect in plan.shifts.items()
        if indicator == name
    ]


def _table(plan: Plan, name: str, published: np.ndarray, status: np.ndarray, people: np.ndarray) -> pa.Table:
    rows = published.size
    value = pa.array(np.where(status == "A", published, np.nan).ravel(), from_pandas=True)
    inhabitants = pa.array(np.round(people).ravel()) if plan.denominators else pa.nulls(rows, pa.float64())
    return pa.table(
        {
            "indicator_id": np.full(rows, name),
            "region_code": np.repeat(plan.regions, plan.points),
            "period_code": np.tile(half_years(plan.points), plan.municipalities),
            "value": value,
            "numerator": value,
            "denominator": inhabitants,
            "unit": np.full(rows, "count"),
            "obs_status": status.ravel(),
        }
    )


@dataclass(frozen=True)
class Measured:
    """F1 at 20 false alarms per 1,000 clean series, and what the product's own threshold gives."""

    f1_at_20: float
    f1_default: float
    false_alarms_per_1000: float
    recall: dict[str, float]
    precision: float


def measure(simulated: Simulated, breaks: pa.Table) -> Measured:
    """Score a detection. True positive: a finding within one period of a true one, on the right series."""
    index = {code: rank for rank, code in enumerate(simulated.periods)}
    broken = {truth.series for truth in simulated.truth}
    total = len(simulated.regions) * len(simulated.indicators)
    clean = total - len(broken)
    found = [
        (row["score"], (row["indicator_id"], row["region_code"]), index[row["period_code"]], row["alarm"])
        for row in breaks.to_pylist()
        if row["kind"] != "gap" and row["region_code"] in set(simulated.regions)
    ]
    worst_clean: dict[tuple[str, str], float] = {}
    for score, series, _, _ in found:
        if series not in broken:
            worst_clean[series] = max(score, worst_clean.get(series, -np.inf))
    ranked = sorted(worst_clean.values(), reverse=True)
    allowed = int(np.floor(20 * clean / 1000))
    line = ranked[allowed] if len(ranked) > allowed else -np.inf

    def f1(chosen: list[tuple[float, tuple[str, str], int, bool]]) -> tuple[float, float, set[int]]:
        hit: set[int] = set()
        true_alarms = 0
        for _, series, at, _ in chosen:
            near = [k for k, t in enumerate(simulated.truth) if t.series == series and abs(t.at - at) <= 1]
            hit.update(near)
            true_alarms += bool(near)
        precision = true_alarms / len(chosen) if chosen else 1.0
        recall = len(hit) / len(simulated.truth) if simulated.truth else 1.0
        return (2 * precision * recall / (precision + recall) if precision + recall else 0.0), precision, hit

    at_20, _, _ = f1([item for item in found if item[0] > line])
    default, precision, hit = f1([item for item in found if item[3]])
    alarmed_clean = {series for _, series, _, alarm in found if alarm and series not in broken}
    recalls: dict[str, float] = {}
    groups: dict[str, Callable[[Truth], bool]] = {
        "level": lambda t: t.kind == "level",
        "one_off": lambda t: t.kind == "one_off",
        "scale": lambda t: t.kind == "scale",
        "level_large": lambda t: t.kind == "level" and abs(t.effect_log) >= np.log(1.3) and t.median_count > 200,
        "count<50": lambda t: t.median_count < 50,
        "count>500": lambda t: t.median_count > 500,
    }
    for name, belongs in groups.items():
        members = [k for k, t in enumerate(simulated.truth) if belongs(t)]
        recalls[name] = sum(k in hit for k in members) / len(members) if members else float("nan")
    return Measured(at_20, default, 1000 * len(alarmed_clean) / max(clean, 1), recalls, precision)
