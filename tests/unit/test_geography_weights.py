"""The weights that put figures on the borders of one year: exact on small histories, and on the real one."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.geography.history import History, parse_history
from pipelines.geography.weights import region_weights, unmapped_regions
from tests.histories import FIRST, LAST, Country, began, countries, ended, history_of, told


def weights_of(history: History, year: int) -> dict[tuple[str, str], float]:
    table = region_weights(history, year)
    keys = zip(table["from_code"].to_pylist(), table["to_code"].to_pylist(), strict=True)
    return dict(zip(keys, table["weight"].to_pylist(), strict=True))


def harmonised(values: pa.Table, weights: pa.Table) -> pa.Table:
    """Sums of `value` per region_code on the weights' borders."""
    joined = values.join(weights, keys="region_code", right_keys="from_code", join_type="inner")
    weighted = pa.table({"region_code": joined["to_code"], "value": pc.multiply(joined["value"], joined["weight"])})
    summed = weighted.group_by("region_code").aggregate([("value", "sum")])
    return summed.rename_columns(["region_code", "value"]).sort_by("region_code")


def test_a_municipality_that_is_valid_keeps_its_figures():
    assert weights_of(history_of(GM0001=began(1990)), 2020) == {("GM0001", "GM0001"): 1.0}


def test_a_split_follows_the_inhabitants():
    history = history_of(GM0001=ended(2021, ("0002", 30), ("0003", 10)), GM0002="", GM0003="")
    assert weights_of(history, 2021) == {
        ("GM0001", "GM0002"): 0.75,
        ("GM0001", "GM0003"): 0.25,
        ("GM0002", "GM0002"): 1.0,
        ("GM0003", "GM0003"): 1.0,
    }
    assert weights_of(history, 2020)["GM0001", "GM0001"] == 1.0


def test_shares_are_chained_and_paths_that_meet_are_added_up():
    history = history_of(
        GM0001=ended(2015, ("0002", 1), ("0003", 1)),
        GM0002=ended(2018, ("0004", 1), ("0005", 3)),
        GM0003=ended(2020, ("0005", 5)),
        GM0004=began(2018),
        GM0005="",
    )
    found = weights_of(history, 2026)
    assert found["GM0001", "GM0004"] == 0.125
    assert found["GM0001", "GM0005"] == 0.875
    assert weights_of(history, 2018)["GM0001", "GM0003"] == 0.5


def test_a_rename_takes_everything_along_even_on_the_day_of_a_merger():
    history = history_of(
        GM0001=ended(2018, ("0002", 50)),
        GM0002="Naamswijziging per 01-01-2018,\nnieuwe naam: Nieuw (GM0003)\n",
        GM0003=f"Naamswijziging per 01-01-2018,\noude naam: Naam GM0002 (GM0002)\n{began(2018)}",
    )
    assert weights_of(history, 2018) == {
        ("GM0001", "GM0003"): 1.0,
        ("GM0002", "GM0003"): 1.0,
        ("GM0003", "GM0003"): 1.0,
    }


def test_a_merger_in_the_middle_of_a_year_counts_from_the_next_first_of_january():
    history = history_of(
        GM0457="Opgeheven per 24-03-2022, overgegaan naar:\n- Naam (GM0363),\n... 20766 inwoners", GM0363=""
    )
    assert ("GM0457", "GM0457") in weights_of(history, 2022)
    assert ("GM0457", "GM0363") in weights_of(history, 2023)


def test_a_boundary_correction_between_municipalities_that_stay_moves_no_figures():
    history = history_of(
        GM0001="Grenswijziging per 01-01-2017, overgegaan naar:\n- Naam (GM0002),\n... 1033 inwoners",
        GM0002="",
    )
    assert weights_of(history, 2020)["GM0001", "GM0001"] == 1.0


def test_without_inhabitants_the_dwellings_decide_and_without_those_the_hectares():
    text = "Opgeheven per 01-01-2020, overgegaan naar:\n- A (GM0002),\n... {}\n- B (GM0003),\n... {}\n"
    by_dwellings = text.format("9 hectare met 1 woning en 0 inwoners", "1 hectare met 3 woningen en 0 inwoners")
    by_hectares = text.format("9 hectare met 1 woning", "1 hectare met 3 inwoners")
    for description, expected in [(by_dwellings, 0.25), (by_hectares, 0.9)]:
        found = weights_of(history_of(GM0001=description, GM0002="", GM0003=""), 2020)
        assert found["GM0001", "GM0002"] == pytest.approx(expected, abs=1e-15)


def test_a_split_that_nothing_decides_is_an_error_and_no_guess():
    history = history_of(GM0001=ended(2020, ("0002", None), ("0003", None)), GM0002="", GM0003="")
    with pytest.raises(ValueError, match="found no inhabitants, dwellings or hectares for every part of GM0001"):
        region_weights(history, 2020)
    assert weights_of(history, 2019)["GM0001", "GM0001"] == 1.0


def test_a_circle_of_successors_is_an_error_that_names_it():
    history = history_of(
        GM0001=ended(2015, ("0002", 1)),
        GM0002=ended(2016, ("0003", 1)),
        GM0003=ended(2017, ("0002", 1)),
    )
    with pytest.raises(ValueError, match=r"found GM000([23]) > GM000[23] > GM000\1 succeeding each other"):
        region_weights(history, 2020)
    assert weights_of(history, 2015)["GM0001", "GM0002"] == 1.0


def test_a_municipality_that_began_later_is_not_mapped_backwards():
    history = history_of(GM0001=ended(2021, ("0002", 5)), GM0002=began(2021))
    assert weights_of(history, 2020) == {("GM0001", "GM0001"): 1.0}
    assert unmapped_regions(history, 2020).to_pylist() == [
        {
            "region_code": "GM0002",
            "region_name": "Naam GM0002",
            "reference_year": 2020,
            "because": "bestaat pas sinds 2021-01-01",
        }
    ]
    assert unmapped_regions(history, 2021).num_rows == 0


def test_a_code_whose_successors_are_unknown_is_unmapped_and_so_is_what_went_into_it():
    history = history_of(
        GM0001=ended(2015, ("0002", 1), ("0003", 1)),
        GM0002="Opgeheven per 01-01-2016",
        GM0003="",
        GM0004=ended(2015, ("0999", 1)),
    )
    assert set(weights_of(history, 2020)) == {("GM0003", "GM0003")}
    unmapped = unmapped_regions(history, 2020)
    assert unmapped["region_code"].to_pylist() == ["GM0001", "GM0002", "GM0004"]
    assert "zonder dat de bron een opvolger noemt" in unmapped["because"][1].as_py()


def test_a_part_without_anything_in_it_gets_no_weight_and_spoils_nothing():
    history = history_of(GM0001=ended(2015, ("0002", 8), ("0999", 0)), GM0002="")
    assert weights_of(history, 2020)["GM0001", "GM0002"] == 1.0


def test_larger_areas_go_to_themselves():
    found = weights_of(history_of(NL01="", PV20="PV = Provincie", VB00=""), 2026)
    assert found == {("NL01", "NL01"): 1.0, ("PV20", "PV20"): 1.0, ("VB00", "VB00"): 1.0}


def test_a_year_before_the_source_begins_is_refused():
    with pytest.raises(ValueError, match="found 1987, expected 1988 or later"):
        region_weights(history_of(GM0001=""), 1987)


# --- any chain of mergers and splits -----------------------------------------------------------------------


def counts(codes: list[str]) -> pa.Table:
    """A different count for every code."""
    return pa.table({"region_code": [f"GM{code}" for code in codes], "value": [float(int(c) ** 3) for c in codes]})


@settings(max_examples=60, deadline=None)
@given(countries(), st.integers(FIRST, LAST))
def test_weights_add_up_to_one_and_lead_to_valid_municipalities_only(country: Country, year: int):
    history = told(country)
    weights = region_weights(history, year)
    totals = weights.group_by("from_code").aggregate([("weight", "sum")])["weight_sum"].to_numpy()
    assert np.abs(totals - 1).max() <= 1e-12
    assert set(weights["to_code"].to_pylist()) == {f"GM{code}" for code in country.living_on[year]}
    mapped, unmapped = (
        weights["from_code"].to_pylist(),
        unmapped_regions(history, year)["region_code"].to_pylist(),
    )
    assert not set(mapped) & set(unmapped)
    assert set(mapped) | set(unmapped) == {f"GM{code}" for code in country.texts}


@settings(max_examples=60, deadline=None)
@given(countries(), st.integers(FIRST, LAST), st.integers(FIRST, LAST))
def test_totals_survive_and_harmonising_twice_or_in_steps_changes_nothing(
    country: Country, one_year: int, another_year: int
):
    published, reference = sorted((one_year, another_year))
    weights = region_weights(told(country), reference)
    values = counts(country.living_on[published])
    once = harmonised(values, weights)
    assert pc.sum(once["value"]).as_py() == pytest.approx(pc.sum(values["value"]).as_py(), rel=1e-12)
    assert harmonised(once, weights).equals(once)
    last = region_weights(told(country), LAST)
    direct, stepwise = harmonised(values, last), harmonised(once, last)
    assert direct["region_code"].equals(stepwise["region_code"])
    assert np.allclose(direct["value"].to_numpy(), stepwise["value"].to_numpy(), rtol=1e-12, atol=0)


# --- the real history --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def table_folder(shared_data: Path) -> Path:
    return shared_data / "cbs_v4" / "03759ned"


@pytest.fixture(scope="module")
def real_history(table_folder: Path) -> History:
    return parse_history(json.loads((table_folder / "codes-RegioS.json").read_text(encoding="utf-8"))["value"])


@pytest.mark.shared_data
def test_haaren_is_divided_by_its_inhabitants(real_history: History):
    found = weights_of(real_history, 2026)
    total = 5827 + 4900 + 2149 + 1442
    for code, inhabitants in [("GM0824", 5827), ("GM0865", 4900), ("GM0757", 2149), ("GM0855", 1442)]:
        assert found["GM0788", code] == pytest.approx(inhabitants / total, abs=1e-15)


@pytest.mark.shared_data
def test_all_ninety_codes_abolished_since_2014_resolve_to_their_successors(real_history: History):
    municipal = pc.equal(real_history.regions["region_type"], "gemeente")
    ended_since = pc.greater_equal(real_history.regions["valid_to"], dt.date(2014, 1, 1))
    gone = real_history.regions.filter(pc.and_(municipal, pc.fill_null(ended_since, False)))
    assert gone.num_rows == 90
    weights = region_weights(real_history, 2026)
    theirs = weights.filter(pc.is_in(weights["from_code"], value_set=gone["region_code"].combine_chunks()))
    totals = theirs.group_by("from_code").aggregate([("weight", "sum")])
    assert totals.num_rows == 90
    assert np.abs(totals["weight_sum"].to_numpy() - 1).max() <= 1e-12
    valid = real_history.valid_on(dt.date(2026, 1, 1))["region_code"].to_pylist()
    assert set(theirs["to_code"].to_pylist()) <= set(valid)
    parts: dict[str, int] = {}
    for code in theirs["from_code"].to_pylist():
        parts[code] = parts.get(code, 0) + 1
    divided = {"GM0051": 2, "GM0053": 2, "GM0055": 4, "GM0140": 3, "GM0788": 4, "GM1671": 2}
    assert {code: number for code, number in parts.items() if number > 1} == divided


@pytest.mark.shared_data
@pytest.mark.parametrize("year", [1988, 2000, 2016, 2022, 2026])
def test_every_real_municipality_has_weights_that_add_up_to_one(real_history: History, year: int):
    weights = region_weights(real_history, year)
    totals = weights.group_by("from_code").aggregate([("weight", "sum")])
    assert np.abs(totals["weight_sum"].to_numpy() - 1).max() <= 1e-12
    mapped = set(totals["from_code"].to_pylist())
    existed = real_history.regions.filter(
        pc.and_(
            pc.equal(real_history.regions["region_type"], "gemeente"),
            pc.fill_null(pc.less_equal(real_history.regions["valid_from"], dt.date(year, 1, 1)), True),
        )
    )
    assert set(existed["region_code"].to_pylist()) <= mapped


@pytest.mark.shared_data
def test_only_the_register_of_persons_has_no_place_on_the_borders_of_2026(real_history: History):
    assert unmapped_regions(real_history, 2026)["region_code"].to_pylist() == ["GM0997"]


@pytest.mark.shared_data
def test_the_real_population_keeps_its_national_total_on_the_borders_of_2026(real_history: History, table_folder: Path):
    page = json.loads((table_folder / "observations-page-1.json").read_text(encoding="utf-8"))["value"]
    population = pa.Table.from_pylist(
        [
            {"year": one["Perioden"][:4], "region_code": one["RegioS"].strip(), "value": float(one["Value"])}
            for one in page
            if one["Measure"] == "M000352" and one["Value"] is not None and one["RegioS"][:2] in ("GM", "NL")
        ]
    )
    weights = region_weights(real_history, 2026)
    valid = set(real_history.valid_on(dt.date(2026, 1, 1))["region_code"].to_pylist())
    for year in map(str, range(2019, 2027)):
        of_year = population.filter(pc.equal(population["year"], year)).drop_columns("year")
        country = of_year.filter(pc.equal(of_year["region_code"], "NL01"))["value"][0].as_py()
        municipalities = of_year.filter(pc.not_equal(of_year["region_code"], "NL01"))
        on_2026 = harmonised(municipalities, weights)
        assert pc.sum(municipalities["value"]).as_py() == country
        assert pc.sum(on_2026["value"]).as_py() == pytest.approx(country, abs=1e-6)
        assert set(on_2026["region_code"].to_pylist()) == valid
