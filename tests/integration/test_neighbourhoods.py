"""Wijken through the editions of the sample, from the wire to the marts of a whole run."""

from __future__ import annotations

import datetime as dt

from tests.integration.conftest import Workspace


def test_a_wijk_is_a_region_for_as_long_as_code_and_name_stay(sample_run: Workspace) -> None:
    rows = sample_run.rows(
        "select region_code, region_name, municipality_code, valid_from, valid_to from marts.region "
        "where region_type = 'wijk' and region_code in ('VBWK000101', 'VBWK000202', 'VBWK000302', 'VBWK000304') "
        "order by region_code, valid_from"
    )
    years = {year: dt.date(year, 1, 1) for year in (2022, 2023, 2024)}
    assert rows == [
        ("VBWK000101", "Centrum (VB)", "VB0001", years[2022], None),
        ("VBWK000202", "Haven (VB)", "VB0002", years[2022], years[2023]),
        ("VBWK000202", "Haven en Dijkzicht (VB)", "VB0002", years[2023], None),
        ("VBWK000302", "Haven (VB)", "VB0003", years[2022], years[2024]),
        ("VBWK000304", "Haven (VB)", "VB0003", years[2024], None),
    ]


def test_the_figures_of_wijken_and_buurten_have_the_year_of_their_edition(sample_run: Workspace) -> None:
    rows = sample_run.rows(
        "select period_code, count(*) filter (where region_code like 'VBWK%'), "
        "count(*) filter (where region_code like 'VBBU%'), count(value) from marts.observation "
        "where source_id = 'vb_wijken' and indicator_id = 'bevolking' and is_latest group by 1 order by 1"
    )
    assert rows == [("2022", 9, 27, 36), ("2023", 9, 27, 36), ("2024", 9, 27, 36)]


def test_a_buurt_stands_under_the_name_it_had_then_beside_those_of_its_municipality(sample_run: Workspace) -> None:
    rows = sample_run.rows(
        "select period_code, region_name, municipality_name, label_nl, peer_value is not null, "
        "comparable_with_previous from marts.indicator_wijk "
        "where region_code = 'VBBU00020201' and indicator_id = 'wmo_clienten_kerncijfers_per_1000' order by 1"
    )
    (municipality,) = {name for _, _, name, *_ in rows}
    assert municipality.endswith(" (VB)")
    assert [row[:2] + row[4:] for row in rows] == [
        ("2022", "Haven, Oost (VB)", True, False),
        ("2023", "Haven en Dijkzicht, Oost (VB)", True, False),
        ("2024", "Haven en Dijkzicht, Oost (VB)", True, True),
    ]
    assert {row[3] for row in rows} == {"Wmo: cliënten volgens de kerncijfers, per 1.000 inwoners"}


def test_the_count_of_a_small_buurt_is_not_shown_and_no_other_figure_tells_it(sample_run: Workspace) -> None:
    rows = sample_run.rows(
        "select left(region_code, 10), period_code, count(*) - count(value) from marts.indicator_wijk "
        "where region_type = 'buurt' and indicator_id = 'participatie_bijstand' group by all"
    )
    assert {hidden for *_, hidden in rows} == {0, 2}
    rates = sample_run.rows(
        "select count(*) from marts.indicator_wijk as rate inner join marts.indicator_wijk as persons "
        "using (region_code, period_code) where rate.indicator_id = 'participatie_bijstand_per_1000' "
        "and persons.indicator_id = 'participatie_bijstand' and persons.value is null and rate.value is not null"
    )
    assert rates == [(0,)]


def test_a_wijk_beside_one_with_a_new_number_keeps_its_size(sample_run: Workspace) -> None:
    rows = sample_run.rows(
        "select region_code, period_code, abs(change_pct) < 2 from marts.indicator_wijk where region_type = 'wijk' "
        "and indicator_id = 'bevolking' and period_code = '2024' and comparable_with_previous order by 1"
    )
    assert len(rows) == 8 and all(small for _, _, small in rows)


def test_a_wijk_says_why_no_figure_of_its_municipality_stands_beside_it(sample_run: Workspace) -> None:
    unexplained = (
        "(municipality_value is null) != (no_municipality_because is not null) "
        "or (national_value is null) != (no_national_because is not null)"
    )
    assert sample_run.value(f"select count(*) from marts.indicator_wijk where {unexplained}") == 0
    reasons = sample_run.rows(
        "select distinct no_municipality_because from marts.indicator_wijk where indicator_id = 'participatie_bijstand'"
    )
    assert reasons == [("De cijfers van de gemeente over dit jaar gaan over een andere periode, zoals een halfjaar.",)]


def test_the_figures_of_wijken_do_not_touch_those_of_municipalities(sample_run: Workspace) -> None:
    assert (
        sample_run.rows("select * from marts.indicator_municipality where region_code similar to 'VB(WK|BU).*'") == []
    )


def test_groups_come_with_their_members(sample_run: Workspace) -> None:
    groups = dict(
        sample_run.rows("select region_code, member_codes from marts.region where region_type = 'samenwerking'")
    )
    assert groups["SV-IJMOND"] == "GM0375|GM0396|GM0453"
    assert groups["SV-VB-DRIELINDEN"] == "VB0060|VB0061|VB0062"
