"""`nulmeting alerts`: what is open, what waits, and what a person decides about it.

Only parsing of arguments and printing happens here. `send` is made for cron: it imports no Dagster and no warehouse.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.settings import Settings, SetupError, load_settings

if TYPE_CHECKING:
    from pipelines.alerts.outbox import Outbox
    from pipelines.alerts.release import Mute

alerts_app = typer.Typer(help="Alerts: what is open and what waits; send, mute and acknowledge.", no_args_is_help=True)

_DataDir = Annotated[Path | None, typer.Option("--data-dir", help="where runs read and write; default: data/")]
_SHOWN = 50
_REFUSED = 1


def add_to(app: typer.Typer) -> None:
    """Give the command line its commands about alerts."""
    app.add_typer(alerts_app, name="alerts")


@alerts_app.command("list")
def alerts_list(
    everything: Annotated[bool, typer.Option("--all", help="every open finding, not the first fifty")] = False,
    data_dir: _DataDir = None,
) -> None:
    """Say what is open, what waits to be sent and what is muted."""
    from pipelines.alerts.declared import AMSTERDAM

    outbox, now = _outbox(load_settings(data_dir=data_dir)), dt.datetime.now(dt.UTC)
    found = outbox.open_findings(now)
    typer.echo(f"open: {len(found)} findings")
    for one in found if everything else found[:_SHOWN]:
        marks = [word for word, so in (("muted", one.muted), ("acknowledged", one.acknowledged)) if so]
        marked = f" ({', '.join(marks)})" if marks else ""
        typer.echo(
            f"  {one.opened_at.astimezone(AMSTERDAM):%Y-%m-%d} {one.finding.severity} {one.finding.full_key}{marked}"
        )
        typer.echo(f"      {one.finding.title_nl}")
    if not everything and len(found) > _SHOWN:
        typer.echo(f"  and {len(found) - _SHOWN} more; --all shows them")
    waiting = outbox.waiting()
    typer.echo(f"waiting for a channel: {len(waiting)} messages")
    for delivery in waiting:
        tried = f", tried {delivery.attempts} times" if delivery.attempts else ""
        typer.echo(f"  {delivery.message.tag} {delivery.channel}: {delivery.message.subject}{tried}")
        if delivery.last_error:
            typer.echo(f"      {delivery.last_error}")
    held = outbox.held()
    typer.echo(f"held for a digest, the end of quiet hours or of a mute: {sum(held.values())} changes")
    for channel, number in held.items():
        typer.echo(f"  {channel}: {number}")
    mutes = outbox.mutes(now)
    typer.echo(f"muted: {len(mutes)}")
    for mute in mutes:
        typer.echo(f"  {mute.mute_id}: {_described(mute)}, {_until(mute)}: {mute.reason}")


@alerts_app.command("send")
def alerts_send(
    only_due: Annotated[
        bool, typer.Option("--only-due", help="leave a channel that refused alone for a while: for cron, every minute")
    ] = False,
    data_dir: _DataDir = None,
) -> None:
    """Send what waits and what is due by now: digests, ended quiet hours and mutes, escalations. For cron."""
    from pipelines.alerts.dispatch import deliver_pending, outbox_path
    from pipelines.alerts.findings import AlertError
    from pipelines.untold_runs import record_untold

    settings = load_settings(data_dir=data_dir)
    now = dt.datetime.now(dt.UTC)
    try:
        record_untold(settings, now)
        if not outbox_path(settings).is_file():
            typer.echo("nothing to send: no run has found anything yet")
            return
        report = deliver_pending(settings, now, only_due=only_due)
    except AlertError as error:
        raise SetupError(str(error)) from None
    typer.echo(f"sent {report.sent}, waiting {report.pending}, held for their moment {report.held}")
    for line in report.errors:
        typer.echo(f"nulmeting: {line}", err=True)
    raise typer.Exit(_REFUSED if report.errors else 0)


@alerts_app.command("mute")
def alerts_mute(
    until: Annotated[str, typer.Option(help="the last day of it (jjjj-mm-dd)")],
    because: Annotated[str, typer.Option(help="one sentence that a later reader understands")],
    check: Annotated[str | None, typer.Option(help="the name of a check, as in a message")] = None,
    region: Annotated[str | None, typer.Option(help="a region code, such as GM0373")] = None,
    indicator: Annotated[str | None, typer.Option(help="an indicator, such as wmo_hulp_bij_het_huishouden")] = None,
    finding: Annotated[str | None, typer.Option(help="one finding, as `alerts list` names it")] = None,
    data_dir: _DataDir = None,
) -> None:
    """Tell nobody about what fits all that is given, until that day has ended; what is open then is told."""
    from pipelines.alerts.declared import AMSTERDAM

    try:
        day = dt.date.fromisoformat(until)
    except ValueError:
        raise SetupError(f"--until: found {until}, expected a date like 2026-07-01") from None
    if not because.strip():
        raise SetupError("--because: found nothing, expected one sentence that says why")
    try:
        end = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), AMSTERDAM).astimezone(dt.UTC)
    except OverflowError:
        raise SetupError(f"--until: found {until}, expected a date before the year 9999") from None
    try:
        made = _outbox(load_settings(data_dir=data_dir)).mute(
            check=check,
            region=region,
            indicator=indicator,
            finding=finding,
            until=end,
            reason=because,
            now=dt.datetime.now(dt.UTC),
        )
    except ValueError as error:
        raise SetupError(f"alerts mute: {error}") from None
    typer.echo(f"mute {made.mute_id}: {_described(made)}, {_until(made)}")


@alerts_app.command("unmute")
def alerts_unmute(
    mute_id: Annotated[int, typer.Argument(help="the number, as `alerts list` shows it")], data_dir: _DataDir = None
) -> None:
    """End a mute before its day; what is open of it is told by the next `alerts send` or run."""
    if not _outbox(load_settings(data_dir=data_dir)).unmute(mute_id, dt.datetime.now(dt.UTC)):
        raise SetupError(f"alerts unmute: found no mute {mute_id}, expected one that `nulmeting alerts list` shows")
    typer.echo(f"mute {mute_id} ended")


@alerts_app.command("acknowledge")
def alerts_acknowledge(
    reference: Annotated[str, typer.Argument(help="nm-1234abcd of a message, or a finding as `alerts list` names it")],
    data_dir: _DataDir = None,
) -> None:
    """Say that somebody is at work on it: it is not escalated any more."""
    try:
        number = _outbox(load_settings(data_dir=data_dir)).acknowledge(reference, dt.datetime.now(dt.UTC))
    except KeyError:
        raise SetupError(
            f"alerts acknowledge: found no message and no open finding {reference}, expected nm- and eight characters "
            "from the subject of a message, or a finding as `nulmeting alerts list` names it"
        ) from None
    typer.echo(f"acknowledged {number} open findings")


@alerts_app.command("forget-channel")
def alerts_forget_channel(
    name: Annotated[str, typer.Argument(help="a channel that nulmeting.toml no longer declares")],
    to: Annotated[
        str | None, typer.Option(help="the channel that takes its place; without it, what waits is dropped")
    ] = None,
    data_dir: _DataDir = None,
) -> None:
    """Hand what waits for a channel that was renamed or removed to another one, or drop it."""
    settings = load_settings(data_dir=data_dir)
    declared = [channel.name for channel in settings.channels]
    if name in declared:
        raise SetupError(f"alerts forget-channel: {name} is declared; take it out of nulmeting.toml first")
    if to is not None and to not in declared:
        raise SetupError(f"--to: found {to}, expected a channel that is declared: {', '.join(declared)}")
    number = _outbox(settings).forget_channel(name, to)
    typer.echo(f"{number} messages and changes {f'handed to {to}' if to else 'dropped'}")


def _outbox(settings: Settings) -> Outbox:
    from pipelines.alerts.dispatch import outbox_path
    from pipelines.alerts.findings import AlertError
    from pipelines.alerts.outbox import Outbox

    path = outbox_path(settings)
    if not path.is_file():
        raise SetupError(f"{path}: found no outbox, expected that of an earlier run; see --data-dir")
    try:
        return Outbox(path)
    except AlertError as error:
        raise SetupError(str(error)) from None


def _described(mute: Mute) -> str:
    parts = {"check": mute.check, "region": mute.region, "indicator": mute.indicator, "finding": mute.finding}
    return ", ".join(f"{name} {value}" for name, value in parts.items() if value)


def _until(mute: Mute) -> str:
    from pipelines.alerts.declared import AMSTERDAM

    last = mute.until.astimezone(AMSTERDAM) - dt.timedelta(seconds=1)
    return f"up to and including {last:%Y-%m-%d}"
