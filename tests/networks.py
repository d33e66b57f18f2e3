"""A municipality's network for tests, on this machine: a proxy that everything must go through, and servers whose
certificates come from an authority of its own. Names of hosts outside are led to where the test says.
"""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import ipaddress
import json
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Authority:
    """An authority that nobody knows, in `path`, and certificates by it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Gemeente Voorbeeld")])
        limits = x509.BasicConstraints(ca=True, path_length=None)
        self.path = folder / "authority.pem"
        made = self._made(self._name, self._key, x509.SubjectAlternativeName([]), limits)
        self.path.write_bytes(made.public_bytes(serialization.Encoding.PEM))

    def _made(self, name: x509.Name, key: Any, names: x509.SubjectAlternativeName, limits: Any) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(limits, critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )
        if list(names):
            builder = builder.add_extension(names, critical=False)
        return builder.sign(self._key, hashes.SHA256())

    def context_for(self, host: str) -> ssl.SSLContext:
        """What a server of that name shows."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        try:
            alternative: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
        except ValueError:
            alternative = x509.DNSName(host)
        limits = x509.BasicConstraints(ca=False, path_length=None)
        certificate = self._made(name, key, x509.SubjectAlternativeName([alternative]), limits)
        path = self._folder / f"{host}.pem"
        path.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


class _Quiet(ThreadingHTTPServer):
    """Whoever does not trust the certificate hangs up: that is what such a test is about."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing to print."""


@contextmanager
def local_server(context: ssl.SSLContext | None, answers: dict[str, bytes]) -> Iterator[tuple[int, list[Any]]]:
    """A server over TLS, or without a context a plain one: its port, and what it was sent.

    A path has its answer whatever the query; a POST is taken.
    """
    received: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            received.append((self.path, dict(self.headers)))
            body = answers.get(self.path.partition("?")[0])
            self._answer(404, b'{"error":{"message":"No such resource"}}') if body is None else self._answer(200, body)

        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self._answer(202, b"")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
            """Keep quiet: the requests are in the list."""

    server = _Quiet(("127.0.0.1", 0), Handler)
    if context is not None:
        # The handshake is made in the thread of the request, so that one who hangs up does not stop the others.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_address[1], received
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Proxy:
    """A context manager; while it is open, a proxy at `port` leads hosts to ports of this machine.

    `login` is what it wants as `name:password`. `asked` are the first lines of what it was asked, in order.
    """

    def __init__(self, ports: dict[str, int], login: str | None = None) -> None:
        self.asked: list[str] = []
        proxy = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                first = self.rfile.readline().decode()
                proxy.asked.append(first.strip())
                lines = []
                while (line := self.rfile.readline()) not in (b"\r\n", b""):
                    lines.append(line)
                if login is not None:
                    wanted = b"basic " + base64.b64encode(login.encode())
                    given = [line for line in lines if line.lower().startswith(b"proxy-authorization:")]
                    if not given or given[0].partition(b":")[2].strip().replace(b"Basic", b"basic") != wanted:
                        self.wfile.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
                        return
                method, target, _ = first.split()
                plain = target.removeprefix("http://")
                host, _, path = (target, "", "") if method == "CONNECT" else plain.partition("/")
                port = ports.get(host.partition(":")[0])
                if port is None:
                    self.wfile.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
                    return
                with socket.create_connection(("127.0.0.1", port)) as onward:
                    if method == "CONNECT":
                        self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
                    else:
                        kept = [line for line in lines if not line.lower().startswith((b"proxy-", b"connection:"))]
                        head = f"{method} /{path} HTTP/1.1\r\n".encode() + b"".join(kept)
                        onward.sendall(head + b"Connection: close\r\n\r\n")
                    self._pass_on(onward)

            def _pass_on(self, onward: socket.socket) -> None:
                back = threading.Thread(target=_copy, args=(onward, self.connection))
                back.start()
                _copy(self.connection, onward)
                back.join()

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _copy(from_: socket.socket, to: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := from_.recv(65536):
            to.sendall(piece)
    with contextlib.suppress(OSError):
        to.shutdown(socket.SHUT_WR)
