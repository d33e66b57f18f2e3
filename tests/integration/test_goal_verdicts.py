"""Goals judged on later deliveries, through the normal path; and the goals of Voorbeeldland, one of every outcome.

The later figures are invented, and stand under the names of real municipalities in this test's own folder only.
"""

from __future__ import annotations

from collections import Counter

from tests.integration.conftest import Workspace

SOURCE = """
source_id: proef_jeugdmonitor
title: Verzonnen latere cijfers
publisher: Proef
licence: geen
cadence: yearly
profiles: [sample]
origin: {producer: Proef, citation: Verzonnen, fictional: true}
not_expected_because: Verzonnen voor een proef.
connector: {kind: folder, folder: municipal, pattern: proef_jeugdmonitor.csv}
reader:
  kind: delimited
  encoding: utf-8
  delimiter: ";"
  columns:
    - {header: Gemeente, name: gemeente, type: region_code}
    - {header: Jaar, name: jaar, type: year}
    - {header: Maatregelen, name: maatregelen, type: percentage, nullable: true}
    - {header: Meldingen, name: meldingen, type: integer, nullable: true}
  key: [gemeente, jaar]
series:
  - {item: maatregelen, indicator_id: jeugd_maatregel_pct}
  - {item: meldingen, indicator_id: jeugdoverlast_meldingen}
"""

# Beverwijk falls below its baseline, Heemskerk rises above it, Velsen falls across a break; the others, without a goal,
# are what a break is held against. Nobody printed a baseline of the nuisance.
LEVELS = {"GM0375": 4.0, "GM0396": 4.4, "GM0453": 5.0}
OTHERS = ("GM0373", "GM0383", "GM0399", "GM0450", "GM0512", "GM0642", "GM0757", "GM0777")
BREAK, DROP = 2017, 2.6


def _delivery() -> str:
    lines = ["Gemeente;Jaar;Maatregelen;Meldingen"]
    for at, (code, level) in enumerate({**dict.fromkeys(OTHERS, 5.0), **LEVELS}.items()):
        for year in range(2007, 2021):
            value = level + 0.1 * ((at * 3 + year * 5 + at * year) % 5) - DROP * (code == "GM0453" and year >= BREAK)
            reports = 80 if code == "GM0375" and year == 2020 else ""
            lines.append(f"{code};{year};{value:.1f};{reports}".replace(".", ","))
    return "\n".join([*lines, ""])


def test_a_later_delivery_is_judged_by_the_rule_unless_a_break_lies_between(finished_workspace: Workspace) -> None:
    workspace = finished_workspace
    (workspace.sources / "municipal" / "proef_jeugdmonitor.yml").write_text(SOURCE, encoding="utf-8")
    (workspace.sample / "municipal" / "proef_jeugdmonitor.csv").write_text(_delivery(), encoding="utf-8")
    outcome = workspace.command("run")
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    found = {
        (indicator, region): (period, value, verdict, because)
        for indicator, region, period, value, verdict, because in workspace.rows(
            "select indicator_id, region_code, latest_period, latest_value, verdict, because from marts.goal_status "
            "where indicator_id in ('jeugd_maatregel_pct', 'jeugdoverlast_meldingen')"
        )
    }
    period, value, verdict, because = found["jeugd_maatregel_pct", "GM0375"]
    assert (period, verdict) == ("2020", "achieved")
    assert because == (
        f"In 2020 is het cijfer {value:g}, tegen 4,6 bij de nulmeting (2016). Het doel is gehaald.".replace(".", ",", 1)
    )
    assert found["jeugd_maatregel_pct", "GM0396"][2] == "off_track"
    period, value, verdict, because = found["jeugd_maatregel_pct", "GM0453"]
    assert (period, value < 5.2, verdict) == ("2020", True, "not_comparable")
    assert f"trendbreuk in {BREAK}" in because
    assert found["jeugdoverlast_meldingen", "GM0375"][2] == "no_baseline"
    assert "alleen de groei" in found["jeugdoverlast_meldingen", "GM0375"][3]


def test_the_goals_of_voorbeeldland_have_every_outcome(sample_run: Workspace) -> None:
    found = {
        (goal, region): (verdict, because)
        for goal, region, verdict, because in sample_run.rows(
            "select goal_id, region_code, verdict, because from marts.goal_status where region_code like 'VB%'"
        )
    }
    assert {key: verdict for key, (verdict, _) in found.items()} == {
        ("vb_bijstand_daalt", "VB0063"): "achieved",
        ("vb_bijstand_naar_800", "VB0092"): "on_track",
        ("vb_ondersteuning_thuis", "VB0027"): "off_track",
        ("vb_ondersteuning_thuis", "VB0045"): "not_comparable",
        ("vb_hulpmiddelen", "VB0104"): "off_track",
        ("vb_weg_naar_hulp", "VB0060"): "off_track",
        ("vb_weg_naar_hulp", "VB0062"): "no_baseline",
    }
    assert "waarvoor geen verklaring bekend is" in found["vb_ondersteuning_thuis", "VB0045"][1]
    # the merger counted more people: 2,315 before is about 3,230 after, and even then it grew
    told = found["vb_hulpmiddelen", "VB0104"][1]
    assert "tegen 2315 bij de nulmeting (2016H2), over een trendbreuk heen omgerekend tot naar schatting 32" in told
    # more people know the way than before, but so few were asked that chance explains it
    assert "binnen de steekproefmarge en telt niet als stijging" in found["vb_weg_naar_hulp", "VB0060"][1]


def test_the_survey_of_voorbeeldland_comes_out_in_shares_and_marks(sample_run: Workspace) -> None:
    kinds = {kind for (kind,) in sample_run.rows("select distinct question_kind from marts.survey_answer")}
    assert kinds == {"mark", "yes_no", "good_fair_bad", "points_100", "choice", "open_text"}
    rows = sample_run.rows(
        "select sum(share_pct), count(*) = count(share_pct), question_kind, count(distinct mean_mark) "
        "from marts.survey_answer where question_kind not in ('choice', 'open_text') "
        "group by region_code, question_id, period_code, question_kind"
    )
    assert len(rows) == 5 * 6
    # few people gave some of the marks, and in a small region some of the other answers
    hidden = Counter(kind for _, is_whole, kind, _ in rows if not is_whole)
    assert hidden == {"mark": 5, "good_fair_bad": 2}
    assert all(abs(total - 100) < 1e-6 for total, is_whole, _, _ in rows if is_whole)
    assert all(marks == (kind == "mark") for _, _, kind, marks in rows)
    untold = "select count(*) from marts.survey_answer where share_pct is null and because is null"
    assert sample_run.value(untold) == 0
    unexplained = "(ci_low is null) != (because is not null)"
    assert sample_run.value(f"select count(*) from marts.survey_answer where {unexplained}") == 0
    reliability = dict(sample_run.rows("select distinct region_code, reliability from marts.survey_answer"))
    assert reliability == {"VB0060": "betrouwbaar", "VB0061": "indicatief", "VB0062": "indicatief"}


def test_what_somebody_wrote_stands_nowhere_below_the_data(sample_run: Workspace) -> None:
    written = b"een verzonnen antwoord"
    delivered = sample_run.sample / "municipal" / "vb_inwonersenquete_antwoorden_2023.csv"
    assert written in delivered.read_bytes()
    assert [path for path in sample_run.data.rglob("*") if path.is_file() and written in path.read_bytes()] == []
