"""Wijken through the editions of the sample, from the wire to the marts of a whole run."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.integration.conftest import Workspace

pytestmark = pytest.mark.xdist_group("sample")


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


def test_the_figures_of_a_wijk_have_the_year_of_their_edition(sample_run: Workspace) -> None:
    rows = sample_run.rows(
        "select period_code, count(*), count(value) from marts.observation "
        "where source_id = 'vb_wijken' and indicator_id = 'bevolking' and is_latest group by 1 order by 1"
    )
    assert rows == [("2022", 9, 9), ("2023", 9, 9), ("2024", 9, 9)]


def test_a_wijk_beside_one_with_a_new_number_keeps_its_size(sample_run: Workspace) -> None:
    rows = sample_run.rows(
        "select region_code, period_code, abs(change_pct) < 2 from marts.indicator_wijk "
        "where indicator_id = 'bevolking' and period_code = '2024' and comparable_with_previous order by 1"
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
    assert sample_run.rows("select * from marts.indicator_municipality where region_code like 'VBWK%'") == []


def test_groups_come_with_their_members(sample_run: Workspace) -> None:
    groups = dict(
        sample_run.rows("select region_code, member_codes from marts.region where region_type = 'samenwerking'")
    )
    assert groups["SV-IJMOND"] == "GM0375|GM0396|GM0453"
    assert groups["SV-VB-DRIELINDEN"] == "VB0060|VB0061|VB0062"
