"""The benchmark of 003 from real accounts: Heemskerk in 2023 against its four reference municipalities.

The accounts come the normal way, as a source that is declared in a folder, the inhabitants from the publisher's own
answers over HTTP; one run of the product reads, loads, computes and publishes. Nothing of structure is loaded, so that
everything that needs it must say so.

What it detects: money or inhabitants that get lost on the way to the mart, and readings that do not follow from the
ratios. The likely cause is the declaration of items and groups, or the model of the mart.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from pipelines.settings import PROJECT_ROOT
from tests.servers import ReplayServer, shared_tables

pytestmark = [pytest.mark.shared_data, pytest.mark.xdist_group("main_job")]

NULMETING = Path(sys.executable).with_name("nulmeting")
FILE = "taakveld6_lasten_2017_2024.csv"
TAAKVELDEN = ["6.1", "6.2", "6.3", "6.4", "6.5", "6.6", "6.71", "6.72", "6.73", "6.74", "6.81", "6.82"]
HEEMSKERK = "GM0396"
REFERENCE = {"GM0757": "Boxtel", "GM0777": "Etten-Leur", "GM0512": "Gorinchem", "GM0642": "Zwijndrecht"}
DECLARATION = {
    "source_id": "taakveld6",
    "title": "Lasten per taakveld 6",
    "publisher": "CBS",
    "licence": "CC BY 4.0",
    "cadence": "yearly",
    "profiles": ["live"],
    "not_expected_because": "Een bestand voor deze test; er komt geen volgend.",
    "origin": {"producer": "CBS", "citation": "CBS, Iv3"},
    "connector": {"kind": "folder", "folder": "municipal", "pattern": "taakveld6_*.csv"},
    "reader": {
        "kind": "delimited",
        "encoding": "utf-8",
        "delimiter": ",",
        "decimal": ".",
        "columns": [
            {"header": "jaar", "name": "jaar", "type": "year"},
            {"header": "verslagsoort", "name": "verslagsoort", "type": "text"},
            {"header": "gm_code", "name": "gemeente", "type": "region_code"},
            {"header": "taakveld", "name": "taakveld", "type": "text", "allowed": TAAKVELDEN},
            {"header": "lasten_x1000eur", "name": "lasten", "type": "number"},
        ],
        "key": ["jaar", "verslagsoort", "gemeente", "taakveld"],
        "item_columns": ["verslagsoort", "taakveld"],
        "ignore_headers": ["gm_naam", "inwoners"],
    },
    "not_delivered_when_all_zero": True,
    "rounding": 1,
    "parts": ["verslagsoort"],
    "series": [
        {
            "item": f"lasten|{year}{report}|{{}}",
            "indicator_id": f"{indicator}_{{}}",
            "factor": 1000,
            "each": [code for code in TAAKVELDEN if year >= 2023 or code not in ("6.73", "6.74")],
        }
        for report, indicator in (("X005", "iv3_lasten"), ("X000", "iv3_begroot_lasten"))
        for year in range(2017, 2025)
    ],
}


@dataclass(frozen=True)
class Published:
    """What one run published of the real files, and the files themselves."""

    outcome: subprocess.CompletedProcess[str]
    file: Path
    lasten: dict[tuple[str, str], float]
    inhabitants: dict[str, int]

    def rows(self, query: str) -> list[dict[str, Any]]:
        with duckdb.connect(str(self.file), read_only=True) as connection:
            return connection.execute(query).to_arrow_table().to_pylist()

    def heemskerk(self, item: str, year: int = 2023) -> dict[str, Any]:
        (row,) = self.rows(
            f"from marts.cost_benchmark where region_code = '{HEEMSKERK}' and fiscal_year = {year} "
            f"and reference_group = 'heemskerk_003' and item = '{item}'"
        )
        return row


@pytest.fixture(scope="module")
def published(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    root = tmp_path_factory.mktemp("benchmark")
    _declare(root)
    deliveries = root / "deliveries" / "municipal"
    deliveries.mkdir(parents=True)
    shutil.copy(shared_data / "iv3" / FILE, deliveries / FILE)
    with (deliveries / FILE).open(encoding="utf-8", newline="") as file:
        accounts = [row for row in csv.DictReader(file) if row["verslagsoort"] == "2023X005"]
    with ReplayServer(_answers(shared_data)) as server:
        outcome = _run(root, server.base_url)
    assert (root / "data" / "published" / "nulmeting.duckdb").exists(), outcome.stdout + outcome.stderr
    yield Published(
        outcome,
        root / "data" / "published" / "nulmeting.duckdb",
        {(row["gm_code"], row["taakveld"]): 1000 * float(row["lasten_x1000eur"]) for row in accounts},
        _inhabitants(shared_data),
    )


def _declare(root: Path) -> None:
    """The project's own declarations with the new source; of the others only the inhabitants are in reach."""
    sources = root / "sources"
    shutil.copytree(PROJECT_ROOT / "sources", sources)
    for path in sorted([*(sources / "cbs").glob("*.yml"), *(sources / "municipal").glob("*.yml")]):
        declared = yaml.safe_load(path.read_text(encoding="utf-8"))
        if "live" in declared["profiles"] and declared["source_id"] != "cbs_bevolking":
            path.write_text(f"{path.read_text(encoding='utf-8')}\nenabled: false\n", encoding="utf-8")
    text = yaml.safe_dump(DECLARATION, allow_unicode=True, sort_keys=False)
    (sources / "municipal" / "taakveld6.yml").write_text(text, encoding="utf-8")


def _answers(shared_data: Path) -> dict[str, dict[str, bytes]]:
    """The captured answers, of the inhabitants only what the declaration asks for: a slice by measure and region."""
    tables = shared_tables(shared_data / "cbs_v4")
    answer = json.loads(tables["03759ned"]["Observations"])
    answer["value"] = [
        row for row in answer["value"] if row["Measure"] == "M000352" and row["RegioS"].startswith(("NL", "GM"))
    ]
    tables["03759ned"]["Observations"] = json.dumps(answer).encode()
    return tables


def _run(root: Path, base_url: str) -> subprocess.CompletedProcess[str]:
    config = root / "nulmeting.toml"
    config.write_text("", encoding="utf-8")
    return subprocess.run(
        [str(NULMETING), "run", "--profile", "live"],
        cwd=root,
        env={
            **os.environ,
            "NULMETING_CONFIG": str(config),
            "NULMETING_DATA_DIR": str(root / "data"),
            "NULMETING_DROP_DIR": str(root / "deliveries"),
            "NULMETING_SOURCES_DIR": str(root / "sources"),
            "NULMETING_CBS_V4_URL": base_url,
            "NULMETING_TODAY": "2026-07-02",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def _inhabitants(shared_data: Path) -> dict[str, int]:
    """Inhabitants on 1 January 2023, read from the publisher's answer without any of the product's code."""
    path = shared_data / "cbs_v4" / "03759ned" / "observations-page-1.json"
    observations = json.loads(path.read_text(encoding="utf-8"))["value"]
    return {
        row["RegioS"].strip(): int(row["Value"])
        for row in observations
        if (row["Measure"], row["Perioden"]) == ("M000352", "2023JJ00") and row["Value"] is not None
    }


def test_every_row_is_loaded(published: Published) -> None:
    assert published.outcome.returncode == 0, published.outcome.stdout + published.outcome.stderr
    (delivery,) = published.rows("select rows_in, rows_loaded from marts.delivery where source_id = 'taakveld6'")
    assert delivery == {"rows_in": 59_917, "rows_loaded": 59_916}


@pytest.mark.parametrize(
    ("item", "ratio", "reading"),
    [
        ("6.1", 0.41, "veel lager"),
        ("6.3", 0.93, "vergelijkbaar"),
        ("6.71", 1.31, "hoger"),
        ("6.72", 2.09, "veel hoger"),
        ("6.5", 0.13, "veel lager"),
        ("6.72-6.74", 1.07, "vergelijkbaar"),
        ("financieel_fit", 0.848, "lager"),
        ("opgroeien_en_zelfontplooiing", 1.039, "vergelijkbaar"),
    ],
)
def test_heemskerk_2023_against_its_reference_municipalities(
    published: Published, item: str, ratio: float, reading: str
) -> None:
    row = published.heemskerk(item)
    assert row["ratio"] == pytest.approx(ratio, abs=0.01)
    assert row["reading_nl"] == reading
    assert (row["reference_members"], row["reference_members_known"]) == (4, 4)
    assert row["difference_eur"] == pytest.approx(row["eur_per_inhabitant"] - row["reference_eur"])


@pytest.mark.parametrize("taakveld", TAAKVELDEN)
def test_euros_per_inhabitant_are_the_accounts_over_the_inhabitants(published: Published, taakveld: str) -> None:
    def per_inhabitant(region: str) -> float:
        return published.lasten[region, taakveld] / published.inhabitants[region]

    row = published.heemskerk(taakveld)
    assert row["inhabitants"] == 39_431 == published.inhabitants[HEEMSKERK]
    assert row["lasten_eur"] == published.lasten[HEEMSKERK, taakveld]
    assert row["eur_per_inhabitant"] == pytest.approx(per_inhabitant(HEEMSKERK), abs=1)
    reference = sum(map(per_inhabitant, REFERENCE)) / len(REFERENCE)
    assert row["reference_eur"] == pytest.approx(reference, abs=1)


def test_every_municipality_has_its_own_euros_per_inhabitant(published: Published) -> None:
    rows = published.rows(
        "select distinct region_code, item, eur_per_inhabitant from marts.cost_benchmark "
        "where fiscal_year = 2023 and item_kind = 'taakveld' and eur_per_inhabitant is not null"
    )
    wrong = {
        (row["region_code"], row["item"]): row["eur_per_inhabitant"]
        for row in rows
        if abs(
            row["eur_per_inhabitant"]
            - published.lasten[row["region_code"], row["item"]] / published.inhabitants[row["region_code"]]
        )
        > 1
    }
    # one of the 342 municipalities of 2023 gave no accounts: nothing but zeros
    delivered = {region for (region, _), euros in published.lasten.items() if euros}
    assert {row["region_code"] for row in rows} == delivered
    assert len(delivered) == 341
    assert wrong == {}


def test_6_72_is_probably_booked_differently_and_the_sum_stands_beside_it(published: Published) -> None:
    assert published.heemskerk("6.72")["caution_nl"] == (
        "Waarschijnlijk anders geboekt: 6.73 en 6.74 wijken de andere kant op af. "
        "Samen (6.72-6.74) is het vergelijkbaar: 1,07 keer de referentie."
    )
    for item in ("6.73", "6.74"):
        row = published.heemskerk(item)
        assert row["reading_nl"] == "veel lager"
        assert row["caution_nl"].startswith("Waarschijnlijk anders geboekt: 6.72 wijkt de andere kant op af.")
    assert published.heemskerk("6.72-6.74")["caution_nl"] is None
    assert "Waarschijnlijk anders geboekt" not in (published.heemskerk("6.71")["caution_nl"] or "")


def test_what_else_stands_on_a_taakveld_is_said(published: Published) -> None:
    assert "Oekraïne" in published.heemskerk("6.1")["caution_nl"]
    assert "Oekraïne" in published.heemskerk("ontmoeten_en_omzien")["caution_nl"]
    assert published.heemskerk("6.1", year=2021)["caution_nl"] is None
    assert published.heemskerk("6.2")["caution_nl"] is None


def test_opgaven_are_the_sums_of_their_taakvelden(published: Published) -> None:
    for item, taakvelden in (
        ("zorg_en_wonen", ["6.6", "6.71", "6.81"]),
        ("opgroeien_en_zelfontplooiing", ["6.72", "6.73", "6.74", "6.82"]),
        ("financieel_fit", ["6.3", "6.4", "6.5"]),
        ("sociaal_domein", TAAKVELDEN),
    ):
        row = published.heemskerk(item)
        whole = sum(published.lasten[HEEMSKERK, taakveld] for taakveld in taakvelden)
        assert row["lasten_eur"] == pytest.approx(whole), item
        assert row["eur_per_inhabitant"] == pytest.approx(whole / 39_431, abs=1)


@pytest.mark.parametrize("item", ["financieel_fit", "opgroeien_en_zelfontplooiing", "sociaal_domein"])
def test_an_opgave_says_that_it_is_gross_where_003_reads_net_amounts(published: Published, item: str) -> None:
    assert "Bruto lasten" in published.heemskerk(item)["caution_nl"]
    assert "003 vergelijkt netto" in published.heemskerk(item)["caution_nl"]
    assert "Bruto lasten" not in (published.heemskerk("6.3")["caution_nl"] or "")


def test_a_group_compares_over_the_recoding_and_a_sum_of_new_codes_does_not(published: Published) -> None:
    rows = published.rows(
        f"select item, list(fiscal_year order by fiscal_year) as years from marts.cost_benchmark "
        f"where region_code = '{HEEMSKERK}' and reference_group = 'heemskerk_003' and ratio is not null "
        f"and item in ('jeugd', '6.72-6.74') group by item"
    )
    # inhabitants are there from 2019 on
    assert {row["item"]: row["years"] for row in rows} == {
        "jeugd": [2019, 2020, 2021, 2022, 2023, 2024],
        "6.72-6.74": [2023, 2024],
    }


def test_without_inhabitants_the_amount_stands_alone_and_says_why(published: Published) -> None:
    row = published.heemskerk("6.1", year=2018)
    assert row["lasten_eur"] > 0
    assert (row["eur_per_inhabitant"], row["ratio"]) == (None, None)
    assert row["no_ratio_because_nl"] == "Het aantal inwoners op 1 januari is niet geladen."


def test_without_structure_nothing_is_corrected_and_no_neighbours_are_chosen(published: Published) -> None:
    row = published.heemskerk("6.72")
    assert (row["corrected_reference_eur"], row["structure_expected_eur"]) == (None, None)
    assert row["not_corrected_because_nl"].startswith("Niet geladen, dus geen structuur om mee te rekenen: ")
    (counted,) = published.rows(
        "select count(*) as rows, count(ratio) as ratios, count(no_ratio_because_nl) as reasons "
        "from marts.cost_benchmark where reference_group = 'naaste_buren'"
    )
    assert counted["rows"] == counted["reasons"] > 0
    assert counted["ratios"] == 0


def test_the_members_of_the_group_are_those_of_003(published: Published) -> None:
    rows = published.rows(
        "select member_code, chosen_by_nl, distance_because_nl from marts.reference_group_member "
        f"where region_code = '{HEEMSKERK}' and fiscal_year = 2023"
    )
    assert {row["member_code"] for row in rows} == set(REFERENCE)
    assert {row["chosen_by_nl"] for row in rows} == {"gekozen"}
    assert all(row["distance_because_nl"] for row in rows)


def test_no_ratio_is_without_a_reason(published: Published) -> None:
    assert published.rows(
        "select count(*) as rows from marts.cost_benchmark where (ratio is null) != (no_ratio_because_nl is not null)"
    ) == [{"rows": 0}]
