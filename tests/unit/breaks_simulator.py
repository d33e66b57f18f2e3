"""Panels with known breaks, and how well a detection found them. For the tests of `pipelines.breaks` only.

Two generators: `plain` (count noise, mild autocorrelated over-dispersion) and `misspecified` (heavy tails, random
walks, regional shocks, own slopes, half-year seasonality, gaps). Both: lognormal populations, Poisson counts,
rounded to 5, suppressed below 10, breaks in 15 % of the series.
"""

from __future__ import annotations

from dataclasses import dataclass

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


def half_years(number: int, first_year: int = 2015) -> list[str]:
    return [f"{first_year + index // 2}H{index % 2 + 1}" for index in range(number)]


def simulate(
    seed: int,
    *,
    municipalities: int = 340,
    points: int = 16,
    indicators: int = 1,
    misspecified: bool = False,
    broken: float = BROKEN,
    prefix: str = "GM",
    shifts: dict[tuple[str, str, int], float] | None = None,
    national: dict[tuple[str, int], float] | None = None,
    denominators: bool = True,
    kinds: tuple[str, ...] = ("level", "level", "level", "one_off", "one_off", "scale"),
) -> Simulated:
    """A panel of counts. `shifts` plants level shifts by (indicator, region, index), `national` for everyone."""
    rng = np.random.default_rng(seed)
    regions = [f"{prefix}{index + 1:04d}" for index in range(municipalities)]
    names = [f"indicator_{index + 1}" for index in range(indicators)]
    periods = half_years(points)
    population = np.exp(rng.normal(np.log(28_000), 0.75, municipalities))
    growth = rng.normal(0.003, 0.002, municipalities)
    people = population[:, None] * np.exp(growth[:, None] * np.arange(points) / 2)
    area = rng.integers(0, 12, municipalities)
    truth: list[Truth] = []
    columns: dict[str, list[np.ndarray]] = {
        name: [] for name in ("indicator", "region", "period", "value", "status", "people")
    }
    for name in names:
        rate = np.exp(rng.normal(np.log(np.exp(rng.uniform(0, np.log(25))) / 1000), 0.35, municipalities))
        trend = np.cumsum(rng.normal(0.005, 0.02, points))
        log_rate = np.log(rate)[:, None] + trend[None, :]
        size = (municipalities, points)
        if misspecified:
            time = np.arange(points) - points / 2
            season = np.where(np.arange(points) % 2 == 0, 1.0, -1.0)
            log_rate += 0.035 * rng.standard_t(3, size) / np.sqrt(3) * np.sqrt(3)
            log_rate += np.cumsum(rng.normal(0, 0.025, size), axis=1)
            log_rate += rng.normal(0, 0.008, municipalities)[:, None] * time
            log_rate += (0.04 + rng.normal(0, 0.03, municipalities))[:, None] * season
            log_rate += np.cumsum(0.012 * rng.standard_t(4, (12, points)), axis=1)[area]
        else:
            noise = rng.normal(0, 0.04, size)
            for index in range(1, points):
                noise[:, index] = 0.4 * noise[:, index - 1] + np.sqrt(1 - 0.16) * noise[:, index]
            log_rate += noise
        factor = np.ones(size)
        effects: list[tuple[int, int, str, float]] = []
        for row in np.flatnonzero(rng.random(municipalities) < broken):
            kind = kinds[rng.integers(len(kinds))]
            sign = 1 if rng.random() < 0.5 else -1
            if kind == "level":
                at, effect = int(rng.integers(2, points - 1)), sign * rng.uniform(0.12, 0.8)
                factor[row, at:] *= np.exp(effect)
            elif kind == "one_off":
                at, effect = int(rng.integers(1, points - 1)), sign * rng.uniform(0.2, 0.9)
                factor[row, at] *= np.exp(effect)
            else:
                at, effect = int(rng.integers(1, points)), np.log(10.0)
                factor[row, at : (points if rng.random() < 0.5 else at + 1)] *= 10.0
            effects.append((int(row), at, kind, effect))
        for (indicator, region, at), effect in (shifts or {}).items():
            if indicator == name:
                row = regions.index(region)
                factor[row, at:] *= np.exp(effect)
                effects.append((row, at, "level", effect))
        for (indicator, at), effect in (national or {}).items():
            if indicator == name:
                factor[:, at:] *= np.exp(effect)
        # A scale error multiplies what was counted; a real break changes what there is to count.
        scaled = np.where(factor > 9, 10.0, 1.0)
        mean = people * np.exp(log_rate) * factor / scaled
        counts = rng.poisson(mean)
        rounded = np.round(counts / ROUNDED_TO) * ROUNDED_TO * scaled
        status = np.where(rounded < SUPPRESSED_BELOW, "Q", "A").astype("<U1")
        if misspecified:
            for row in np.flatnonzero(rng.random(municipalities) < 0.04):
                first = int(rng.integers(1, points - 1))
                status[row, first : first + int(rng.integers(1, 4))] = "L"
        level = np.median(people * np.exp(log_rate), axis=1)
        truth += [Truth((name, regions[r]), a, k, float(e), float(level[r])) for r, a, k, e in effects]
        columns["indicator"].append(np.full(size, name).ravel())
        columns["region"].append(np.repeat(regions, points))
        columns["period"].append(np.tile(periods, municipalities))
        columns["value"].append(np.where(status == "A", rounded, np.nan).ravel())
        columns["status"].append(status.ravel())
        columns["people"].append(people.ravel())
    value = np.concatenate(columns["value"])
    rows = value.size
    panel = pa.table(
        {
            "indicator_id": np.concatenate(columns["indicator"]),
            "region_code": np.concatenate(columns["region"]),
            "period_code": np.concatenate(columns["period"]),
            "value": pa.array(value, from_pandas=True),
            "numerator": pa.array(value, from_pandas=True),
            "denominator": pa.array(np.round(np.concatenate(columns["people"])))
            if denominators
            else pa.nulls(rows, pa.float64()),
            "unit": pa.array(np.full(rows, "count")),
            "obs_status": np.concatenate(columns["status"]),
        }
    )
    return Simulated(panel, truth, periods, regions, names)


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
        if row["kind"] not in ("gap",) and row["region_code"] in set(simulated.regions)
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
            near = [
                k for k, t in enumerate(simulated.truth) if t.series == series and abs(_distance(t, at)) <= 1
            ]
            # The end of a one-off is not another break, and not a false alarm.
            hit.update(near)
            true_alarms += bool(near)
        precision = true_alarms / len(chosen) if chosen else 1.0
        recall = len(hit) / len(simulated.truth) if simulated.truth else 1.0
        return (2 * precision * recall / (precision + recall) if precision + recall else 0.0), precision, hit

    at_20, _, _ = f1([item for item in found if item[0] > line])
    default, precision, hit = f1([item for item in found if item[3]])
    alarmed_clean = {series for _, series, _, alarm in found if alarm and series not in broken}
    recalls: dict[str, float] = {}
    groups = {
        "level": lambda t: t.kind == "level",
        "one_off": lambda t: t.kind == "one_off",
        "scale": lambda t: t.kind == "scale",
        "level_large": lambda t: (
            t.kind == "level" and abs(t.effect_log) >= np.log(1.3) and t.median_count > 200
        ),
        "count<50": lambda t: t.median_count < 50,
        "count>500": lambda t: t.median_count > 500,
    }
    for name, belongs in groups.items():
        members = [k for k, t in enumerate(simulated.truth) if belongs(t)]
        recalls[name] = sum(k in hit for k in members) / len(members) if members else float("nan")
    return Measured(at_20, default, 1000 * len(alarmed_clean) / max(clean, 1), recalls, precision)


def _distance(truth: Truth, at: int) -> int:
    return at - truth.at
