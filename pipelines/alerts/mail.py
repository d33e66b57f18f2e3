"""One message as e-mail: plain text and HTML side by side, to each receiver a mail of its own.

What belongs here: the mail and the talk with the server. What does not: how an address is read, which apprise does
(`channels`), and what the message says (`content`). A server's own words are left out of what is reported, for they may
quote an address: its code says what kind of refusal it was.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any

from pipelines.alerts.message import Message
from pipelines.trust import certificate_context

MESSAGE_ID_HEADER = "X-Nulmeting-Message-Id"


@dataclass(frozen=True)
class MailServer:
    """Where mail is handed in, from whom, and for whom. `security` is insecure, starttls or ssl."""

    host: str
    port: int
    security: str
    user: str | None
    password: str | None
    verify: bool
    seconds: float
    sender: tuple[str, str]
    receivers: tuple[str, ...]

    @classmethod
    def of(cls, service: Any) -> MailServer:
        """What an apprise mail service read from its address; copies are receivers like the others."""
        receivers = [address for _, address in service.targets] + sorted({*service.cc, *service.bcc})
        return cls(
            host=service.smtp_host or service.host,
            port=service.port,
            security=str(service.secure_mode),
            user=service.user,
            password=service.password,
            verify=service.verify_certificate,
            seconds=float(service.socket_connect_timeout),
            sender=(service.from_addr[0] or "Nulmeting", service.from_addr[1]),
            receivers=tuple(dict.fromkeys(receivers)),
        )


@dataclass(frozen=True)
class Refusal:
    """Why not every receiver has the mail; `reached` tells whether the server was there at all."""

    text: str
    reached: bool


def send_mail(
    server: MailServer, message: Message, *, taken_by: frozenset[str], note_taken: Callable[[str], None]
) -> Refusal | None:
    """Hand in `message` for every receiver whose digest is not in `taken_by`; calls `note_taken` for each accepted."""
    waiting = [(digest, one) for one in server.receivers if (digest := _digest(one)) not in taken_by]
    refused: list[int] = []
    try:
        with contextlib.ExitStack() as closing:
            connection = _connect(server)
            closing.callback(_hang_up, connection)
            for digest, receiver in waiting:
                mail = compose_mail(server, message, receiver)
                try:
                    connection.send_message(mail, from_addr=server.sender[1], to_addrs=[receiver])
                except smtplib.SMTPRecipientsRefused as error:
                    refused += [code for code, _ in error.recipients.values()]
                except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
                    refused.append(error.smtp_code)
                else:
                    note_taken(digest)
    except (OSError, smtplib.SMTPException) as error:
        return Refusal(_said(error, server), reached=False)
    if not refused:
        return None
    codes = ", ".join(str(code) for code in sorted(set(refused)))
    whom = "1 receiver" if len(refused) == 1 else f"{len(refused)} receivers"
    return Refusal(f"the mail server refused {whom} of {len(server.receivers)} (SMTP {codes})", reached=True)


def compose_mail(server: MailServer, message: Message, receiver: str) -> EmailMessage:
    """The mail itself. Its Message-ID is the same at every repeat, so that mail servers may recognise one."""
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = f"{message.subject} {message.tag}"
    mail["From"] = Address(server.sender[0], addr_spec=server.sender[1])
    mail["To"] = Address(addr_spec=receiver)
    mail["Date"] = format_datetime(dt.datetime.now(dt.UTC))
    mail["Message-ID"] = f"<{message.message_id}.{_digest(receiver)}@{server.sender[1].rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail[MESSAGE_ID_HEADER] = message.message_id
    mail.set_content(message.text, cte="quoted-printable")
    mail.add_alternative(message.html, subtype="html", cte="quoted-printable")
    return mail


def _connect(server: MailServer) -> smtplib.SMTP:
    context = certificate_context()
    if not server.verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if server.security == "ssl":
        connection: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=server.seconds, context=context)
    else:
        connection = smtplib.SMTP(server.host, server.port, timeout=server.seconds)
    try:
        if server.security == "starttls":
            connection.starttls(context=context)
        if server.user and server.password:
            connection.login(server.user, server.password)
    except BaseException:
        connection.close()
        raise
    return connection


def _hang_up(connection: smtplib.SMTP) -> None:
    """Say goodbye. The mail is in or not by now: what goes wrong here changes nothing."""
    with contextlib.suppress(OSError, smtplib.SMTPException):
        connection.quit()


def _said(error: OSError | smtplib.SMTPException, server: MailServer) -> str:
    """What went wrong between here and the server, in our own words."""
    # smtplib tells a server that stays silent as one that hung up.
    cause = error.__context__ if isinstance(error, smtplib.SMTPServerDisconnected) else error
    match cause:
        case smtplib.SMTPAuthenticationError():
            text = f"the mail server refused the login (SMTP {cause.smtp_code})"
        case smtplib.SMTPResponseException():
            text = f"the mail server refused the connection (SMTP {cause.smtp_code})"
        case smtplib.SMTPNotSupportedError():
            text = "the mail server does not offer what the address asks for (STARTTLS, login)"
        case TimeoutError():
            text = f"the mail server gave no answer within {server.seconds:g} s"
        case ssl.SSLError():
            text = f"the mail server's certificate or encryption was not accepted ({cause.reason})"
        case OSError() if not isinstance(cause, smtplib.SMTPException):
            text = f"the mail server was not reached ({cause.strerror or type(cause).__name__})"
        case _:
            text = f"the mail server broke off ({type(error).__name__})"
    return text


def _digest(receiver: str) -> str:
    return hashlib.sha256(receiver.encode("utf-8")).hexdigest()[:16]
