"""What the policy documents print must come out of the published file, by way of the deliveries."""

from __future__ import annotations

import json

import pytest

from pipelines.declarations.load import load_declarations
from tests.integration.conftest import Workspace


def test_castricum_keeps_its_own_half_year_and_gets_no_national_figure_of_another(
    sample_run: Workspace,
) -> None:
    rows = sample_run.rows(
        "select clients_per_1000, period_code, national_clients_per_1000 from marts.provision_use "
        "where region_code = 'GM0383' and provision = 'hulp_bij_het_huishouden'"
    )
    assert rows == [(25, "2015H2", None)]


@pytest.mark.parametrize(
    ("region", "period", "figures"),
    [
        ("GM0373", "2016H2", [7, 9, 0, 46]),
        ("GM0450", "2016H2", [6, 3, 0, 28]),
        ("GM0383", "2015H2", [10, 25, 0, 40]),
        ("GM0399", "2016H2", [9, 6, 0, 13]),
        ("NL01", "2016H2", [13, 22, 4, 38]),
    ],
)
def test_use_of_provisions_per_1000_inhabitants(
    sample_run: Workspace, region: str, period: str, figures: list[int]
) -> None:
    found = dict(
        sample_run.rows(
            "select provision, clients_per_1000 from marts.provision_use "
            f"where region_code = '{region}' and period_code = '{period}'"
        )
    )
    names = [
        "ondersteuning_thuis",
        "hulp_bij_het_huishouden",
        "verblijf_en_opvang",
        "hulpmiddelen_en_diensten",
    ]
    assert found == dict(zip(names, figures, strict=True))


def test_the_national_figure_stands_beside_a_municipality_of_the_same_period(sample_run: Workspace) -> None:
    assert (
        sample_run.value(
            "select national_clients_per_1000 from marts.provision_use where region_code = 'GM0373' "
            "and provision = 'hulp_bij_het_huishouden' and period_code = '2016H2'"
        )
        == 22
    )


@pytest.mark.parametrize(
    ("region", "figures"),
    [
        ("GM0373", [83, 72, 81, 78]),
        ("GM0450", [77, 75, 67, 67]),
        ("GM0383", [74, 67, 75, 68]),
        ("GM0399", [76, 59, 67, 67]),
        ("NL01", [79, 70, 77, 74]),
    ],
)
def test_client_experience_2015(sample_run: Workspace, region: str, figures: list[int]) -> None:
    found = dict(
        sample_run.rows(
            "select question_id, pct_positive from marts.client_experience "
            f"where region_code = '{region}' and period_code = '2015' and survey = 'ceo_wmo'"
        )
    )
    assert found == dict(zip(["kwaliteit", "oplossingen", "passend", "beter_doen"], figures, strict=True))


def test_client_experience_has_the_documents_verdict_and_no_invented_respondents(
    sample_run: Workspace,
) -> None:
    rows = sample_run.rows(
        "select distinct region_code, respondents, response_norm_met, ci_low, ci_high "
        "from marts.client_experience order by region_code"
    )
    assert rows == [
        ("GM0373", None, False, None, None),
        ("GM0383", None, False, None, None),
        ("GM0399", None, False, None, None),
        ("GM0450", None, False, None, None),
        ("NL01", None, None, None, None),
    ]


@pytest.mark.parametrize(("year", "total"), [(2016, 68431075), (2017, 63134538), (2018, 62417532), (2019, 61769188)])
def test_budget_of_ijmond_adds_up_to_the_printed_total(sample_run: Workspace, year: int, total: int) -> None:
    found = sample_run.value(
        "select sum(amount_eur) from marts.budget where region_code = 'SV-IJMOND' "
        f"and fiscal_year = {year} and budget_vintage = 'september-circulaire-2016'"
    )
    assert abs(found - total) <= 1


def test_the_budget_of_ijmond_2016_exists_in_two_vintages(sample_run: Workspace) -> None:
    rows = sample_run.rows(
        "select budget_vintage, amount_eur from marts.budget where region_code = 'SV-IJMOND' "
        "and fiscal_year = 2016 and programme = 'jeugdhulp' order by 1"
    )
    assert rows == [("mei-circulaire-2016", 31652388), ("september-circulaire-2016", 31687632)]


@pytest.mark.parametrize(
    ("year", "lasten", "baten"),
    [
        (2020, 43418377, 13811181),
        (2021, 44075184, 14151353),
        (2022, 44740077, 14428146),
        (2023, 45177910, 14452010),
    ],
)
def test_budget_of_heemskerk(sample_run: Workspace, year: int, lasten: int, baten: int) -> None:
    found = dict(
        sample_run.rows(
            "select side, sum(amount_eur) from marts.budget where region_code = 'GM0396' "
            f"and fiscal_year = {year} group by side"
        )
    )
    assert abs(found["lasten"] - lasten) <= 1
    assert abs(found["baten"] - baten) <= 1


def test_only_a_taakstelling_is_negative(sample_run: Workspace) -> None:
    assert sample_run.rows("select distinct programme from marts.budget where amount_eur < 0") == [("taakstelling",)]


def test_finance_of_the_buch_by_programme_basis_and_form(sample_run: Workspace) -> None:
    rows = sample_run.rows(
        "select programme, basis, side, coalesce(provision_form, '-'), amount_eur from marts.budget "
        "where region_code = 'GM0399' and fiscal_year = 2016 order by all"
    )
    assert rows == sorted(
        [
            ("buig", "rijksbudget", "baten", "-", 2743000),
            ("jeugd", "begroting", "lasten", "-", 3056000),
            ("jeugd", "realisatie", "lasten", "pgb", 207000),
            ("jeugd", "realisatie", "lasten", "zin", 2280000),
            ("jeugd", "rijksbudget", "baten", "-", 2924000),
            ("participatie", "rijksbudget", "baten", "-", 202000),
            ("wmo", "begroting", "lasten", "-", 1730000),
            ("wmo", "rijksbudget", "baten", "-", 2429000),
            ("wmo_begeleiding", "realisatie", "lasten", "pgb", 67000),
            ("wmo_begeleiding", "realisatie", "lasten", "zin", 861000),
        ]
    )


def test_coverage_says_that_heiloo_lacks_wmo_2015_and_why(sample_run: Workspace) -> None:
    rows = sample_run.rows(
        "select distinct delivery, because from marts.coverage "
        "where region_code = 'GM0399' and period_code like '2015%' and source_id = 'gmsd_wmo'"
    )
    assert [delivery for delivery, _ in rows] == ["missing"]
    assert "CBS" in rows[0][1]


def test_coverage_says_why_castricum_lacks_wmo_2016h2(sample_run: Workspace) -> None:
    rows = sample_run.rows(
        "select distinct delivery, because is not null from marts.coverage "
        "where region_code = 'GM0383' and period_code = '2016H2' and source_id = 'gmsd_wmo'"
    )
    assert rows == [("missing", True)]


def test_a_missing_delivery_is_not_put_down_to_an_event(sample_run: Workspace) -> None:
    rows = sample_run.rows(
        "select distinct cause, event_ids, event_shares from marts.trend_break where kind = 'gap' "
        "and region_code = 'GM0383'"
    )
    assert rows == [("unexplained", None, None)]


def test_goals_without_a_later_figure_are_not_measured_and_those_without_baseline_say_so(
    sample_run: Workspace,
) -> None:
    verdicts = dict(
        sample_run.rows(
            "select verdict, count(*) from marts.goal_status where region_code not like 'VB%' group by verdict"
        )
    )
    assert set(verdicts) == {"not_measured", "no_baseline", "qualitative"}
    assert sample_run.value("select count(*) from marts.goal_status where because is null") == 0


def test_the_names_that_consumers_rely_on(sample_run: Workspace) -> None:
    found = {name for (name,) in sample_run.rows("select distinct provision from marts.provision_use")}
    assert {
        "ondersteuning_thuis",
        "hulp_bij_het_huishouden",
        "verblijf_en_opvang",
        "hulpmiddelen_en_diensten",
    } <= found
    laws = {law for (law,) in sample_run.rows("select distinct law from marts.provision_use")}
    assert laws == {"jeugd", "wmo", "participatie"}


def test_an_id_stands_beside_what_it_is_called_in_dutch(sample_run: Workspace) -> None:
    """All marts but the one of every vintage of every figure, which the questions about earlier days read."""
    columns: dict[str, set[str]] = {}
    for table, column in sample_run.rows("select table_name, column_name from duckdb_columns()"):
        columns.setdefault(table, set()).add(column)
    labels = {
        "region_code": {"region_name"},
        "member_code": {"member_name"},
        "municipality_code": {"municipality_name"},
        "indicator_id": {"label_nl", "measure_nl"},
        "provision": {"provision_nl", "label_nl"},
        "question_id": {"question_nl", "label_nl"},
        "survey": {"survey_nl", "label_nl"},
        "referrer": {"referrer_nl"},
        "answer": {"answer_nl"},
        "item": {"item_nl"},
    }
    lacking = {
        (table, name)
        for table, names in columns.items()
        for name, called in labels.items()
        if name in names and not names & called and table not in ("observation", "region")
    }
    assert lacking == set()
    for table, names in columns.items():
        for name in names & {"region_name", "label_nl", "provision_nl", "question_nl", "survey_nl", "member_name"}:
            assert sample_run.value(f'select count(*) from marts."{table}" where "{name}" is null') == 0, (table, name)


@pytest.mark.parametrize("mart", ["indicator_municipality", "indicator_wijk", "key_figure", "complaint"])
def test_why_a_figure_does_not_compare_is_told_in_dutch_sentences(sample_run: Workspace, mart: str) -> None:
    rows = sample_run.rows(f"select distinct incomparable_because, incomparable_because_nl from marts.{mart}")
    assert len(rows) > 1
    for codes, told in rows:
        assert (codes is None) == (told is None)
        # a sentence for every code, and no code left
        assert codes is None or ("_" not in told and told.count(".") == codes.count("|") + 1), told


def test_households_with_provisions_under_one_two_and_three_laws(sample_run: Workspace) -> None:
    rows = sample_run.rows("select number_of_laws, persons, households, because from marts.stapeling")
    assert len(rows) == 12
    shown = [households for _, _, households, _ in rows if households is not None]
    assert len(shown) > 6 and all(count >= 10 and count % 5 == 0 for count in shown)
    assert all(because is not None for _, persons, households, because in rows if None in (persons, households))
    assert not any("Niet van iedereen" in (because or "") for *_, because in rows)


def test_every_row_of_every_delivery_is_accounted_for(sample_run: Workspace) -> None:
    sources = load_declarations(sample_run.sources, "sample").sources
    about_persons = {source.source_id for source in sources if source.person_level}
    told = sample_run.rows(
        "select source_id, file, rows_in, rows_loaded, rows_no_data, rows_quarantined from marts.delivery"
    )
    assert about_persons < {source_id for source_id, *_ in told}
    for source_id, file, rows_in, *gone in told:
        if source_id in about_persons:
            assert (file, rows_in, *gone) == (file, None, None, None, None)
        else:
            assert (file, rows_in) == (file, sum(gone)) and rows_in > 0
    assert sample_run.rows("from marts.quarantine") == []


def test_every_fictional_region_is_marked(sample_run: Workspace) -> None:
    assert (
        sample_run.rows(
            "select region_code from marts.region where is_fictional != (region_code like 'VB%' "
            "or region_code like 'SV-VB-%')"
        )
        == []
    )


def test_the_manifest_names_run_revision_vintages_checksums_and_counts(sample_run: Workspace) -> None:
    folder = sample_run.data / "published"
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["run_id"] and manifest["git_revision"] and manifest["vintages"]
    tables = {path.stem for path in (folder / "parquet").glob("*.parquet")}
    assert set(manifest["row_counts"]) == tables
    for table, count in manifest["row_counts"].items():
        assert sample_run.value(f'select count(*) from marts."{table}"') == count
        parquet = folder / "parquet" / f"{table}.parquet"
        assert sample_run.value(f"select count(*) from '{parquet}'") == count


def test_a_column_description_travels_with_the_published_file(sample_run: Workspace) -> None:
    undescribed = sample_run.rows(
        "select table_name, column_name from duckdb_columns() where schema_name = 'marts' and comment is null"
    )
    assert undescribed == []


def test_the_summary_names_what_a_person_asks_for(sample_run: Workspace) -> None:
    summary = (sample_run.root / "summary.txt").read_text(encoding="utf-8")
    for word in ("Waarnemingen geladen", "Trendbreuken", "Verwachtingen", "Meldingen", "Gepubliceerd"):
        assert word in summary
    assert "verzonnen" in summary
