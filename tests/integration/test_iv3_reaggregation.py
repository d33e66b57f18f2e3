"""Real accounts and budgets of the social domain, 2017-2024, brought to the municipalities of 2023.

The file goes the whole way: read as a declared delivery, told apart by report, held against the rule that nothing but
zeros is no delivery, harmonised and put into groups by the project's own SQL.

What it detects: money that gets lost or doubled on the way. The likely cause is a rule of the geography or of missing
members; the years and taakvelden that differ are named.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from pipelines.declarations.iv3 import indicator_of
from tests.iv3_accounts import TAAKVELDEN, YEARS, Brought, bring

pytestmark = pytest.mark.shared_data


@pytest.fixture(scope="module")
def brought(shared_data: Path) -> Brought:
    return bring(shared_data)


Cell = tuple[str, str, str]


def _values(table: pa.Table, *keys: str, **chosen: str) -> dict[tuple[str, ...], float | None]:
    for name, value in chosen.items():
        table = table.filter(pc.equal(table[name], value))
    return {tuple(row[key] for key in keys): row["value"] for row in table.select([*keys, "value"]).to_pylist()}


def _on_2023(brought: Brought, taakveld: str, report: str = "X005") -> dict[tuple[str, ...], float | None]:
    """Per region and year the euros on the borders of 2023."""
    indicator_id = indicator_of("lasten", taakveld, report)
    return _values(brought.harmonised, "region_code", "period_code", geography="2023", indicator_id=indicator_id)


def _status(brought: Brought, region: str, year: str, report: str, geography: str) -> set[str]:
    wanted = pa.array([indicator_of("lasten", taakveld, report) for taakveld in TAAKVELDEN])
    table = brought.harmonised.filter(pc.equal(brought.harmonised["region_code"], region))
    table = table.filter(pc.and_(pc.equal(table["period_code"], year), pc.equal(table["geography"], geography)))
    return set(table.filter(pc.is_in(table["indicator_id"], value_set=wanted))["obs_status"].to_pylist())


def _national(rows: list[dict[str, object]]) -> dict[Cell, float]:
    sums: dict[Cell, float] = {}
    for row in rows:
        cell = (str(row["jaar"]), str(row["verslagsoort"])[4:], str(row["taakveld"]))
        sums[cell] = sums.get(cell, 0.0) + float(str(row["lasten_x1000eur"]))
    return sums


# -- reading -----------------------------------------------------------------------------------------


def test_every_row_of_the_file_is_loaded(brought: Brought) -> None:
    assert (brought.result.rows_in, brought.result.rows_loaded) == (59_917, 59_916)
    assert brought.result.problems == ()


# -- re-aggregation ----------------------------------------------------------------------------------


def test_the_national_sum_of_every_year_report_and_taakveld_is_unchanged_to_the_thousand_euros(
    brought: Brought,
) -> None:
    printed = _national(brought.printed.to_pylist())
    found = {
        (year, report, taakveld): sum(
            value or 0.0
            for (region, period), value in _on_2023(brought, taakveld, report).items()
            if period == year and region.startswith("GM")
        )
        for year, report, taakveld in printed
    }
    assert len(printed) == 6 * 2 * 10 + 2 * 2 * 12
    wrong = {
        cell: (printed[cell], found[cell] / 1000) for cell in printed if abs(found[cell] / 1000 - printed[cell]) > 0.5
    }
    assert wrong == {}


def test_the_regions_are_the_342_municipalities_of_2023(brought: Brought) -> None:
    known = brought.history.valid_on(dt.date(2023, 1, 1))
    municipalities = set(known.filter(pc.equal(known["region_type"], "gemeente"))["region_code"].to_pylist())
    assert len(municipalities) == 342
    for year in YEARS:
        regions = {region for region, period in _on_2023(brought, "6.1") if period == year}
        assert regions == municipalities, year


def test_a_divided_municipality_goes_to_its_successors_by_inhabitants(brought: Brought) -> None:
    """Haaren, divided in 2021: what its successors have together is what they and Haaren had."""
    before = _values(brought.observation, "region_code", indicator_id="iv3_lasten_6_72", period_code="2020")
    after = _on_2023(brought, "6.72")
    total = 5827 + 4900 + 2149 + 1442
    haaren = before["GM0788",]
    assert haaren
    for code, inhabitants in (("GM0824", 5827), ("GM0865", 4900), ("GM0757", 2149), ("GM0855", 1442)):
        own, brought_over = before[code,], after[code, "2020"]
        assert own is not None
        assert brought_over == pytest.approx(own + haaren * inhabitants / total)


# -- who did not deliver -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("region", "year"), [("GM0141", "2022"), ("GM0505", "2022"), ("GM1735", "2020")], ids=["Almelo", "Dordrecht", "Hof"]
)
@pytest.mark.parametrize("geography", ["published", "2023"])
def test_who_delivered_no_accounts_is_missing_and_not_zero(
    brought: Brought, region: str, year: str, geography: str
) -> None:
    assert _status(brought, region, year, "X005", geography) == {"L"}
    for taakveld in TAAKVELDEN:
        indicator_id = indicator_of("lasten", taakveld, "X005")
        found = _values(
            brought.harmonised, "region_code", "period_code", geography=geography, indicator_id=indicator_id
        )
        assert found.get((region, year)) is None
    # the budget of the same year was delivered, and is there
    assert _on_2023(brought, "6.1", "X000")[region, year]


def test_a_municipality_without_accounts_leaves_its_successor_without_them(brought: Brought) -> None:
    """Leerdam, Vianen and Zederik went into Vijfheerenlanden in 2019 and gave no accounts of 2018."""
    assert _on_2023(brought, "6.1")["GM1961", "2018"] is None
    assert _on_2023(brought, "6.1", "X000")["GM1961", "2018"] == pytest.approx(
        sum(
            1000 * float(row["lasten_x1000eur"])
            for row in brought.printed.to_pylist()
            if row["gm_code"] in ("GM0545", "GM0620", "GM0707")
            and (row["verslagsoort"], str(row["taakveld"])) == ("2018X000", "6.1")
        )
    )


def test_weesp_is_in_the_accounts_of_amsterdam_in_the_year_it_joined(brought: Brought) -> None:
    for taakveld in TAAKVELDEN[:8]:
        indicator_id = indicator_of("lasten", taakveld, "X005")
        published = _values(brought.observation, "region_code", "period_code", indicator_id=indicator_id)
        on_2023 = _on_2023(brought, taakveld)
        amsterdam, weesp = ("GM0363", "2022"), ("GM0457", "2022")
        assert published[weesp] is None
        assert on_2023[amsterdam] == published[amsterdam]
        earlier = published["GM0363", "2021"], published["GM0457", "2021"]
        assert None not in earlier
        assert on_2023["GM0363", "2021"] == sum(value or 0.0 for value in earlier)
    assert {region for region, _ in _on_2023(brought, "6.1")}.isdisjoint({"GM0457"})


def test_the_budget_of_weesp_is_added_to_that_of_amsterdam(brought: Brought) -> None:
    published = _values(brought.observation, "region_code", indicator_id="iv3_begroot_lasten_6_1", period_code="2022")
    both = published["GM0363",], published["GM0457",]
    assert None not in both
    assert _on_2023(brought, "6.1", "X000")["GM0363", "2022"] == sum(value or 0.0 for value in both)


# -- groups ------------------------------------------------------------------------------------------


def test_youth_care_runs_on_over_the_recoding_of_2023(brought: Brought) -> None:
    rows = brought.group.filter(pc.equal(brought.group["group_id"], "jeugd"))
    assert set(rows["side"].to_pylist()) == {"lasten"}
    accounts = _values(rows, "region_code", "period_code", geography="2023", report_kind="X005")
    for year, members in (("2022", ["6.72", "6.82"]), ("2023", ["6.72", "6.73", "6.74", "6.82"])):
        parts = [_on_2023(brought, taakveld)["GM0396", year] for taakveld in members]
        assert None not in parts
        assert accounts["GM0396", year] == pytest.approx(sum(value or 0.0 for value in parts))
    assert accounts["GM0141", "2022"] is None
    alone = _on_2023(brought, "6.72")
    both = [code for code, year in accounts if year == "2022" and accounts[code, "2022"] and accounts[code, "2023"]]

    def growth(figures: dict[tuple[str, ...], float | None]) -> float:
        earlier, later = (sum(figures[code, year] or 0.0 for code in both) for year in ("2022", "2023"))
        return later / earlier

    assert len(both) > 330
    assert 1.05 < growth(accounts) < 1.15
    assert growth(alone) < 0.7


# -- the benchmark of Heemskerk ----------------------------------------------------------------------

REFERENCE = ("GM0757", "GM0777", "GM0512", "GM0642")


@pytest.mark.parametrize(
    ("taakvelden", "ratio"),
    [
        (["6.1"], 0.41),
        (["6.3"], 0.93),
        (["6.71"], 1.31),
        (["6.72"], 2.09),
        (["6.72", "6.73", "6.74"], 1.07),
        (["6.5"], 0.13),
    ],
)
def test_heemskerk_2023_against_its_reference_municipalities(
    brought: Brought, taakvelden: list[str], ratio: float
) -> None:
    inhabitants = {
        row["gm_code"]: int(row["inwoners"]) for row in brought.printed.to_pylist() if row["verslagsoort"] == "2023X005"
    }

    def per_inhabitant(region: str) -> float:
        return sum(_on_2023(brought, taakveld)[region, "2023"] or 0.0 for taakveld in taakvelden) / inhabitants[region]

    reference = sum(map(per_inhabitant, REFERENCE)) / len(REFERENCE)
    assert round(per_inhabitant("GM0396") / reference, 2) == ratio
