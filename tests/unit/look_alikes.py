"""Made series of the kinds that public benchmarks of change points hold, with made annotations. For tests only.

What belongs here: courses, noise and annotators as a table, drawn by seed. What does not: figures of any real
series. The defaults of `segmentation` were chosen on such series; they are no evidence about real data.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.breaks.panel import Floats, Ints


@dataclass(frozen=True)
class Made:
    """A series with the change points that each of its made annotators marked."""

    name: str
    values: Floats
    annotations: dict[str, list[int]]


@dataclass(frozen=True)
class Kind:
    """A course of `points` points through regimes (start as a part of the whole, value at start and at end).

    Noise is AR(1) with standard deviation `noise` (course in units of about 1). `season` is an amplitude with
    `period`, growing with the course where `growing`. `rounded` smooths the course over that part of the whole.
    Every annotator is a string of the numbers of the regimes whose start he marks ("" for none).
    """

    name: str
    points: int
    regimes: tuple[tuple[float, float, float], ...]
    annotators: tuple[str, ...]
    noise: float = 0.03
    persistence: float = 0.0
    season: float = 0.0
    period: int = 12
    growing: bool = False
    outliers: int = 0
    rounded: float = 0.0


KINDS = (
    Kind("river", 100, ((0, 1, 1), (0.28, 0, 0)), ("1", "1", "1", "1", ""), noise=0.5, persistence=0.15),
    Kind("control_step", 325, ((0, 0, 0), (0.55, 1, 1)), ("1",) * 5, noise=0.3),
    Kind("control_steps", 320, ((0, 0, 0), (0.3, 1, 1), (0.7, 0.3, 0.3)), ("12", "12", "12", "12", "1"), noise=0.2),
    Kind("control_outlier", 325, ((0, 0, 0),), ("", "", "", "", ""), noise=0.2, outliers=2),
    Kind("village", 15, ((0, 1, 0.85), (0.45, 0.8, 0.1), (0.75, 0.05, 0.0)), ("12", "1", "12", "1", "2"), noise=0.02),
    Kind(
        "fertility",
        300,
        ((0, 0.95, 1.0), (0.5, 1.0, 0.9), (0.6, 0.9, 0.15), (0.9, 0.15, 0.1)),
        ("2", "23", "2", "123", "1"),
        noise=0.012,
        persistence=0.9,
        rounded=0.05,
    ),
    Kind(
        "emissions",
        215,
        ((0, 0, 0.02), (0.3, 0.05, 0.35), (0.72, 0.35, 1.0), (0.9, 1.0, 0.95)),
        ("1", "12", "12", "123", "2"),
        noise=0.03,
        persistence=0.6,
    ),
    Kind(
        "building",
        331,
        ((0, 0.1, 0.9), (0.5, 0.9, 1.0), (0.58, 1.0, 0.4), (0.7, 0.4, 0.9)),
        ("23", "23", "3", "23", "123"),
        noise=0.015,
        persistence=0.4,
        season=0.15,
        growing=True,
    ),
    Kind("debt", 21, ((0, 0.4, 0.0), (0.6, 0.1, 1.0), (0.85, 1.0, 0.95)), ("12", "12", "1", "12", "1"), noise=0.02),
    Kind("growth", 59, ((0, 0, 0.5), (0.7, 0.45, 1.0)), ("", "1", "1", "", "1"), noise=0.05, persistence=0.7),
    Kind("recession", 24, ((0, 0, 0.3), (0.3, 0.3, 1.0), (0.6, 1.0, 0.85)), ("2", "12", "2", "2", "12"), noise=0.025),
    Kind(
        "oil_state",
        58,
        ((0, 0, 0.7), (0.28, 0.6, 0.35), (0.5, 0.35, 0.6), (0.85, 0.95, 1.0)),
        ("12", "1", "12", "123", "12"),
        noise=0.03,
        persistence=0.5,
    ),
    Kind(
        "slower_growth", 58, ((0, 0, 0.85), (0.57, 0.85, 1.0)), ("1", "1", "", "1", "1"), noise=0.015, persistence=0.6
    ),
    Kind(
        "smooth_growth",
        104,
        ((0, 0, 0.15), (0.4, 0.15, 0.25), (0.55, 0.25, 1.0)),
        ("2", "2", "", "1", "2"),
        noise=0.008,
        persistence=0.7,
        rounded=0.1,
    ),
    Kind(
        "home_runs",
        118,
        ((0, 0.1, 0.1), (0.17, 0.2, 0.5), (0.38, 0.45, 0.45), (0.43, 0.6, 0.65), (0.8, 0.95, 0.9)),
        ("14", "134", "1", "13", "4"),
        noise=0.06,
        persistence=0.5,
    ),
    Kind(
        "tourists",
        199,
        ((0, 0.08, 0.2), (0.65, 0.2, 1.0)),
        ("1", "1", "", "1", ""),
        noise=0.01,
        season=0.6,
        growing=True,
    ),
    Kind(
        "ozone_gases",
        54,
        ((0, 0.1, 0.9), (0.27, 0.9, 0.85), (0.5, 1.0, 0.2), (0.66, 0.2, 0.1)),
        ("12", "23", "123", "2", "23"),
        noise=0.03,
        persistence=0.4,
    ),
    Kind("rails", 37, ((0, 1, 0.9), (0.35, 0.6, 0.3), (0.62, 0.05, 0.0)), ("12", "12", "1", "12", "2"), noise=0.03),
    Kind("calls", 53, ((0, 0.3, 0.45), (0.3, 0.3, 0.3), (0.55, 0.5, 1.0)), ("2", "12", "12", "2", "2"), noise=0.06),
    Kind(
        "road_deaths",
        192,
        ((0, 0.75, 0.8), (0.32, 0.6, 0.65), (0.88, 0.35, 0.35)),
        ("2", "12", "2", "", "2"),
        noise=0.08,
        season=0.25,
    ),
    Kind(
        "licences",
        205,
        ((0, 0.1, 0.35), (0.4, 0.3, 0.6), (0.75, 0.85, 1.0)),
        ("2", "", "12", "1", "2"),
        noise=0.04,
        persistence=0.6,
        outliers=1,
    ),
    Kind(
        "miners",
        105,
        ((0, 0.5, 1.0), (0.2, 0.95, 0.6), (0.45, 0.58, 0.56), (0.55, 0.55, 0.15), (0.8, 0.12, 0.0)),
        ("134", "13", "13", "1234", "3"),
        noise=0.025,
        persistence=0.5,
    ),
    Kind(
        "unemployment",
        214,
        ((0, 0.6, 0.1), (0.28, 0.1, 0.5), (0.42, 0.5, 0.2), (0.6, 0.2, 1.0), (0.86, 1.0, 0.4)),
        ("1234", "1234", "134", "34", "1234"),
        noise=0.012,
        persistence=0.8,
        rounded=0.05,
    ),
    Kind(
        "exchange_rate",
        247,
        ((0, 0.3, 0.2), (0.53, 0.2, 0.9), (0.6, 0.85, 0.7)),
        ("12", "1", "12", "2", "1"),
        noise=0.04,
        persistence=0.85,
    ),
    Kind(
        "stocks_held",
        330,
        ((0, 0, 0.45), (0.32, 0.45, 0.4), (0.42, 0.4, 0.8), (0.62, 0.75, 0.55), (0.68, 0.55, 1.0)),
        ("34", "1234", "34", "3", "14"),
        noise=0.012,
        persistence=0.8,
        season=0.03,
    ),
)


def look_alike(kind: Kind, seed: int) -> Made:
    """One series of a kind. Regimes start up to 3 % of the whole earlier or later, heights differ by a tenth."""
    rng = np.random.default_rng([seed, *kind.name.encode()])
    starts = _starts(kind, rng)
    course = np.empty(kind.points)
    for (_, begin, end), first, last in zip(kind.regimes, starts, [*starts[1:], kind.points], strict=True):
        course[first:last] = np.linspace(begin, end, last - first, endpoint=False)
    course = course * rng.uniform(0.9, 1.1)
    if kind.rounded:
        width = max(int(kind.rounded * kind.points) | 1, 3)
        padded = np.pad(course, width // 2, mode="reflect", reflect_type="odd")
        course = np.convolve(padded, np.ones(width) / width, mode="valid")
    values = course + _noise(kind, rng)
    phase = 2 * np.pi * np.arange(kind.points) / kind.period
    wave = np.cos(phase) + 0.4 * np.cos(2 * phase + 1)
    values = values + kind.season * wave * (course if kind.growing else 1.0)
    at = rng.integers(3, kind.points - 3, kind.outliers)
    values[at] += rng.choice([-1.0, 1.0], kind.outliers) * rng.uniform(6, 15) * kind.noise
    marked = {
        str(number): sorted(int(np.clip(starts[int(one)] + rng.integers(-1, 2), 1, kind.points - 1)) for one in marks)
        for number, marks in enumerate(kind.annotators)
    }
    return Made(kind.name, values, marked)


def _starts(kind: Kind, rng: np.random.Generator) -> Ints:
    parts = np.array([start for start, _, _ in kind.regimes])
    room = min(0.03, float(np.diff(np.append(parts, 1.0)).min()) / 4)
    moved = parts + np.where(parts > 0, rng.uniform(-room, room, parts.size), 0.0)
    return np.round(moved * kind.points).astype(np.int64)


def _noise(kind: Kind, rng: np.random.Generator) -> Floats:
    draws = rng.standard_normal(kind.points)
    noise = np.empty(kind.points)
    noise[0] = draws[0]
    for at in range(1, kind.points):
        noise[at] = kind.persistence * noise[at - 1] + np.sqrt(1 - kind.persistence**2) * draws[at]
    return noise * kind.noise
