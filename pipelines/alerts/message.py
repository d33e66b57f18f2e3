"""The Dutch text of one alert, for a policy adviser: what is new, what is resolved, why, and what to do.

What belongs here: wording and layout, as plain text, as HTML and as plain values for machines. What does not:
which findings are new (the outbox knows), and where a message goes (the channels).

Names of regions and indicators come from deliveries: in HTML everything is escaped. The HTML keeps to
headings, paragraphs and lists with inline styles, because mail programs know little else and because a mail's
plain-text part is derived from it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import groupby
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pipelines.alerts.findings import RUN_CHECK, SEVERITIES, Finding, RunFindings

ROWS_PER_CHECK = 20
FAILING_ROWS_SHOWN = 3
PAYLOAD_FINDINGS = 500

_SEVERITY_NL = {"blocking": "blokkerend", "error": "fout", "warning": "waarschuwing"}
_MONTHS_NL = (
    *("januari", "februari", "maart", "april", "mei", "juni"),
    *("juli", "augustus", "september", "oktober", "november", "december"),
)
_SAID_IN_WORDS = frozenset({"region_code", "region_name", "indicator_id", "indicator_label", "period_code"})
_FICTIONAL = "Voorbeeldland, fictief"

_COLOUR = {"blocking": "#9b1c1c", "error": "#b45309", "warning": "#475569"}
_BODY_STYLE = "font-family:Arial,sans-serif;font-size:14px;line-height:1.5;color:#1f2933;max-width:760px"
_SMALL_STYLE = "font-size:12px;color:#52606d"


@dataclass(frozen=True)
class Message:
    """One message as the outbox keeps it. `message_id` is 32 hexadecimal digits, the same at every repeat.

    `payload` is the content as plain values, for a webhook or a line of JSON; of very many findings it holds
    the first 500 and the counts.
    """

    message_id: str
    run_id: str
    kind: Literal["new", "resolved", "mixed"]
    subject: str
    text: str
    html: str
    payload: dict[str, Any] = field(compare=False)
    created_at: dt.datetime

    @property
    def tag(self) -> str:
        """The short form of the id, by which a person recognises a repeat."""
        return f"[nm-{self.message_id[:8]}]"


@dataclass(frozen=True)
class _Group:
    """The findings of one check as shown: a title and its facts each, and how many more there are."""

    heading: str
    severity: str
    items: list[tuple[str, list[tuple[str, str]]]]
    rest: str | None


@dataclass(frozen=True)
class _Section:
    """What is new, or what is resolved."""

    title: str
    groups: list[_Group]


@dataclass(frozen=True)
class _Content:
    """What both layouts show."""

    subject: str
    opening: list[str]
    sections: list[_Section]
    link: str
    message_id: str


def message_id_of(run_id: str, new: Sequence[str], resolved: Sequence[str]) -> str:
    """The id of the message of a run with these new and resolved full keys, whatever their order."""
    content = "\n".join([run_id, "new", *sorted(new), "resolved", *sorted(resolved)])
    return hashlib.sha256(content.encode("utf-8")).hexdigest()[:32]


def compose(
    run: RunFindings,
    new: Sequence[Finding],
    resolved: Sequence[Finding],
    *,
    still_open: int,
    link: str,
    created_at: dt.datetime,
) -> Message:
    """The message of `run`, which has at least one new or resolved finding.

    `still_open` counts the findings that were open before and stay so; they are counted, never named. `link`
    is where the reader finds the rest: an address, or the path of the Data Docs.
    """
    message_id = message_id_of(run.run_id, [f.full_key for f in new], [f.full_key for f in resolved])
    subject = subject_of(run, len(new), len(resolved))
    kind: Literal["new", "resolved", "mixed"] = "mixed" if new and resolved else "new" if new else "resolved"
    sections = [_section("Nieuw", new, resolved=False)] if new else []
    sections += [_section("Opgelost", resolved, resolved=True)] if resolved else []
    content = _Content(subject, _opening(run, still_open), sections, link, message_id)
    return Message(
        message_id=message_id,
        run_id=run.run_id,
        kind=kind,
        subject=subject,
        text=_text(content),
        html=_html(content),
        payload={
            "message_id": message_id,
            "run_id": run.run_id,
            "kind": kind,
            "subject": subject,
            "run_status": run.status,
            "failed_step": run.failed_step,
            "run_finished_at": run.finished_at.isoformat(),
            "created_at": created_at.isoformat(),
            "link": link,
            "quarantined": run.quarantined,
            "still_open": still_open,
            "new_count": len(new),
            "resolved_count": len(resolved),
            "new": [_values(finding) for finding in new[:PAYLOAD_FINDINGS]],
            "resolved": [_values(finding) for finding in resolved[:PAYLOAD_FINDINGS]],
        },
        created_at=created_at,
    )


def subject_of(run: RunFindings, new: int, resolved: int) -> str:
    """One line: `Nulmeting: 3 nieuwe bevindingen, 1 opgelost`; a failed run says so first."""
    parts = [f"run mislukt bij {run.failed_step}"] if run.failed_step else []
    if new:
        parts.append(f"{new} nieuwe bevinding{'' if new == 1 else 'en'}")
    if resolved:
        noun = "" if new else " bevinding" if resolved == 1 else " bevindingen"
        parts.append(f"{resolved}{noun} opgelost")
    return "Nulmeting: " + ", ".join(parts)


def period_nl(period_code: str) -> str:
    """A period as a reader says it: `2016H2` is the second half of 2016. An unknown form stays as it is."""
    if match := re.fullmatch(r"(\d{4})H([12])", period_code):
        return f"{'eerste' if match[2] == '1' else 'tweede'} halfjaar {match[1]}"
    if match := re.fullmatch(r"(\d{4})Q([1-4])", period_code):
        return f"{match[2]}e kwartaal {match[1]}"
    if (match := re.fullmatch(r"(\d{4})M(\d{2})", period_code)) and 1 <= int(match[2]) <= 12:
        return f"{_MONTHS_NL[int(match[2]) - 1]} {match[1]}"
    return period_code


def _opening(run: RunFindings, still_open: int) -> list[str]:
    """The sentences above the findings: which run, what became of it, and what is not repeated."""
    local = run.finished_at.astimezone(ZoneInfo("Europe/Amsterdam"))
    moment = f"{local.day} {_MONTHS_NL[local.month - 1]} {local.year} om {local:%H:%M}"
    outcome = (
        f"De run van {moment} is mislukt bij de stap '{run.failed_step}'. Een eerdere publicatie blijft zoals zij was."
        if run.failed_step
        else f"De run van {moment} is klaar en de publicatie is vernieuwd."
    )
    lines = [outcome]
    if run.quarantined == 1:
        lines.append("1 rij is geweigerd en staat in quarantaine.")
    elif run.quarantined:
        lines.append(f"{run.quarantined} rijen zijn geweigerd en staan in quarantaine.")
    if still_open == 1:
        lines.append("1 bevinding stond al open en wordt hier niet herhaald.")
    elif still_open:
        lines.append(f"{still_open} bevindingen stonden al open en worden hier niet herhaald.")
    return lines


def _section(title: str, findings: Sequence[Finding], *, resolved: bool) -> _Section:
    """Findings per check, the gravest check first; within a check by severity, region, indicator, period."""
    ordered = sorted(findings, key=lambda f: (f.check, SEVERITIES.index(f.severity), *_place(f)))
    groups = [_group(check, list(group), resolved) for check, group in groupby(ordered, lambda f: f.check)]
    return _Section(title, sorted(groups, key=lambda g: (SEVERITIES.index(g.severity), g.heading)))


def _place(finding: Finding) -> tuple[str, str, str, str]:
    return (
        finding.region_name or finding.region_code or "",
        finding.indicator_label or finding.indicator_id or "",
        finding.period_code or "",
        finding.key,
    )


def _group(check: str, findings: list[Finding], resolved: bool) -> _Group:
    name = "De run zelf" if check == RUN_CHECK else f"Controle {check}"
    severity = findings[0].severity
    shown = findings[:ROWS_PER_CHECK]
    rest = len(findings) - len(shown)
    return _Group(
        heading=f"{name} ({len(findings)}, {_SEVERITY_NL[severity]})",
        severity=severity,
        # A resolved finding needs no cause and no next step any more.
        items=[(_on_one_line(f), []) if resolved else (f.title_nl, _facts(f)) for f in shown],
        rest=f"en nog {rest} andere bevinding{'' if rest == 1 else 'en'} van deze controle" if rest else None,
    )


def _facts(finding: Finding) -> list[tuple[str, str]]:
    """What stands under a finding's title, as label and text; what a finding does not have is left out."""
    facts = []
    if region := _region(finding):
        facts.append(("Regio", region))
    if indicator := _named(finding.indicator_label, finding.indicator_id):
        facts.append(("Indicator", indicator))
    if finding.period_code:
        spoken, code = period_nl(finding.period_code), finding.period_code
        facts.append(("Periode", code if spoken == code else f"{spoken} ({code})"))
    if finding.explanation_nl:
        # It tells what the row holds, in words; the row itself goes along for machines.
        return [*facts, ("Toelichting", finding.explanation_nl)]
    facts += [("Oorzaak", finding.cause_nl), ("Wat te doen", finding.next_step_nl)]
    rows = [_row_text(row) for row in finding.rows[:FAILING_ROWS_SHOWN]]
    facts.extend(("Rij", row) for row in rows if row)
    if (more := len(finding.rows) - FAILING_ROWS_SHOWN) > 0:
        facts.append(("Rij", f"en nog {more}"))
    return facts


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


def _row_text(row: dict[str, Any]) -> str:
    """A failing row without what the finding already says in words."""
    return ", ".join(f"{name} = {_shown(value)}" for name, value in row.items() if name not in _SAID_IN_WORDS)


def _shown(value: object) -> str:
    if value is None:
        return "–"
    return str(round(value, 4)) if isinstance(value, float) else str(value)


def _text(content: _Content) -> str:
    lines = [content.subject, "", *content.opening]
    for section in content.sections:
        lines += ["", section.title.upper()]
        for group in section.groups:
            lines += ["", group.heading]
            for title, facts in group.items:
                lines.append(f"- {title}")
                lines += [f"    {label}: {fact}" for label, fact in facts]
            lines += [f"- {group.rest}"] if group.rest else []
    lines += ["", f"Alles bekijken: {content.link}", f"Bericht {content.message_id}", ""]
    return "\n".join(lines)


def _html(content: _Content) -> str:
    parts = [
        f'<!DOCTYPE html><html lang="nl"><head><meta charset="utf-8"></head><body style="{_BODY_STYLE}">',
        f'<h1 style="font-size:20px;margin:0 0 12px">{escape(content.subject)}</h1>',
        *(f'<p style="margin:0 0 8px">{escape(line)}</p>' for line in content.opening),
    ]
    for section in content.sections:
        parts.append(f'<h2 style="font-size:17px;margin:20px 0 4px">{escape(section.title)}</h2>')
        for group in section.groups:
            style = f"font-size:15px;margin:14px 0 4px;color:{_COLOUR[group.severity]}"
            parts.append(f'<h3 style="{style}">{escape(group.heading)}</h3>')
            parts.append('<ul style="margin:0;padding-left:20px">')
            parts += [_html_item(title, facts) for title, facts in group.items]
            parts += [f"<li>{escape(group.rest)}</li>"] if group.rest else []
            parts.append("</ul>")
    parts.append(f'<p style="margin:20px 0 4px">Alles bekijken: {_html_link(content.link)}</p>')
    parts.append(f'<p style="{_SMALL_STYLE}">Bericht {content.message_id}</p></body></html>')
    return "\n".join(parts)


def _html_item(title: str, facts: Sequence[tuple[str, str]]) -> str:
    told = "".join(f"<br>{escape(label)}: {escape(fact)}" for label, fact in facts)
    return f'<li style="margin:0 0 10px"><strong>{escape(title)}</strong>{told}</li>'


def _html_link(link: str) -> str:
    """A link only for web addresses: mail programs refuse others, and nothing else may run on a click."""
    if link.startswith(("https://", "http://")):
        return f'<a href="{escape(link)}">{escape(link)}</a>'
    return f"<code>{escape(link)}</code>"


def _values(finding: Finding) -> dict[str, Any]:
    return {**finding.to_json(), "full_key": finding.full_key, "is_fictional": finding.is_fictional}
