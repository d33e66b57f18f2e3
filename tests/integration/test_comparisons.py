"""What stands beside a figure in the published file: the year before, the country, the others, and why not."""

from __future__ import annotations

import pytest

from tests.integration.conftest import Workspace

REASONS = {
    "boundary_change",
    "administrative_merger",
    "system_harmonisation",
    "definition_change",
    "explained_break",
    "unexplained_break",
    "provisional",
    "low_response",
    "missing_previous",
    "missing_value",
}


@pytest.mark.parametrize("mart", ["indicator_municipality", "indicator_wijk"])
def test_a_figure_compares_or_says_why_not_in_known_words(sample_run: Workspace, mart: str) -> None:
    given = {
        reason
        for (reasons,) in sample_run.rows(f"select distinct incomparable_because from marts.{mart}")
        for reason in (reasons or "").split("|")
        if reason
    }
    assert {"missing_previous", "boundary_change"} <= given <= REASONS
    assert (
        sample_run.value(
            f"select count(*) from marts.{mart} where comparable_with_previous != (incomparable_because is null) "
            "or (change_pct is not null and not comparable_with_previous)"
        )
        == 0
    )


def test_most_figures_of_voorbeeldland_compare(sample_run: Workspace) -> None:
    share = sample_run.value(
        "select avg(comparable_with_previous::integer) from marts.indicator_municipality "
        "where region_code like 'VB%' and indicator_id like 'wmo_%' and period_code between '2016' and '2025'"
    )
    assert share > 0.8


def test_an_answer_below_the_response_norm_is_no_ground_for_comparing_or_ranking(sample_run: Workspace) -> None:
    rows = sample_run.rows(
        "select distinct incomparable_because, rank, national_value from marts.indicator_municipality "
        "where indicator_id = 'ceo_wmo_kwaliteit' and period_code = '2015' and region_code = 'GM0373' "
    )
    assert rows == [("low_response|missing_previous", None, 79)]


def test_ranks_run_from_the_highest_value_down_and_only_over_what_compares_in_size(sample_run: Workspace) -> None:
    rows = sample_run.rows(
        "select value, rank, rank_of from marts.indicator_municipality "
        "where indicator_id = 'wmo_hulp_bij_het_huishouden_per_1000' and region_code like 'VB%' "
        "and period_code = '2024H1' and geography = 'published' and value is not null order by value desc"
    )
    assert rows[0][1] == 1
    assert {of for _, _, of in rows} == {len(rows)}
    assert [place for _, place, _ in rows] == [1 + sum(other > value for other, _, _ in rows) for value, _, _ in rows]
    assert (
        sample_run.value("select count(rank) from marts.indicator_municipality where indicator_id = 'jeugd_hulp'") == 0
    )


def test_among_a_handful_of_municipalities_nothing_stands_in_the_middle_or_on_top(sample_run: Workspace) -> None:
    assert sample_run.rows(
        "select rank_of < 10, bool_or(peer_value is not null), bool_or(rank is not null) "
        "from marts.indicator_municipality group by 1 order by 1"
    ) == [(False, True, True), (True, False, False), (None, False, False)]


def test_a_municipality_that_was_merged_away_did_not_drop_to_nothing(sample_run: Workspace) -> None:
    assert sample_run.rows(
        "select distinct incomparable_because from marts.indicator_municipality "
        "where region_code = 'VB0007' and geography = 'published' and period_code like '2019%' "
        "and indicator_id = 'bevolking'"
    ) == [("boundary_change|missing_value",)]


def test_the_reference_figure_is_the_mean_of_the_chosen_municipalities(sample_run: Workspace) -> None:
    (found,) = sample_run.rows(
        "select reference_group, reference_value, reference_because from marts.indicator_municipality "
        "where indicator_id = 'wmo_hulp_bij_het_huishouden_per_1000' and region_code = 'VB0020' "
        "and period_code = '2022H1' and geography = '2026'"
    )
    mean = sample_run.value(
        "select avg(value) from marts.indicator_municipality "
        "where indicator_id = 'wmo_hulp_bij_het_huishouden_per_1000' "
        "and region_code in ('VB0040', 'VB0050', 'VB0070', 'VB0080') and period_code = '2022H1' and geography = '2026'"
    )
    assert found == ("vb_gekozen", pytest.approx(mean), None)
    assert sample_run.rows(
        "select distinct reference_group, reference_value from marts.indicator_municipality "
        "where region_code = 'GM0396'"
    ) in ([("heemskerk_003", None)], [])


def test_where_no_group_was_chosen_the_neighbours_stand_beside_a_municipality(sample_run: Workspace) -> None:
    (found,) = sample_run.rows(
        "select reference_group, reference_year, reference_value from marts.indicator_municipality "
        "where indicator_id = 'wmo_hulp_bij_het_huishouden_per_1000' and region_code = 'VB0035' "
        "and period_code = '2022H1' and geography = '2026'"
    )
    mean = sample_run.value(
        "select avg(figure.value) from marts.indicator_municipality as figure "
        "inner join marts.reference_group_member as member on figure.region_code = member.member_code "
        "where figure.indicator_id = 'wmo_hulp_bij_het_huishouden_per_1000' and figure.period_code = '2022H1' "
        "and figure.geography = '2026' and member.region_code = 'VB0035' and member.fiscal_year = 2023 "
        "and member.reference_group = 'naaste_buren' having count(figure.value) = 10"
    )
    assert found == ("naaste_buren", 2023, pytest.approx(mean))


def test_a_figure_ten_times_too_large_has_no_place_and_says_so(sample_run: Workspace) -> None:
    assert sample_run.rows(
        "select region_code, rank, caution_nl like '%10 keer zo groot%' from marts.indicator_municipality "
        "where indicator_id = 'participatie_bijstand_per_1000' and geography = 'published' "
        "and period_code = '2017H1' and (value > 200 or caution_nl like '%keer zo%')"
    ) == [("VB0076", None, True)]
    assert (
        sample_run.value(
            "select count(*) from marts.provision_use where region_code = 'VB0076' and provision = 'bijstand' "
            "and period_code = '2017H1' and caution_nl like '%10 keer zo groot%'"
        )
        == 1
    )


@pytest.mark.parametrize("mart", ["indicator_municipality", "indicator_wijk"])
def test_what_is_empty_says_why_and_no_change_is_told_of_small_rounded_counts(sample_run: Workspace, mart: str) -> None:
    unexplained = (
        "(value is null) != (because is not null) or (change_pct is null) != (no_change_because is not null) "
        "or (national_value is null) != (no_national_because is not null)"
    )
    assert sample_run.value(f"select count(*) from marts.{mart} where {unexplained}") == 0
    told = "indicator_id like 'wijkteam%' and indicator_id not like '%per_1000' and change_pct is not null"
    assert (
        sample_run.value(f"select count(*) from marts.{mart} where {told} and least(value, previous_value) < 50") == 0
    )


def test_a_wijk_compares_with_itself_and_stands_beside_its_municipality(sample_run: Workspace) -> None:
    rows = sample_run.rows(
        "select period_code, municipality_code, previous_value is not null, incomparable_because, "
        "municipality_value > value, national_value > municipality_value from marts.indicator_wijk "
        "where indicator_id = 'bevolking' and region_code = 'VBWK000202' order by 1"
    )
    assert rows == [
        ("2022", "VB0002", False, "missing_previous", True, True),
        ("2023", "VB0002", False, "boundary_change", True, True),
        ("2024", "VB0002", True, None, True, True),
    ]


def test_the_published_rates_of_the_sample_follow_from_its_counts(sample_run: Workspace) -> None:
    assert sample_run.value("select count(*) from marts.indicator_wijk where indicator_id like '%_per_1000'") > 20
    assert sample_run.rows("from marts.conflict where conflict_kind = 'rate_against_counts'") == []


def test_the_catalogue_says_what_a_figure_is_and_since_when(sample_run: Workspace) -> None:
    rows = sample_run.rows(
        "select domain, opgave, ontwikkellijn, unit, rate_factor, rounding from marts.indicator "
        "where indicator_id = 'wmo_hulp_bij_het_huishouden_per_1000'"
    )
    assert rows == [("wmo", "Zorg en wonen", "Ondersteuning op maat", "per_1000", 1000, 0.1)]
    versions = sample_run.rows(
        "select valid_from::varchar, valid_to::varchar, country_code, comparable_with_earlier "
        "from marts.indicator_definition where indicator_id = 'jeugd_hulp_met_verblijf' order by 1"
    )
    assert versions == [
        ("2015-01-01", "2020-12-31", "NL01", True),
        ("2021-01-01", "2021-12-31", "NL01", False),
        ("2022-01-01", None, "NL01", False),
    ]


def test_the_file_tells_what_stood_there_on_a_day(sample_run: Workspace) -> None:
    """The figures of the documents from the day on which each came out, whenever they were delivered here."""
    asked = "select source_id, count(*) from marts.observation_as_of(date '{}') group by 1 order by 1"
    assert sample_run.rows(asked.format("2017-06-30")) == []
    assert sample_run.rows(asked.format("2017-07-01")) == [("gmsd_wmo", 24)]
    assert sample_run.rows(asked.format("2017-08-31")) == [("ceo_wmo", 20), ("gmsd_wmo", 24)]


def test_what_stood_there_on_the_day_of_the_run_is_what_the_marts_hold(sample_run: Workspace) -> None:
    """The macros put figures together on their own: this fails where core and they no longer do it in the same way."""
    figure = "indicator_id, region_code, period_code, value, obs_status"
    for mart in ("indicator_municipality", "indicator_wijk"):
        held = f"select {figure} from marts.{mart} where geography = 'published'"
        told = (
            f"select {figure} from marts.observation_as_of(date '2026-07-01') "
            f"where region_code in (select region_code from marts.{mart})"
        )
        assert sample_run.value(f"select count(*) from (({held}) except ({told}))") == 0
        assert sample_run.value(f"select count(*) from (({told}) except ({held}))") == 0
    assert sample_run.value(
        "select count(*) from marts.observation_as_of(date '2026-07-01') where is_computed and value is not null"
    )


def test_a_conflict_is_one_figure_on_a_day_that_of_the_preferred_source(sample_run: Workspace) -> None:
    rows = sample_run.rows(
        "select stood.source_id, stood.value from marts.observation_as_of(date '2026-07-01') as stood "
        "inner join marts.conflict as conflict using (indicator_id, region_code, period_code) "
        "where conflict.conflict_kind = 'two_sources'"
    )
    assert rows == sample_run.rows("select source_id, value from marts.conflict where conflict_kind = 'two_sources'")
    assert rows


def test_a_provisional_figure_is_refused_or_comes_with_a_caution(sample_run: Workspace) -> None:
    judged = sample_run.rows(
        "select distinct comparable_with_previous, incomparable_because, caution_nl, change_pct is null "
        "from marts.indicator_municipality where geography = 'published' and indicator_id = 'wmo_ondersteuning_thuis' "
        "and period_code = '2024H2' and obs_status = 'P' "
        "and coalesce(incomparable_because, 'provisional') = 'provisional' order by 1"
    )
    assert judged == [
        (False, "provisional", None, True),
        (True, None, "Het cijfer is voorlopig en kan nog veranderen.", False),
    ]
    silent = "comparable_with_previous and obs_status = 'P' and caution_nl is null"
    assert sample_run.value(f"select count(*) from marts.indicator_municipality where {silent}") == 0
