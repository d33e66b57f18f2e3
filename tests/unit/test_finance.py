"""Money: the register of measures, the taakgebieden, prices, and the made-up ledger of Voorbeeldland."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pydantic import ValidationError

from pipelines.declarations.declared_schema import SCHEMAS
from pipelines.declarations.finance import Measure, Realised, Taakgebied, finance_contradictions, finance_rows
from pipelines.declarations.load import load_declarations
from pipelines.declarations.source import DelimitedReader, Source
from pipelines.geography.lookup import declared_lookup
from pipelines.readers import read_file
from pipelines.settings import PROJECT_ROOT, SetupError, load_settings
from pipelines.voorbeeldland import ledger
from pipelines.voorbeeldland.generator import DEFAULT_SEED
from pipelines.warehouse.figures import create_figures

SAMPLE = load_declarations(PROJECT_ROOT / "sources", "sample")
LIVE = load_declarations(PROJECT_ROOT / "sources", "live")
MUNICIPAL = PROJECT_ROOT / "sources" / "sample" / "municipal"

MEASURE: dict[str, Any] = {
    "measure_id": "dashboard",
    "document": "003",
    "section": "8",
    "region_code": "GM0396",
    "title_nl": "Dashboard",
    "opgave": "Financieel fit",
    "feasibility": "+",
    "term": "korte termijn",
    "yield_low_eur": 10,
    "yield_high_eur": 20,
    "cost": "geen",
    "impact_provisions": "positief",
    "impact_residents": "neutraal",
    "impact_policy": "negatief",
}


class Placed:
    """A declaration that says where it stood by the way in it alone."""

    def __init__(self, item: Any) -> None:
        self.item = item

    def problem(self, found: str, expected: str, *path: str | int) -> str:
        return f"{'.'.join(map(str, path))}: found {found}, expected {expected}"


def contradictions(*items: Any) -> list[str]:
    def of(kind: type[Any]) -> list[Placed]:
        return [Placed(item) for item in items if isinstance(item, kind)]

    found = finance_contradictions(of(Taakgebied), of(Measure), of(Realised), SAMPLE.iv3, {"GM0396"})
    return list(found)


def gebied(name: str, **taakvelden: list[str]) -> Taakgebied:
    years = {regime.removeprefix("y"): codes for regime, codes in taakvelden.items()}
    return Taakgebied.model_validate(
        {"taakgebied": name, "label_nl": name, "taakvelden": years, "because": "Verzonnen."}
    )


# -- what is declared --------------------------------------------------------------------------------


def test_the_sixteen_measures_are_declared_with_the_opgaven_that_the_document_gives() -> None:
    assert len(SAMPLE.measures) == 16
    assert SAMPLE.measures == LIVE.measures
    counts = {one.opgave: 0 for one in SAMPLE.measures}
    for one in SAMPLE.measures:
        counts[one.opgave] += 1
    assert counts == {
        "Vitaal en weerbaar": 1,
        "Zorg en wonen": 3,
        "Opgroeien en zelfontplooiing": 5,
        "Financieel fit": 3,
        "Ontmoeten en omzien naar elkaar": 2,
        "overkoepelend": 2,
    }


def test_a_cost_without_an_amount_in_the_document_has_none_here() -> None:
    without = {one.measure_id for one in SAMPLE.measures if one.cost_once_low_eur is one.cost_yearly_low_eur is None}
    assert without == {"voorzieningen_kantelen", "lokale_teams", "poh_jeugd", "doorbraakmethode"}


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({"yield_low_eur": 30}, "above"),
        ({"cost_once_low_eur": 5}, "only one of"),
        ({"opgave": "Iets anders"}, "Input should be"),
        ({"impact_policy": "groot"}, "Input should be"),
    ],
)
def test_a_measure_that_contradicts_itself_is_refused(changed: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ValidationError, match=wrong):
        Measure.model_validate({**MEASURE, **changed})


def test_what_does_not_fit_the_rest_is_told_with_its_place() -> None:
    found = contradictions(
        Measure.model_validate({**MEASURE, "region_code": "GM0001"}),
        Realised.model_validate(
            {
                "measure_id": "droom",
                "period_code": 2026,
                "amount_eur": 1,
                "who": "iemand",
                "when": "2027-01-01",
                "reference": "jaarrekening",
            }
        ),
        gebied("wmo", y2023=["6.6", "6.99"], y1999=["6.6"]),
        gebied("jeugd", y2023=["6.6"]),
    )
    assert found == [
        "taakvelden.2023.1: found 6.99, expected a taakveld of the regime 2023",
        "taakvelden.1999: found 1999, expected one of 2017, 2023, 2025",
        "taakvelden.2023.0: found 6.6 a second time, expected it only in wmo",
        "region_code: found GM0001, expected a region or group that is declared",
        "measure_id: found droom, expected a measure that is declared",
    ]


def test_a_taakveld_is_laid_out_by_side_and_report_with_the_indicators_that_there_are() -> None:
    rows = finance_rows([gebied("wmo", y2017=["6.6"])], [], [], SAMPLE.iv3, ["iv3_lasten_6_6", "iv3_begroot_baten_6_6"])
    assert [
        (row["side"], row["report_kind"], row["first_year"], row["last_year"], row["indicator_id"])
        for row in rows["taakgebied_taakveld"]
    ] == [
        ("lasten", "X005", 2017, 2022, "iv3_lasten_6_6"),
        ("lasten", "X000", 2017, 2022, None),
        ("baten", "X005", 2017, 2022, None),
        ("baten", "X000", 2017, 2022, "iv3_begroot_baten_6_6"),
    ]


@pytest.mark.parametrize("table", ["taakgebied", "taakgebied_taakveld", "measure", "measure_realised"])
def test_the_rows_have_the_columns_of_their_table(table: str) -> None:
    realised = Realised.model_validate(
        {
            "measure_id": "dashboard",
            "period_code": "2026",
            "amount_eur": -5,
            "who": "control",
            "when": "2027-01-01",
            "reference": "jaarrekening",
        }
    )
    rows = finance_rows(SAMPLE.taakgebieden, SAMPLE.measures, [realised], SAMPLE.iv3, [])[table]
    assert rows
    assert set(SCHEMAS[table].names) <= set(rows[0])


def test_every_taakveld_of_the_social_domain_is_in_one_taakgebied() -> None:
    for regime in ("2017", "2023", "2025"):
        codes = [code for one in SAMPLE.taakgebieden for code in one.taakvelden[regime]]
        parents = SAMPLE.iv3.parents_of(regime)
        social = {parents.get(code, code) for code in SAMPLE.iv3.taakvelden_of(regime) if code.startswith("6.")}
        assert set(codes) == social


def test_a_ledger_knows_every_taakveld_and_taakgebied_and_no_other_code() -> None:
    import re

    source = LIVE.source("grootboek")
    patterns = [item.replace(".", r"\.").replace("|", r"\|").replace("*", ".*") for item in source.attributes]

    def known(code: str) -> bool:
        return any(re.fullmatch(pattern, f"grootboek|lasten|{code}") for pattern in patterns)

    codes = {code for one in SAMPLE.taakgebieden for codes in one.taakvelden.values() for code in codes}
    assert all(map(known, codes | {one.taakgebied for one in SAMPLE.taakgebieden} | {"6.71a"}))
    assert not any(map(known, ["0.4", "7.1", "6.9", "zorg"]))


# -- prices ------------------------------------------------------------------------------------------


def test_the_price_year_is_a_setting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NULMETING_PRICE_YEAR", raising=False)
    assert load_settings().price_year is None
    monkeypatch.setenv("NULMETING_PRICE_YEAR", "2023")
    assert load_settings().price_year == 2023
    monkeypatch.setenv("NULMETING_PRICE_YEAR", "vorig jaar")
    with pytest.raises(SetupError, match="NULMETING_PRICE_YEAR"):
        load_settings()


def test_a_table_about_a_whole_country_gives_its_figures_the_country() -> None:
    source = LIVE.source("cbs_cpi")
    with duckdb.connect() as connection:
        connection.execute("create schema raw")
        create_figures(connection, [source])
        connection.execute(
            "insert into raw.cbs_cpi by name select 'v' as vintage_id, 'CPI|000000 Alle bestedingen' as item, "
            "'2024' as period_code, 130.0 as value"
        )
        rows = connection.execute("select region_code, period_code, value from raw.figure").fetchall()
    assert rows == [("NL01", "2024", 130.0)]


def test_a_table_with_regions_of_its_own_takes_no_constant_one() -> None:
    with pytest.raises(ValidationError, match="constant_region"):
        Source.model_validate(
            {**LIVE.source("cbs_bevolking").model_dump(), "constant_region": "NL01"},
        )


# -- Voorbeeldland -----------------------------------------------------------------------------------


def test_making_the_ledger_again_gives_the_bundled_bytes(tmp_path: Path) -> None:
    ledger.write(tmp_path, DEFAULT_SEED)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert len(made) == 3
    assert made == {name: (MUNICIPAL / name).read_bytes() for name in made}


def test_another_seed_gives_another_ledger(tmp_path: Path) -> None:
    ledger.write(tmp_path, DEFAULT_SEED + 1)
    name = "vb_grootboek_2025_2026.csv"
    assert (tmp_path / name).read_bytes() != (MUNICIPAL / name).read_bytes()


@pytest.mark.parametrize("source_id", ["vb_begroting", "vb_grootboek", "vb_gemeentefonds_ijkpunt"])
def test_a_made_up_delivery_is_read_whole_and_is_of_fictional_municipalities_only(source_id: str) -> None:
    source = SAMPLE.source(source_id)
    assert source.origin.fictional
    (path,) = MUNICIPAL.glob(f"{source_id}_*.csv")
    result = read_file(path.name, path.read_bytes(), source, declared_lookup(SAMPLE, source_id))
    assert result.problems == () and not result.refused and result.rows_loaded > 10
    assert set(result.rows["region_code"].to_pylist()) == set(ledger.MUNICIPALITIES)


@pytest.mark.parametrize("source_id", ["grootboek", "gemeentefonds_ijkpunt"])
def test_the_sample_has_the_shape_that_a_real_delivery_has(source_id: str) -> None:
    real, made_up = LIVE.source(source_id).reader, SAMPLE.source(f"vb_{source_id}").reader
    assert isinstance(real, DelimitedReader) and real == made_up


def test_every_line_of_the_made_up_budget_is_a_known_programme() -> None:
    with (PROJECT_ROOT / "dbt_project" / "seeds" / "budget_item.csv").open(encoding="utf-8") as file:
        items = list(csv.DictReader(file))
    assert {row["item"] for row in items if row["source_id"] == "vb_begroting"} == {
        programme.name for programme in ledger.PROGRAMMES
    }
    taakgebieden = {one.taakgebied for one in SAMPLE.taakgebieden}
    indicators = {one.indicator_id for one in SAMPLE.indicators}
    assert {row["taakgebied"] for row in items} - {""} <= taakgebieden
    assert {row["clients_indicator_id"] for row in items} - {""} <= indicators
