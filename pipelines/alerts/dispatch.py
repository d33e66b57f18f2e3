"""The two calls that the command line and the Dagster sensor make: process a run, send what waits.

What belongs here: the order of recording and sending, who may send at a time, and when a message is tried
again. What does not: the state itself (`outbox`), what may be told by now (`release`) and the sending itself
(`channels`).

A message is sent at least once to every channel. It is marked as sent only after the channel took it, so a
crash in between sends it again, with the same message id; nothing else repeats it.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.alerts.channels import DeliveryError, send
from pipelines.alerts.declared import Channel
from pipelines.alerts.findings import RUN_CHECK, RunFindings
from pipelines.alerts.message import Message
from pipelines.alerts.outbox import Delivery, Outbox
from pipelines.settings import Settings

if TYPE_CHECKING:
    from rich.console import Console

LOCK_SECONDS = 120.0
CHANNEL_SECONDS = 120.0
"""What one channel may cost in one call; what is left over waits for the next."""

_WAITS = tuple(dt.timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 360))


@dataclass(frozen=True)
class DeliveryReport:
    """What a call did. `sent` and `pending` count pairs of a message and a channel.

    `held` counts what waits for its moment (a digest, the end of quiet hours or of a mute), per channel that hears of
    it, and is no error. `errors` are lines for a person, free of addresses and secrets. `message` is the message that
    the processed run brought, None where it brought none.
    """

    sent: int
    pending: int
    errors: tuple[str, ...]
    message: Message | None = None
    held: int = 0


def process_run(
    settings: Settings, run_findings_path: Path, now: dt.datetime, *, console: Console | None = None
) -> DeliveryReport:
    """Record the findings of a run and send everything that waits, the run's own message last.

    Safe to call again for the same run, and from two processes at once. `now` has a time zone. Raises
    AlertError when the findings or the outbox cannot be read.
    """
    run = RunFindings.read(run_findings_path)
    outbox = Outbox(outbox_path(settings))
    channels = _channels_by_name(settings)
    outbox.record_run(run, channels=tuple(channels.values()), link=link_of(settings), now=now)
    report = deliver_pending(settings, now, console=console)
    return replace(report, message=outbox.message_of_run(run.run_id))


def record_runs(settings: Settings, run_findings_paths: Sequence[Path], now: dt.datetime) -> None:
    """Record the findings of runs that ended after the last one that was recorded, in that order; send nothing.

    Raises AlertError when findings or the outbox cannot be read.
    """
    if not run_findings_paths:
        return
    outbox = Outbox(outbox_path(settings))
    known, last = outbox.processed_runs(now)
    untold = [RunFindings.read(path) for path in run_findings_paths if path.parent.name not in known]
    untold.sort(key=lambda run: run.finished_at)
    # Where nothing is known, what is open now is that of the last run.
    later = [run for run in untold if run.finished_at > last] if last else untold[-1:]
    channels = tuple(_channels_by_name(settings).values())
    for run in later:
        outbox.record_run(run, channels=channels, link=link_of(settings), now=now)


def last_run_failed(settings: Settings) -> bool:
    """Whether the outbox has it open that a run did not reach its end; no where there is none."""
    path = outbox_path(settings)
    return path.is_file() and any(key.startswith(f"{RUN_CHECK}|") for key in Outbox(path).open_keys())


def deliver_pending(
    settings: Settings, now: dt.datetime, *, only_due: bool = False, console: Console | None = None
) -> DeliveryReport:
    """Make the messages whose moment has come, and try every one that a declared channel has not taken yet.

    That moment is the time of a digest, the end of quiet hours or of a mute, or the hour at which what nobody
    acknowledged goes to another channel. Messages go oldest first per channel, and in quiet hours only those with
    something that breaks through. With `only_due` a delivery that failed waits longer after each attempt, from a
    minute to six hours: for callers that come by often, like a sensor. A channel that cannot be reached is left alone
    for the rest of the call; the others are not held back by it. Only one process sends at a time.
    """
    from filelock import FileLock, Timeout

    outbox = Outbox(outbox_path(settings))
    channels = _channels_by_name(settings)
    outbox.release(channels=tuple(channels.values()), link=link_of(settings), now=now)
    try:
        with FileLock(outbox.path.with_suffix(".lock"), timeout=LOCK_SECONDS):
            sent, errors = _send_waiting(outbox, channels, settings, now, only_due=only_due, console=console)
    except Timeout:
        sent, errors = 0, [f"another process has been sending alerts for {LOCK_SECONDS:.0f} s; they wait"]
    waiting = outbox.waiting()
    held = outbox.held()
    undeclared = sorted({*(delivery.channel for delivery in waiting), *held} - channels.keys())
    errors += [
        f"channel '{name}': messages wait for it, but nulmeting.toml no longer declares it; `nulmeting alerts "
        f"forget-channel {name}` drops them, with --to another channel gets them"
        for name in undeclared
    ]
    return DeliveryReport(sent, len(waiting), tuple(errors), held=sum(held.values()))


def outbox_path(settings: Settings) -> Path:
    """Where the outbox stands."""
    return settings.alerts_dir / "outbox.sqlite"


def link_of(settings: Settings) -> str:
    """Where a reader of a message finds everything: the configured address, else the Data Docs' path."""
    return settings.link_base or str(settings.data_docs_dir / "index.html")


def _send_waiting(
    outbox: Outbox,
    channels: dict[str, Channel],
    settings: Settings,
    now: dt.datetime,
    *,
    only_due: bool,
    console: Console | None,
) -> tuple[int, list[str]]:
    sent, errors = 0, []
    waiting = outbox.waiting()
    for name, channel in channels.items():
        ends_at = time.monotonic() + CHANNEL_SECONDS
        mine = [delivery for delivery in waiting if delivery.channel == name]
        may_go = _not_hushed(mine, channel, now)
        left: set[str] = set()
        for delivery in mine:
            # What is told of one finding keeps its order: a later message waits for an earlier one that did not go.
            held_up = not left.isdisjoint(delivery.keys)
            if held_up or delivery.message.message_id not in may_go or (only_due and not _is_due(delivery, now)):
                left |= delivery.keys
                continue
            if time.monotonic() > ends_at:
                errors.append(f"channel '{name}': too slow, the other messages wait for the next call")
                break
            failure = _try(outbox, channel, delivery, settings.alerts_dir, console)
            if failure is None:
                outbox.mark_sent(delivery.message.message_id, name, now)
                sent += 1
                continue
            left |= delivery.keys
            errors.append(f"{failure}; message {delivery.message.tag} waits")
            wait = _WAITS[min(delivery.attempts, len(_WAITS) - 1)]
            outbox.mark_failed(delivery.message.message_id, name, str(failure), now + wait)
            if not failure.reached:
                break
    return sent, errors


def _not_hushed(mine: Sequence[Delivery], channel: Channel, now: dt.datetime) -> set[str]:
    """The ids of what may go out now: all, or in quiet hours what breaks through and what must go before it."""
    going: set[str] = set()
    with_it: set[str] = set()
    for delivery in reversed(mine):
        if channel.lets_through(delivery.message.severity, now) or not with_it.isdisjoint(delivery.keys):
            going.add(delivery.message.message_id)
            with_it |= delivery.keys
    return going


def _is_due(delivery: Delivery, now: dt.datetime) -> bool:
    """Whether to try again. A wait longer than any that is given was given by a clock that has been set back since."""
    return not now < delivery.next_try_at <= now + _WAITS[-1]


def _try(
    outbox: Outbox, channel: Channel, delivery: Delivery, folder: Path, console: Console | None
) -> DeliveryError | None:
    message_id = delivery.message.message_id
    try:
        send(
            channel,
            delivery.message,
            folder=folder,
            taken_by=delivery.taken_by,
            note_taken=lambda receiver: outbox.note_taken(message_id, channel.name, receiver),
            console=console,
        )
    except DeliveryError as error:
        return error
    except Exception as error:
        # Whatever a channel's library raises, it may not keep the other channels from their messages. Its
        # text may quote the address, its type does not.
        return DeliveryError(f"channel '{channel.name}': failed with {type(error).__name__}", reached=True)
    return None


def _channels_by_name(settings: Settings) -> dict[str, Channel]:
    return {channel.name: channel for channel in settings.channels}
