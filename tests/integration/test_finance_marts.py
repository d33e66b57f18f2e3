"""What the published file says of money, by way of the bundled deliveries: budgets, the ledger, the fund, measures."""

from __future__ import annotations

import pytest

from tests.integration.conftest import Workspace


def test_a_circular_stands_beside_the_one_before_it(sample_run: Workspace) -> None:
    rows = sample_run.rows(
        "select programme, earlier_eur, later_eur, change_eur from marts.budget_vintage_change "
        "where earlier_vintage = 'mei-circulaire-2016' and later_vintage = 'september-circulaire-2016' order by 1"
    )
    assert rows == [
        ("jeugdhulp", 31652388, 31687632, 35244),
        ("participatiewet", 18784480, 18781043, -3437),
        ("wmo", 17980430, 17962401, -18029),
    ]


def test_every_printed_total_stands_beside_its_parts_and_reconciles(sample_run: Workspace) -> None:
    assert sample_run.rows("select reconciles, count(*) from marts.budget_reconciliation group by all") == [(True, 13)]


def test_what_three_clients_claimed_is_not_published_and_says_why(sample_run: Workspace) -> None:
    rows = sample_run.rows(
        "select region_code, period_code, taakgebied, spending_eur, hours, cumulative_eur, used_pct, "
        "forecast_straight_line_eur, spending_because is not null from marts.spending_month "
        "where told_by = 'declaraties' and region_code = 'VB0001' and period_code = '2026M03'"
    )
    assert rows == [("VB0001", "2026M03", "wmo", None, None, None, None, None, True)]


def test_a_ledger_stands_against_the_budget_of_the_months_gone_by(sample_run: Workspace) -> None:
    (row,) = sample_run.rows(
        "select spending_eur, cumulative_eur, budget_year_eur, budget_to_date_eur, difference_to_date_eur, used_pct, "
        "forecast_straight_line_eur from marts.spending_month "
        "where region_code = 'VB0060' and period_code = '2026M06' and taakgebied = 'jeugd'"
    )
    spending, cumulative, year, to_date, difference, used, forecast = row
    assert 0 < spending < cumulative < year
    assert to_date == pytest.approx(year / 2, abs=1)
    assert difference == pytest.approx(cumulative - to_date, abs=1)
    assert used == pytest.approx(100 * cumulative / year)
    assert forecast == pytest.approx(2 * cumulative, abs=1)


def test_a_region_is_the_sum_of_its_municipalities_in_every_month(sample_run: Workspace) -> None:
    rows = sample_run.rows(
        "select period_code, taakgebied, sum(if(region_code = 'SV-VB-DRIELINDEN', spending_eur, 0)) as whole, "
        "sum(if(region_code != 'SV-VB-DRIELINDEN', spending_eur, 0)) as parts, count(*) "
        "from marts.spending_month where told_by = 'boekingen' group by all"
    )
    assert len(rows) == 18 * 4
    assert all(whole == parts > 0 and count == 4 for _, _, whole, parts, count in rows)


def test_an_amount_without_prices_inhabitants_or_clients_says_why(sample_run: Workspace) -> None:
    assert (
        sample_run.value(
            "select count(*) from marts.budget "
            "where (eur_per_inhabitant is null) != (per_inhabitant_because is not null) or"
            " (eur_per_client is null) != (per_client_because is not null) "
            "or (amount_eur_real is null) != (real_because is not null)"
        )
        == 0
    )
    # the index of Voorbeeldland says nothing of a real municipality, and the bundled one of no year to come
    rows = sample_run.rows(
        "select distinct region_code like 'VB%', fiscal_year > 2025, price_year, amount_eur_real is not null "
        "from marts.budget order by all"
    )
    assert rows == [(False, False, None, False), (True, False, 2025, True), (True, True, None, False)]


def test_an_amount_of_voorbeeldland_stands_in_prices_of_another_year(sample_run: Workspace) -> None:
    index = dict(
        sample_run.rows("select period_code, value from marts.observation where indicator_id = 'cpi' and is_latest")
    )
    rows = sample_run.rows(
        "select amount_eur, amount_eur_real from marts.budget where region_code = 'VB0060' and fiscal_year = 2024"
    )
    assert len(rows) == 5 and index["2015"] == 100
    assert all(real == pytest.approx(amount * index["2025"] / index["2024"], abs=1) for amount, real in rows)


def test_a_made_up_budget_stands_per_inhabitant_and_per_client(sample_run: Workspace) -> None:
    (row,) = sample_run.rows(
        "select amount_eur, inhabitants, eur_per_inhabitant, clients, clients_over, eur_per_client from marts.budget "
        "where region_code = 'VB0060' and fiscal_year = 2024 and programme = 'jeugdhulp_zonder_verblijf'"
    )
    amount, inhabitants, per_inhabitant, clients, over, per_client = row
    assert per_inhabitant == pytest.approx(amount / inhabitants, abs=0.01)
    assert (over, per_client) == ("gemiddelde van twee halfjaren", pytest.approx(amount / clients, abs=0.01))


def test_the_mirror_of_the_gemeentefonds_reads_out_net_costs_by_taakgebied_and_together(sample_run: Workspace) -> None:
    rows = sample_run.rows(
        "select region_code, count(*), count(ratio), count(net_eur), count(reading_nl), count(because), "
        "bool_and(abs(ratio * reference_eur - coalesce(net_eur, lasten_eur)) <= 1) from marts.gemeentefonds_mirror "
        "where fiscal_year = 2025 group by region_code order by 1"
    )
    # two of the ledgers say that there was no income; the third says nothing of it but for participatie, so that all
    # together is neither gross nor net there
    net = [(code, 5, 5, 5, 5, 0, True) for code in ("VB0060", "VB0061")]
    assert rows == [*net, ("VB0062", 5, 4, 1, 4, 1, True)]


def test_what_a_ledger_does_not_tell_is_no_zero_and_says_so(sample_run: Workspace) -> None:
    rows = sample_run.rows(
        "select region_code, baten_eur, baten_because is not null, caution_nl is not null "
        "from marts.gemeentefonds_mirror where taakgebied = 'jeugd' order by 1"
    )
    assert rows == [("VB0060", 0, False, False), ("VB0061", 0, False, False), ("VB0062", None, True, True)]
    unexplained = (
        "(income_eur is null) != (income_because is not null) "
        "or (hours + day_parts + days + pieces is null) != (volume_because is not null)"
    )
    assert sample_run.value(f"select count(*) from marts.spending_month where {unexplained}") == 0
    fractions = "select count(*) from marts.spending_month where pieces != round(pieces) or hours != round(hours)"
    assert sample_run.value(fractions) == 0


def test_sixteen_measures_are_registered_and_of_none_is_known_what_it_yielded(sample_run: Workspace) -> None:
    rows = sample_run.rows(
        "select count(*), count(realised_eur), count(realised_because), count(distinct opgave) from marts.measure"
    )
    assert rows == [(16, 0, 16, 6)]


@pytest.mark.parametrize(
    ("mart", "key"),
    [
        ("budget", "region_code, fiscal_year, budget_vintage, programme, basis, side, provision_form"),
        (
            "budget_vintage_change",
            "region_code, fiscal_year, programme, basis, side, provision_form, earlier_vintage, later_vintage",
        ),
        ("budget_reconciliation", "budget_vintage, region_code, fiscal_year, side"),
        ("spending_month", "region_code, period_code, taakgebied, told_by"),
        ("gemeentefonds_mirror", "region_code, fiscal_year, taakgebied"),
        ("measure", "measure_id"),
    ],
)
def test_a_mart_has_one_row_per_key(sample_run: Workspace, mart: str, key: str) -> None:
    assert sample_run.value(f"select count(*) from marts.{mart}") > 0
    assert sample_run.rows(f"select {key} from marts.{mart} group by all having count(*) > 1") == []
