"""Deciding about a published break: what is written, what is refused, and what is left alone."""

from __future__ import annotations

import datetime as dt
import subprocess
from pathlib import Path

import pytest

from pipelines.decisions import decide
from pipelines.declarations.load import load_declarations
from pipelines.publish.publication import publish
from pipelines.published_breaks import find_break
from pipelines.settings import Settings, SetupError
from pipelines.warehouse.connection import connect

INDICATORS = """\
indicators:
  - indicator_id: wmo_hulp
    label_nl: Hulp
    label_en: Help
    law: wmo
    unit: count
    value_kind: flow
    aggregation: sum
    desired_direction: none
    description_nl: Hulp.
"""
REGIONS = """\
regions:
  - {code: NL01, name: Nederland, region_type: land, municipality_prefix: GM}
"""
COMMENT = "# besluiten over breuken\n\n"
TODAY = dt.date(2026, 1, 31)


def _publish(settings: Settings, breaks: str, run_id: str) -> None:
    with connect(settings.warehouse_path) as connection:
        connection.execute(
            f"""
            create or replace table marts.trend_break as
            select *, 'Hulp' as label_nl, 'Alfa' as region_name, 'een sprong' as kind_nl,
                'Sinds 2018 ligt het hoger.' as explanation_nl,
                case when break_id = 'prt' then 'abc' end as part_of
            from (values {breaks}) as found (
                break_id, indicator_id, region_code, period_code, kind, direction, decision, decided_because
            )
            """
        )
        connection.execute(
            "create or replace table marts.delivery as select 'v' as vintage_id, 's' as source_id, "
            "null::date as vintage_date, null as vintage_label, 'c' as checksum_sha256, true as is_current"
        )
    publish(settings, run_id)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    catalogue = tmp_path / "sources" / "catalogue"
    catalogue.mkdir(parents=True)
    (catalogue / "indicators.yml").write_text(INDICATORS)
    (catalogue / "regions.yml").write_text(REGIONS)
    (catalogue / "decisions.yml").write_text(f"{COMMENT}[]\n")
    settings = Settings(profile="live", data_dir=tmp_path / "data", sources_dir=tmp_path / "sources", today=TODAY)
    _publish(
        settings,
        "('abc', 'wmo_hulp', 'GM0001', '2018H1', 'level', 'up', null, null), "
        "('prt', 'wmo_hulp', 'GM0002', '2018H1', 'level', 'up', null, null), "
        "('def', 'wmo_hulp', 'GM0001', '2020H1', 'gap', null, null, null)",
        "run-1",
    )
    return settings


def _file(settings: Settings) -> Path:
    return settings.sources_dir / "catalogue" / "decisions.yml"


def _later(settings: Settings, days: int = 1) -> Settings:
    return settings.model_copy(update={"today": TODAY + dt.timedelta(days=days)})


def test_a_decision_keeps_all_that_tells_the_break_again_and_the_comments_above_it(settings: Settings) -> None:
    decided = decide(settings, "abc", "accepted", "  De fusie: 'één' registratie.\n", by="Team data")
    assert decided.written and decided.path == _file(settings)
    assert _file(settings).read_text().startswith(COMMENT) and "[]" not in _file(settings).read_text()
    (made,) = load_declarations(settings.sources_dir, "live").decisions
    assert made.model_dump() == {
        "break_id": "abc",
        "indicator_id": "wmo_hulp",
        "region_code": "GM0001",
        "period_code": "2018H1",
        "kind": "level",
        "direction": "up",
        "decision": "accepted",
        "because": "De fusie: 'één' registratie.",
        "who": "Team data",
        "when": TODAY,
    }


def test_saying_the_same_again_writes_nothing_on_whichever_day(settings: Settings) -> None:
    decide(settings, "abc", "accepted", "fusie", by="Team data")
    before = _file(settings).read_bytes()
    assert not decide(settings, "abc", "accepted", "fusie ", by="Iemand anders").written
    assert not decide(_later(settings), "abc", "accepted", "fusie", by="Iemand anders").written
    assert _file(settings).read_bytes() == before


def test_another_decision_is_added_on_another_day_only(settings: Settings) -> None:
    decide(settings, "abc", "accepted", "fusie", by="Team data")
    with pytest.raises(SetupError, match="found it accepted on 2026-01-31 by Team data"):
        decide(settings, "abc", "rejected", "toch niet", by="Team data")
    assert decide(_later(settings), "abc", "rejected", "toch niet", by="Team data").written
    made = load_declarations(settings.sources_dir, "live").decisions
    assert [one.decision for one in made] == ["accepted", "rejected"]


def test_a_break_without_a_direction_is_decided_beside_others(settings: Settings) -> None:
    decide(settings, "abc", "accepted", "fusie", by="Team data")
    decide(settings, "def", "rejected", "niet verwacht", by="Team data")
    made = load_declarations(settings.sources_dir, "live").decisions
    assert [(one.break_id, one.kind, one.direction) for one in made] == [("abc", "level", "up"), ("def", "gap", None)]


def test_an_old_id_leads_to_the_break_that_was_decided_about(settings: Settings) -> None:
    decide(settings, "abc", "accepted", "fusie", by="Team data")
    _publish(settings, "('new', 'wmo_hulp', 'GM0001', '2018H2', 'level', 'up', 'accepted', 'fusie')", "run-2")
    assert find_break(settings, "abc").break_id == "new"
    assert not decide(settings, "abc", "accepted", "fusie", by="Team data").written
    assert not decide(settings, "new", "accepted", "fusie", by="Team data").written
    assert decide(_later(settings), "abc", "rejected", "toch niet", by="Team data").found.break_id == "new"


@pytest.mark.parametrize(
    ("break_id", "decision", "because", "by", "told"),
    [
        pytest.param("xyz", "accepted", "fusie", "Team", "xyz: found no break of that id", id="unknown id"),
        pytest.param("prt", "accepted", "fusie", "Team", "prt: found a part of break abc", id="a part"),
        pytest.param("abc", "accepted", " \n", "Team", "--because: found nothing", id="no reason"),
        pytest.param("abc", "open", "fusie", "Team", "--as: found open, expected one of accepted", id="no decision"),
        pytest.param("abc", "accepted", "fusie", " ", "--by: found no name", id="nobody"),
    ],
)
def test_what_is_not_clear_is_refused_in_one_line_and_writes_nothing(
    settings: Settings, break_id: str, decision: str, because: str, by: str, told: str
) -> None:
    before = _file(settings).read_bytes()
    with pytest.raises(SetupError) as caught:
        decide(settings, break_id, decision, because, by)
    assert str(caught.value).startswith(told) and "\n" not in str(caught.value)
    assert _file(settings).read_bytes() == before


def test_before_anything_is_published_there_is_nothing_to_decide(settings: Settings) -> None:
    settings.published_path.unlink()
    with pytest.raises(SetupError, match="nothing has been published yet"):
        decide(settings, "abc", "accepted", "fusie", by="Team")


def test_a_list_that_nothing_can_be_added_to_is_left_as_it_is(settings: Settings) -> None:
    one_line = "[{break_id: q, decision: accepted, because: x, who: x, when: 2026-01-01}]\n"
    _file(settings).write_text(one_line)
    with pytest.raises(SetupError, match="expected one entry per dash"):
        decide(settings, "abc", "accepted", "fusie", by="Team")
    assert _file(settings).read_text() == one_line


def test_who_decides_is_the_user_of_git(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings.data_dir / "gitconfig"))
    subprocess.run(["git", "config", "--global", "user.name", "Ada Analist"], check=True)
    decide(settings, "abc", "accepted", "fusie")
    assert load_declarations(settings.sources_dir, "live").decisions[0].who == "Ada Analist"
