"""One request and its answer over a real connection: kept open, compressed, chunked, broken."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from pipelines.connectors.exchange import Exchange, FailedRequestError, UnreachableError

HEAD = b"HTTP/1.1 200 OK\r\n"
Script = Callable[[socket.socket], None]


def answering(*answers: bytes, close: bool = False) -> Script:
    """Give these answers to the requests of one connection, one after the other."""

    def play(connection: socket.socket) -> None:
        for answer in answers:
            asked = b""
            while b"\r\n\r\n" not in asked:
                received = connection.recv(65536)
                if not received:
                    return
                asked += received
            connection.sendall(answer)
        if not close:
            connection.recv(65536)

    return play


@contextmanager
def listening(*connections: Script) -> Iterator[tuple[str, list[int]]]:
    """A server that plays a script on each connection; the address, and the number of each connection made."""
    made: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)

        def run() -> None:
            for number, script in enumerate(connections):
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(5)
                    made.append(number)
                    try:
                        script(connection)
                    except OSError:
                        continue

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", made


def whole(body: bytes, *headers: bytes) -> bytes:
    return HEAD + b"".join(header + b"\r\n" for header in headers) + b"Content-Length: %d\r\n\r\n" % len(body) + body


def asked(exchange: Exchange, address: str) -> bytes:
    with exchange.stream(f"{address}/a/b?c=d") as answer:
        return b"".join(answer.iter_bytes())


def exchange_with(timeout: float = 0.5) -> Exchange:
    return Exchange({"Accept": "application/json"}, timeout, None)


def test_a_connection_is_used_again() -> None:
    with listening(answering(whole(b"one"), whole(b"two"), whole(b""), whole(b"four"))) as (address, made):
        exchange = exchange_with()
        assert [asked(exchange, address) for _ in range(3)] == [b"one", b"two", b""]
        exchange.close()
        assert made == [0]


def test_a_connection_that_the_server_closed_while_it_was_idle_is_no_failure() -> None:
    with listening(answering(whole(b"one"), close=True), answering(whole(b"two"))) as (address, made):
        exchange = exchange_with()
        assert [asked(exchange, address), asked(exchange, address)] == [b"one", b"two"]
        assert made == [0, 1]


def test_what_was_not_read_to_its_end_is_not_taken_for_the_next_answer() -> None:
    with listening(answering(whole(b"x" * 10_000)), answering(whole(b"two"))) as (address, _):
        exchange = exchange_with()
        with exchange.stream(f"{address}/") as answer:
            assert answer.status_code == 200
        assert asked(exchange, address) == b"two"


@pytest.mark.parametrize("body", [b"short", b"0123456789" * 100_000])
def test_a_compressed_answer_is_unpacked(body: bytes) -> None:
    with listening(answering(whole(gzip.compress(body), b"Content-Encoding: gzip"))) as (address, _):
        assert asked(exchange_with(), address) == body


def test_a_compressed_answer_comes_in_pieces_of_bounded_size() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    with listening(answering(whole(bomb, b"Content-Encoding: gzip"))) as (address, _):
        exchange = exchange_with()
        with exchange.stream(f"{address}/") as answer:
            assert max(len(piece) for piece, _ in zip(answer.iter_bytes(), range(20), strict=False)) <= 128 * 1024


@pytest.mark.parametrize(
    "answer",
    [
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
        HEAD + b"Connection: close\r\n\r\nhello world",
    ],
)
def test_an_answer_in_chunks_or_without_length_is_whole_when_it_ends(answer: bytes) -> None:
    with listening(answering(answer, close=True)) as (address, _):
        assert asked(exchange_with(), address) == b"hello world"


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (whole(b"one")[:-1], "cut during the answer"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel", "cut during the answer"),
        (whole(gzip.compress(b"hello", mtime=0)[:-9], b"Content-Encoding: gzip"), "damaged: it ends in the middle"),
        (whole(b"no gzip", b"Content-Encoding: gzip"), "the compressed answer is damaged"),
        (b"", "cut during the answer"),
        (b"no HTTP at all\r\n\r\n", "cut during the answer"),
    ],
)
def test_an_answer_that_is_not_whole_is_one_to_ask_for_again(answer: bytes, cause: str) -> None:
    with listening(answering(answer, close=True)) as (address, _):
        with pytest.raises(FailedRequestError, match=cause) as caught:
            asked(exchange_with(), address)
        assert caught.value.again is True


def test_a_coding_that_was_not_asked_for_is_not_asked_for_again() -> None:
    with listening(answering(whole(b"?", b"Content-Encoding: br"))) as (address, _):
        with pytest.raises(FailedRequestError, match="compressed as br") as caught:
            asked(exchange_with(), address)
        assert caught.value.again is False


def test_silence_ends_in_a_time_out() -> None:
    with listening(answering(HEAD)) as (address, _), pytest.raises(FailedRequestError, match="time-out"):
        asked(exchange_with(0.1), address)


def test_a_server_that_is_not_there_cannot_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        address = f"http://127.0.0.1:{gone.getsockname()[1]}"
    with pytest.raises(UnreachableError, match="no connection could be made"):
        asked(exchange_with(), address)


def test_an_address_with_other_signs_cannot_be_asked_for() -> None:
    with listening(answering(whole(b""))) as (address, _):
        with (
            pytest.raises(FailedRequestError, match="cannot be asked for") as caught,
            exchange_with().stream(f"{address}/a\nb"),
        ):
            pass
        assert caught.value.again is False


def test_only_what_has_to_go_through_a_proxy_does(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with (
        listening(answering(whole(b"through the proxy"))) as (proxy, _),
        listening(answering(whole(b"straight"))) as (address, _),
    ):
        monkeypatch.setenv("http_proxy", proxy)
        exchange = exchange_with()
        assert asked(exchange, "http://outside.example") == b"through the proxy"
        assert asked(exchange, address) == b"straight"


def test_what_the_organisation_excepts_from_its_proxy_is_asked_straight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "inside.invalid")
    with listening(answering(whole(b"through the proxy"))) as (proxy, made):
        monkeypatch.setenv("http_proxy", proxy)
        with pytest.raises(UnreachableError):
            asked(exchange_with(), "http://inside.invalid")
        assert made == []
