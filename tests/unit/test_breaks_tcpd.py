"""The metrics of the Turing Change Point Dataset worked by hand, and the harness on a folder of made series."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.breaks.evaluation.tcpd import (
    MEAN,
    SCHEMA,
    DatasetError,
    as_text,
    covering,
    evaluate_folder,
    f1,
    read_series,
)
from pipelines.breaks.segmentation import segment
from tests.unit.look_alikes import KINDS, look_alike

SEED = 9300
MARKS = st.lists(st.integers(1, 99), max_size=6)


def test_f1_takes_precision_over_all_annotators_and_recall_over_each() -> None:
    # Marked by anyone: 0, 10, 11, 20. Given: 0, 10, 50, of which two are right: precision 2/3.
    # Recall of a: two of 0, 10, 20; of b: both of 0, 11. On average 5/6.
    assert f1({"a": [10, 20], "b": [11]}, [10, 50]) == pytest.approx(2 * (2 / 3) * (5 / 6) / (2 / 3 + 5 / 6))


def test_a_change_point_serves_only_one_mark() -> None:
    # Marks 0, 10, 12; given 0, 11: precision 1, recall 2/3.
    assert f1({"a": [10, 12]}, [11]) == pytest.approx(0.8)


def test_the_margin_is_five_and_includes_its_end() -> None:
    assert f1({"a": [20]}, [25]) == 1.0
    assert f1({"a": [20]}, [26]) == 0.5


def test_saying_nothing_scores_by_the_index_that_all_share() -> None:
    assert f1({"a": []}, []) == 1.0
    # Precision 1; recall 1 for a, 1/2 for b, 1/3 for c: 11/18 on average.
    assert f1({"a": [], "b": [30], "c": [30, 60]}, []) == pytest.approx(2 * (11 / 18) / (1 + 11 / 18))


def test_index_0_is_counted_once_whether_named_or_not() -> None:
    assert f1({"a": [0, 40]}, [0, 40]) == f1({"a": [40]}, [40]) == 1.0


def test_of_two_near_change_points_the_nearest_serves() -> None:
    # 20 takes 21, so that 24 is left for 28; taking 24 first would leave 28 without.
    assert f1({"a": [20, 28]}, [21, 24]) == 1.0


def test_covering_weighs_the_best_overlap_of_each_segment_by_its_length() -> None:
    # Marked 0-3 and 4-9; given 0-5 and 6-9: overlaps 4/6 and 4/6.
    assert covering({"a": [4]}, [6], 10) == pytest.approx(2 / 3)
    # Marked whole; given 0-5 and 6-9: the best overlap is 6/10.
    assert covering({"a": []}, [6], 10) == pytest.approx(0.6)
    assert covering({"a": [4], "b": []}, [6], 10) == pytest.approx((2 / 3 + 0.6) / 2)


def test_covering_of_nothing_said_is_the_sum_of_squared_shares() -> None:
    assert covering({"a": [20, 50]}, [], 100) == pytest.approx(0.2**2 + 0.3**2 + 0.5**2)


@given(MARKS, MARKS)
def test_both_metrics_are_between_0_and_1_and_1_for_the_marks_themselves(marks: list[int], given_: list[int]) -> None:
    annotations = {"a": marks}
    assert 0 < f1(annotations, given_) <= 1
    assert 0 < covering(annotations, given_, 100) <= 1
    assert f1(annotations, marks) == 1.0
    assert covering(annotations, marks, 100) == pytest.approx(1.0)


@given(MARKS, MARKS)
def test_covering_agrees_with_sets_of_points(marks: list[int], given_: list[int]) -> None:
    def segments(cuts: list[int]) -> list[set[int]]:
        bounds = [0, *sorted(set(cuts)), 100]
        return [set(range(low, high)) for low, high in pairwise(bounds)]

    expected = sum(
        len(own) * max(len(own & other) / len(own | other) for other in segments(given_)) for own in segments(marks)
    )
    assert covering({"a": marks}, given_, 100) == pytest.approx(expected / 100)


def test_without_annotators_there_is_nothing_to_measure() -> None:
    with pytest.raises(DatasetError, match="expected at least one"):
        f1({}, [3])
    with pytest.raises(DatasetError, match="expected at least one"):
        covering({}, [3], 10)


def written(folder: Path, name: str, values: Sequence[float | None], dimensions: int = 1) -> None:
    content = {
        "name": name,
        "longname": name,
        "n_obs": len(values),
        "n_dim": dimensions,
        "time": {"index": list(range(len(values)))},
        "series": [{"label": f"V{at}", "type": "float", "raw": values} for at in range(dimensions)],
    }
    path = folder / "datasets" / name / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


def annotated(folder: Path, annotations: dict[str, Any]) -> None:
    (folder / "annotations.json").write_text(json.dumps(annotations), encoding="utf-8")


def step(size: int = 60, at: int = 30) -> list[float | None]:
    values = np.random.default_rng(SEED).normal(0, 0.2, size) + 3.0 * (np.arange(size) >= at)
    return [float(value) for value in values]


def test_a_folder_gives_a_row_per_univariate_annotated_series_and_their_mean(tmp_path: Path) -> None:
    quiet = [float(value) for value in np.random.default_rng(SEED + 1).normal(0, 1, 60)]
    written(tmp_path, "step", step())
    written(tmp_path, "quiet", quiet)
    written(tmp_path, "several", step(), dimensions=2)
    written(tmp_path, "nobody", step())
    annotated(
        tmp_path, {"step": {"6": [30], "7": []}, "quiet": {"6": [10]}, "several": {"6": [3]}, "absent": {"6": []}}
    )
    table = evaluate_folder(tmp_path)
    assert table.schema == SCHEMA
    quiet_row, step_row, mean = table.to_pylist()
    assert [quiet_row["series"], step_row["series"], mean["series"]] == ["quiet", "step", MEAN]
    assert (step_row["change_points"], step_row["annotators"], step_row["n_obs"]) == ("30", 2, 60)
    assert step_row["f1"] == 1.0
    assert step_row["covering"] == pytest.approx(0.75)
    assert (quiet_row["change_points"], quiet_row["f1"]) == ("", quiet_row["f1_of_none"])
    assert mean["f1"] == pytest.approx((step_row["f1"] + quiet_row["f1"]) / 2)
    assert mean["covering_of_none"] == pytest.approx((step_row["covering_of_none"] + quiet_row["covering_of_none"]) / 2)


def test_missing_figures_are_read_as_missing(tmp_path: Path) -> None:
    values = step()
    values[4] = values[40] = None
    written(tmp_path, "holes", values)
    annotated(tmp_path, {"holes": {"6": [30]}})
    (series,) = read_series(tmp_path)
    assert np.flatnonzero(np.isnan(series.values)).tolist() == [4, 40]
    assert evaluate_folder(tmp_path)["f1"][0].as_py() == 1.0


def test_annotations_may_stand_in_a_folder_of_their_own(tmp_path: Path) -> None:
    written(tmp_path, "step", step())
    (tmp_path / "annotations").mkdir()
    annotated(tmp_path / "annotations", {"step": {"6": [30]}})
    assert evaluate_folder(tmp_path)["f1"].to_pylist() == [1.0, 1.0]


def test_a_folder_without_annotations_says_so(tmp_path: Path) -> None:
    written(tmp_path, "step", step())
    with pytest.raises(DatasetError, match=r"found no annotations\.json in this folder"):
        evaluate_folder(tmp_path)


def test_a_folder_that_does_not_exist_says_so(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="absent: found no such folder"):
        evaluate_folder(tmp_path / "absent")


def test_the_text_has_a_line_per_series_and_the_published_figures_below_the_mean(tmp_path: Path) -> None:
    written(tmp_path, "step", step())
    annotated(tmp_path, {"step": {"6": [30], "7": []}})
    head, own, mean, nothing, best, published_nothing = as_text(evaluate_folder(tmp_path)).splitlines()
    assert head.split()[:5] == ["series", "figures", "annotators", "F1", "covering"]
    assert own.split() == ["step", "60", "2", "1.000", "0.750", "30"]
    assert mean.split()[-2:] == ["1.000", "0.750"]
    # Marking nothing: precision 1, recall 3/4; covering (1/2 + 1) / 2.
    assert nothing.split()[-2:] == ["0.857", "0.750"]
    assert best.split()[-2:] == ["0.690", "0.656"]
    assert published_nothing.split()[-2:] == ["0.647", "0.557"]


def test_a_folder_without_series_says_so(tmp_path: Path) -> None:
    annotated(tmp_path, {"step": {"6": [30]}})
    with pytest.raises(DatasetError, match="no annotated univariate series"):
        evaluate_folder(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "expected JSON"),
        ('{"name": "x", "n_obs": 3, "n_dim": 1, "series": [{"raw": [1, 2]}]}', "found 2 figures, expected 3"),
        ('{"name": "x", "n_obs": 1, "n_dim": 1, "series": [{"raw": ["a"]}]}', "expected one variable with numbers"),
        ('{"name": "x", "n_obs": 1, "n_dim": 1, "series": []}', "expected one variable with numbers"),
    ],
)
def test_a_broken_file_is_named_with_what_was_expected(tmp_path: Path, content: str, message: str) -> None:
    annotated(tmp_path, {"x": {"6": []}})
    (tmp_path / "x.json").write_text(content, encoding="utf-8")
    with pytest.raises(DatasetError, match=rf"x\.json: .*{message}"):
        evaluate_folder(tmp_path)


@pytest.mark.parametrize("content", ['["step"]', '{"step": {"6": "many"}}', '{"step": [3]}'])
def test_annotations_of_another_shape_are_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "annotations.json").write_text(content, encoding="utf-8")
    with pytest.raises(DatasetError, match=r"annotations\.json: .*expected an object of series"):
        evaluate_folder(tmp_path)


def test_the_defaults_beat_saying_nothing_on_made_series_of_the_kinds_of_the_dataset() -> None:
    made = [look_alike(kind, SEED) for kind in KINDS]
    found = [segment(one.values).starts.tolist() for one in made]
    own = np.mean([f1(one.annotations, cuts) for one, cuts in zip(made, found, strict=True)])
    cover = np.mean([covering(one.annotations, cuts, one.values.size) for one, cuts in zip(made, found, strict=True)])
    assert own >= 0.8
    assert cover >= 0.72


def test_made_series_are_the_same_for_the_same_seed_only() -> None:
    first, again, other = (look_alike(KINDS[0], seed).values for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
