"""A delivery of exact counts in the sample: what of it is seen by wijk and buurt, after a merger, and as a rate."""

from __future__ import annotations

import pytest

from tests.integration.conftest import Workspace

OF_DELIVERY = "indicator_id like 'wijkteam\\_%' escape '\\'"


def test_a_count_is_seen_rounded_or_as_zero_or_not_at_all(sample_run: Workspace) -> None:
    rows = sample_run.rows(
        "select obs_status, value = 0, count(*), min(value), bool_and(value % 5 = 0), "
        "bool_or(delivered_value != value) "
        "from marts.observation where source_id = 'vb_wijkteam' group by all order by all"
    )
    assert [(status, is_zero) for status, is_zero, *_ in rows] == [("A", False), ("A", True), ("Q", None)]
    (_, _, shown, least, rounded, differs), (_, _, zeros, *_), (_, _, hidden, none, *_) = rows
    assert (least, rounded, differs, none) == (10, True, False, None)
    assert shown + zeros + hidden == 129 * 4
    assert min(shown, zeros, hidden) > 10
    assert sample_run.value(
        "select count(*) from marts.coverage where source_id = 'vb_wijkteam' and delivery = 'suppressed'"
    ) == sample_run.value(
        "select count(*) from marts.observation where source_id = 'vb_wijkteam' and obs_status = 'Q' "
        "and region_code not like '%WK%' and region_code not like '%BU%'"
    )


def test_a_hidden_buurt_is_not_told_by_its_wijk_nor_by_its_rate(sample_run: Workspace) -> None:
    hidden_in_shown = sample_run.rows(
        "select wijk.region_code, count(*) filter (where buurt.value is null) "
        "from marts.indicator_wijk as buurt inner join marts.indicator_wijk as wijk "
        "on wijk.region_code = replace(left(buurt.region_code, -2), 'BU', 'WK') "
        "and wijk.indicator_id = buurt.indicator_id and wijk.period_code = buurt.period_code "
        "and wijk.geography = buurt.geography "
        f"where buurt.region_type = 'buurt' and wijk.value is not null and buurt.{OF_DELIVERY} "
        "and not ends_with(buurt.indicator_id, '_per_1000') and buurt.geography = 'published' "
        "group by wijk.region_code, wijk.indicator_id, wijk.period_code"
    )
    assert {number for _, number in hidden_in_shown} <= {0, 2, 3}
    assert sum(number > 0 for _, number in hidden_in_shown) > 10
    assert (
        sample_run.rows(
            "select rate.region_code from marts.indicator_wijk as rate inner join marts.indicator_wijk as number "
            "on number.indicator_id = left(rate.indicator_id, -9) and number.region_code = rate.region_code "
            "and number.period_code = rate.period_code and number.geography = rate.geography "
            f"where ends_with(rate.indicator_id, '_per_1000') and rate.{OF_DELIVERY} "
            "and (number.value is null) != (rate.value is null)"
        )
        == []
    )


def test_what_went_together_is_the_sum_of_what_is_shown_or_hidden_with_it(sample_run: Workspace) -> None:
    counts = {
        (indicator, region): (value, status)
        for indicator, region, value, status in sample_run.rows(
            "select indicator_id, region_code, value, obs_status from marts.indicator_municipality "
            f"where {OF_DELIVERY} and period_code = '2017' "
            "and geography = if(region_code = 'VB0121', '2026', 'published')"
        )
    }
    # 139 and 64, 13 and 3 were delivered
    assert [counts["wijkteam_advies", code] for code in ("VB0007", "VB0008", "VB0121")] == [
        (140, "A"),
        (65, "A"),
        (205, "A"),
    ]
    assert [counts["wijkteam_procesregie", code][1] for code in ("VB0008", "VB0121")] == ["Q", "Q"]
    assert counts["wijkteam_procesregie_per_1000", "VB0121"] == (None, "Q")
    assert counts["wijkteam_inwoners_per_1000", "VB0121"][0] == pytest.approx(1000 * 315 / (27_683 + 14_875), rel=0.01)
