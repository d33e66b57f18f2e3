"""A real PostgreSQL server on this machine, started for a test and ended after it.

What belongs here: finding the server's programs, a folder for its data, and a user who may start it, which the super
user may not. What does not: what is kept in it.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

USER, DATABASE = "nulmeting", "records"
PASSWORD = "een geheim/@:"
_PACKAGED = Path("/usr/lib/postgresql")
_START_SECONDS = 60.0


def programs() -> Path | None:
    """The folder with `initdb` and `postgres`, the newest where there are several; None where none is installed."""
    found = shutil.which("initdb")
    packaged = sorted(_PACKAGED.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    paths = [
        path for path in [*packaged[-1:], *([Path(found)] if found else [])] if path.with_name("postgres").exists()
    ]
    return paths[0].parent if paths else None


class PostgresServer:
    """A context manager; while it is open, a database answers under `url`, and asks for the password in it."""

    def __init__(self) -> None:
        self.password = PASSWORD
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None
        self._as: dict[str, Any] = {}

    @property
    def url(self) -> str:
        """The address, with the password percent-encoded as addresses have it."""
        from urllib.parse import quote

        return f"postgresql://{USER}:{quote(self.password, safe='')}@127.0.0.1:{self.port}/{DATABASE}"

    def __enter__(self) -> Self:
        binaries = programs()
        assert binaries is not None, "no PostgreSQL server is installed"
        # A folder of its own: the user that it is given to may not enter those of pytest.
        self.folder = Path(tempfile.mkdtemp(prefix="nulmeting-postgres-"))
        self._become_somebody()
        secret = self.folder / "password"
        secret.write_text(self.password, encoding="utf-8")
        for path in (self.folder, secret):
            self._give(path)
        self._run(
            str(binaries / "initdb"),
            *("--pgdata", str(self.folder / "data"), "--username", USER, "--pwfile", str(secret)),
            *("--auth", "scram-sha-256", "--encoding", "UTF8", "--no-locale", "--no-sync"),
        )
        self.start()
        self._execute(f"create database {DATABASE}")
        return self

    def start(self) -> None:
        """Begin to answer; what was kept is there still."""
        binaries = programs()
        assert binaries is not None
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    str(binaries / "postgres"),
                    *("-D", str(self.folder / "data"), "-p", str(self.port), "-k", str(self.folder)),
                    *("-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "max_connections=200"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                **self._as,
            )
        ends_at = time.monotonic() + _START_SECONDS
        while True:
            try:
                return self._execute("select 1")
            except Exception:
                if time.monotonic() > ends_at or self._process.poll() is not None:
                    raise AssertionError((self.folder / "server.log").read_text(encoding="utf-8")) from None
                time.sleep(0.1)

    def stop(self) -> None:
        """End it at once, with whoever is connected."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(timeout=30)
            self._process = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _execute(self, statement: str) -> None:
        import psycopg2

        connection = psycopg2.connect(
            host="127.0.0.1", port=self.port, user=USER, password=self.password, dbname="postgres", connect_timeout=5
        )
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
        finally:
            connection.close()

    def _become_somebody(self) -> None:
        """The server refuses to be run by root: Debian's package has a user for it, and every system has nobody."""
        if os.geteuid() != 0:
            return
        names = {entry.pw_name for entry in pwd.getpwall()}
        user = "postgres" if "postgres" in names else "nobody"
        self._as = {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}

    def _give(self, path: Path) -> None:
        if self._as:
            shutil.chown(path, self._as["user"])
            path.chmod(0o700 if path.is_dir() else 0o600)

    def _run(self, *command: str) -> None:
        outcome = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, check=False, timeout=120, **self._as
        )
        assert outcome.returncode == 0, outcome.stdout + outcome.stderr
