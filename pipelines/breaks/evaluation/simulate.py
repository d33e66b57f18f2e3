"""Panels of municipal figures with known breaks.

What belongs here: from rates to published figures (counting, units, rounding, suppression, gaps, provisional figures)
and the tables of panel, events and truth. What does not: which breaks there are (`planted`, `registered`) or how
figures vary without them (`noise_models`). The regions are fictional.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.breaks.evaluation.noise_models import NOISE_MODELS, NoiseModel, drawn_log_rates
from pipelines.breaks.evaluation.planted import (
    COUNTRY,
    GAP,
    KINDS,
    LEVEL,
    SCALE,
    Planted,
    common_steps,
    group_row,
    national_steps,
    plant,
)
from pipelines.breaks.evaluation.registered import Event, competing_events, event_id, event_table
from pipelines.breaks.panel import Bools, Floats, Ints, country_of
from pipelines.breaks.period import Period

SUPPRESSED_BELOW = 10.0
UNITS = ("count", "per_1000", "per_10000", "pct", "eur", "eur_per_inhabitant", "mean")
PANEL_SCHEMA = pa.schema(
    [
        ("indicator_id", pa.string()),
        ("region_code", pa.string()),
        ("period_code", pa.string()),
        ("value", pa.float64()),
        ("numerator", pa.float64()),
        ("denominator", pa.float64()),
        ("unit", pa.string()),
        ("obs_status", pa.string()),
    ]
)
TRUTH_SCHEMA = pa.schema(
    [
        ("indicator_id", pa.string()),
        ("region_code", pa.string()),
        ("period_code", pa.string()),
        ("kind", pa.string()),
        ("returned_in", pa.string()),
        ("effect_log", pa.float64()),
        ("event_id", pa.string()),
        ("factor", pa.float64()),
        ("median_count", pa.float64()),
    ]
)
GROUP_SCHEMA = pa.schema([("group_code", pa.string()), ("region_code", pa.string())])
_MEMBERS = 5


@dataclass(frozen=True)
class Simulated:
    """`panel`, `events` and `groups` as `detect` takes them, and the `truth`.

    One row of `truth` per planted break: `period_code` is the first that differs, `returned_in` the first that is as
    before (null for what lasts), `kind` level, one_off, slope, scale or gap, `effect_log` the change of the log (for a
    slope per period; null for a gap), `event_id` the registered cause, `factor` that by which values before it are
    multiplied to compare with those after it (lasting shifts by a measurement event only), `median_count` the people
    expected behind the series (null without a count). A series without a row other than gap is clean.
    """

    panel: pa.Table
    events: pa.Table
    groups: pa.Table
    truth: pa.Table
    country: str
    series: int


@dataclass(frozen=True)
class Options:
    """What to simulate beside the noise.

    `series` municipalities per indicator; `broken` the share of series with a break; `sizes` of level shifts in
    percent; `unit` of all indicators; `rounding` of counts (0: none); `gaps` the share of series with periods not
    delivered; `national`: a common step in every second indicator; `competing`: registered events that compete;
    `groups`: that many cooperations with a common step of their own. `fixed` plants nothing but one level shift: at
    that period (an index; None: any but the first and the last two), of that many percent (one number, or one per
    series as I x S with NaN for none), in that share of the series.
    """

    series: int = 340
    periods: int = 16
    indicators: int = 1
    per_year: int = 2
    first_year: int = 2012
    prefix: str = "VB"
    unit: str = "count"
    broken: float = 0.15
    sizes: tuple[float, float] = (10.0, 60.0)
    rounding: float = 5.0
    suppressed: bool = True
    gaps: float = 0.04
    seasonal: bool = True
    provisional: bool = True
    numerators: bool = True
    denominators: bool = True
    national: bool = False
    competing: bool = False
    groups: int = 0
    fixed: tuple[int | None, float | Floats, float] | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.indicators, self.series, self.periods

    @property
    def regions(self) -> list[str]:
        return [f"{self.prefix}{number:04d}" for number in range(1, self.series + 1)]

    @property
    def names(self) -> list[str]:
        return [f"indicator_{number:03d}" for number in range(1, self.indicators + 1)]

    @property
    def calendar(self) -> tuple[Period, ...]:
        start = self.first_year * self.per_year
        return tuple(Period(self.per_year, start + step) for step in range(self.periods))


def simulate(generator: str, *, seed: int, **options: Any) -> Simulated:
    """A panel of the noise model `generator` (see NOISE_MODELS) after `Options(**options)`.

    The same seed gives the same panel, and the same municipalities and noise whatever breaks are planted.

    Raises KeyError for an unknown generator and ValueError for an unknown unit or fewer than eight periods.
    """
    wishes = Options(**options)
    if wishes.unit not in UNITS:
        raise ValueError(f"found unit {wishes.unit!r}, expected one of {', '.join(UNITS)}")
    if wishes.periods < 8:
        raise ValueError(f"found {wishes.periods} periods, expected at least 8")
    rng, breaking, failing = (np.random.default_rng([seed, part]) for part in range(3))
    shape = wishes.shape
    people = _people(rng, wishes)
    model = NOISE_MODELS[generator] if wishes.seasonal else replace(NOISE_MODELS[generator], season=0.0, own_season=0.0)
    own, course = drawn_log_rates(rng, model, shape=shape, per_year=wishes.per_year)
    planted, events, members = _planted(breaking, wishes)
    quantity = _quantity(rng, wishes, people, model)
    log_rate = quantity.level + own + course[:, None, :]
    if wishes.provisional:
        late = np.exp(-np.abs(rng.normal(0.02, 0.01, (shape[0], 1))) + rng.normal(0.0, 0.01, shape[:2]))
        log_rate[:, :, -1] += np.log(late)
    median_count = np.median(np.exp(log_rate) * quantity.base, axis=2) if quantity.counted else None
    # A wrong scale multiplies what was counted and rounded; a real break changes what there is to count.
    log_rate = log_rate + planted.of_kinds(*(kind for kind in KINDS if kind != SCALE)).log_effects(shape, members)
    figure, numerator = quantity.published(rng, log_rate, wishes)
    power = np.exp(planted.of_kinds(SCALE).log_effects(shape, members))
    status = np.full(shape, "A")
    if wishes.provisional:
        status[:, :, -1] = "P"
    if wishes.suppressed and numerator is not None:
        status[numerator < SUPPRESSED_BELOW] = "Q"
    missing, gaps = _gaps(failing, wishes, planted)
    status[missing] = "L"
    present = np.isin(status, ("A", "P"))
    value = np.where(present, figure * power, np.nan)
    counts = None if numerator is None else np.where(present, numerator, np.nan)
    if wishes.unit == "count":
        value = counts = np.round(value)
    # Half of what was not delivered has a row that says so, the other half has none.
    shown = ~(missing & (failing.random((shape[0], shape[1], 1)) < 0.5))
    return Simulated(
        panel=_panel_table(wishes, value, counts, people if quantity.per_inhabitant else quantity.base, status, shown),
        events=event_table(events, wishes.regions, wishes.names, wishes.calendar),
        groups=_group_table(wishes, members),
        truth=_truth_table(wishes, Planted.together([planted, gaps]), events, median_count),
        country=country_of(wishes.regions[0]),
        series=shape[0] * shape[1],
    )


def _people(rng: np.random.Generator, wishes: Options) -> Floats:
    """Inhabitants (S x n) with the skew of Dutch municipalities; they change once a year."""
    now = np.clip(np.exp(rng.normal(np.log(30_000), 0.8, wishes.series)), 5_000, 900_000)
    years = np.arange(wishes.periods) // wishes.per_year
    growth = rng.normal(0.004, 0.004, (wishes.series, 1))
    return np.asarray(np.round(now[:, None] * np.exp(growth * years)))


@dataclass(frozen=True)
class _Quantity:
    """What is measured. exp(level) * `base` is counted where `counted`, with `dispersion` times Poisson's variance on
    top; `noise` is the relative error of one figure of money or a mean (I x S x n).
    """

    level: Floats
    base: Floats
    counted: bool
    per_inhabitant: bool
    noise: Floats | None
    dispersion: Floats

    def published(self, rng: np.random.Generator, log_rate: Floats, wishes: Options) -> tuple[Floats, Floats | None]:
        """The figure as published and the number of people counted behind it, None where nobody is counted."""
        if self.noise is not None:
            figure = np.exp(log_rate) * np.exp(self.noise * rng.normal(size=log_rate.shape))
            digits = {"mean": 2, "eur": -3, "eur_per_inhabitant": 1}[wishes.unit]
            return np.round(figure, digits), None
        if wishes.unit == "pct":
            share = np.clip(self._dispersed(rng, np.exp(log_rate)), 0.0, 0.98)
            counts = rng.binomial(self.base.astype(np.int64), share).astype(np.float64)
        else:
            rate = np.minimum(np.exp(log_rate), 1.0)  # nobody is counted twice
            counts = rng.poisson(np.minimum(self._dispersed(rng, rate), 1.0) * self.base).astype(np.float64)
        if wishes.rounding:
            counts = np.round(counts / wishes.rounding) * wishes.rounding
        per = {"count": None, "per_1000": 1000.0, "per_10000": 10_000.0, "pct": 100.0}[wishes.unit]
        return (counts if per is None else np.round(per * counts / self.base, 1)), counts

    def _dispersed(self, rng: np.random.Generator, rate: Floats) -> Floats:
        if not self.dispersion.any():
            return rate
        often = np.maximum(rate * self.base, 0.5) / np.maximum(self.dispersion, 1e-3)
        return np.asarray(rate * rng.gamma(often) / often)


def _quantity(rng: np.random.Generator, wishes: Options, people: Floats, model: NoiseModel) -> _Quantity:
    indicators, series, _ = wishes.shape
    each, one = (indicators, series, 1), (indicators, 1, 1)
    inhabitants = np.broadcast_to(people, wishes.shape)
    between = rng.normal(0.0, 0.35, each)
    more = model.dispersion * rng.uniform(*model.strength, one)
    if wishes.unit in ("count", "per_1000", "per_10000"):
        usual = rng.uniform(np.log(1.0), np.log(40.0), one) - np.log(1000.0)
        return _Quantity(usual + between, inhabitants, True, True, None, more)
    if wishes.unit == "pct":
        whole = np.maximum(np.round(inhabitants * np.exp(rng.uniform(np.log(0.01), np.log(0.3), one))), 30.0)
        return _Quantity(np.log(rng.uniform(0.03, 0.25, one)) + between, whole, True, False, None, more)
    if wishes.unit == "mean":
        asked = np.maximum(np.round(inhabitants * np.exp(rng.uniform(np.log(0.003), np.log(0.02), one))), 20.0)
        spread = rng.uniform(0.3, 0.9, one) / np.sqrt(asked)
        return _Quantity(np.log(rng.uniform(2.0, 60.0, one)) + between / 2, asked, False, False, spread, more)
    # The smaller a municipality, the more one invoice or one client matters to its books.
    spread = 0.04 * np.sqrt(30_000 / inhabitants) * rng.uniform(0.5, 2.0, one)
    each_eur = np.log(rng.uniform(15.0, 600.0, one)) + between
    money = np.log(inhabitants[:, :, :1]) if wishes.unit == "eur" else 0.0
    return _Quantity(each_eur + money, inhabitants, False, True, np.broadcast_to(spread, wishes.shape), more)


def _planted(rng: np.random.Generator, wishes: Options) -> tuple[Planted, list[Event], list[Ints]]:
    indicators, series, periods = wishes.shape
    free = np.ones((indicators, series), dtype=bool)
    parts: list[Planted] = []
    events: list[Event] = []
    members: list[Ints] = []
    if wishes.competing:
        events, caused = competing_events(rng, indicators=indicators, series=series, periods=wishes.calendar)
        parts.append(caused)
        free[caused.indicator, caused.region] = False
    if wishes.groups:
        members = list(rng.permutation(series)[: wishes.groups * _MEMBERS].reshape(-1, _MEMBERS))
        common = common_steps(rng, indicators, periods, len(members))
        parts.append(common)
        free[common.indicator[:, None], np.array(members)] = False
    if wishes.national:
        parts.append(national_steps(rng, indicators, periods))
    if wishes.fixed is None:
        parts.append(plant(rng, free, periods, wishes.broken, wishes.sizes))
    else:
        parts.append(_one_size(rng, free, periods, *wishes.fixed))
    return Planted.together(parts), events, members


def _one_size(
    rng: np.random.Generator, free: Bools, periods: int, at: int | None, percent: float | Floats, share: float
) -> Planted:
    size = np.broadcast_to(np.asarray(percent, dtype=np.float64), free.shape)
    indicator, region = np.nonzero(free & (rng.random(free.shape) < share) & np.isfinite(size))
    anywhere = rng.integers(2, periods - 2, region.size)
    first = anywhere if at is None else np.full(region.size, at % periods)
    effect = np.log1p(size[indicator, region] / 100.0)
    return Planted.of(indicator, region, first, LEVEL, effect, np.full(region.size, periods - 1))


def _gaps(rng: np.random.Generator, wishes: Options, planted: Planted) -> tuple[Bools, Planted]:
    """Runs of one to three periods not delivered (I x S x n), never at a planted break or just before it."""
    indicators, series, periods = wishes.shape
    indicator, region = np.nonzero(rng.random((indicators, series)) < wishes.gaps)
    first = rng.integers(1, periods, region.size)
    last = np.minimum(first + rng.integers(0, 3, region.size), periods - 1)
    missing = np.zeros(wishes.shape, dtype=bool)
    time = np.arange(periods)
    missing[indicator, region] = (time >= first[:, None]) & (time <= last[:, None])
    own = planted.region >= 0
    for shift in (-1, 0, 1):
        at = np.clip(planted.first[own] + shift, 0, periods - 1)
        missing[planted.indicator[own], planted.region[own], at] = False
    starts, ends = missing.copy(), missing.copy()
    starts[:, :, 1:] &= ~missing[:, :, :-1]
    ends[:, :, :-1] &= ~missing[:, :, 1:]
    indicator, region, first = np.nonzero(starts)
    return missing, Planted.of(indicator, region, first, GAP, np.full(region.size, np.nan), np.nonzero(ends)[2])


def _panel_table(
    wishes: Options, value: Floats, numerator: Floats | None, people: Floats, status: npt.NDArray[np.str_], shown: Bools
) -> pa.Table:
    _, series, periods = wishes.shape
    kept = shown.ravel()
    index = np.arange(kept.size)[kept]
    denominator = np.broadcast_to(people, wishes.shape).ravel()[kept]
    none = pa.nulls(index.size, pa.float64())
    counts = none if numerator is None or not wishes.numerators else _number(numerator.ravel()[kept])
    codes = [period.code for period in wishes.calendar]
    columns = [
        _repeated(wishes.names, index // (series * periods)),
        _repeated(wishes.regions, index // periods % series),
        _repeated(codes, index % periods),
        _number(value.ravel()[kept]),
        counts,
        pa.array(denominator) if wishes.denominators else none,
        _repeated([wishes.unit], np.zeros(index.size, dtype=np.int64)),
        pa.array(status.ravel()[kept], pa.string()),
    ]
    return pa.Table.from_arrays(columns, schema=PANEL_SCHEMA)


def _repeated(names: list[str], index: Ints) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(index, pa.int32()), pa.array(names)).cast(pa.string())


def _number(values: Floats) -> pa.Array:
    return pa.array(values, pa.float64(), mask=~np.isfinite(values))


def _group_code(number: int) -> str:
    return f"SV-{number + 1:03d}"


def _group_table(wishes: Options, members: list[Ints]) -> pa.Table:
    group = [_group_code(number) for number, rows in enumerate(members) for _ in rows]
    region = [wishes.regions[int(row)] for rows in members for row in rows]
    return pa.Table.from_arrays([pa.array(group, pa.string()), pa.array(region, pa.string())], schema=GROUP_SCHEMA)


def _truth_table(wishes: Options, planted: Planted, events: list[Event], median_count: Floats | None) -> pa.Table:
    order = np.lexsort((planted.first, planted.region, planted.indicator))
    region, indicator, event = planted.region[order], planted.indicator[order], planted.event[order]
    kind, effect = planted.kind[order], planted.effect[order]
    natures = np.array([one.nature for one in events] + [""])
    linked = (natures[event] == "measurement") & (kind == LEVEL)
    common = [_group_code(group_row(int(row))) for row in range(int(region.min(initial=0)), COUNTRY)]
    names = np.array([*common, country_of(wishes.regions[0]), *wishes.regions])
    codes = names[region + len(common) + 1]
    size = np.full(region.size, np.nan)
    own = region >= 0
    if median_count is not None:
        size[own] = median_count[indicator[own], region[own]]
    ids = np.array([event_id(number) for number in range(len(events))] + [""])[event]
    calendar = np.array([period.code for period in wishes.calendar] + [""])
    return pa.Table.from_arrays(
        [
            pa.array(np.array(wishes.names)[indicator], pa.string()),
            pa.array(codes, pa.string()),
            pa.array(calendar[planted.first[order]], pa.string()),
            pa.array(kind, pa.string()),
            pa.array(calendar[planted.last[order] + 1], pa.string(), mask=planted.last[order] + 1 >= wishes.periods),
            _number(effect),
            pa.array(ids, pa.string(), mask=event < 0),
            _number(np.where(linked, np.exp(effect), np.nan)),
            _number(size),
        ],
        schema=TRUTH_SCHEMA,
    )
