"""Real accounts and budgets of Iv3, 2017-2024, added up to the taakgebieden of the social domain.

What it detects: a taakgebied that loses or doubles a taakveld where Iv3 was recoded in 2023, and gross costs that pass
for net ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from pipelines.declarations.finance import finance_rows
from pipelines.declarations.load import load_declarations
from pipelines.settings import PROJECT_ROOT
from tests.harmonising import Warehouse

pytestmark = pytest.mark.shared_data

# Of each taakgebied the taakvelden as the file has them, in which 6.73 and 6.74 are there from 2023 on.
TAAKVELDEN = {
    "basisvoorzieningen": ["6.1", "6.2"],
    "wmo": ["6.6", "6.71", "6.81"],
    "jeugd": ["6.72", "6.73", "6.74", "6.82"],
    "participatie": ["6.3", "6.4", "6.5"],
}
SPENDING = pa.schema(
    [
        *((name, pa.string()) for name in ("region_code", "taakgebied", "told_by")),
        ("fiscal_year", pa.int32()),
        ("lasten_eur", pa.float64()),
        ("baten_eur", pa.float64()),
    ]
)
AMOUNT = pa.schema(
    [
        *((name, pa.string()) for name in ("source_id", "vintage_label", "region_code", "taakgebied", "basis", "side")),
        ("vintage_order", pa.int64()),
        ("vintage_date", pa.date32()),
        ("fiscal_year", pa.int64()),
        ("amount_eur", pa.float64()),
        ("is_latest", pa.bool_()),
    ]
)


@pytest.fixture(scope="module")
def warehouse(shared_data: Path) -> Iterator[Warehouse]:
    declared = load_declarations(PROJECT_ROOT / "sources", "live")
    indicators = [one for one in declared.indicators if one.indicator_id.startswith("iv3_")]
    rows = finance_rows(declared.taakgebieden, [], [], declared.iv3, [one.indicator_id for one in indicators])
    with duckdb.connect() as connection, Warehouse() as made:
        delivered = connection.execute(
            "select gm_code as region_code, jaar::varchar as period_code, "
            "if(verslagsoort like '%X000', 'iv3_begroot', 'iv3') || '_lasten_' || replace(taakveld, '.', '_') "
            "as indicator_id, lasten_x1000eur * 1000 as value from read_csv(?, types = {'taakveld': 'varchar'})",
            [str(shared_data / "iv3" / "taakveld6_lasten_2017_2024.csv")],
        ).to_arrow_table()
        made.put("declared.indicator", [one.model_dump(include={"indicator_id", "aggregation"}) for one in indicators])
        made.put("declared.taakgebied_taakveld", rows["taakgebied_taakveld"])
        made.put_raw("core.spending", SPENDING.empty_table())
        made.put_raw("core.amount", AMOUNT.empty_table())
        made.put_raw("main.delivered", delivered)
        made.put_figures(delivered)
        made.build("core_harmonised", "core_taakgebied_account", "core_taakgebied_budget")
        yield made


@pytest.mark.parametrize("taakgebied", TAAKVELDEN)
@pytest.mark.parametrize(
    ("table", "column", "report"),
    [("core.taakgebied_account", "lasten_eur", "iv3"), ("core.taakgebied_budget", "budget_eur", "iv3_begroot")],
)
def test_a_taakgebied_is_the_sum_of_its_taakvelden_in_every_year(
    warehouse: Warehouse, taakgebied: str, table: str, column: str, report: str
) -> None:
    items = ", ".join(f"'{report}_lasten_{code.replace('.', '_')}'" for code in TAAKVELDEN[taakgebied])
    (counts,) = warehouse.query(
        f"""
        with printed as (
            select region_code, period_code::integer as fiscal_year, sum(value) as eur
            from main.delivered where indicator_id in ({items}) group by all
        )
        select count(*) as compared, count(found.{column}) as found, max(abs(found.{column} - printed.eur)) as largest
        from printed left join {table} as found
            on printed.region_code = found.region_code and printed.fiscal_year = found.fiscal_year
            and found.taakgebied = '{taakgebied}'
        """
    ).to_pylist()
    assert counts["compared"] > 2700
    assert counts["found"] == counts["compared"]
    assert counts["largest"] < 0.5


def test_costs_without_their_income_are_gross_and_never_net(warehouse: Warehouse) -> None:
    (counts,) = warehouse.query(
        "select count(*) as rows, count(baten_eur) as baten, count(net_eur) as net from core.taakgebied_account"
    ).to_pylist()
    assert counts["rows"] > 10_000
    assert (counts["baten"], counts["net"]) == (0, 0)


def test_heemskerk_2023_by_taakgebied(warehouse: Warehouse) -> None:
    found = warehouse.query(
        "select taakgebied, lasten_eur / 1000 as lasten, taakvelden from core.taakgebied_account "
        "where region_code = 'GM0396' and fiscal_year = 2023 order by taakgebied"
    ).to_pylist()
    printed = {
        row["code"]: row["eur"]
        for row in warehouse.query(
            "select replace(replace(indicator_id, 'iv3_lasten_', ''), '_', '.') as code, value / 1000 as eur "
            "from main.delivered where region_code = 'GM0396' and period_code = '2023' "
            "and indicator_id like 'iv3!_lasten!_%' escape '!'"
        ).to_pylist()
    }
    assert {row["taakgebied"]: row["lasten"] for row in found} == pytest.approx(
        {name: sum(printed[code] for code in codes) for name, codes in TAAKVELDEN.items()}
    )
    assert {row["taakvelden"] for row in found} == {"|".join(codes) for codes in TAAKVELDEN.values()}
