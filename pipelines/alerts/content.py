"""What a message says, in Dutch, before it is laid out: headings, facts, advice and rows.

What belongs here: wording, order and how much is named. What does not: layout (`as_text`, `as_html`), and which
findings are told (`release`).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Literal

from pipelines.alerts.declared import AMSTERDAM
from pipelines.alerts.findings import RUN_CHECK, SEVERITIES, Finding, RunFindings
from pipelines.alerts.release import Net

ROWS_PER_CHECK = 20
FAILING_ROWS_SHOWN = 3

SEVERITY_NL = {"blocking": "blokkerend", "error": "fout", "warning": "waarschuwing"}
_COUNTED_NL = {
    "blocking": ("blokkerend", "blokkerend"),
    "error": ("fout", "fouten"),
    "warning": ("waarschuwing", "waarschuwingen"),
}
_MONTHS_NL = (
    *("januari", "februari", "maart", "april", "mei", "juni"),
    *("juli", "augustus", "september", "oktober", "november", "december"),
)
_SAID_IN_WORDS = frozenset({"region_code", "region_name", "indicator_id", "indicator_label", "period_code"})
_FICTIONAL = "Voorbeeldland, fictief"

Facts = list[tuple[str, str]]
Ending = Literal["resolved", "withdrawn"]


@dataclass(frozen=True)
class Item:
    """One finding as shown: where it is, what to make of it, and rows as names with shown values."""

    title: str
    severity: str
    place: Facts = field(default_factory=list)
    advice: Facts = field(default_factory=list)
    rows: list[Facts] = field(default_factory=list)
    more_rows: int = 0


@dataclass(frozen=True)
class Group:
    """The findings of one check, and how many more there are than are named."""

    heading: str
    severity: str
    items: list[Item]
    rest: str | None


@dataclass(frozen=True)
class Section:
    """What is new, or what is over: resolved, or withdrawn."""

    title: str
    groups: list[Group]
    ending: Ending | None


@dataclass(frozen=True)
class Content:
    """What every layout shows. `counts` are a severity, `resolved` or `withdrawn`, with a short text each."""

    subject: str
    opening: list[str]
    counts: Facts
    sections: list[Section]
    link: str
    message_id: str
    confirm: str | None = None


def section(
    title: str, findings: Sequence[Finding], ending: Ending | None = None, notes: dict[str, str] | None = None
) -> Section:
    """Findings per check, the gravest check first; within a check by severity, region, indicator, period.

    `notes` is a remark for a full key.
    """
    ordered = sorted(findings, key=lambda f: (f.check, SEVERITIES.index(f.severity), *_place(f)))
    groups = [_group(check, list(group), ending, notes or {}) for check, group in groupby(ordered, lambda f: f.check)]
    return Section(title, sorted(groups, key=lambda g: (SEVERITIES.index(g.severity), g.heading)), ending)


def sections_of(told: Net) -> list[Section]:
    """What is new, what is over and how; what nobody looked at any more is never called resolved."""
    again = dict.fromkeys(told.reopened, "was tussentijds opgelost en is weer terug")
    sections = (
        section("Nieuw", told.new, notes=again),
        section("Opgelost", checked(told.resolved), "resolved"),
        section("Ontstaan en alweer opgelost", checked(told.passed), "resolved"),
        section("Vervallen: de bron of de controle bestaat niet meer", withdrawn(told), "withdrawn"),
    )
    return [one for one in sections if one.groups]


def checked(over: Sequence[Finding]) -> list[Finding]:
    """Those of which a check found that they are over."""
    return [finding for finding in over if not finding.is_withdrawn]


def withdrawn(told: Net) -> list[Finding]:
    """Those whose check or source exists no more."""
    return [finding for finding in (*told.resolved, *told.passed) if finding.is_withdrawn]


def counts_of(told: Net) -> Facts:
    """How many findings of every severity are new, and how many are over."""
    found = [(severity, sum(f.severity == severity for f in told.new)) for severity in SEVERITIES]
    counts = [(severity, f"{number} {_COUNTED_NL[severity][number > 1]}") for severity, number in found if number]
    resolved, lapsed = len(checked((*told.resolved, *told.passed))), len(withdrawn(told))
    counts += [("resolved", f"{resolved} opgelost")] if resolved else []
    return [*counts, ("withdrawn", f"{lapsed} vervallen")] if lapsed else counts


def opening_of(run: RunFindings) -> list[str]:
    """Which run, and what became of it."""
    outcome = (
        f"De run van {moment_nl(run.finished_at)} is mislukt{run.at_step}. "
        + ("De publicatie was al vernieuwd." if run.has_published else "Een eerdere publicatie blijft zoals zij was.")
        if run.failed_step
        else f"De run van {moment_nl(run.finished_at)} is klaar en de publicatie is vernieuwd."
    )
    if run.quarantined == 1:
        return [outcome, "1 rij is geweigerd en staat in quarantaine."]
    if run.quarantined:
        return [outcome, f"{run.quarantined} rijen zijn geweigerd en staan in quarantaine."]
    return [outcome]


def not_repeated(still_open: int, muted: int) -> list[str]:
    """What is counted and not named."""
    lines = []
    if still_open == 1:
        lines.append("1 bevinding stond al open en wordt hier niet herhaald.")
    elif still_open:
        lines.append(f"{still_open} bevindingen stonden al open en worden hier niet herhaald.")
    if muted == 1:
        lines.append("1 bevinding is gedempt en wordt hier niet genoemd.")
    elif muted:
        lines.append(f"{muted} bevindingen zijn gedempt en worden hier niet genoemd.")
    return lines


def moment_nl(moment: dt.datetime) -> str:
    """A moment as clocks in the Netherlands have it: `1 maart 2026 om 09:30`."""
    local = moment.astimezone(AMSTERDAM)
    return f"{local.day} {_MONTHS_NL[local.month - 1]} {local.year} om {local:%H:%M}"


def period_nl(period_code: str) -> str:
    """A period as a reader says it: `2016H2` is the second half of 2016. An unknown form stays as it is."""
    if match := re.fullmatch(r"(\d{4})H([12])", period_code):
        return f"{'eerste' if match[2] == '1' else 'tweede'} halfjaar {match[1]}"
    if match := re.fullmatch(r"(\d{4})Q([1-4])", period_code):
        return f"{match[2]}e kwartaal {match[1]}"
    if (match := re.fullmatch(r"(\d{4})M(\d{2})", period_code)) and 1 <= int(match[2]) <= 12:
        return f"{_MONTHS_NL[int(match[2]) - 1]} {match[1]}"
    return period_code


def _place(finding: Finding) -> tuple[str, str, str, str]:
    return (
        finding.region_name or finding.region_code or "",
        finding.indicator_label or finding.indicator_id or "",
        finding.period_code or "",
        finding.key,
    )


def _group(check: str, findings: list[Finding], ending: Ending | None, notes: dict[str, str]) -> Group:
    name = "De run zelf" if check == RUN_CHECK else f"Controle {check}"
    severity = findings[0].severity
    shown = findings[:ROWS_PER_CHECK]
    rest = len(findings) - len(shown)
    return Group(
        heading=f"{name} ({len(findings)}, {SEVERITY_NL[severity]})",
        severity=severity,
        # What is over needs no cause and no next step any more.
        items=[Item(_on_one_line(f), f.severity) if ending else _item(f, notes.get(f.full_key)) for f in shown],
        rest=f"en nog {rest} andere bevinding{'' if rest == 1 else 'en'} van deze controle" if rest else None,
    )


def _item(finding: Finding, note: str | None) -> Item:
    """What stands under a finding's title; what a finding does not have is left out."""
    place: Facts = []
    if region := _region(finding):
        place.append(("Regio", region))
    if indicator := _named(finding.indicator_label, finding.indicator_id):
        place.append(("Indicator", indicator))
    if finding.period_code:
        spoken, code = period_nl(finding.period_code), finding.period_code
        place.append(("Periode", code if spoken == code else f"{spoken} ({code})"))
    if note:
        place.append(("Let op", note))
    if finding.explanation_nl:
        # It tells what the row holds, in words; the row itself goes along for machines.
        return Item(finding.title_nl, finding.severity, place, [("Toelichting", finding.explanation_nl)])
    advice = [("Oorzaak", finding.cause_nl), ("Wat te doen", finding.next_step_nl)]
    rows = [row for row in (_row(row) for row in finding.rows[:FAILING_ROWS_SHOWN]) if row]
    more = max(0, len(finding.rows) - FAILING_ROWS_SHOWN)
    return Item(finding.title_nl, finding.severity, place, advice, rows, more)


def _named(name: str | None, code: str | None) -> str:
    return f"{name} ({code})" if name and code else name or code or ""


def _region(finding: Finding) -> str:
    """The region by name and code; an invented one always says so."""
    named = _named(finding.region_name, finding.region_code)
    return f"{named}, {_FICTIONAL}" if finding.is_fictional else named


def _on_one_line(finding: Finding) -> str:
    place = (
        _region(finding),
        _named(finding.indicator_label, finding.indicator_id),
        period_nl(finding.period_code) if finding.period_code else "",
    )
    return " – ".join([finding.title_nl, *(part for part in place if part)])


def _row(row: dict[str, Any]) -> Facts:
    """A failing row without what the finding already says in words, and without the count of a single row."""
    return [
        (name, _shown(value))
        for name, value in row.items()
        if name not in _SAID_IN_WORDS and (name, value) != ("rows_failing", 1)
    ]


def _shown(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(round(value, 4))
    return str(value)
