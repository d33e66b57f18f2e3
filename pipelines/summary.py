"""The closing summary of a run, for a person at a terminal. Dutch, because colleagues read along."""

from __future__ import annotations

from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pipelines.main_job import FAILED, RunSummary
from pipelines.settings import Settings

SHOWN_PROBLEMS = 10


def render(summary: RunSummary, settings: Settings) -> RenderableType:
    """Deliveries and their rows, then the findings, then where to look."""
    if summary.exit_code == FAILED:
        return _failure(summary)
    parts: list[RenderableType] = [
        Text(f"Nulmeting · profiel {settings.profile} · {summary.seconds:.0f} s", style="bold"),
        _deliveries(summary),
    ]
    if summary.quarantined:
        parts.append(_quarantine(summary))
    parts.append(_findings(summary))
    parts.append(_where(summary, settings))
    return Group(*parts)


def _failure(summary: RunSummary) -> RenderableType:
    standing = (
        "De vorige publicatie staat er nog en is bruikbaar." if summary.published else "Er was nog niets gepubliceerd."
    )
    return Text(
        f"De run is gestopt bij de stap '{summary.failed_step}'. Er is niets nieuws gepubliceerd. {standing}\n"
        f"{summary.error}\n"
        f"Meldingen: {summary.alerts_sent} verstuurd, {summary.alerts_waiting} wachtend. Run {summary.run_id}."
    )


def _deliveries(summary: RunSummary) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("bron", "levering"):
        table.add_column(title)
    for title in ("rijen in", "geladen", "geen cijfer", "quarantaine"):
        table.add_column(title, justify="right")
    for row in summary.deliveries:
        counts = (row["rows_in"], row["rows_loaded"], row["rows_no_data"], row["rows_quarantined"])
        table.add_row(
            row["source_id"],
            row["file"],
            *(_number(count) for count in counts),
            style="red" if row["rows_quarantined"] else None,
        )
    return table


def _quarantine(summary: RunSummary) -> Text:
    text = Text(f"\nIn quarantaine: {len(summary.quarantined)}\n", style="red")
    for row in summary.quarantined[:SHOWN_PROBLEMS]:
        place = ":".join(str(part) for part in (row["file"], row["line"], row["column"]) if part is not None)
        name = f" ({row['column_name']})" if row["column_name"] else ""
        text.append(f"  {place}{name}: found {row['found']}, expected {row['expected']}\n", style="default")
    if len(summary.quarantined) > SHOWN_PROBLEMS:
        text.append("  de rest staat in marts.quarantine\n", style="default")
    return text


def _findings(summary: RunSummary) -> Text:
    text = Text("\n")
    text.append(f"Waarnemingen geladen    {_number(summary.observations)}\n")
    causes = {
        "explained": "verklaard",
        "ambiguous": "meer oorzaken tegelijk",
        "unexplained": "onverklaard",
    }
    breaks = ", ".join(f"{summary.breaks[cause]} {label}" for cause, label in causes.items() if cause in summary.breaks)
    text.append(f"Trendbreuken            {breaks or 'geen'}\n")
    text.append(f"Verwachtingen           {summary.checks} getoetst, {len(summary.failed_checks)} niet gehaald\n")
    for check in summary.failed_checks:
        text.append(f"  {check['severity']:<8} {check['check']}: {check['failing_count']} rijen\n", style="yellow")
    text.append(f"Meldingen               {summary.alerts_sent} verstuurd, {summary.alerts_waiting} wachtend\n")
    for error in summary.alert_errors:
        text.append(f"  {error}\n", style="yellow")
    return text


def _where(summary: RunSummary, settings: Settings) -> Text:
    text = Text()
    if summary.published:
        text.append(f"Gepubliceerd            {_relative(summary.published)}\n")
    if summary.docs:
        text.append(f"Toetsing, per rij       {_relative(summary.docs)}\n")
    text.append(f"Meldingen en uitleg     {_relative(settings.alerts_dir)}\n")
    text.append('Bevragen                nulmeting sql "from marts.trend_break"')
    if settings.profile == "sample":
        text.append("\nVoorbeeldland (codes VB…) is verzonnen; de overige cijfers komen uit de beleidsstukken.")
    return text


def _relative(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _number(count: int) -> str:
    return f"{count:,}".replace(",", ".")
