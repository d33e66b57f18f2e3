"""The places a message goes to, and what "taken" means for each of them.

What belongs here: handing one message to one channel. What does not: which messages go out and when
(`dispatch`), and what they say (`message`). A channel raises DeliveryError when it did not take the message.
The address of a channel may hold a password or a token: it stands in no log, error or file made here.

Kinds, as declared in `nulmeting.toml`:

- `console`: standard error.
- `file`: one line of JSON in `alerts.jsonl`, and the text in `<message id>.txt`; a repeat changes nothing.
- `webhook`: a POST of JSON to an address. Any 2xx answer means taken, redirects are not followed. The headers
  `X-Nulmeting-Message-Id` and `Idempotency-Key` hold the message id, the same at every repeat.
- `apprise`: e-mail and chat by an apprise address. A mail server without login on this machine is
  `mailto://nulmeting@localhost:25?smtp=127.0.0.1&mode=insecure&from=monitor@gemeente.nl&to=team@gemeente.nl`,
  one with login over STARTTLS `mailtos://name:password@gemeente.nl:587?smtp=mail.gemeente.nl&to=...`.
  `smtp=` is the server; the host before it completes the sender's address where `from=` is left out. Several
  receivers stand in `to=` with commas between, and each gets a mail of its own. Mail carries `[nm-...]` in
  its subject and the message id as a header and in its text. Teams is `workflows://...`, Slack `slack://...`.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from pipelines.alerts.declared import Channel
from pipelines.alerts.mail import MESSAGE_ID_HEADER
from pipelines.alerts.message import Message
from pipelines.durable import write_atomically
from pipelines.settings import SetupError
from pipelines.trust import certificate_context, trusted_by_requests, untrusted

if TYPE_CHECKING:
    from rich.console import Console

SOCKET_SECONDS = 15.0
SEND_SECONDS = 60.0
"""The most that one message may cost on one channel."""

_LOGGERS_THAT_PRINT_ADDRESSES = ("apprise", "httpx", "httpcore", "requests", "urllib3")


class DeliveryError(Exception):
    """The channel did not take the message. `reached` tells whether the other side was there at all."""

    def __init__(self, text: str, *, reached: bool) -> None:
        super().__init__(text)
        self.reached = reached


HEADLINES = 40
"""Lines of a message that go to a terminal; channels that people read later get all of it."""


def describe_problem(channel: Channel) -> str | None:
    """What is wrong with how `channel` is set up; None where it can be tried. Opens no connection.

    One line, naming the setting and never its value.
    """
    if channel.kind in ("console", "file"):
        return None
    place = f"channel '{channel.name}'"
    if not channel.url and not channel.url_env:
        return f"{place}: neither url nor url_env is set in nulmeting.toml"
    address = channel.resolved_url()
    if not address:
        return f"{place}: the environment variable {channel.url_env} is not set; it holds the address to send to"
    source = f"the environment variable {channel.url_env}" if channel.url_env else "url in nulmeting.toml"
    if channel.kind == "webhook" and not _is_web_address(address):
        return f"{place}: {source} is not an http:// or https:// address"
    if channel.kind == "apprise" and _apprise_service(address) is None:
        return f"{place}: {source} is not an address that apprise understands"
    return None


def send(
    channel: Channel,
    message: Message,
    *,
    folder: Path,
    taken_by: frozenset[str] = frozenset(),
    note_taken: Callable[[str], None] = lambda receiver: None,
    console: Console | None = None,
) -> None:
    """Hand `message` to `channel`; returns when it is taken, raises DeliveryError when it is not.

    `folder` is where the file channel writes. A channel with several receivers calls `note_taken` with a
    digest of each one that accepted, and leaves out those in `taken_by`.
    """
    if problem := describe_problem(channel):
        raise DeliveryError(problem, reached=False)
    try:
        if channel.kind == "console":
            _send_to_console(message, console)
        elif channel.kind == "file":
            _send_to_file(message, folder)
        elif channel.kind == "webhook":
            _send_to_webhook(channel, message)
        else:
            _send_by_apprise(channel, message, taken_by, note_taken)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        # Without the original: network libraries put the address into it.
        raise DeliveryError(f"channel '{channel.name}': {reason}", reached=False) from None


def _send_to_console(message: Message, console: Console | None) -> None:
    from rich.console import Console

    out = console or Console(stderr=True)
    # The text holds names from deliveries: nothing in it is markup.
    out.print(_headlines(message), markup=False, highlight=False, soft_wrap=True)


def _headlines(message: Message) -> str:
    """A message cut down to what fits a screen: what is wrong and where, without causes and rows."""
    kept = ("- ", "    Regio:", "    Indicator:", "    Periode:")
    lines = [line for line in message.text.splitlines() if not line.startswith(" ") or line.startswith(kept)]
    shown = "\n".join(lines[:HEADLINES])
    if len(lines) > HEADLINES:
        shown += f"\n... de hele melding staat in het bestand van bericht {message.message_id}"
    return shown


def _send_to_file(message: Message, folder: Path) -> None:
    for left_over in folder.glob(".*.txt.*"):
        # Of a process that was killed at it: only one sends at a time.
        left_over.unlink(missing_ok=True)
    write_atomically(folder / f"{message.message_id}.txt", message.text)
    with (folder / "alerts.jsonl").open("a+b") as file:
        file.seek(0)
        end_of_whole_lines, present = 0, False
        for line in file:
            if not line.endswith(b"\n"):
                # A line that a crash cut off. Its message was not marked as sent, so it comes again whole.
                break
            end_of_whole_lines += len(line)
            present = present or message.message_id.encode() in line
        file.truncate(end_of_whole_lines)
        if not present:
            written = {**message.payload, "text": message.text}
            file.write(json.dumps(written, ensure_ascii=False).encode("utf-8") + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _send_to_webhook(channel: Channel, message: Message) -> None:
    import httpx

    address = channel.resolved_url() or ""
    headers = {MESSAGE_ID_HEADER: message.message_id, "Idempotency-Key": message.message_id}
    body = {**message.payload, "text": message.text, "html": message.html}
    timeout = httpx.Timeout(SOCKET_SECONDS)
    with _quiet_loggers():
        try:
            # Streamed, and the answer's body left unread: only its status counts.
            verify = certificate_context()
            with httpx.stream("POST", address, json=body, headers=headers, timeout=timeout, verify=verify) as answer:
                status = answer.status_code
        except SetupError as error:
            raise DeliveryError(f"channel '{channel.name}': {error}", reached=False) from None
        except (httpx.TransportError, httpx.InvalidURL) as error:
            # The error's own text is left out: it may quote the address.
            kind = untrusted(error) or type(error).__name__
            raise DeliveryError(f"channel '{channel.name}': not reached ({kind})", reached=False) from None
    if not 200 <= status < 300:
        raise DeliveryError(f"channel '{channel.name}': refused with HTTP {status}", reached=True)


def _send_by_apprise(
    channel: Channel, message: Message, taken_by: frozenset[str], note_taken: Callable[[str], None]
) -> None:
    from apprise.plugins.email import NotifyEmail

    service = _apprise_service(channel.resolved_url() or "")
    if isinstance(service, NotifyEmail):
        from pipelines.alerts.mail import MailServer, send_mail

        # One mail per receiver, each remembered: a colleague whose address is refused does not make the others
        # get the same mail at every run.
        server = MailServer.of(service)
        if refusal := send_mail(server, message, taken_by=taken_by, note_taken=note_taken):
            raise DeliveryError(f"channel '{channel.name}': {refusal.text}", reached=refusal.reached)
        return
    text = _shortened(message, int(service.body_maxlen * 0.8) if service.body_maxlen else 0)
    _notify(channel, service, f"{message.subject} {message.tag}", text, "text")


def _notify(channel: Channel, service: Any, title: str, body: str, body_format: str) -> None:
    """Send through one apprise service; its log is read for the reason, with the address taken out."""
    import apprise

    sender = apprise.Apprise(asset=service.asset)
    sender.add(service)
    with _quiet_loggers(), trusted_by_requests():
        result = sender.notify(body=body, title=title, body_format=body_format, timeout=SEND_SECONDS)
    if result:
        return
    told = "; ".join(dict.fromkeys(entry.message for entry in result.logs()))
    if result.status == apprise.AppriseResultStatus.TIMEOUT:
        raise DeliveryError(f"channel '{channel.name}': no answer in {SEND_SECONDS:.0f} s", reached=False)
    reached = "connection error" not in told.lower()
    reason = _without_address(told, channel.resolved_url() or "") or "not taken"
    raise DeliveryError(f"channel '{channel.name}': {reason}", reached=reached)


def _apprise_service(address: str) -> Any:
    """The apprise service behind `address`; None where apprise cannot use it, or it has no receiver."""
    import apprise
    from apprise.plugins.email import NotifyEmail

    asset = apprise.AppriseAsset(
        app_id="Nulmeting",
        app_desc="Nulmeting",
        app_url="",
        # No pictures from elsewhere in a message, no files of apprise's own, no threads to wait for.
        image_url_mask="",
        image_url_logo="",
        storage_mode=apprise.PersistentStoreMode.MEMORY,
        async_mode=False,
        service_timeout=SEND_SECONDS,
    )
    with _quiet_loggers():
        service = apprise.Apprise.instantiate(address, asset=asset)
    if service is None or (isinstance(service, NotifyEmail) and not service.targets):
        return None
    # Apprise waits 4 s, too short for mail servers that answer late on purpose; an address may state its own.
    query = urlsplit(address).query
    if "cto=" not in query:
        service.socket_connect_timeout = SOCKET_SECONDS
    if "rto=" not in query:
        service.socket_read_timeout = SOCKET_SECONDS
    return service


def _shortened(message: Message, most: int) -> str:
    """The text as long as a chat takes it (`most` characters, 0 for any length), cut between lines."""
    if not most or len(message.text) <= most:
        return message.text
    closing = f"\n… (ingekort)\nAlles bekijken: {message.payload['link']}\nBericht {message.message_id}"
    kept = message.text[: max(0, most - len(closing))]
    return kept[: kept.rfind("\n") + 1].rstrip("\n") + closing


def _is_web_address(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def _without_address(text: str, address: str) -> str:
    """`text` with every part of `address` that could be a secret or a person's address taken out."""
    parts = {part for part in re.split(r"[/:@?&=,;\s]+", f"{address} {unquote(address)}") if len(part) > 3}
    for part in sorted({address, unquote(address), *parts}, key=len, reverse=True):
        text = text.replace(part, "***")
    return text


@contextlib.contextmanager
def _quiet_loggers() -> Iterator[None]:
    """Keep libraries that log addresses from doing so, whatever level the program logs at."""
    loggers = [logging.getLogger(name) for name in _LOGGERS_THAT_PRINT_ADDRESSES]
    silence = logging.NullHandler()
    before = [logger.propagate for logger in loggers]
    for logger in loggers:
        logger.propagate = False
        logger.addHandler(silence)
    try:
        yield
    finally:
        for logger, propagate in zip(loggers, before, strict=True):
            logger.propagate = propagate
            logger.removeHandler(silence)
