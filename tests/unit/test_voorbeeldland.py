"""Voorbeeldland: the same bytes again, the shape that CBS has, and a truth that the figures bear out."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections import Counter
from fnmatch import fnmatch
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import polars as pl
import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelines.declarations.source import CbsV4Connector, CbsV4Reader, Source
from pipelines.voorbeeldland import costs, country, counts, generate, plan, wijken
from pipelines.voorbeeldland.chance import Chance, FloatArray
from pipelines.voorbeeldland.country import NOTICE
from pipelines.voorbeeldland.subjects import SUBJECTS

PROJECT_ROOT = Path(__file__).resolve().parents[2]
BUNDLED = PROJECT_ROOT / "sources" / "sample" / "voorbeeldland"
CATALOGUE = PROJECT_ROOT / "sources" / "catalogue"
PERIODS = [f"{year}H{half}" for year in range(2015, 2025) for half in (1, 2)]
TABLES = {"VB00NED": 1_342, "VB01NED": 9_756, "VB02NED": 4_880, "VB03NED": 4_880, "VB05NED": 488}
DECLARED = {
    "vb_bevolking": "VB00NED",
    "vb_wmo": "VB01NED",
    "vb_jeugd": "VB02NED",
    "vb_participatie": "VB03NED",
    "vb_wmo_kerncijfers": "VB05NED",
}
FUSION = "ambtelijke_fusie"


def resource(table: str, name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((BUNDLED / "cbs_v4" / table / f"{name}.json").read_bytes())
    return content


def codes(table: str, name: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = resource(table, f"{name}Codes")["value"]
    return items


def pages(table: str) -> list[dict[str, Any]]:
    """The pages of a table as a client meets them: each next one by the link of the one before."""
    found = [resource(table, "Observations")]
    while link := found[-1].get("@odata.nextLink"):
        address = urlsplit(link)
        assert address.path == f"/odata/v1/CBS/{table}/Observations"
        assert address.netloc == "datasets.cbs.nl"
        found.append(resource(table, f"Observations-skip-{parse_qs(address.query)['$skip'][0]}"))
    return found


def observations(table: str) -> list[dict[str, Any]]:
    return [row for page in pages(table) for row in page["value"]]


@pytest.fixture(scope="module")
def truth() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((BUNDLED / "truth.json").read_bytes())
    return content


@pytest.fixture(scope="module")
def published() -> pl.DataFrame:
    """The eight indicators in their own tables: indicator_id, region, period, attribute, value."""
    names = {s.dimension_code or s.measure: s.indicator_id for s in SUBJECTS}
    keys = {"VB01NED": "TypeMaatwerkarrangement", "VB02NED": "Verblijf", "VB03NED": "Measure"}
    return pl.concat(
        pl.DataFrame(observations(table), infer_schema_length=None).select(
            pl.col(key).replace_strict(names).alias("indicator_id"),
            pl.col("RegioS").alias("region"),
            pl.col("Perioden").str.replace("HJ0", "H").alias("period"),
            pl.col("ValueAttribute").alias("attribute"),
            pl.col("Value").cast(pl.Int64).alias("value"),
        )
        for table, key in keys.items()
    )


def series(published: pl.DataFrame, indicator_id: str, region: str) -> FloatArray:
    """The 20 published values of one series; NaN where there is none."""
    chosen = published.filter(pl.col("indicator_id") == indicator_id, pl.col("region") == region)
    values = dict(zip(chosen["period"].to_list(), chosen["value"].to_list(), strict=True))
    return np.array([values.get(period) for period in PERIODS], dtype=np.float64)


def planted(truth: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [row for row in truth["planted"] if row["kind"] == kind]


def effect_seen(published: pl.DataFrame, row: dict[str, Any]) -> float:
    """How far the median of six periods moves, in per cent, relative to all municipalities together.

    Six and no more: a municipality has a slope of its own, which adds up over a longer stretch.
    """
    others = ~pl.col("region").is_in(["VB00", row["region_code"]])
    chosen = published.filter(pl.col("indicator_id") == row["indicator_id"], others)
    panel = chosen.group_by("period").agg(pl.col("value").sum()).sort("period")["value"].to_numpy()
    ratio = series(published, row["indicator_id"], row["region_code"]) / panel
    start = PERIODS.index(row["period_code"])
    before, after = np.median(ratio[max(start - 6, 0) : start]), np.median(ratio[start : start + 6])
    return float(100 * (after / before - 1))


class TestBytes:
    def test_generating_again_gives_the_bundled_bytes(self, tmp_path: Path) -> None:
        generate(tmp_path)
        made = {p.relative_to(tmp_path): p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
        bundled = {p.relative_to(BUNDLED): p.read_bytes() for p in BUNDLED.rglob("*") if p.is_file()}
        assert sorted(made) == sorted(bundled)
        assert [str(name) for name in made if made[name] != bundled[name]] == []

    def test_another_seed_gives_another_country(self, tmp_path: Path) -> None:
        generate(tmp_path, seed=7)
        other = (tmp_path / "cbs_v4" / "VB00NED" / "Observations.json").read_bytes()
        assert other != (BUNDLED / "cbs_v4" / "VB00NED" / "Observations.json").read_bytes()

    def test_a_page_left_by_a_longer_table_disappears(self, tmp_path: Path) -> None:
        left = tmp_path / "cbs_v4" / "VB05NED" / "Observations-skip-2500.json"
        left.parent.mkdir(parents=True)
        left.write_text("{}")
        generate(tmp_path)
        assert not left.exists()

    def test_the_module_runs_as_a_command(self, tmp_path: Path) -> None:
        command = [sys.executable, "-m", "pipelines.voorbeeldland", "--out", str(tmp_path)]
        subprocess.run(command, check=True, cwd=PROJECT_ROOT)
        assert (tmp_path / "truth.csv").read_bytes() == (BUNDLED / "truth.csv").read_bytes()

    def test_no_file_above_600_kb_and_the_whole_below_5_mb(self) -> None:
        sizes = [path.stat().st_size for path in BUNDLED.rglob("*") if path.is_file()]
        assert max(sizes) < 600_000
        assert sum(sizes) < 5_000_000

    @pytest.mark.parametrize("table", TABLES)
    def test_every_observation_stands_on_a_line_of_its_own(self, table: str) -> None:
        text = (BUNDLED / "cbs_v4" / table / "Observations.json").read_text(encoding="utf-8")
        assert text.count('\n{"Id":') == len(resource(table, "Observations")["value"])
        assert "\r" not in text


class TestChance:
    def test_poisson_counts_have_the_quantiles_of_a_poisson(self) -> None:
        from scipy.stats import poisson

        levels = (0.01, 0.1, 0.5, 0.9, 0.99)
        for mean in (10.0, 40.0, 300.0, 8_000.0):
            drawn = Chance(1, f"mean {mean}").poisson(np.full(200_000, mean))
            allowed = 1 + 0.02 * np.sqrt(mean)
            assert np.abs(np.quantile(drawn, levels) - poisson.ppf(levels, mean)).max() <= allowed

    def test_a_purpose_has_a_stream_of_its_own(self) -> None:
        assert not np.array_equal(Chance(1, "one").uniform(5), Chance(1, "other").uniform(5))
        assert np.array_equal(Chance(1, "one").uniform(5), Chance(1, "one").uniform(5))

    def test_the_first_numbers_of_a_stream_are_fixed(self) -> None:
        assert Chance(2015, "population").uniform(2).tolist() == pytest.approx([0.6214432655, 0.2483249914], abs=1e-9)


class TestWireFormat:
    @pytest.mark.parametrize(("table", "rows"), TABLES.items())
    def test_pages_hold_2500_rows_and_add_up_to_the_count(self, table: str, rows: int) -> None:
        sizes = [len(page["value"]) for page in pages(table)]
        assert sum(sizes) == rows == resource(table, "Properties")["ObservationCount"]
        assert all(size == 2_500 for size in sizes[:-1])
        assert 0 < sizes[-1] <= 2_500
        files = list((BUNDLED / "cbs_v4" / table).glob("Observations*.json"))
        assert len(files) == len(sizes)

    @pytest.mark.parametrize("table", TABLES)
    def test_ids_and_keys_are_unique_and_codes_are_known_and_trimmed(self, table: str) -> None:
        rows = observations(table)
        assert len({row["Id"] for row in rows}) == len(rows)
        dimensions = [d["Identifier"] for d in resource(table, "Dimensions")["value"]]
        keys = {(row["Measure"], *(row[name] for name in dimensions)) for row in rows}
        assert len(keys) == len(rows)
        for name, column in [("Measure", "Measure"), *((d, d) for d in dimensions)]:
            listed = [code["Identifier"] for code in codes(table, name)]
            assert len(set(listed)) == len(listed)
            assert all(code == code.strip() for code in listed)
            assert {row[column] for row in rows} == set(listed)

    @pytest.mark.parametrize("table", TABLES)
    def test_a_value_is_missing_exactly_where_the_attribute_says_so(self, table: str) -> None:
        rows = observations(table)
        assert {row["ValueAttribute"] for row in rows} <= {"None", "Impossible", "Confidential"}
        assert all((row["Value"] is None) == (row["ValueAttribute"] != "None") for row in rows)
        assert all(row["StringValue"] is None for row in rows)

    def test_figures_are_fives_from_ten_up_and_small_ones_are_confidential(self, published: pl.DataFrame) -> None:
        values = published["value"].drop_nulls()
        assert (values % 5 == 0).all()
        assert values.min() == 10
        assert published.filter(pl.col("attribute") == "Confidential").height > 20

    @pytest.mark.parametrize("table", ["VB01NED", "VB02NED", "VB03NED", "VB05NED"])
    def test_only_the_last_year_is_provisional(self, table: str) -> None:
        provisional = {p["Identifier"] for p in codes(table, "Perioden") if p["Status"] == "Voorlopig"}
        assert provisional == {"2024HJ01", "2024HJ02"}
        assert {p["Status"] for p in codes(table, "Perioden")} == {"Voorlopig", "Definitief"}

    @pytest.mark.shared_data
    @pytest.mark.parametrize(
        ("ours", "real"),
        [
            ("Dimensions", "dimensions"),
            ("MeasureCodes", "measure-codes"),
            ("RegioSCodes", "codes-RegioS"),
            ("PeriodenCodes", "codes-Perioden"),
        ],
    )
    def test_items_have_the_fields_of_real_answers(self, shared_data: Path, ours: str, real: str) -> None:
        answer = json.loads((shared_data / "cbs_v4" / "03759ned" / f"{real}.json").read_bytes())
        made = resource("VB00NED", ours)
        assert list(made) == list(answer)
        assert {tuple(item) for item in made["value"]} <= {tuple(item) for item in answer["value"]}

    @pytest.mark.shared_data
    def test_observations_have_the_fields_of_real_ones_in_their_order(self, shared_data: Path) -> None:
        answer = json.loads((shared_data / "cbs_v4" / "03759ned" / "observations-page-1.json").read_bytes())
        dropped = {"BurgerlijkeStaat", "Geslacht", "Leeftijd"}
        fields = [name for name in answer["value"][0] if name not in dropped]
        assert list(observations("VB00NED")[0]) == fields
        properties = json.loads((shared_data / "cbs_v4" / "03759ned" / "properties.json").read_bytes())
        assert set(resource("VB00NED", "Properties")) <= set(properties)


class TestFictional:
    def test_every_name_ends_in_vb(self) -> None:
        for table in TABLES:
            names = [r["Title"] for r in codes(table, "RegioS") if r["Identifier"] != "VB00"]
            assert len(set(names)) == 121
            assert all(name.endswith(" (VB)") for name in names)

    @pytest.mark.shared_data
    def test_no_name_is_that_of_a_real_municipality(self, shared_data: Path) -> None:
        answer = json.loads((shared_data / "cbs_v4" / "03759ned" / "codes-RegioS.json").read_bytes())
        real = {region["Title"].split(" (")[0].strip().casefold() for region in answer["value"]}
        ours = {region["Title"].removesuffix(" (VB)").casefold() for region in codes("VB00NED", "RegioS")}
        assert len(real) > 800
        assert not ours & real

    @pytest.mark.parametrize("table", TABLES)
    def test_every_description_says_that_it_is_fictional(self, table: str) -> None:
        dimensions = [d["Identifier"] for d in resource(table, "Dimensions")["value"]]
        listed = [item for name in (*dimensions, "Measure") for item in codes(table, name)]
        described = [*listed, *resource(table, "Dimensions")["value"], resource(table, "Properties")]
        assert all(NOTICE in item["Description"] for item in described)
        assert "fictief voorbeeld" in resource(table, "Properties")["Title"]
        assert "CBS" not in resource(table, "Properties")["Source"]


class TestCountry:
    def test_population_is_between_5000_and_400000_and_the_country_is_its_sum(self) -> None:
        rows = pl.DataFrame(observations("VB00NED"), infer_schema_length=None)
        municipal = rows.filter(pl.col("RegioS") != "VB00")
        assert municipal["Value"].drop_nulls().is_between(5_000, 400_000).all()
        summed = municipal.group_by("Perioden").agg(pl.col("Value").sum()).sort("Perioden")
        whole = rows.filter(pl.col("RegioS") == "VB00").sort("Perioden")
        assert summed["Value"].to_list() == whole["Value"].to_list()
        assert whole["Perioden"].to_list() == [f"{year}JJ00" for year in range(2015, 2026)]

    def test_national_figures_are_close_to_but_not_the_sum_of_the_published_ones(
        self, published: pl.DataFrame, truth: dict[str, Any]
    ) -> None:
        mistyped = [row["indicator_id"] for row in planted(truth, "factor_10")]
        rows = published.filter(~pl.col("indicator_id").is_in(mistyped), pl.col("period") != "2020H1")
        keys = ["indicator_id", "period"]
        summed = rows.filter(pl.col("region") != "VB00").group_by(keys).agg(pl.col("value").sum())
        whole = rows.filter(pl.col("region") == "VB00")
        both = whole.join(summed, on=keys, suffix="_summed")
        assert both.height == 7 * 19
        difference = (both["value"] / both["value_summed"] - 1).abs()
        assert (difference < 0.01).all()
        assert (both["value"] != both["value_summed"]).any()

    def test_municipalities_are_impossible_outside_their_lifetime_and_nowhere_else(
        self, published: pl.DataFrame, truth: dict[str, Any]
    ) -> None:
        impossible = published.filter(pl.col("attribute") == "Impossible")
        cells = Counter(zip(impossible["region"], impossible["period"] < "2019H1", strict=True))
        old_1, old_2 = truth["herindeling"]["from_codes"]
        new = truth["herindeling"]["to_code"]
        assert cells == {(old_1, False): 12 * 8, (old_2, False): 12 * 8, (new, True): 8 * 8}

    def test_the_region_prose_tells_the_herindeling_with_the_inhabitants_that_moved(
        self, truth: dict[str, Any]
    ) -> None:
        described = {r["Identifier"]: r["Description"] for r in codes("VB00NED", "RegioS")}
        merger = truth["herindeling"]
        for code in merger["from_codes"]:
            assert "Opgeheven per 01-01-2019, overgegaan naar:\r\n- Tweelanden (VB) (VB0121),\r\n" in (described[code])
            assert f"woningen en {merger['inhabitants'][code]} inwoners" in described[code]
            assert f"({code}),\r\n" in described[merger["to_code"]]
            assert f"{merger['inhabitants'][code]} inwoners" in described[merger["to_code"]]
        assert "Ontstaan per 01-01-2019, ontvangen van:\r\n" in described[merger["to_code"]]
        assert described[merger["to_code"]].endswith("Begindatum 01-01-2019\r\n")
        others = set(described) - {*merger["from_codes"], merger["to_code"], "VB00"}
        assert all(described[code].endswith("\r\n\r\nBegindatum voor 1830\r\n") for code in others)
        population = {(row["RegioS"], row["Perioden"]): row["Value"] for row in observations("VB00NED")}
        assert population[merger["to_code"], "2019JJ00"] == sum(
            merger["inhabitants"][code] for code in merger["from_codes"]
        )

    def test_the_merged_municipality_is_the_sum_of_its_parts_before(
        self, truth: dict[str, Any], published: pl.DataFrame
    ) -> None:
        first, second = truth["herindeling"]["from_codes"]
        new = truth["herindeling"]["to_code"]
        before = {
            (row["indicator_id"], row["region_code"]): np.array(row["counts"])
            for row in truth["counts_before_herindeling"]
        }
        for subject in SUBJECTS:
            name = subject.indicator_id
            assert (before[name, first] + before[name, second] == before[name, new]).all()
            for code in (first, second):
                pairs = zip(before[name, code], series(published, name, code)[:8], strict=True)
                assert all(true < 10 if np.isnan(shown) else abs(shown - true) <= 2 for true, shown in pairs)
            joined = np.append(before[name, new], series(published, name, new)[8:])
            assert 0.75 < np.median(joined[8:12]) / np.median(joined[4:8]) < 1.3


class TestTruth:
    def test_the_two_truth_files_say_the_same(self, truth: dict[str, Any]) -> None:
        with (BUNDLED / "truth.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        listed = [{k: "" if v is None else str(v) for k, v in row.items()} for row in truth["planted"]]
        assert rows == listed

    def test_each_kind_is_planted_as_often_as_promised(self, truth: dict[str, Any]) -> None:
        assert Counter(row["kind"] for row in truth["planted"]) == {
            "large": 10,
            "small": 6,
            FUSION: 16,
            "herindeling": 9,
            "non_delivery": 4,
            "factor_10": 1,
            "conflict": 1,
        }

    def test_each_kind_has_municipalities_of_its_own(self, truth: dict[str, Any]) -> None:
        places = {(row["region_code"], row["kind"]) for row in truth["planted"]}
        assert len({region for region, _ in places}) == len(places)
        merged = truth["herindeling"]["from_codes"]
        assert not {region for region, _ in places} & set(merged)
        shifted = [row["region_code"] for kind in ("large", "small") for row in planted(truth, kind)]
        assert len(set(shifted)) == 16

    def test_large_shifts_are_large_spread_and_well_inside_long_series(
        self, truth: dict[str, Any], published: pl.DataFrame
    ) -> None:
        rows = planted(truth, "large")
        assert all(30 <= abs(row["effect_pct"]) <= 60 for row in rows)
        assert {row["indicator_id"] for row in rows} == {s.indicator_id for s in SUBJECTS}
        assert len({row["period_code"] for row in rows}) == 10
        assert sum(row["effect_pct"] > 0 for row in rows) == 5
        assert all(4 <= PERIODS.index(row["period_code"]) <= 16 for row in rows)
        assert all(row["event_id"] is None for row in rows)
        medians = [np.median(series(published, row["indicator_id"], row["region_code"])) for row in rows]
        assert min(medians) > 200

    def test_small_shifts_are_between_10_and_15_per_cent(self, truth: dict[str, Any]) -> None:
        assert all(10 <= abs(row["effect_pct"]) <= 15 for row in planted(truth, "small"))

    @pytest.mark.parametrize(("kind", "tolerance"), [("large", 10), (FUSION, 15), ("small", 10)])
    def test_a_planted_shift_is_seen_in_the_figures(
        self, truth: dict[str, Any], published: pl.DataFrame, kind: str, tolerance: int
    ) -> None:
        off = {
            (row["indicator_id"], row["region_code"]): effect_seen(published, row) - row["effect_pct"]
            for row in planted(truth, kind)
        }
        assert {key: value for key, value in off.items() if abs(value) > tolerance} == {}

    def test_a_clean_series_shows_no_such_shift(self, truth: dict[str, Any], published: pl.DataFrame) -> None:
        clean = [
            (row["indicator_id"], row["region_code"])
            for row in truth["series"]
            if row["clean"] and row["indicator_id"] != "bevolking" and row["region_code"] != "VB0121"
        ]
        large = [key for key in clean if np.median(series(published, *key)) > 200]
        assert len(large) > 400
        seen = [
            abs(effect_seen(published, {"indicator_id": name, "region_code": code, "period_code": "2020H1"}))
            for name, code in large[::10]
        ]
        assert max(seen) < 15

    def test_the_fusion_moves_its_four_members_the_same_way(self, truth: dict[str, Any]) -> None:
        rows = planted(truth, FUSION)
        members = truth["groups"]["SV-VB-VIERSTROMEN"]
        numbers = [int(code.removeprefix("VB")) for code in members]
        assert numbers == list(range(numbers[0], numbers[0] + 4))
        assert {row["region_code"] for row in rows} == set(members)
        assert {row["period_code"] for row in rows} == {"2018H1"}
        assert {row["event_id"] for row in rows} == {"vb_fusie_vierstromen"}
        assert all(25 <= row["effect_pct"] <= 45 or -35 <= row["effect_pct"] <= -25 for row in rows)
        directions = {(row["indicator_id"], row["effect_pct"] > 0) for row in rows}
        assert len(directions) == 4

    def test_the_non_delivery_leaves_no_row_and_is_the_only_hole(
        self, truth: dict[str, Any], published: pl.DataFrame
    ) -> None:
        rows = planted(truth, "non_delivery")
        region = rows[0]["region_code"]
        wmo = published.filter(pl.col("indicator_id").str.starts_with("wmo_"))
        assert wmo.filter(pl.col("region") == region, pl.col("period") == "2020H1").is_empty()
        assert {row["period_code"] for row in rows} == {"2020H1"}
        assert published.height == 8 * 122 * 20 - 4
        holes = set(range(4 * 122 * 20)) - {row["Id"] for row in observations("VB01NED")}
        assert len(holes) == 4

    def test_the_factor_ten_stands_in_one_period_alone(self, truth: dict[str, Any], published: pl.DataFrame) -> None:
        (row,) = planted(truth, "factor_10")
        values = series(published, row["indicator_id"], row["region_code"])
        ratio = values / np.median(values)
        where = PERIODS.index(row["period_code"])
        assert 8 < ratio[where] < 12
        assert np.delete(ratio, where).max() < 1.5

    def test_the_two_tables_on_household_help_differ_in_one_cell_by_a_fifth(
        self, truth: dict[str, Any], published: pl.DataFrame
    ) -> None:
        household = published.filter(
            pl.col("indicator_id") == "wmo_hulp_bij_het_huishouden", pl.col("period") >= "2023H1"
        )
        keys = {(r["RegioS"], r["Perioden"].replace("HJ0", "H")): r["Value"] for r in observations("VB05NED")}
        pairs = [
            (region, period, value, keys[region, period])
            for region, period, value in household.select("region", "period", "value").iter_rows()
        ]
        assert len(pairs) == 122 * 4
        ((region, period, first, second),) = [pair for pair in pairs if pair[2] != pair[3]]
        (row,) = planted(truth, "conflict")
        assert (region, period) == (row["region_code"], row["period_code"])
        assert first and second and 0.18 < second / first - 1 < 0.22

    def test_every_series_is_listed_once_and_is_clean_unless_disturbed(self, truth: dict[str, Any]) -> None:
        listed = {(row["indicator_id"], row["region_code"]): row for row in truth["series"]}
        assert len(listed) == len(truth["series"]) == 9 * 119
        disturbed = {
            (row["indicator_id"], row["region_code"]) for row in truth["planted"] if row["kind"] != "herindeling"
        }
        assert {key for key, row in listed.items() if not row["clean"]} == disturbed
        assert all((row["because"] is None) == row["clean"] for row in listed.values())


class TestAnySeed:
    # the seed of a country whose largest municipality would outgrow the largest there is
    @example(1361)
    @settings(max_examples=15, deadline=None)
    @given(st.integers(min_value=0, max_value=10_000))
    def test_a_seed_gives_a_sound_plan_or_says_why_not(self, seed: int) -> None:
        try:
            land = country.found(seed)
            undisturbed = counts.expected(land, seed)
            made = plan.made(land, undisturbed, seed)
        except ValueError as error:
            assert str(error).startswith(f"seed {seed}: found no ")
            return
        assert len(made.of_kind("large")) == 10
        assert land.population[:-1].min() >= 5_000
        assert land.population[:-1].max() <= 400_000
        true = counts.drawn(undisturbed * made.level_factors(undisturbed.shape), land, seed)
        assert (true[:, land.merged] == true[:, land.parts[0]] + true[:, land.parts[1]]).all()
        medians = [np.median(true[shift.subject, shift.region]) for shift in made.of_kind("large")]
        assert min(medians) > 200


class TestWijken:
    """One table a year about the wijken of three municipalities, without a period in it."""

    @pytest.mark.parametrize(("year", "table"), wijken.EDITIONS.items())
    def test_an_edition_has_regions_and_no_periods_and_measures_of_one_title_in_groups(
        self, year: int, table: str
    ) -> None:
        (dimension,) = resource(table, "Dimensions")["value"]
        assert (dimension["Identifier"], dimension["Kind"]) == ("WijkenEnBuurten", "GeoDimension")
        groups = {group["Id"]: group["Title"] for group in resource(table, "MeasureGroups")["value"]}
        titles = [(groups[one["MeasureGroupId"]], one["Title"]) for one in codes(table, "Measure")]
        assert Counter(title for _, title in titles) == {"Aantal personen": 3, "Per 1 000 inwoners": 2}
        assert len(set(titles)) == 5
        properties = resource(table, "Properties")
        assert properties["TemporalCoverage"] == str(year)
        assert properties["ObservationCount"] == len(observations(table)) == (9 + 27) * 5
        assert NOTICE.lower() in properties["Title"].lower()

    def test_one_wijk_keeps_its_number_under_another_name_and_one_its_name_under_another_number(self) -> None:
        names = {
            year: {one["Identifier"]: one["Title"] for one in codes(table, "WijkenEnBuurten")}
            for year, table in wijken.EDITIONS.items()
        }
        assert names[2022]["VBWK000202"] == "Haven (VB)"
        assert names[2023]["VBWK000202"] == names[2024]["VBWK000202"] == "Haven en Dijkzicht (VB)"
        assert names[2022]["VBWK000302"] == names[2023]["VBWK000302"] == names[2024]["VBWK000304"] == "Haven (VB)"
        assert "VBWK000304" not in names[2023] and "VBWK000302" not in names[2024]
        stays = set.intersection(*(set(of_year.items()) for of_year in names.values()))
        assert sum(code.startswith("VBWK") for code, _ in stays) == 7

    def test_a_wijk_that_keeps_its_name_keeps_about_its_size_and_its_use_whatever_its_number_becomes(self) -> None:
        figures: dict[tuple[str, str, str], dict[int, int]] = {}
        for year, table in wijken.EDITIONS.items():
            names = {one["Identifier"]: one["Title"] for one in codes(table, "WijkenEnBuurten")}
            for row in observations(table):
                code = row["WijkenEnBuurten"]
                if code.startswith("VBWK"):
                    figures.setdefault((code[:8], names[code], row["Measure"]), {})[year] = row["Value"]
        followed = [series for series in figures.values() if len(series) == 3]
        assert len(followed) == 8 * 5
        for series in followed:
            assert max(series.values()) - min(series.values()) <= 0.05 * max(series.values()) + 5

    @pytest.mark.parametrize(("year", "table"), wijken.EDITIONS.items())
    def test_wijken_are_rounded_and_nearly_add_up_to_their_municipality(self, year: int, table: str) -> None:
        rows = [
            row
            for row in observations(table)
            if row["Measure"] == "M900601" and row["WijkenEnBuurten"].startswith("VBWK")
        ]
        population = {
            row["RegioS"]: row["Value"] for row in observations("VB00NED") if row["Perioden"] == f"{year}JJ00"
        }
        assert len(rows) == 9 and all(row["Value"] % 5 == 0 for row in rows)
        for number in ("0001", "0002", "0003"):
            people = sum(row["Value"] for row in rows if row["WijkenEnBuurten"].startswith(f"VBWK{number}"))
            assert abs(people - population[f"VB{number}"]) <= 9

    @pytest.mark.parametrize("table", wijken.EDITIONS.values())
    def test_of_the_buurten_of_a_wijk_none_or_two_are_hidden_and_the_shown_do_not_tell_which_part_is_theirs(
        self, table: str
    ) -> None:
        values = {(row["WijkenEnBuurten"], row["Measure"]): row["Value"] for row in observations(table)}
        seen = set()
        for measure in ("M900601", "M900602", "M900604"):
            for wijk in {code for code, _ in values if code.startswith("VBWK")}:
                parts = [values[f"VBBU{wijk[4:]}{number}", measure] for number in ("01", "02", "03")]
                shown = [value for value in parts if value is not None]
                seen.add(len(shown))
                assert all(value >= 10 and value % 5 == 0 for value in shown)
                if len(shown) == 3:
                    assert abs(sum(shown) - values[wijk, measure]) <= 10
                else:
                    assert measure != "M900601" and values[wijk, measure] - sum(shown) >= 10
        assert seen == {1, 3}

    def test_the_declaration_names_every_edition_and_its_measures_with_their_groups(self) -> None:
        text = (PROJECT_ROOT / "sources" / "cbs" / "vb_wijken.yml").read_text(encoding="utf-8")
        source = Source.model_validate(yaml.safe_load(text))
        assert isinstance(source.connector, CbsV4Connector)
        assert dict(source.connector.editions) == {str(year): table for year, table in wijken.EDITIONS.items()}
        assert source.profiles == ("sample",) and source.origin.fictional and source.defines_neighbourhoods
        groups = {group["Id"]: group["Title"] for group in resource("VB24NED", "MeasureGroups")["value"]}
        items = {f"{groups[one['MeasureGroupId']]}: {one['Title']}" for one in codes("VB24NED", "Measure")}
        assert {series.item for series in source.series} | set(source.attributes) == items


class TestDeclarations:
    @pytest.mark.parametrize(("source_id", "table"), DECLARED.items())
    def test_a_declaration_is_valid_and_maps_every_item_of_its_table(self, source_id: str, table: str) -> None:
        text = (PROJECT_ROOT / "sources" / "cbs" / f"{source_id}.yml").read_text(encoding="utf-8")
        source = Source.model_validate(yaml.safe_load(text))
        assert source.source_id == source_id
        assert source.profiles == ("sample",)
        assert source.origin.fictional
        assert isinstance(source.connector, CbsV4Connector)
        assert source.connector.table == table
        assert isinstance(source.reader, CbsV4Reader)
        titles = {m["Identifier"]: m["Title"] for m in codes(table, "Measure")}
        items = {
            "|".join([titles[row["Measure"]], *(row[name] for name in source.reader.dimensions)])
            for row in observations(table)
        }
        assert {mapped.item for mapped in source.series} == items
        assert set(source.expected[0].items) == items
        # what was planted to be missing has no reason; that the series has ended is one
        assert [gap.periods for gap in source.known_gaps] == [("2026..",) if table == "VB00NED" else ("2025H1..",)]
        population = table == "VB00NED"
        assert (source.rounding, source.suppressed_below) == ((None, None) if population else (5, 10))
        assert str(source.origin.date_published) == resource(table, "Properties")["Modified"][:10]

    def test_series_map_to_the_indicators_of_the_truth(self, truth: dict[str, Any]) -> None:
        mapped = set()
        for source_id in DECLARED:
            text = (PROJECT_ROOT / "sources" / "cbs" / f"{source_id}.yml").read_text(encoding="utf-8")
            mapped |= {entry.indicator_id for entry in Source.model_validate(yaml.safe_load(text)).series}
        assert mapped == {row["indicator_id"] for row in truth["series"]}


class TestCatalogue:
    def test_groups_are_fictional_and_agree_with_the_truth(self, truth: dict[str, Any]) -> None:
        groups = yaml.safe_load((CATALOGUE / "regions_voorbeeldland.yml").read_text(encoding="utf-8"))
        assert all(group["is_fictional"] and group["region_type"] == "samenwerking" for group in groups)
        members = {group["code"]: group["members"] for group in groups}
        assert truth["groups"].items() <= members.items()

    def test_events_explain_what_was_planted_with_a_cause_and_nothing_else(self, truth: dict[str, Any]) -> None:
        events = yaml.safe_load((CATALOGUE / "events_voorbeeldland.yml").read_text(encoding="utf-8"))
        groups = yaml.safe_load((CATALOGUE / "regions_voorbeeldland.yml").read_text(encoding="utf-8"))
        members = {group["code"]: group["members"] for group in groups}
        explained: Counter[str] = Counter()
        for row in truth["planted"]:
            reaching = [
                event["event_id"]
                for event in events
                if row["region_code"] in {m for c in event["region_codes"] for m in members.get(c, [c])}
                and any(fnmatch(row["indicator_id"], pattern) for pattern in event["indicator_ids"])
            ]
            assert reaching == ([row["event_id"]] if row["event_id"] else [])
            explained.update(reaching)
        assert set(explained) == {"vb_fusie_vierstromen", "vb_herindeling_tweelanden"}
        assert len(events) == 4
        merger = next(event for event in events if event["kind"] == "herindeling")
        assert str(merger["effective_date"]) == truth["herindeling"]["effective_date"]
        assert set(merger["region_codes"]) == {
            *truth["herindeling"]["from_codes"],
            truth["herindeling"]["to_code"],
        }


class TestCosts:
    @staticmethod
    def read(kind: str, year: int) -> tuple[list[dict[str, str]], str]:
        text = (BUNDLED / kind / f"vb_{kind}_{year}.csv").read_text(encoding="utf-8")
        *lines, note = text.splitlines()
        return list(csv.DictReader(lines, delimiter=";")), note

    @pytest.mark.parametrize("kind", ["lasten", "structuur"])
    @pytest.mark.parametrize("year", costs.COST_YEARS)
    def test_every_municipality_is_there_and_the_file_says_that_it_is_fictional(self, kind: str, year: int) -> None:
        rows, note = self.read(kind, year)
        assert NOTICE in note
        each = Counter(row["Gemeente"] for row in rows)
        assert len(each) == 119
        assert set(each.values()) == {len(costs.TAAKVELDEN) if kind == "lasten" else 1}
        assert {row["Jaar"] for row in rows} == {str(year)}

    def test_one_books_its_youth_care_elsewhere_and_spends_as_much_in_all(self) -> None:
        rows, _ = self.read("lasten", 2023)
        amount = {(row["Gemeente"], row["Taakveld"]): float(row["Lasten x 1 000 euro"]) for row in rows}

        def share(code: str) -> float:
            return amount[code, "6.72"] / sum(amount[code, taakveld] for taakveld in ("6.72", "6.73", "6.74"))

        shares = {code: share(code) for code, _ in amount}
        assert shares.pop(costs.BOOKED_ELSEWHERE) > 0.9
        assert max(shares.values()) < 0.65

    def test_one_delivered_nothing_but_zeros_in_the_second_year(self) -> None:
        for year, silent in zip(costs.COST_YEARS, (set(), {costs.NOT_DELIVERED}), strict=True):
            rows, _ = self.read("lasten", year)
            delivered = {row["Gemeente"] for row in rows if row["Lasten x 1 000 euro"] != "0"}
            assert {row["Gemeente"] for row in rows} - delivered == silent
