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


def test_the_figures_of_wijken_do_not_touch_those_of_municipalities(sample_run: Workspace) -> None:
    assert sample_run.rows("select * from marts.indicator_municipality where region_code like 'VBWK%'") == []


def test_groups_come_with_their_members(sample_run: Workspace) -> None:
    groups = dict(
        sample_run.rows("select region_code, member_codes from marts.region where region_type = 'samenwerking'")
    )
    assert groups["SV-IJMOND"] == "GM0375|GM0396|GM0453"
    assert groups["SV-VB-DRIELINDEN"] == "VB0060|VB0061|VB0062"
