"""Findings carry the source they are about, its owner and its laws, as far as these are known."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pytest

from expectations.check import Check, CheckResult, expects
from expectations.findings import to_findings
from pipelines.alerts.findings import Finding, RunFindings
from pipelines.declarations.load import load_declarations
from pipelines.findings import write_findings
from pipelines.run_folder import RunFolder
from pipelines.settings import PROJECT_ROOT, Settings


@pytest.mark.parametrize(
    ("asset", "row", "source_id"),
    [
        ("marts.coverage", {"source_id": "vb_wmo", "key": "k"}, "vb_wmo"),
        ("raw.vb_wmo", {"key": "k"}, "vb_wmo"),
        ("raw.delivery", {"key": "k"}, None),
        ("marts.trend_break", {"key": "k"}, None),
    ],
)
def test_a_finding_knows_the_source_of_its_row_or_its_table(
    asset: str, row: dict[str, str], source_id: str | None
) -> None:
    check = Check(
        name=f"{asset.replace('.', '_')}__x",
        asset=asset,
        query="",
        expects=expects("ExpectColumnValuesToNotBeNull", column="key"),
        severity="error",
        title_nl="Titel",
        detects_nl="",
        usual_cause_nl="",
        next_step_nl="",
        key_columns=("key",),
    )
    failed = CheckResult(check, False, True, 1, pa.Table.from_pylist([row]), "", "", 0.0)
    (finding,) = to_findings([failed], {})
    assert finding.source_id == source_id


def test_the_owner_and_the_laws_come_from_the_declarations(tmp_path: Path) -> None:
    sources = tmp_path / "sources"
    sources.symlink_to(PROJECT_ROOT / "sources")
    settings = Settings(data_dir=tmp_path / "data", sources_dir=sources)
    declared = load_declarations(sources, "sample")
    indicator = next(one for one in declared.indicators if one.law == "jeugd" and one.sources)
    base = {"check": "c", "severity": "error", "title_nl": "t", "cause_nl": "o", "next_step_nl": "d"}
    found = [
        Finding(key="indicator", indicator_id=indicator.indicator_id, **base),  # type: ignore[arg-type]
        Finding(key="source", source_id=indicator.sources[0], **base),  # type: ignore[arg-type]
        Finding(key="neither", **base),  # type: ignore[arg-type]
    ]
    folder = RunFolder(settings, "run-1")
    folder.write("publication", {})
    folder.write("checks_marts", {"evaluated": ["c"], "findings": [one.to_json() for one in found], "results": []})
    path = write_findings(settings, "run-1", None)
    assert path is not None
    read = {one.key: one for one in RunFindings.read(path).findings}
    assert read["indicator"].laws == ("jeugd",)
    assert "jeugd" in read["source"].laws
    assert (read["neither"].laws, read["neither"].owner) == ((), None)


def test_the_owner_of_a_source_is_that_of_its_declaration(tmp_path: Path) -> None:
    import shutil

    sources = tmp_path / "sources"
    shutil.copytree(PROJECT_ROOT / "sources", sources, ignore=shutil.ignore_patterns("sample"))
    declaration = sources / "municipal" / "vb_begroting.yml"
    text = declaration.read_text(encoding="utf-8")
    declaration.write_text(text.replace("licence:", "owner: Team Financiën\nlicence:", 1), encoding="utf-8")
    settings = Settings(data_dir=tmp_path / "data", sources_dir=sources)
    finding = Finding(
        check="c",
        severity="error",
        key="k",
        title_nl="t",
        cause_nl="o",
        next_step_nl="d",
        source_id="vb_begroting",
    )
    RunFolder(settings, "run-1").write("checks_raw", {"evaluated": [], "findings": [finding.to_json()], "results": []})
    path = write_findings(settings, "run-1", "raw_expectations")
    assert path is not None
    assert [one.owner for one in RunFindings.read(path).findings] == ["Team Financiën"]
    assert dt.datetime.now(dt.UTC) >= RunFindings.read(path).finished_at
