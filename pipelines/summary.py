"""The closing summary of a run, for a person at a terminal. Dutch, because colleagues read along."""

from __future__ import annotations

import datetime as dt
import shutil
import sys
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Group
from rich.text import Text

from pipelines.main_job import FAILED, RunSummary
from pipelines.settings import PROJECT_ROOT, Settings

SHOWN_PROBLEMS = 10
SHOWN_FAILURES = 5
SHOWN_DELIVERIES = 12


def render(summary: RunSummary, settings: Settings) -> Group | Text:
    """The verdict, then the deliveries and their rows, then the findings, then where to look."""
    if summary.exit_code == FAILED:
        return _failure(summary, settings)
    parts = [_verdict(summary, settings)]
    if summary.is_published:
        parts.append(_deliveries(summary))
    if summary.quarantined:
        parts.append(_quarantine(summary))
    parts += [_findings(summary), _where(summary, settings)]
    return Group(*parts)


def _verdict(summary: RunSummary, settings: Settings) -> Text:
    known = f"zoals bekend op {settings.as_of:%d-%m-%Y} · " if settings.as_of else ""
    text = Text(f"Nulmeting · profiel {settings.profile} · {known}{summary.seconds:.0f} s · ", style="bold")
    if summary.is_unchanged:
        text.append("niets veranderd, niets te doen", style="green")
        text.append(f"\n{_standing(summary)} Alles opnieuw maken: nulmeting run --full")
    elif not summary.is_published:
        said = f"{_counted(summary.tables_updated, 'tabel', 'tabellen')} bijgewerkt, niets gepubliceerd"
        refused = f", {_counted(summary.rows_refused, 'rij', 'rijen')} geweigerd" if summary.rows_refused else ""
        text.append(said + refused, style="yellow")
        text.append(f"\n{_standing(summary)} Publiceren hoort alleen bij een run waarin published/nulmeting zit.")
    elif summary.quarantined:
        files = len({row["file"] for row in summary.quarantined})
        problems = _counted(len(summary.quarantined), "probleem", "problemen")
        text.append(f"gepubliceerd, met {problems} in {_counted(files, 'levering', 'leveringen')}", style="red")
    else:
        text.append("gepubliceerd, elke rij verantwoord", style="green")
    return text


def _failure(summary: RunSummary, settings: Settings) -> Text:
    text = Text()
    for failure in summary.failures[:SHOWN_FAILURES]:
        step = failure.title if failure.title == failure.step else f"{failure.title} ({failure.step})"
        text.append(f"nulmeting: gestopt bij {step}: {failure.cause}\n", style="red")
    if len(summary.failures) > SHOWN_FAILURES:
        text.append(f"nulmeting: en bij {len(summary.failures) - SHOWN_FAILURES} andere stappen\n", style="red")
    text.append(f"Niets nieuws gepubliceerd. {_standing(summary)}\n")
    text.append(_alerts(summary))
    if summary.log:
        text.append(f"Logboek                 {_relative(summary.log)}")
    return text


def _standing(summary: RunSummary) -> str:
    if summary.published_at is None:
        return "Er was nog geen publicatie."
    return f"De publicatie van {_moment(summary.published_at)} staat er nog en is bruikbaar."


def _deliveries(summary: RunSummary) -> Text:
    """A line per delivery on which its rows add up. What a narrow terminal cuts off is the source, at the end."""
    refused = {(row["source_id"], row["file"]) for row in summary.deliveries if row["status"] == "refused"}
    lines = [("levering", *_COUNTS.values(), "bron", None)]
    for row in _gathered(summary.deliveries):
        is_refused = row["status"] == "refused"
        earlier = not is_refused and (row["source_id"], row["file"]) in refused
        remark = ", geweigerd" if is_refused else ", eerdere versie die nog telt" if earlier else ""
        style = "red" if row["rows_quarantined"] else None
        lines.append((row["file"], *(_number(row[name]) for name in _COUNTS), row["source_id"] + remark, style))
    totals = (_number(sum(row[name] for row in summary.deliveries)) for name in _COUNTS)
    lines.append(("samen", *totals, "", None))

    widest = max(len(str(line[0])) for line in lines)
    text = Text(no_wrap=True, overflow="ellipsis")
    for name, *counts, source, style in lines:
        of_rows, *parts = (str(count).rjust(len(title)) for count, title in zip(counts, _COUNTS.values(), strict=True))
        text.append(f"{name:<{widest}}  {of_rows} = {' + '.join(parts)}  {source}".rstrip() + "\n", style=style)
    text.rstrip()
    return text


def _gathered(deliveries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The deliveries, with one line for the many of a source in which nothing was wrong."""
    clean: dict[str, list[dict[str, Any]]] = {}
    for row in deliveries:
        if row["status"] == "loaded" and not row["rows_quarantined"]:
            clean.setdefault(row["source_id"], []).append(row)
    many = {source: rows for source, rows in clean.items() if len(rows) > SHOWN_DELIVERIES}
    shown = [row for row in deliveries if row not in many.get(row["source_id"], [])]
    together = [
        {**rows[0], "file": f"{len(rows)} leveringen", **{name: sum(row[name] for row in rows) for name in _COUNTS}}
        for rows in many.values()
    ]
    return sorted([*shown, *together], key=lambda row: row["source_id"])


_COUNTS = {
    "rows_in": " rijen",
    "rows_loaded": "geladen",
    "rows_no_data": "geen cijfer",
    "rows_quarantined": "quarantaine",
}
"""What comes in is loaded, recognised as no data, or quarantined."""


def _quarantine(summary: RunSummary) -> Text:
    text = Text(f"\nIn quarantaine: {_counted(len(summary.quarantined), 'probleem', 'problemen')}\n", style="red")
    for row in summary.quarantined[:SHOWN_PROBLEMS]:
        place = ":".join(str(part) for part in (row["file"], row["line"], row["column"]) if part is not None)
        name = f" ({row['column_name']})" if row["column_name"] else ""
        text.append(f"  {place}{name}: found {row['found']}, expected {row['expected']}\n", style="default")
    if len(summary.quarantined) > SHOWN_PROBLEMS:
        rest = len(summary.quarantined) - SHOWN_PROBLEMS
        text.append(f'  en nog {rest}: nulmeting sql "from marts.quarantine"\n', style="default")
    return text


def _findings(summary: RunSummary) -> Text:
    text = Text("\n")
    causes = {
        "explained": "verklaard",
        "ambiguous": "meer oorzaken tegelijk",
        "unexplained": "onverklaard",
    }
    if summary.is_published or summary.is_unchanged:
        breaks = ", ".join(
            f"{summary.breaks[cause]} {label}" for cause, label in causes.items() if cause in summary.breaks
        )
        text.append(f"Waarnemingen geladen    {_number(summary.observations)}\n")
        text.append(f"Trendbreuken            {breaks or 'geen'}\n")
    if summary.checks:
        text.append(f"Verwachtingen           {summary.checks} getoetst, {len(summary.failed_checks)} niet gehaald\n")
    for check in summary.failed_checks:
        rows = _counted(check["failing_count"], "rij", "rijen")
        text.append(f"  {_SEVERITY_NL[check['severity']]:<13} {check['title_nl']}: {rows}\n", style="yellow")
    text.append(_alerts(summary))
    return text


_SEVERITY_NL = {"blocking": "blokkerend", "error": "fout", "warning": "waarschuwing"}


def _alerts(summary: RunSummary) -> Text:
    text = Text(f"Meldingen               {summary.alerts_sent} verstuurd, {summary.alerts_waiting} wachtend")
    if summary.alerts_held:
        held = _counted(summary.alerts_held, "verandering tot haar", "veranderingen tot hun")
        text.append(f"; {held} moment bewaard")
    text.append("\n")
    for error in summary.alert_errors:
        text.append(f"  {error}\n", style="yellow")
    return text


def _where(summary: RunSummary, settings: Settings) -> Text:
    text = Text()
    if (summary.is_published or summary.is_unchanged) and summary.published:
        text.append(f"Gepubliceerd            {_relative(summary.published)}\n")
    if summary.docs:
        text.append(f"Toetsing, per rij       {_relative(summary.docs)}\n")
    text.append(f"Meldingen en uitleg     {_relative(settings.alerts_dir)}\n")
    if summary.log:
        text.append(f"Logboek                 {_relative(summary.log)}\n")
    elsewhere = "" if settings.data_dir == PROJECT_ROOT / "data" else f" --data-dir {_relative(settings.data_dir)}"
    if settings.as_of:
        elsewhere += f" --as-of {settings.as_of}"
    text.append(f'Bevragen                {_command()} sql{elsewhere} "from marts.trend_break"')
    if settings.profile == "sample":
        text.append("\nVoorbeeldland (codes VB…) is verzonnen; de overige cijfers komen uit de beleidsstukken.")
    return text


def _command() -> str:
    """How to call this program from here: it is on the path only in an activated environment."""
    if shutil.which("nulmeting"):
        return "nulmeting"
    return _relative(Path(sys.executable).with_name("nulmeting"))


def _relative(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _number(count: int) -> str:
    return f"{count:,}".replace(",", ".")


def _counted(count: int, one: str, more: str) -> str:
    return f"{_number(count)} {one if count == 1 else more}"


def _moment(moment: dt.datetime) -> str:
    return f"{moment.astimezone(ZoneInfo('Europe/Amsterdam')):%d-%m-%Y %H:%M}"
