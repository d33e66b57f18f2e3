"""A web server and a mail server that note which messages they took, in a process of their own.

Every message that was taken is one line in a file, written before the sender is answered: what a killed sender never
heard of was taken all the same. The file is named after the address that it was sent to.
"""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
from email import message_from_bytes
from pathlib import Path
from typing import Any

MESSAGE_ID = "X-Nulmeting-Message-Id"


class Collector:
    """The running servers; `webhook(name)` and `mail(name)` are the addresses of an inbox."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.collector", str(folder)], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self._web_port, self._mail_port = map(int, self._process.stdout.readline().split())

    def webhook(self, name: str) -> str:
        return f"http://127.0.0.1:{self._web_port}/{name}"

    def mail(self, name: str) -> str:
        return (
            f"mailto://nulmeting@localhost:{self._mail_port}?smtp=127.0.0.1&mode=insecure"
            f"&from=nulmeting@localhost&to={name}@localhost"
        )

    def taken(self, kind: str, name: str) -> list[dict[str, Any]]:
        """What was taken, in order: the message id, and of a webhook what became new and what was resolved."""
        path = self._folder / f"{kind}-{name}.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []

    def close(self) -> None:
        self._process.terminate()
        self._process.communicate()


def _note(folder: Path, kind: str, name: str, told: dict[str, Any]) -> None:
    descriptor = os.open(folder / f"{kind}-{name}.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        os.write(descriptor, json.dumps(told).encode() + b"\n")
    finally:
        os.close(descriptor)


def _serve(folder: Path) -> None:
    from aiosmtpd.controller import UnthreadedController

    class Hook(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers["Content-Length"])
            body = self.rfile.read(size)
            if len(body) < size:
                return
            payload = json.loads(body)
            told = {part: sorted(one["full_key"] for one in payload[part]) for part in ("new", "resolved")}
            _note(folder, "webhook", self.path.strip("/"), {"message_id": self.headers[MESSAGE_ID], **told})
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    class Mailbox:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
            message_id = message_from_bytes(envelope.content)[MESSAGE_ID]
            for receiver in envelope.rcpt_tos:
                _note(folder, "mail", receiver.partition("@")[0], {"message_id": message_id})
            return "250 OK"

    import asyncio
    import threading

    loop = asyncio.new_event_loop()
    mail = UnthreadedController(Mailbox(), hostname="127.0.0.1", port=0, loop=loop)
    mail.begin()
    # One request at a time: what a killed sender had sent is noted before anything that comes later.
    web = http.server.HTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    assert isinstance(mail.server, asyncio.Server)
    sys.stdout.write(f"{web.server_address[1]} {mail.server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    loop.run_forever()


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
