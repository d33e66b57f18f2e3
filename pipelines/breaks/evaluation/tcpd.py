"""The Turing Change Point Dataset: its metrics, and the cutting of single series measured on a folder that holds it.

What belongs here: the two metrics of the benchmark (van den Burg and Williams 2020, arXiv:2003.06222), reading its
files, and the table that is printed. What does not: the series themselves, which are not part of this project, or the
method (`pipelines.breaks.segmentation`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.breaks.panel import Floats, Ints
from pipelines.breaks.segmentation import segment

MARGIN = 5
MEAN = "mean"
SCHEMA = pa.schema(
    [
        ("series", pa.string()),
        ("n_obs", pa.int64()),
        ("annotators", pa.int64()),
        ("change_points", pa.string()),
        ("f1", pa.float64()),
        ("covering", pa.float64()),
        ("f1_of_none", pa.float64()),
        ("covering_of_none", pa.float64()),
    ]
)
PUBLISHED = {"published: best default": (0.690, 0.656), "published: marking nothing": (0.647, 0.557)}
"""F1 and covering over the univariate series that may be passed on freely."""
_ANNOTATIONS = "annotations.json"
_KEYS = ("name", "n_obs", "n_dim", "series")

Annotations = Mapping[str, Sequence[int]]


class DatasetError(ValueError):
    """The folder does not hold the dataset; the message says what was found and expected."""


@dataclass(frozen=True)
class Series:
    """One univariate series of the dataset: `values` with NaN where a figure is missing."""

    name: str
    values: Floats


def f1(annotations: Annotations, change_points: Iterable[int], margin: int = MARGIN) -> float:
    """F1 of 0-based change points: precision over the annotators together, recall averaged over them.

    Index 0 counts as a change point of every annotator and of the method, so that saying nothing scores too.
    """
    _require_annotators(annotations)
    marked = [{0, *own} for own in annotations.values()]
    given = {0, *(int(at) for at in change_points)}
    precision = _matched(set().union(*marked), given, margin) / len(given)
    recall = float(np.mean([_matched(own, given, margin) / len(own) for own in marked]))
    return 2 * precision * recall / (precision + recall)


def _matched(true: set[int], given: set[int], margin: int) -> int:
    """How many true change points have a given one within the margin, each of which serves once."""
    left = sorted(given)
    count = 0
    for at in sorted(true):
        near = [other for other in left if abs(other - at) <= margin]
        if near:
            left.remove(min(near, key=lambda other: (abs(other - at), other)))
            count += 1
    return count


def covering(annotations: Annotations, change_points: Iterable[int], n_obs: int) -> float:
    """How well the segments of the annotators are covered by those of the method, averaged over annotators.

    Of each annotated segment counts the largest overlap (Jaccard index) with a segment of the method, in
    proportion to its length.
    """
    _require_annotators(annotations)
    given = _bounds(change_points, n_obs)
    return float(np.mean([_cover(_bounds(own, n_obs), given) / n_obs for own in annotations.values()]))


def _require_annotators(annotations: Annotations) -> None:
    if not annotations:
        raise DatasetError("annotations: found no annotator, expected at least one")


def _bounds(change_points: Iterable[int], n_obs: int) -> Ints:
    inside = {int(at) for at in change_points if 0 < int(at) < n_obs}
    return np.array([0, *sorted(inside), n_obs], dtype=np.int64)


def _cover(true: Ints, given: Ints) -> float:
    low = np.maximum(true[:-1, None], given[None, :-1])
    high = np.minimum(true[1:, None], given[None, 1:])
    shared = np.maximum(high - low, 0)
    length = np.diff(true)
    together = length[:, None] + np.diff(given)[None, :] - shared
    return float(np.sum(length * (shared / together).max(axis=1)))


def evaluate_folder(folder: str | Path) -> pa.Table:
    """`segment` with its defaults on every univariate, annotated series in a folder: SCHEMA, by name.

    The folder holds, at any depth, `annotations.json` and one JSON file per series as the dataset publishes them.
    Series of several variables, and those without annotations, are left out; so are those whose file is absent,
    as the restricted ones are. The last row is the mean. `*_of_none` is what marking nothing scores.

    Raises DatasetError for a folder or file that cannot be used.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DatasetError(f"{folder}: found no such folder, expected one with the series and {_ANNOTATIONS}")
    nearest = sorted(folder.rglob(_ANNOTATIONS), key=lambda path: (len(path.parts), path))
    if not nearest:
        raise DatasetError(f"{folder}: found no {_ANNOTATIONS} in this folder, expected that of the dataset")
    annotations = read_annotations(nearest[0])
    rows = [_measured(series, annotations[series.name]) for series in read_series(folder) if series.name in annotations]
    if not rows:
        raise DatasetError(f"{folder}: found no annotated univariate series, expected at least one")
    mean: dict[str, Any] = {"series": MEAN}
    for name in ("f1", "covering", "f1_of_none", "covering_of_none"):
        mean[name] = float(np.mean([row[name] for row in rows]))
    return pa.Table.from_pylist([*rows, mean], schema=SCHEMA)


def as_text(measured: pa.Table) -> str:
    """The table of `evaluate_folder` as lines, with what marking nothing scores and the published figures beside it."""
    rows = measured.to_pylist()
    own, mean = rows[:-1], rows[-1]
    wide = max(len(str(name)) for name in (*(row["series"] for row in own), *PUBLISHED)) + 1
    head = f"{'series':{wide}}{'figures':>8}{'annotators':>12}{'F1':>8}{'covering':>10}   change points"
    lines = [
        f"{row['series']:{wide}}{row['n_obs']:8d}{row['annotators']:12d}{row['f1']:8.3f}{row['covering']:10.3f}   "
        f"{row['change_points'].replace('|', ' ') or '-'}"
        for row in own
    ]
    means = {
        f"mean of {len(own)}": (mean["f1"], mean["covering"]),
        "marking nothing here": (mean["f1_of_none"], mean["covering_of_none"]),
        **PUBLISHED,
    }
    lines += [f"{name:{wide}}{'':20}{both[0]:8.3f}{both[1]:10.3f}" for name, both in means.items()]
    return "\n".join([head, *lines])


def _measured(series: Series, annotations: Annotations) -> dict[str, Any]:
    size = series.values.size
    found = segment(series.values).starts.tolist()
    return {
        "series": series.name,
        "n_obs": size,
        "annotators": len(annotations),
        "change_points": "|".join(str(at) for at in found),
        "f1": f1(annotations, found),
        "covering": covering(annotations, found, size),
        "f1_of_none": f1(annotations, []),
        "covering_of_none": covering(annotations, [], size),
    }


def read_annotations(path: Path) -> dict[str, dict[str, list[int]]]:
    """Change points (0-based) per series and annotator. Raises DatasetError."""
    read = _read(path)
    try:
        return {
            str(name): {str(who): [int(at) for at in marks] for who, marks in own.items()}
            for name, own in read.items()
            if own
        }
    except (AttributeError, TypeError, ValueError) as error:
        raise DatasetError(
            f"{path}: found {error}, expected an object of series, each of annotators with lists of indices"
        ) from error


def read_series(folder: Path) -> list[Series]:
    """The univariate series in a folder, by name. Files of another kind are passed over. Raises DatasetError."""
    found: dict[str, Series] = {}
    for path in sorted(folder.rglob("*.json")):
        content = _read(path)
        if path.name == _ANNOTATIONS or not isinstance(content, dict) or any(key not in content for key in _KEYS):
            continue
        if content["n_dim"] != 1:
            continue
        series = Series(str(content["name"]), _values(content, path))
        if series.name in found and not np.array_equal(found[series.name].values, series.values, equal_nan=True):
            raise DatasetError(f"{path}: found a second series {series.name} that differs, expected one")
        found[series.name] = series
    return [found[name] for name in sorted(found)]


def _values(content: dict[str, Any], path: Path) -> Floats:
    try:
        raw = content["series"][0]["raw"]
        values = np.array([np.nan if value is None else float(value) for value in raw], dtype=np.float64)
        expected = int(content["n_obs"])
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise DatasetError(f"{path}: found {error!r}, expected one variable with numbers or null in raw") from error
    if values.size != expected:
        raise DatasetError(f"{path}: found {values.size} figures, expected {expected} as n_obs says")
    values[~np.isfinite(values)] = np.nan
    return values


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DatasetError(f"{path}: found {error}, expected JSON") from error
