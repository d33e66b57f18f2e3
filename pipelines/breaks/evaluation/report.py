"""The report of the studies as Markdown: docs/breaks-benchmark.md.

What belongs here: words and tables. What does not: simulating or measuring (`studies`). The report holds no times and
no dates, so that the same code gives the same text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from math import isnan
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from pipelines.breaks.evaluation import report_texts as texts
from pipelines.breaks.evaluation import studies
from pipelines.breaks.evaluation.baselines import METHODS, require_ruptures
from pipelines.breaks.evaluation.measure import COUNTS, SIZES, Common, Share
from pipelines.breaks.evaluation.noise_models import NOISE_MODELS
from pipelines.breaks.evaluation.studies import DETECTION, Attributed, Extent, Power

REPORTED_SEEDS = tuple(range(2001, 2007))
TUNING_SEEDS = "1 to 19"
GENERATORS = ("plain", "misspecified")
LENGTHS = (12, 16, 24)
_USUAL = 16
_OTHER = "misspecified"
_PROCESSES = 2
_PANELS: dict[str, dict[str, Any]] = {
    "per 1,000, without the counts": {"unit": "per_1000", "numerators": False},
    "percentages, without the counts": {"unit": "pct", "numerators": False},
    "means": {"unit": "mean"},
    "euros per inhabitant": {"unit": "eur_per_inhabitant"},
    "counts without the population": {"denominators": False},
    "counts that are not rounded": {"rounding": 0.0},
    "yearly figures": {"per_year": 1},
    "60 municipalities": {"series": 60},
    "a break in 30 % of the series": {"broken": 0.3},
}
_KINDS = {"level": "level shift", "one_off": "one-off", "slope": "slope", "scale": "scale error"}

Told = Callable[[str], None]


@dataclass(frozen=True)
class Findings:
    """Everything that the report tells; dictionaries by generator, or by generator and number of periods."""

    powers: dict[tuple[str, int], dict[str, Power]]
    elsewhere: dict[str, Power]
    panels: dict[str, Power]
    newest: dict[str, Share]
    national: dict[str, Common]
    cooperations: dict[str, Common]
    attributed: dict[str, Attributed]
    told: dict[str, dict[tuple[float, float], Share]]


def write_report(
    path: Path, *, seeds: tuple[int, ...] = REPORTED_SEEDS, quick: bool = False, told: Told | None = None
) -> None:
    """Run all studies and write them to `path`; with `quick` one seed and one indicator, to see that it runs.

    A whole report runs in two processes. `told` hears of every study that is done. Raises ImportError where ruptures is
    not installed, before anything is run.
    """
    require_ruptures()
    extent = Extent(seeds[:1], 1) if quick else Extent(seeds)
    results = _results(_studies(extent), 1 if quick else _PROCESSES, told or _silence)
    path.write_text(report_text(_findings(results), extent), encoding="utf-8")


def _silence(_: str) -> None:
    pass


Study = Callable[[], Any]
Key = tuple[str, str, int]


def _studies(extent: Extent) -> dict[Key, Study]:
    """All studies by what they are of, the generator or panel, and the number of periods; the longest first."""
    own: dict[str, Callable[[str, Extent], Any]] = {
        "attributed": studies.attributed,
        "newest": studies.newest_points,
        "told": studies.told_effects,
        "national": studies.national_changes,
        "cooperations": studies.cooperation_changes,
    }
    others = [name for name in NOISE_MODELS if name not in GENERATORS]
    both = [(generator, periods) for periods in reversed(LENGTHS) for generator in GENERATORS]
    detection = studies.power_of_detection
    return {
        **{("methods", *one): partial(studies.power_of_baselines, *one, extent) for one in both},
        **{(name, one, _USUAL): partial(study, one, extent) for name, study in own.items() for one in GENERATORS},
        **{("detection", *one): partial(detection, *one, extent) for one in both},
        **{("noise", one, _USUAL): partial(detection, one, _USUAL, extent) for one in others},
        **{
            ("panel", name, _USUAL): partial(detection, "misspecified", _USUAL, extent, _PANELS[name])
            for name in _PANELS
        },
    }


def _results(wanted: dict[Key, Study], processes: int, told: Told) -> dict[Key, Any]:
    if processes == 1:
        return {key: _told(study(), key, told) for key, study in wanted.items()}
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        running = {pool.submit(study): key for key, study in wanted.items()}
        try:
            return {running[done]: _told(done.result(), running[done], told) for done in as_completed(running)}
        except BaseException:
            # A study that fails, or someone who stops it, need not wait for the rest.
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _told(result: Any, key: Key, told: Told) -> Any:
    told(", ".join(str(part) for part in key))
    return result


def _findings(results: dict[Key, Any]) -> Findings:
    def of(name: str) -> dict[str, Any]:
        return {generator: results[name, generator, _USUAL] for generator in GENERATORS}

    both = [(generator, periods) for generator in GENERATORS for periods in LENGTHS]
    return Findings(
        powers={one: {**results["methods", *one], DETECTION: results["detection", *one]} for one in both},
        elsewhere={one: results["noise", one, _USUAL] for one in NOISE_MODELS if one not in GENERATORS},
        panels={name: results["panel", name, _USUAL] for name in _PANELS},
        newest=of("newest"),
        national=of("national"),
        cooperations=of("cooperations"),
        attributed=of("attributed"),
        told=of("told"),
    )


def report_text(found: Findings, extent: Extent) -> str:
    """The whole report."""
    parts = [
        _opening(extent),
        _bars(found),
        _methods(found),
        _own_thresholds(found),
        _power(found),
        _elsewhere(found),
        _newest_and_common(found),
        _causes_and_links(found),
        _told_effects(found),
        _limits(),
    ]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _opening(extent: Extent) -> str:
    seeds = ", ".join(str(seed) for seed in extent.seeds)
    quick = extent.indicators == 1
    return texts.OPENING.format(
        command="nulmeting breaks benchmark --quick" if quick else "nulmeting breaks benchmark",
        indicators="one indicator" if quick else f"{extent.indicators} indicators",
        seeds=seeds,
        tuning=TUNING_SEEDS,
    )


def _bars(found: Findings) -> str:
    rows = []
    for generator, least in (("plain", 0.75), ("misspecified", 0.70)):
        power = found.powers[generator, _USUAL][DETECTION]
        rows.append(
            (f"F1 at 20 false alarms per 1,000, {generator}, 16 periods", f"at least {_two(least)}", _two(power.f1))
        )
    for generator in GENERATORS:
        own = found.powers[generator, _USUAL][DETECTION].own_false_per_1000
        rows.append((f"false alarms per 1,000 by the default threshold, {generator}", "10 to 30", f"{own:.0f}"))
    for generator in GENERATORS:
        rows.append(
            (
                f"40 % at the newest period in counts above 500, {generator}",
                "at least .50",
                _of(found.newest[generator]),
            )
        )
    for generator in GENERATORS:
        share = found.attributed[generator].causes.competing
        rows.append((f"right cause named first where events compete, {generator}", "at least .85", _of(share)))
    for generator in GENERATORS:
        share = found.attributed[generator].links.covered
        rows.append((f"95 % interval of the link factor holds the true one, {generator}", ".93 to .97", _of(share)))
    for generator in GENERATORS:
        rows.append((f"national changes that are one finding, {generator}", "all", _of(found.national[generator].once)))
    return _section("What it must show", _table(("measure", "bar", "measured"), rows))


def _methods(found: Findings) -> str:
    return _section("Methods", texts.METHODS, _table(_columns(), _per_method(found, lambda power: _two(power.f1))))


def _own_thresholds(found: Findings) -> str:
    cell = _per_method(found, lambda power: f"{power.own_false_per_1000:.0f} ({_two(power.own_f1)})")
    return _section("The methods' own thresholds", texts.OWN, _table(_columns(), cell))


def _columns() -> tuple[str, ...]:
    return ("method", *(f"{generator} n={periods}" for generator in GENERATORS for periods in LENGTHS))


def _per_method(found: Findings, cell: Callable[[Power], str]) -> list[tuple[str, ...]]:
    return [(name, *(cell(powers[name]) for powers in found.powers.values())) for name in (*METHODS, DETECTION)]


def _power(found: Findings) -> str:
    parts = [texts.POWER]
    by_kind = [
        (
            label,
            *(
                _of(found.powers[generator, _USUAL][DETECTION].by_kind.get(kind, Share(0, 0)))
                for generator in GENERATORS
            ),
        )
        for kind, label in _KINDS.items()
    ]
    parts.append(_table(("kind", *GENERATORS), by_kind))
    columns = [f"below {high:.0f}" if not low else f"{low:.0f}-{high:.0f}" for low, high in COUNTS[:-1]]
    columns.append(f"{COUNTS[-1][0]:.0f} and more")
    for generator in GENERATORS:
        table = found.powers[generator, _USUAL][DETECTION].by_size_and_count
        rows = [
            (f"{least:.0f}-{most:.0f} %", *(_of(table[row, column]) for column in range(len(COUNTS))))
            for row, (least, most) in enumerate(SIZES)
        ]
        parts.append(texts.BY_SIZE.format(generator=generator))
        parts.append(_table(("size", *columns), rows))
    return _section("Power by kind, size and count", *parts)


def _elsewhere(found: Findings) -> str:
    noises = [(name.replace("_", " "), *_points(power)) for name, power in found.elsewhere.items()]
    panels = [(name, *_points(power)) for name, power in found.panels.items()]
    head = ("F1 at 20 per 1,000", "false alarms per 1,000 by the default threshold", "F1 there")
    return _section(
        "Other noise and other panels",
        texts.NOISES,
        _table(("noise", *head), noises),
        texts.PANELS,
        _table(("panel", *head), panels),
    )


def _points(power: Power) -> tuple[str, str, str]:
    return _two(power.f1), f"{power.own_false_per_1000:.0f}", _two(power.own_f1)


def _newest_and_common(found: Findings) -> str:
    rows = [
        (
            generator,
            what,
            _of(common.once),
            str(common.others),
            _of(common.members),
        )
        for what, commons in (("country", found.national), ("cooperation of five", found.cooperations))
        for generator, common in commons.items()
    ]
    head = ("generator", "common to", "found exactly once", "other findings for such codes", "members that alarm")
    return _section("Common changes", texts.COMMON, _table(head, rows))


def _causes_and_links(found: Findings) -> str:
    causes = [
        (
            generator,
            _of(one.causes.competing),
            _of(one.nearest),
            _of(one.narrowest),
            _of(one.causes.alone),
            _of(one.causes.explained),
            _of(one.causes.blamed),
        )
        for generator, one in found.attributed.items()
    ]
    register = [(name, _two(one.uninformed.f1), _two(one.informed.f1)) for name, one in found.attributed.items()]
    links = [
        (
            generator,
            _of(one.links.given),
            _of(one.links.covered),
            _three(one.links.error),
            _three(one.one_year_error),
            _of(one.links.undue),
        )
        for generator, one in found.attributed.items()
    ]
    return _section(
        "Causes and link factors",
        texts.CAUSES,
        _table(
            (
                "generator",
                "competing",
                "nearest date",
                "narrowest scope",
                "one candidate",
                "explained",
                "wrongly explained",
            ),
            causes,
        ),
        texts.REGISTER,
        _table(("generator", "without the register", "with it"), register),
        texts.LINKS,
        _table(("generator", "given", "interval holds", "error", "error of one year's ratio", "given undue"), links),
    )


def _told_effects(found: Findings) -> str:
    rows = [
        (f"{least:.0f}-{most:.0f} %", *(_of(found.told[generator][least, most]) for generator in GENERATORS))
        for least, most in next(iter(found.told.values()))
    ]
    return _section("Is the smallest detectable effect honest?", texts.TOLD, _table(("told", *GENERATORS), rows))


def _limits() -> str:
    return _section(
        "What limits the rest",
        texts.LIMITS,
    )


def _section(title: str, *parts: str) -> str:
    return "\n\n".join((f"## {title}", *parts))


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = list(head)
    lines = [names, ["---"] * len(names), *(list(row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _two(number: float) -> str:
    """Two decimals without the nought before the point."""
    if isnan(number):
        return "-"
    text = f"{number:.2f}"
    return text.removeprefix("0") if text.startswith("0.") else text


def _three(number: float) -> str:
    return "-" if isnan(number) else f"{number:.3f}".removeprefix("0")


def _of(share: Share) -> str:
    return f"{_two(share.value)} ({share.cases})" if share.cases else "-"
