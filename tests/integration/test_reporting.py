"""What a council reads once a year, on the sample: coverage, complaints and the key figures."""

from __future__ import annotations

import csv

import duckdb
import pytest

from tests.integration.conftest import Workspace

SMALLEST, ROUNDED_TO = 10, 5


@pytest.fixture(scope="module")
def registered(sample_run: Workspace) -> dict[tuple[str, str, str, str], int]:
    """The complaints as they were delivered, by municipality, year, law and subject."""
    (path,) = (sample_run.sample / "municipal").glob("vb_klachten_*.csv")
    with path.open(encoding="utf-8") as file:
        return {
            (row["Gemeentecode"], row["Periode"], row["Wet"], row["Onderwerp"]): int(row["Aantal klachten"])
            for row in csv.DictReader(file, delimiter=";")
            if row["Aantal klachten"]
        }


# -- words -------------------------------------------------------------------------------------------

WORDS = (
    ("complaint", "subject", "subject_nl"),
    ("conflict", "conflict_kind", "conflict_kind_nl"),
    ("coverage", "delivery", "delivery_nl"),
    ("event", "kind", "kind_nl"),
    ("event", "nature", "nature_nl"),
    ("goal_status", "verdict", "verdict_nl"),
    ("indicator", "unit", "unit_nl"),
    ("source", "cadence", "cadence_nl"),
    ("trend_break", "cause", "cause_nl"),
    ("trend_break", "kind", "kind_nl"),
)


def test_beside_every_code_stands_one_word_of_its_own(sample_run: Workspace) -> None:
    for table, code, word in WORDS:
        (counts,) = sample_run.rows(
            f"select count(distinct {code}), count(distinct {word}), count(*) filter (where {word} is null) "
            f"from marts.{table}"
        )
        assert counts[0] == counts[1] > 0, (table, code)
        assert counts[2] == 0, (table, code)


# -- coverage ----------------------------------------------------------------------------------------


def test_every_expectation_has_one_row_and_one_of_five_verdicts(sample_run: Workspace) -> None:
    twice = sample_run.value(
        "select count(*) from (select source_id, indicator_id, region_code, period_code from marts.coverage "
        "group by all having count(*) > 1)"
    )
    assert twice == 0
    found = {verdict for (verdict,) in sample_run.rows("select distinct delivery from marts.coverage")}
    assert found <= {"delivered", "late", "missing", "suppressed", "not_expected"}


def test_what_is_not_expected_always_says_why(sample_run: Workspace) -> None:
    assert (
        sample_run.value("select count(*) from marts.coverage where delivery = 'not_expected' and because is null") == 0
    )


def test_a_monitor_of_once_in_four_years_is_missed_only_in_its_years(sample_run: Workspace) -> None:
    rows = sample_run.rows(
        "select period_code, delivery from marts.coverage where source_id = 'kindermonitor' "
        "and region_code = 'GM0375' and indicator_id = 'cyberpesten_pct' order by period_code"
    )
    missing = [period for period, delivery in rows if delivery == "missing"]
    assert missing == ["2014", "2018", "2022"]
    assert [period for period, _ in rows] == [str(year) for year in range(2014, 2027)]


def test_rhythms_go_from_a_month_to_four_years(sample_run: Workspace) -> None:
    found = {cadence for (cadence,) in sample_run.rows("select distinct cadence from marts.coverage")}
    assert {"monthly", "half_yearly", "yearly", "two_yearly", "four_yearly"} <= found
    assert sample_run.rows(
        "select source_id, delivery, count(*) from marts.coverage where cadence = 'monthly' group by all order by all"
    ) == [
        ("vb_grootboek", "delivered", 3 * 18),
        ("vb_grootboek", "not_expected", 3),
        ("vb_ijw", "delivered", 26),
        ("vb_ijw", "late", 2),
        ("vb_ijw", "not_expected", 3),
        ("vb_iwmo", "delivered", 28),
        ("vb_iwmo", "not_expected", 3),
    ]


def test_what_has_not_come_by_its_day_is_late_until_its_term_is_over(sample_run: Workspace) -> None:
    """On 1 July 2026 the messages on youth care have stopped since February; those of May are not due yet."""
    assert sample_run.rows(
        "select period_code, due_date::varchar, late_until::varchar, because from marts.coverage "
        "where delivery = 'late' order by period_code"
    ) == [("2026M03", "2026-05-15", "2026-08-13", None), ("2026M04", "2026-06-14", "2026-09-12", None)]


def test_coverage_goes_on_to_the_day_of_the_run_and_says_what_ends_a_series(sample_run: Workspace) -> None:
    last = dict(sample_run.rows("select source_id, max(period_code) from marts.coverage group by source_id"))
    assert last["vb_wmo"] == last["vb_jeugd"] == last["vb_participatie"] == last["vb_wmo_kerncijfers"] == "2026H2"
    assert last["vb_lasten"] == last["vb_structuur"] == last["vb_bevolking"] == "2026"
    assert sample_run.rows(
        "select distinct delivery, because from marts.coverage where source_id = 'vb_jeugd' and period_code = '2025H1' "
        "and delivery != 'not_expected'"
    ) == [("missing", "Voorbeeldland is verzonnen; de reeks loopt tot en met 2024 en krijgt geen nieuwe levering.")]


def test_every_source_is_in_coverage_or_says_why_not(sample_run: Workspace) -> None:
    silent = sample_run.rows(
        "select source_id, because is not null from marts.source "
        "anti join marts.coverage using (source_id) order by source_id"
    )
    assert silent == [("vb_huishouden_client", True), ("vb_wijken", True)]


def test_a_source_that_nobody_delivers_is_a_source_with_a_title(sample_run: Workspace) -> None:
    unknown = sample_run.rows("select distinct source_id from marts.coverage anti join marts.source using (source_id)")
    assert unknown == []
    waiting = "select title, cadence from marts.source where not is_connected and {} order by source_id"
    assert sample_run.rows(waiting.format("cadence = 'once' and because like '%handmatig%'")) == [
        ("Jeugdigen naar leeftijd", "once"),
        ("Jeugdhulptrajecten met een maatregel van de kinderrechter", "once"),
        ("Lidmaatschap van verenigingen", "once"),
        ("Eigen registraties van de IJmondgemeenten over jeugd", "once"),
        ("Jeugdgezondheidszorg, overgewicht van kinderen", "once"),
    ]
    assert sample_run.rows(waiting.format("cadence != 'once'")) == [
        ("Emovo, onderzoek onder middelbare scholieren", "two_yearly"),
        ("Kindermonitor", "four_yearly"),
        ("Politiemonitor, jeugdoverlast", "yearly"),
        ("Jaarverslag Veilig Thuis", "yearly"),
    ]


# -- complaints --------------------------------------------------------------------------------------


def test_complaints_are_rounded_and_small_numbers_are_hidden(
    sample_run: Workspace, registered: dict[tuple[str, str, str, str], int]
) -> None:
    shown = {
        tuple(key): count
        for *key, count in sample_run.rows(
            "select region_code, period_code, law, subject, complaints from marts.complaint where subject != 'totaal'"
        )
    }
    assert shown.keys() == registered.keys()
    small = [key for key, count in registered.items() if 0 < count < SMALLEST]
    assert len(small) > 10 and all(shown[key] is None for key in small)
    visible = {key: count for key, count in shown.items() if count is not None}
    assert visible and all(count % ROUNDED_TO == 0 for count in visible.values())
    assert all(abs(count - registered[key]) * 2 <= ROUNDED_TO for key, count in visible.items())


def test_a_hidden_number_is_never_the_only_one_of_its_total(sample_run: Workspace) -> None:
    alone = sample_run.rows(
        "select region_code, period_code, law from marts.complaint where law != 'totaal' group by all "
        "having count(*) filter (where complaints is null and subject != 'totaal') = 1 "
        "and bool_and(complaints is not null) filter (where subject = 'totaal')"
    )
    assert alone == []


def test_complaints_do_not_compare_across_another_way_of_registering(sample_run: Workspace) -> None:
    rows = sample_run.rows(
        "select distinct period_code, comparable_with_previous, incomparable_because, change_pct is null "
        "from marts.complaint where law = 'totaal' and period_code in ('2020', '2021', '2022', '2023') "
        "order by period_code"
    )
    assert rows == [
        ("2020", True, None, False),
        ("2021", False, "system_harmonisation", True),
        # the joint system came in the course of 2021
        ("2022", False, "system_harmonisation", True),
        ("2023", True, None, False),
    ]
    events = sample_run.rows("select distinct event_ids from marts.complaint where period_code = '2021'")
    assert events == [("vb_systeem_drielinden",)]


# -- key figures -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("year", "lasten", "baten"),
    [
        (2020, 43418377, 13811181),
        (2021, 44075184, 14151353),
        (2022, 44740077, 14428146),
        (2023, 45177910, 14452010),
    ],
)
def test_the_report_of_heemskerk_holds_the_printed_totals_of_its_budget(
    sample_run: Workspace, year: int, lasten: int, baten: int
) -> None:
    found = dict(
        sample_run.rows(
            "select figure_id, value from marts.key_figure where region_code = 'GM0396' "
            f"and year = {year} and figure_id in ('begroting_lasten', 'begroting_baten')"
        )
    )
    # Printed totals differ from the sum of their parts by at most a euro.
    assert abs(found["begroting_lasten"] - lasten) <= 1
    assert abs(found["begroting_baten"] - baten) <= 1


def test_a_budget_of_some_taakgebieden_is_no_budget_of_the_social_domain(sample_run: Workspace) -> None:
    # Of 2016 the budgets of Wmo and Jeugd were delivered, and of no other taakgebied.
    assert sample_run.rows(
        "select value, because from marts.key_figure "
        "where region_code = 'GM0373' and year = 2016 and figure_id = 'begroting_lasten'"
    ) == [
        (
            None,
            "Niet van elk taakgebied is over dit jaar een bedrag geleverd; "
            "er ontbreekt: Sociale basisvoorzieningen, Participatie.",
        )
    ]


def test_every_year_of_a_municipality_has_every_figure_once(sample_run: Workspace) -> None:
    figures = sample_run.value("select count(distinct figure_id) from marts.key_figure")
    odd = sample_run.rows(
        "select region_code, year from marts.key_figure group by all "
        f"having count(*) != {figures} or count(distinct figure_id) != {figures}"
    )
    assert figures > 30 and odd == []


def test_a_figure_that_is_not_there_says_why_and_one_that_is_there_does_not(sample_run: Workspace) -> None:
    assert sample_run.value("select count(*) from marts.key_figure where (value is null) != (because is not null)") == 0
    assert sample_run.value(
        "select because from marts.key_figure where region_code = 'GM0399' and year = 2015 "
        "and figure_id = 'wmo_ondersteuning_thuis_per_1000'"
    ) == ("Destijds op tijd aangeleverd, maar door CBS niet verwerkt (004, paragraaf 5.2).")


def test_a_key_figure_is_the_figure_of_the_end_of_its_year(sample_run: Workspace) -> None:
    apart = sample_run.rows(
        "select report.region_code, report.year, report.figure_id from marts.key_figure as report "
        "inner join marts.indicator_municipality as figure "
        "on report.indicator_id = figure.indicator_id and report.region_code = figure.region_code "
        "and report.period_code = figure.period_code and figure.geography = '2026' "
        "where report.comparable_with_previous != figure.comparable_with_previous "
        "or report.incomparable_because is distinct from figure.incomparable_because "
        "or abs(report.value - figure.value) > 0.5 or abs(report.national_value - figure.national_value) > 0.5 "
        "or (report.national_value is null) != (figure.national_value is null)"
    )
    assert apart == []
    parts = sample_run.rows("select distinct regexp_extract(period_code, '^[0-9]{4}(.*)$', 1) from marts.key_figure")
    assert {part for (part,) in parts if part} <= {"H2", "Q4", "M12"}


def test_a_change_is_the_one_between_the_two_figures_that_are_shown(sample_run: Workspace) -> None:
    shown = "100 * (value - previous_value) / previous_value"
    assert (
        sample_run.rows(
            "select region_code, year, figure_id from marts.key_figure "
            f"where (change_pct is not null and not comparable_with_previous) or abs(change_pct - ({shown})) > 1e-9"
        )
        == []
    )
    # whole numbers would make 4 and 4 of these, with a change of a quarter between them
    ((value, previous, change),) = sample_run.rows(
        "select value, previous_value, change_pct from marts.key_figure "
        "where region_code = 'VB0059' and year = 2022 and figure_id = 'wmo_verblijf_en_opvang_per_1000'"
    )
    assert value != previous and round(value) == round(previous) and change != 0


def test_answers_that_were_counted_stand_in_the_report_as_the_survey_shows_them(sample_run: Workspace) -> None:
    answered = (
        "from marts.key_figure as report inner join marts.indicator as indicator using (indicator_id) "
        "inner join core.survey_figure as counted "
        "on counted.indicator_id = report.indicator_id and counted.region_code = report.region_code "
        "and counted.period_code = report.year::varchar and counted.is_counted "
    )
    # Exact answers stand in the working warehouse only.
    with duckdb.connect(str(sample_run.data / "warehouse.duckdb"), read_only=True) as warehouse:
        assert warehouse.execute(f"select count(*) {answered}").fetchall() == [(20,)]
        assert (
            warehouse.execute(
                f"select report.region_code, report.year, report.figure_id {answered}"
                "where round(counted.value, 1) is distinct from report.value "
                "or (counted.reliability = 'indicatief') != (coalesce(report.caution_nl, '') like 'Indicatief:%')"
            ).fetchall()
            == []
        )
    assert sample_run.rows(
        "select year, value, previous_value, obs_status, because, caution_nl from marts.key_figure "
        "where region_code = 'VB0060' and figure_id = 'weg_naar_hulp_bekend_pct' and year in (2021, 2023) order by year"
    ) == [(2021, 60.0, None, "A", None, None), (2023, 62.6, 60.0, "A", None, None)]


def test_all_clients_are_the_sum_of_what_stapeling_shows(sample_run: Workspace) -> None:
    found = sample_run.rows(
        "select year, figure_id, value from marts.key_figure where region_code = 'VB0001' "
        "and figure_id like 'stapeling%' and value is not null order by year, figure_id"
    )
    assert found == sample_run.rows(
        "select left(period_code, 4)::bigint as year, figure_id, sum(shown)::double as value from ("
        "  select period_code, unnest(['stapeling_clienten', 'stapeling_huishoudens']) as figure_id, "
        "  unnest([persons, households]) as shown from marts.stapeling where period_code like '%H2') "
        "group by all having count(shown) = 3 order by year, figure_id"
    )
    assert [year for year, *_ in found] == [2024, 2024, 2025, 2025]


def test_accounts_that_are_registered_as_missing_say_so_in_the_report(sample_run: Workspace) -> None:
    assert sample_run.rows(
        "select distinct because from marts.key_figure "
        "where region_code = 'VB0080' and year = 2024 and figure_id like 'jaarrekening_%'"
    ) == [("De gemeente gaf over dit jaar alleen nullen op, en heeft dus niet geleverd.",)]


def test_accounts_told_in_another_way_do_not_compare(sample_run: Workspace) -> None:
    # Voorbeeldland's accounts come from Iv3 up to 2024, and from a ledger in 2025.
    assert sample_run.rows(
        "select distinct incomparable_because, change_pct is null from marts.key_figure "
        "where region_code = 'VB0060' and year = 2025 and figure_id like 'jaarrekening_%'"
    ) == [("definition_change", True)]
