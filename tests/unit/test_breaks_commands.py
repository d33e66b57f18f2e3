"""`nulmeting breaks`: what the commands print, write and refuse."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from pipelines.breaks.files import detect_files
from pipelines.breaks.panel import PanelError
from pipelines.cli import WRONG_USE, app
from pipelines.publish.publication import publish
from pipelines.settings import Settings, SetupError
from pipelines.warehouse.connection import connect

TEXT = "Sinds 2018 ligt ‘Hulp’ in Alfa 28 % hoger. Vraag de gemeente wat er veranderde."


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    settings = Settings(data_dir=tmp_path / "data")
    with connect(settings.warehouse_path) as connection:
        connection.execute(
            """
            create table marts.trend_break as
            select
                'abc' as break_id, 'wmo_hulp' as indicator_id, 'GM0001' as region_code, '2018H1' as period_code,
                'level' as kind, 'up' as direction, 'Hulp' as label_nl, 'Alfa' as region_name,
                'een sprong' as kind_nl, ? as explanation_nl,
                null::varchar as part_of, null as decision, null as decided_because
            """,
            [TEXT],
        )
        connection.execute(
            "create table marts.delivery as select 'v' as vintage_id, 's' as source_id, null::date as vintage_date, "
            "null as vintage_label, 'c' as checksum_sha256, true as is_current"
        )
    publish(settings, "run-1")
    return settings.data_dir


def _call(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["breaks", *arguments])


def test_explain_prints_the_text_of_the_mart_below_what_it_is_about(data_dir: Path) -> None:
    answer = _call("explain", "abc", "--data-dir", str(data_dir))
    assert answer.exit_code == 0
    assert answer.stdout.splitlines() == [
        "Trendbreuk abc: Hulp, Alfa, eerste halfjaar 2018 (een sprong)",
        TEXT,
    ]


def test_an_id_that_nobody_has_is_refused_by_both(data_dir: Path) -> None:
    for arguments in (("explain", "xyz"), ("decide", "xyz", "--as", "accepted", "--because", "x", "--by", "ik")):
        answer = _call(*arguments, "--data-dir", str(data_dir))
        assert isinstance(answer.exception, SetupError)
        assert str(answer.exception) == "xyz: found no break of that id, expected one of marts.trend_break"


def _panel(path: Path) -> Path:
    """Thirty municipalities over sixteen years; in the first, twice as many from 2010 on."""
    level = np.random.default_rng(3).uniform(400, 3000, 30)
    rows = {
        f"GM{region:04d}|{2000 + year}": np.random.default_rng([region, year]).poisson(
            level[region] * (2 if region == 0 and year >= 10 else 1)
        )
        for region in range(30)
        for year in range(16)
    }
    counts = pa.array([float(count) for count in rows.values()])
    size = len(rows)
    pq.write_table(
        pa.table(
            {
                "indicator_id": ["x"] * size,
                "region_code": [key.split("|")[0] for key in rows],
                "period_code": [key.split("|")[1] for key in rows],
                "value": counts,
                "numerator": counts,
                "denominator": pa.nulls(size, pa.float64()),
                "unit": ["count"] * size,
                "obs_status": ["A"] * size,
            }
        ),
        path,
    )
    return path


def test_detect_writes_breaks_and_who_may_have_caused_them(tmp_path: Path) -> None:
    events = tmp_path / "events.csv"
    events.write_text(
        "event_id,kind,nature,effective_date,period_from,period_to,region_codes,indicator_ids\n"
        "fusie,ambtelijke_fusie,measurement,2010-01-01,,,GM0000,*\n"
        "elders,policy,real_world,,2010,2011,GM0005|GM0006,x\n"
        "far,policy,real_world,,2010,2011,GM7777,x\n"
    )
    answer = _call(
        *(
            "detect",
            "--panel",
            str(_panel(tmp_path / "panel.parquet")),
            "--out",
            str(tmp_path / "new" / "breaks.parquet"),
        ),
        *("--events", str(events), "--attribution", str(tmp_path / "attribution.parquet")),
        *("--detectable", str(tmp_path / "detectable.parquet"), "--mirrors", str(tmp_path / "mirrors.parquet")),
    )
    assert answer.exit_code == 0, answer.output
    assert answer.stderr == (
        "events: found 1 that touch no region of the panel (far), expected region_codes of the panel, separated by |, "
        "or *\n"
    )
    breaks = pq.read_table(tmp_path / "new" / "breaks.parquet").to_pylist()
    (found,) = [row for row in breaks if row["alarm"] and row["region_code"] == "GM0000"]
    assert (found["period_code"], found["kind"], found["cause"], found["event_ids"]) == (
        "2010",
        "level",
        "explained",
        "fusie",
    )
    assert found["link_low"] < 2 < found["link_high"]
    attribution = pq.read_table(tmp_path / "attribution.parquet").to_pylist()
    assert {row["event_id"] for row in attribution if row["region_code"] == "GM0000"} == {"fusie"}
    detectable = pq.read_table(tmp_path / "detectable.parquet").to_pylist()
    assert len(detectable) == 30
    assert all(5 < row["detectable_effect_pct"] < 60 for row in detectable)
    assert pq.read_table(tmp_path / "mirrors.parquet").num_rows == 0
    assert not list(tmp_path.glob("**/.*"))


@pytest.mark.parametrize(
    ("panel", "events", "told"),
    [
        pytest.param("absent.parquet", None, "absent.parquet: found no such file, expected a Parquet", id="no panel"),
        pytest.param("text.csv", None, "text.csv: found something else", id="no parquet"),
        pytest.param("panel.parquet", "absent.csv", "absent.csv: found no such file, expected a CSV", id="no register"),
        pytest.param("panel.parquet", "text.csv", "events: found no column event_id", id="another register"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_and_nothing_is_written(
    tmp_path: Path, panel: str, events: str | None, told: str
) -> None:
    _panel(tmp_path / "panel.parquet")
    (tmp_path / "text.csv").write_text("a,b\n1,2\n")
    with pytest.raises(PanelError) as caught:
        detect_files(tmp_path / panel, tmp_path / "out.parquet", events=tmp_path / events if events else None)
    assert told in str(caught.value) and "\n" not in str(caught.value)
    assert not (tmp_path / "out.parquet").exists()


def test_a_folder_with_the_dataset_is_measured_beside_the_published_figures_and_no_report_is_written(
    tmp_path: Path,
) -> None:
    raw = [float(at >= 30) + 0.01 * (at % 3) for at in range(60)]
    series = {"name": "step", "n_obs": 60, "n_dim": 1, "series": [{"raw": raw}]}
    (tmp_path / "step.json").write_text(json.dumps(series))
    (tmp_path / "annotations.json").write_text(json.dumps({"step": {"6": [30]}}))
    answer = _call("benchmark", "--tcpd", str(tmp_path), "--out", str(tmp_path / "report.md"))
    assert answer.exit_code == 0, answer.output
    lines = answer.stdout.splitlines()
    assert lines[1].split() == ["step", "60", "1", "1.000", "1.000", "30"]
    assert [line.split()[-2:] for line in lines[-2:]] == [["0.690", "0.656"], ["0.647", "0.557"]]
    assert not (tmp_path / "report.md").exists()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param(None, "found no such folder", id="absent"),
        pytest.param({}, "found no annotations.json in this folder", id="empty"),
        pytest.param({"annotations.json": "{"}, "annotations.json: found Expecting property name", id="malformed"),
        pytest.param({"annotations.json": "{}", "a.json": "[1"}, "a.json: found Expecting", id="malformed series"),
        pytest.param({"annotations.json": "{}"}, "found no annotated univariate series", id="nothing to measure"),
    ],
)
def test_a_folder_without_the_dataset_is_refused_in_one_line(
    tmp_path: Path, content: dict[str, str] | None, told: str
) -> None:
    folder = tmp_path / "turing"
    if content is not None:
        folder.mkdir()
        for name, text in content.items():
            (folder / name).write_text(text)
    answer = _call("benchmark", "--tcpd", str(folder))
    assert answer.exit_code == WRONG_USE
    assert told in answer.stderr and len(answer.stderr.splitlines()) == 1
