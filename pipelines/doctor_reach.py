"""Says whether the channels of alerts and the database of Dagster's records can be reached. Nothing is sent.

What belongs here: knocking on the door, with little patience. What does not: how a channel is declared wrongly
(`alerts.channels`) and sending (`alerts.dispatch`). No address stands in what is said: it may hold a password.
"""

from __future__ import annotations

import contextlib
import logging
import os
import smtplib
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.settings import Channel, Settings

if TYPE_CHECKING:
    from pipelines.doctor import Finding

PATIENCE_SECONDS = 5
POSTGRES_URL = "NULMETING_DAGSTER_POSTGRES_URL"


def channels(settings: Settings) -> Iterator[Finding]:
    """One finding per channel: how it is declared, and whether somebody answers at its address."""
    from pipelines.alerts.channels import describe_problem
    from pipelines.doctor import Finding

    names = [channel.name for channel in settings.channels]
    for channel in settings.channels:
        if names.count(channel.name) > 1:
            yield Finding(False, f"channel {channel.name}", "two have this name; give each its own in nulmeting.toml")
            continue
        problem = describe_problem(channel)
        if problem is None and (unreached := _unreached(channel)):
            problem = f"{unreached}; messages wait in the outbox until it answers"
        yield Finding(problem is None, f"channel {channel.name}", problem or channel.kind)


def run_storage(settings: Settings) -> Iterator[Finding]:
    """Where Dagster keeps its records, and whether that can be had."""
    from pipelines.doctor import Finding

    url = os.environ.get(POSTGRES_URL, "").strip()
    named = os.environ.get(f"{POSTGRES_URL}_FILE")
    if not url and named:
        try:
            url = Path(named).expanduser().read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            yield Finding(False, "run storage", f"{POSTGRES_URL}_FILE: names a file that cannot be read; see its path")
            return
    if not url:
        yield Finding(True, "run storage", f"SQLite in {settings.state_dir / 'dagster'}")
        return
    import psycopg2

    try:
        psycopg2.connect(url.replace("+psycopg2", "", 1), connect_timeout=PATIENCE_SECONDS).close()
    except psycopg2.ProgrammingError:
        yield Finding(False, "run storage", f"{POSTGRES_URL}: no address of a database, expected postgresql://...")
    except psycopg2.Error as error:
        because = _of_postgres(str(error))
        text = f"{POSTGRES_URL}: the database gives no access ({because}); start it, or unset the variable"
        yield Finding(False, "run storage", text)
    else:
        yield Finding(True, "run storage", "PostgreSQL answers")


def _of_postgres(said: str) -> str:
    """Why, in words that quote no user, host or password."""
    known = {
        "refused": "nobody listens there",
        "authentication": "the user or the password is refused",
        "does not exist": "there is no such database or user",
        "timeout": f"no answer in {PATIENCE_SECONDS} s",
        "translate host name": "no such host",
        "starting up": "it is starting up",
    }
    return next((text for words, text in known.items() if words in said), "for another reason; see its own log")


def _unreached(channel: Channel) -> str | None:
    """Why nobody could be reached; None where somebody answers, and for services that cannot be asked."""
    address = channel.resolved_url() or ""
    if channel.kind == "webhook":
        return _unreached_webhook(address)
    return _unreached_mail(address) if channel.kind == "apprise" else None


def _unreached_webhook(address: str) -> str | None:
    import httpx

    with _quiet("httpx", "httpcore"):
        try:
            # Whatever it answers, it is there; many refuse this method.
            httpx.head(address, timeout=PATIENCE_SECONDS)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return f"no answer ({type(error).__name__})"
    return None


def _unreached_mail(address: str) -> str | None:
    import apprise
    from apprise.plugins.email import NotifyEmail

    with _quiet("apprise"):
        service = apprise.Apprise.instantiate(address)
    if not isinstance(service, NotifyEmail):
        return None
    try:
        with _connected(service) as server:
            code, _ = server.ehlo()
    except (OSError, smtplib.SMTPException) as error:
        # A refusal at the greeting is an SMTPConnectError; its text quotes the server, its type does not.
        # The library wraps a greeting that does not come in an error of its own.
        slow = isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError)
        because = f"no answer in {PATIENCE_SECONDS} s" if slow else _of_mail(error)
        return f"the mail server is not reached ({because})"
    return None if code == 250 else f"the mail server refuses to talk (SMTP {code})"


def _connected(service: Any) -> smtplib.SMTP:
    if service.secure and service.secure_mode == "ssl":
        context = ssl.create_default_context()
        if not service.verify_certificate:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return smtplib.SMTP_SSL(service.smtp_host, service.port, timeout=PATIENCE_SECONDS, context=context)
    return smtplib.SMTP(service.smtp_host, service.port, timeout=PATIENCE_SECONDS)


def _of_mail(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return "its certificate is not trusted"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"it refuses with SMTP {error.smtp_code}"
    reason = error.strerror if isinstance(error, OSError) else None
    return reason or type(error).__name__


@contextlib.contextmanager
def _quiet(*names: str) -> Iterator[None]:
    """Keep libraries from logging the address."""
    loggers = [logging.getLogger(name) for name in names]
    before = [logger.disabled for logger in loggers]
    for logger in loggers:
        logger.disabled = True
    try:
        yield
    finally:
        for logger, disabled in zip(loggers, before, strict=True):
            logger.disabled = disabled
