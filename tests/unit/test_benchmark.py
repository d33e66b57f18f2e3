"""Neighbours, regression and correction on simulated municipalities of which the truth is known, and the tables they
make of a warehouse's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.benchmark.correction import corrected, expected
from pipelines.benchmark.neighbours import FloatArray, distances, nearest, standardised
from pipelines.benchmark.regression import MUNICIPALITIES_PER_COEFFICIENT, leave_one_out, needed
from pipelines.benchmark.result import SCHEMAS
from pipelines.benchmark.tables import benchmark

COEFFICIENTS = np.array([[300.0, 40.0, -15.0, 0.0], [50.0, 0.0, 5.0, 10.0]])
NOISE = np.array([12.0, 3.0])


def simulated(seed: int, municipalities: int = 300) -> tuple[FloatArray, FloatArray]:
    """Scores on three characteristics and the costs of two items that follow from them, with noise of known size."""
    random = np.random.default_rng(seed)
    scores = standardised(random.normal(size=(municipalities, 3)))
    costs = np.column_stack([np.ones(municipalities), scores]) @ COEFFICIENTS.T
    return scores, costs + NOISE * random.normal(size=costs.shape)


class TestNeighbours:
    def test_scores_have_mean_zero_and_deviation_one_over_those_that_are_known(self) -> None:
        structure = np.array([[1.0, 10.0], [3.0, 30.0], [100.0, np.nan], [5.0, 20.0]])
        scores = standardised(structure)
        assert np.isnan(scores[2]).all()
        known = scores[[0, 1, 3]]
        assert known.mean(axis=0) == pytest.approx([0, 0])
        assert known.std(axis=0) == pytest.approx([1, 1])

    def test_what_is_the_same_everywhere_tells_none_from_another(self) -> None:
        scores = standardised(np.array([[0.1, 1.0], [0.1, 2.0], [0.1, 3.0]]))
        assert scores[:, 0].tolist() == [0, 0, 0]

    def test_nothing_known_is_no_error(self) -> None:
        assert np.isnan(standardised(np.full((3, 2), np.nan))).all()

    def test_a_distance_does_not_grow_with_the_number_of_characteristics(self) -> None:
        one = distances(np.array([[0.0], [2.0]]))
        three = distances(np.array([[0.0, 0.0, 0.0], [2.0, 2.0, 2.0]]))
        assert one[0, 1] == pytest.approx(2) == pytest.approx(three[0, 1])

    def test_the_nearest_come_first_and_nobody_is_its_own_neighbour(self) -> None:
        apart = distances(np.array([[0.0], [1.0], [10.0], [11.5]]))
        assert nearest(apart, np.ones(4, dtype=np.bool_), 2).tolist() == [[1, 2], [0, 2], [3, 1], [2, 1]]

    def test_of_two_equally_near_the_first_in_order_counts(self) -> None:
        apart = distances(np.array([[0.0], [1.0], [-1.0]]))
        assert nearest(apart, np.ones(3, dtype=np.bool_), 1).tolist() == [[1], [0], [0]]

    def test_who_has_no_costs_is_nobodys_neighbour_but_has_neighbours(self) -> None:
        apart = distances(np.array([[0.0], [0.1], [5.0]]))
        candidates = np.array([True, False, True])
        assert nearest(apart, candidates, 1).tolist() == [[2], [0], [0]]

    def test_too_few_or_no_structure_gives_no_neighbours_at_all(self) -> None:
        apart = distances(np.array([[0.0], [1.0], [np.nan]]))
        everyone = np.ones(3, dtype=np.bool_)
        assert nearest(apart, everyone, 1).tolist() == [[1], [0], [-1]]
        assert nearest(apart, everyone, 2).tolist() == [[-1, -1]] * 3
        assert nearest(apart, everyone, 9).tolist() == [[-1] * 9] * 3


class TestRegression:
    @pytest.mark.parametrize("seed", range(5))
    def test_known_coefficients_are_found_within_their_errors(self, seed: int) -> None:
        fit = leave_one_out(*simulated(seed))
        error = NOISE[:, None] / np.sqrt(300)
        assert np.abs(fit.coefficients.mean(axis=0) - COEFFICIENTS).max(axis=1) == pytest.approx(
            [0, 0], abs=4 * 12 / 17
        )
        assert (np.abs(fit.coefficients.mean(axis=0) - COEFFICIENTS) < 4.5 * error).all()
        assert fit.spread.mean(axis=0) == pytest.approx(NOISE, rel=0.2)

    def test_leaving_one_out_is_the_same_as_fitting_without_it(self) -> None:
        scores, costs = simulated(1, municipalities=60)
        costs[7, 0] = np.nan
        fit = leave_one_out(scores, costs)
        design = np.column_stack([np.ones(60), scores])
        for place in (0, 7, 31):
            for item in range(2):
                others = (np.arange(60) != place) & np.isfinite(costs[:, item])
                solution, (squares,), _, _ = np.linalg.lstsq(design[others], costs[others, item], rcond=None)
                assert fit.coefficients[place, item] == pytest.approx(solution)
                assert fit.degrees[place, item] == others.sum() - 4
                assert fit.spread[place, item] == pytest.approx(np.sqrt(squares / (others.sum() - 4)))
                inverse = np.linalg.inv(design[others].T @ design[others])
                found = fit.quadratic(np.array([place]), design[[place]], design[[3]])[0, item]
                assert found == pytest.approx(design[place] @ inverse @ design[3])

    def test_a_municipality_that_spends_much_does_not_raise_its_own_bar(self) -> None:
        scores, costs = simulated(2)
        before = expected(leave_one_out(scores, costs)).value[0]
        costs[0] += 10_000
        after = expected(leave_one_out(scores, costs)).value
        assert after[0] == pytest.approx(before)
        assert after[1, 0] > before[0] - 1_000

    def test_an_interval_holds_what_a_municipality_spends_in_95_of_100_cases(self) -> None:
        inside = []
        for seed in range(20):
            scores, costs = simulated(seed, municipalities=80)
            found = expected(leave_one_out(scores, costs))
            inside.append((found.low <= costs) & (costs <= found.high))
        assert np.mean(inside) == pytest.approx(0.95, abs=0.012)

    def test_with_too_few_municipalities_there_is_no_fit(self) -> None:
        enough = needed(4) + 1
        assert needed(4) == 4 * MUNICIPALITIES_PER_COEFFICIENT
        assert leave_one_out(*simulated(3, enough)).usable.all()
        assert not leave_one_out(*simulated(3, enough - 1)).usable.any()
        assert np.isnan(expected(leave_one_out(*simulated(3, enough - 1))).value).all()

    def test_one_item_with_few_amounts_leaves_the_other_as_it_was(self) -> None:
        scores, costs = simulated(4)
        alone = expected(leave_one_out(scores, costs[:, :1]))
        costs[:280, 1] = np.nan
        both = leave_one_out(scores, costs)
        assert both.usable.all(axis=0).tolist() == [True, False]
        assert expected(both).value[:, 0] == pytest.approx(alone.value[:, 0])

    def test_characteristics_that_say_the_same_cannot_be_told_apart(self) -> None:
        scores, costs = simulated(5)
        fit = leave_one_out(np.column_stack([scores, scores[:, 0]]), costs)
        assert not fit.solvable.any()
        assert np.isnan(expected(fit).value).all()

    def test_a_characteristic_that_is_the_same_everywhere_cannot_be_told_from_the_mean(self) -> None:
        scores, costs = simulated(6)
        assert not leave_one_out(np.column_stack([scores, np.zeros(300)]), costs).usable.any()

    def test_who_alone_decides_a_coefficient_is_compared_with_nobody(self) -> None:
        scores, costs = simulated(7)
        single = np.zeros(300)
        single[11] = 1
        fit = leave_one_out(np.column_stack([scores, single]), costs)
        assert not fit.usable[11].any()
        assert np.isnan(expected(fit).value[11]).all()

    def test_a_municipality_without_structure_takes_no_part(self) -> None:
        scores, costs = simulated(8)
        without = expected(leave_one_out(scores[1:], costs[1:]))
        scores[0] = np.nan
        found = expected(leave_one_out(scores, costs))
        assert np.isnan(found.value[0]).all()
        assert found.value[1:] == pytest.approx(without.value)

    def test_costs_that_were_not_delivered_are_expected_all_the_same(self) -> None:
        scores, costs = simulated(9)
        truth = np.column_stack([np.ones(300), scores]) @ COEFFICIENTS.T
        costs[0] = np.nan
        assert expected(leave_one_out(scores, costs)).value[0] == pytest.approx(truth[0], abs=6)


class TestCorrection:
    def test_a_group_of_the_same_structure_needs_no_correction(self) -> None:
        scores, costs = simulated(1)
        scores[:4] = scores[4]
        members = np.zeros((1, 300))
        members[0, :4] = 1
        found = corrected(leave_one_out(scores, costs), costs, np.array([4]), members)
        assert found.value[0] == pytest.approx(costs[:4].mean(axis=0))

    def test_the_correction_is_what_the_difference_in_structure_costs(self) -> None:
        scores, costs = simulated(2)
        members = np.zeros((1, 300))
        members[0, [10, 20, 30]] = 1
        found = corrected(leave_one_out(scores, costs), costs, np.array([0]), members)
        apart = scores[0] - scores[[10, 20, 30]].mean(axis=0)
        assert found.value[0] - costs[[10, 20, 30]].mean(axis=0) == pytest.approx(COEFFICIENTS[:, 1:] @ apart, abs=6)

    def test_the_interval_holds_what_a_municipality_spends_in_95_of_100_cases(self) -> None:
        inside = []
        for seed in range(20):
            scores, costs = simulated(100 + seed, municipalities=80)
            members = (np.random.default_rng(seed).random((80, 80)) < 0.08).astype(np.float64)
            np.fill_diagonal(members, 0)
            found = corrected(leave_one_out(scores, costs), costs, np.arange(80), members)
            has = members.any(axis=1)
            inside.append(((found.low <= costs) & (costs <= found.high))[has].ravel())
        assert np.mean(np.concatenate(inside)) == pytest.approx(0.95, abs=0.012)

    def test_a_member_of_which_anything_is_not_known_leaves_no_correction(self) -> None:
        scores, costs = simulated(3)
        costs[10, 1] = np.nan
        members = np.zeros((2, 300))
        members[0, [10, 20]] = members[1, [20, 30]] = 1
        found = corrected(leave_one_out(scores, costs), costs, np.array([0, 0]), members)
        assert np.isfinite(found.value).tolist() == [[True, False], [True, True]]
        scores[20] = np.nan
        found = corrected(leave_one_out(scores, costs), costs, np.array([0, 0]), members)
        assert not np.isfinite(found.value).any()

    def test_a_group_without_members_has_no_reference(self) -> None:
        scores, costs = simulated(4)
        found = corrected(leave_one_out(scores, costs), costs, np.array([0]), np.zeros((1, 300)))
        assert np.isnan(found.value).all()

    @settings(max_examples=30, deadline=None)
    @given(st.integers(0, 10_000), st.floats(-1_000, 1_000), st.floats(0.01, 100))
    def test_other_units_of_money_and_structure_change_nothing(self, seed: int, shift: float, factor: float) -> None:
        random = np.random.default_rng(seed)
        structure = random.normal(size=(60, 2))
        costs = random.normal(100, 10, size=(60, 1))
        members = np.zeros((1, 60))
        members[0, 1:5] = 1
        plain = corrected(leave_one_out(standardised(structure), costs), costs, np.array([0]), members)
        other = standardised(structure * factor + shift)
        moved = corrected(leave_one_out(other, costs * factor), costs * factor, np.array([0]), members)
        assert moved.value == pytest.approx(plain.value * factor, rel=1e-6)
        assert moved.high == pytest.approx(plain.high * factor, rel=1e-6)


# -- tables ------------------------------------------------------------------------------------------

COSTS = pa.schema(
    [
        *((name, pa.string()) for name in ("region_code", "country_code")),
        ("fiscal_year", pa.int64()),
        ("item", pa.string()),
        ("eur_per_inhabitant", pa.float64()),
    ]
)
STRUCTURE = pa.schema(
    [
        ("region_code", pa.string()),
        ("fiscal_year", pa.int64()),
        ("characteristic", pa.string()),
        ("modelled_value", pa.float64()),
    ]
)
GROUPS = pa.Table.from_pylist(
    [
        {"reference_group": "buren", "kind": "nearest", "size": 2},
        {"reference_group": "gekozen", "kind": "chosen", "size": None},
    ],
    schema=pa.schema([("reference_group", pa.string()), ("kind", pa.string()), ("size", pa.int64())]),
)
MEMBERS = pa.schema([(name, pa.string()) for name in ("reference_group", "region_code", "member_code")])
NAMES = pa.table({"region_code": ["VB0001"], "region_name": ["Eerste (VB)"]})
CHARACTERISTICS = pa.table({"characteristic": ["oud", "rijk", "groot"], "label_nl": ["ouderen", "inkomen", "inwoners"]})


def code(place: int) -> str:
    return f"VB{place:04d}"


def tables(
    scores: FloatArray, costs: FloatArray, chosen: list[tuple[str, str]] | None = None, groups: pa.Table = GROUPS
) -> dict[str, list[dict[str, Any]]]:
    """The tables of municipalities VB0000 and on in 2023, with items `a` and `b`; NaN is null, or no row at all."""
    cost_rows = [
        {
            "region_code": code(place),
            "country_code": "VB00",
            "fiscal_year": 2023,
            "item": item,
            "eur_per_inhabitant": None if np.isnan(value) else value,
        }
        for place, row in enumerate(costs)
        for item, value in zip("ab", row, strict=True)
    ]
    structure_rows = [
        {"region_code": code(place), "fiscal_year": 2023, "characteristic": name, "modelled_value": value}
        for place, row in enumerate(scores)
        for name, value in zip(("oud", "rijk", "groot"), row, strict=True)
        if not np.isnan(value)
    ]
    members = [
        {"reference_group": "gekozen", "region_code": region, "member_code": member} for region, member in chosen or []
    ]
    made = benchmark(
        pa.Table.from_pylist(cost_rows, schema=COSTS),
        pa.Table.from_pylist(structure_rows, schema=STRUCTURE),
        groups,
        pa.Table.from_pylist(members, schema=MEMBERS),
        CHARACTERISTICS,
        NAMES,
    )
    assert {name: table.schema for name, table in made.items()} == SCHEMAS
    return {name: table.to_pylist() for name, table in made.items()}


def of(rows: list[dict[str, Any]], **wanted: Any) -> list[dict[str, Any]]:
    return [row for row in rows if all(row[name] == value for name, value in wanted.items())]


def test_chosen_and_nearest_groups_stand_side_by_side() -> None:
    scores, costs = simulated(1, 60)
    scores[0], scores[1], scores[2] = 0, 0.01, 0.02
    made = tables(scores, costs, [(code(0), code(9)), (code(0), code(5))])
    (chosen,) = of(made["reference_set"], reference_group="gekozen")
    assert (chosen["region_code"], chosen["members"], chosen["because_nl"]) == (code(0), 2, None)
    assert [(row["member_code"], row["rank"]) for row in of(made["reference_member"], reference_group="gekozen")] == [
        (code(5), 1),
        (code(9), 2),
    ]
    near = of(made["reference_member"], reference_group="buren", region_code=code(0))
    assert [(row["member_code"], row["rank"]) for row in near] == [(code(1), 1), (code(2), 2)]
    assert near[0]["distance"] < near[1]["distance"]
    assert len(of(made["reference_set"], reference_group="buren")) == 60
    (found,) = of(made["corrected"], region_code=code(0), reference_group="gekozen", item="a")
    assert found["corrected_low_eur"] < found["corrected_reference_eur"] < found["corrected_high_eur"]
    assert found["because_nl"] is None
    (found,) = of(made["structure_expected"], region_code=code(0), item="b")
    assert found["municipalities"] == 59
    assert 80 < found["explained_pct"] <= 100


def test_a_neighbour_without_costs_makes_room_for_the_next_and_is_named() -> None:
    scores, costs = simulated(1, 60)
    scores[0], scores[1], scores[2], scores[3], scores[4] = 0, 0.01, 0.02, 0.03, 0.04
    costs[1], costs[3] = np.nan, np.nan
    made = tables(scores, costs, [(code(0), code(1)), (code(0), code(2))])
    near = of(made["reference_member"], reference_group="buren", region_code=code(0))
    assert [(row["member_code"], row["rank"]) for row in near] == [(code(2), 1), (code(4), 2)]
    (found,) = of(made["reference_set"], reference_group="buren", region_code=code(0))
    # VB0003 would not have been one of the two nearest
    assert found["caution_nl"] == (
        "Buiten deze groep gehouden, met de eerstvolgende in de plaats, omdat lasten over dit jaar ontbreken: "
        "Eerste (VB)."
    )
    # who was chosen by hand is not replaced
    (found,) = of(made["reference_set"], reference_group="gekozen")
    assert (found["members"], found["caution_nl"]) == (2, None)
    filed = tables(scores, simulated(1, 60)[1])
    assert {row["caution_nl"] for row in filed["reference_set"]} == {None}


def test_without_structure_hand_picked_groups_stay_and_nothing_is_corrected() -> None:
    _, costs = simulated(1, 60)
    made = tables(np.full((60, 3), np.nan), costs, [(code(0), code(5))])
    reason = "Niet geladen, dus geen structuur om mee te rekenen: ouderen, inkomen, inwoners."
    assert {row["because_nl"] for row in of(made["reference_set"], reference_group="buren")} == {reason}
    (member,) = made["reference_member"]
    assert (member["member_code"], member["distance"]) == (code(5), None)
    assert member["distance_because_nl"] == "De structuur van een van beide gemeenten is niet bekend."
    assert {row["because_nl"] for row in made["structure_expected"]} == {reason}
    assert {(row["corrected_reference_eur"], row["because_nl"]) for row in made["corrected"]} == {(None, reason)}


def test_one_characteristic_that_is_not_loaded_is_named() -> None:
    scores, costs = simulated(1, 60)
    scores[:, 1] = np.nan
    made = tables(scores, costs)
    assert made["reference_set"][0]["because_nl"] == "Niet geladen, dus geen structuur om mee te rekenen: inkomen."


def test_what_is_not_known_of_one_municipality_is_said_of_that_one() -> None:
    scores, costs = simulated(1, 60)
    scores[3, [0, 2]] = np.nan
    made = tables(scores, costs, [(code(0), code(3))])
    reason = "Van deze gemeente is niet bekend: ouderen, inwoners."
    said = {row["region_code"]: row["because_nl"] for row in of(made["reference_set"], reference_group="buren")}
    assert {region: text for region, text in said.items() if text} == {code(3): reason}
    assert {row["because_nl"] for row in of(made["structure_expected"], region_code=code(3))} == {reason}
    (found,) = of(made["corrected"], region_code=code(0), reference_group="gekozen", item="a")
    assert found["because_nl"] == "Van een of meer referentiegemeenten zijn de lasten of de structuur niet bekend."


def test_too_few_municipalities_for_a_fit_still_have_neighbours() -> None:
    scores, costs = simulated(1, 30)
    made = tables(scores, costs)
    assert {row["because_nl"] for row in made["structure_expected"]} == {
        "Te weinig gemeenten voor een correctie: 29, nodig zijn er 40."
    }
    assert len(made["reference_member"]) == 60


def test_too_few_municipalities_for_neighbours() -> None:
    scores, costs = simulated(1, 2)
    made = tables(scores, costs)
    assert {row["because_nl"] for row in made["reference_set"]} == {
        "Er zijn geen 2 andere gemeenten met bekende structuur en lasten."
    }


def test_characteristics_that_cannot_be_told_apart_are_a_reason() -> None:
    scores, costs = simulated(1, 60)
    scores[:, 2] = scores[:, 0]
    made = tables(scores, costs)
    assert {row["because_nl"] for row in made["structure_expected"]} == {
        "De kenmerken hangen zo samen dat hun invloed niet te scheiden is."
    }


def test_a_member_that_the_costs_do_not_know_is_a_member_all_the_same() -> None:
    scores, costs = simulated(1, 60)
    made = tables(scores, costs, [(code(0), code(5)), (code(0), "VB9999")])
    (chosen,) = of(made["reference_set"], reference_group="gekozen")
    assert chosen["members"] == 2
    assert "VB9999" not in {row["region_code"] for row in made["structure_expected"]}
    assert "VB9999" not in {row["region_code"] for row in made["reference_set"]}
    (found,) = of(made["corrected"], region_code=code(0), reference_group="gekozen", item="a")
    assert found["corrected_reference_eur"] is None


def test_a_group_for_a_municipality_that_has_no_costs_is_not_there() -> None:
    scores, costs = simulated(1, 60)
    assert of(tables(scores, costs, [("VB9999", code(5))])["reference_set"], reference_group="gekozen") == []


def test_countries_and_years_do_not_mix() -> None:
    scores, costs = simulated(1, 6)
    rows = [
        {
            "region_code": f"{prefix}{place:04d}",
            "country_code": country,
            "fiscal_year": year,
            "item": "a",
            "eur_per_inhabitant": costs[place, 0],
        }
        for prefix, country in (("GM", "NL01"), ("VB", "VB00"))
        for year in (2022, 2023)
        for place in range(6)
    ]
    structure = [
        {"region_code": f"{prefix}{place:04d}", "fiscal_year": year, "characteristic": name, "modelled_value": value}
        for prefix in ("GM", "VB")
        for year in (2022, 2023)
        for place in range(6)
        for name, value in zip(("oud", "rijk", "groot"), scores[place] + (year == 2023) * place, strict=True)
    ]
    made = benchmark(
        pa.Table.from_pylist(rows, schema=COSTS),
        pa.Table.from_pylist(structure, schema=STRUCTURE),
        GROUPS,
        pa.Table.from_pylist([], schema=MEMBERS),
        CHARACTERISTICS,
        NAMES,
    )
    members = made["reference_member"].to_pylist()
    assert len(members) == 2 * 2 * 6 * 2
    assert all(row["region_code"][:2] == row["member_code"][:2] for row in members)


def test_nothing_declared_and_nothing_loaded_give_empty_tables() -> None:
    made = benchmark(
        COSTS.empty_table(),
        STRUCTURE.empty_table(),
        GROUPS,
        MEMBERS.empty_table(),
        CHARACTERISTICS.slice(0, 0),
        NAMES.slice(0, 0),
    )
    assert {name: table.num_rows for name, table in made.items()} == dict.fromkeys(SCHEMAS, 0)
    scores, costs = simulated(1, 60)
    assert tables(scores, costs, groups=GROUPS.slice(0, 0))["reference_set"] == []
