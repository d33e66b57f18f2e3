"""A municipality's network: everything through a proxy, and certificates by an authority of its own.

What it detects: a connector or webhook that goes round the proxy, trusts what it should not, or tells the proxy's
password. What usually causes it: a client of its own beside `connectors.exchange`. What next: `pipelines/trust.py`.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import re
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.alerts.channels import DeliveryError, send
from pipelines.alerts.message import Message
from pipelines.connectors.cbs_v4 import fetch_properties
from pipelines.connectors.http import SourceError, open_client
from pipelines.doctor import _publisher
from pipelines.settings import PROJECT_ROOT, Channel, Settings, SetupError
from pipelines.trust import CA_FILE
from tests.integration.conftest import NULMETING
from tests.networks import Authority, Proxy, local_server
from tests.servers import BASE_PATH, QUICK, ReplayServer, small_table

TABLE = "00001ned"
CBS = "cbs.voorbeeld.example"
DESK = "zaaksysteem.voorbeeld.example"
LOGIN = "beheer:gehe1m-wachtwoord"
PASSWORD = LOGIN.partition(":")[2]
MESSAGE = Message(
    message_id="0" * 32,
    run_id="run-1",
    kind="new",
    subject="Onderwerp",
    text="Tekst",
    html="<p>Tekst</p>",
    payload={"link": "x", "new": [], "resolved": []},
    created_at=dt.datetime(2026, 7, 1, tzinfo=dt.UTC),
)
_OF_THE_MACHINE = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", CA_FILE)


@pytest.fixture(autouse=True)
def _no_network_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in _OF_THE_MACHINE:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def publisher() -> Iterator[ReplayServer]:
    with ReplayServer({TABLE: small_table(TABLE)}) as server:
        yield server


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])


def _resources() -> dict[str, bytes]:
    return {f"{BASE_PATH}/{TABLE}/{name}": body for name, body in small_table(TABLE).items()}


def _proxied(login: str, port: int) -> str:
    return f"http://{login}@127.0.0.1:{port}"


def test_a_table_is_pulled_through_the_proxy_over_tls_by_the_authority_of_the_organisation(
    authority: Authority, tmp_path: Path
) -> None:
    with (
        local_server(authority.context_for(CBS), _resources()) as (port, received),
        Proxy({CBS: port}, login=LOGIN) as proxy,
    ):
        environment = {
            **os.environ,
            "HTTPS_PROXY": _proxied(LOGIN, proxy.port),
            CA_FILE: str(authority.path),
            "NULMETING_CBS_V4_URL": f"https://{CBS}{BASE_PATH}",
            "NULMETING_DATA_DIR": str(tmp_path / "data"),
        }
        command = [str(NULMETING), "pull", "cbs", TABLE, "--service", "v4"]
        outcome = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert outcome.returncode == 0, outcome.stderr
    assert "6 observations" in outcome.stdout
    assert set(proxy.asked) == {f"CONNECT {CBS}:443 HTTP/1.1"}
    assert received
    assert PASSWORD not in outcome.stdout + outcome.stderr
    left = b"".join(path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file())
    assert PASSWORD.encode() not in left


def test_without_the_authority_nothing_is_asked_and_the_setting_is_named(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        local_server(authority.context_for(CBS), _resources()) as (port, received),
        Proxy({CBS: port}) as proxy,
    ):
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        with (
            open_client(f"https://{CBS}{BASE_PATH}", retry=QUICK) as client,
            pytest.raises(SourceError, match=rf"certificate of the server is not trusted .* {CA_FILE}$"),
        ):
            fetch_properties(client, TABLE)
        assert (len(proxy.asked), received) == (1, [])


@pytest.mark.parametrize("variable", [CA_FILE, "SSL_CERT_FILE"])
def test_the_authority_may_stand_in_either_setting_and_a_certificate_for_another_host_is_none(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, str(authority.path))
    with (
        local_server(authority.context_for("127.0.0.1"), _resources()) as (port, received),
        open_client(f"https://127.0.0.1:{port}{BASE_PATH}", retry=QUICK) as client,
    ):
        fetch_properties(client, TABLE)
    assert len(received) == 1
    with (
        local_server(authority.context_for(CBS), _resources()) as (port, received),
        open_client(f"https://127.0.0.1:{port}{BASE_PATH}", retry=QUICK) as client,
        pytest.raises(SourceError, match="not trusted"),
    ):
        fetch_properties(client, TABLE)
    assert received == []


def test_a_file_of_authorities_that_holds_none_is_a_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for content, found in (("geen certificaat", "a file without certificates"), (None, "a file that cannot be read")):
        path = tmp_path / "authorities.pem"
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_text(content)
        monkeypatch.setenv(CA_FILE, str(path))
        with pytest.raises(SetupError, match=rf"^{CA_FILE}: found {found}, expected certificates"):
            open_client(f"https://{CBS}{BASE_PATH}")


def test_the_authority_of_the_organisation_comes_on_top_of_the_usual_ones(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.trust import certificate_context

    before = len(certificate_context().get_ca_certs())
    monkeypatch.setenv(CA_FILE, str(authority.path))
    context = certificate_context()
    assert len(context.get_ca_certs()) == before + 1 > 50
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_plain_http_goes_through_the_proxy_and_exceptions_do_not(
    publisher: ReplayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Proxy({CBS: _port(publisher.url)}) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        with open_client(f"http://{CBS}{BASE_PATH}", retry=QUICK) as client:
            fetch_properties(client, TABLE)
        assert proxy.asked == [f"GET http://{CBS}{BASE_PATH}/{TABLE}/Properties HTTP/1.1"]
        # What is on this machine is never asked through it, and no exception has to be made for that.
        with open_client(publisher.base_url, retry=QUICK) as client:
            fetch_properties(client, TABLE)
        assert len(proxy.asked) == 1
        monkeypatch.setenv("NO_PROXY", "voorbeeld.example")
        with (
            open_client(f"http://{CBS}{BASE_PATH}", retry=QUICK, timeout_seconds=2) as client,
            pytest.raises(SourceError, match="no connection"),
        ):
            fetch_properties(client, TABLE)
        assert len(proxy.asked) == 1


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_wants_another_login_is_told_at_once_and_the_login_nowhere(
    publisher: ReplayServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, scheme: str
) -> None:
    caplog.set_level(logging.DEBUG)
    with Proxy({CBS: _port(publisher.url)}, login="another:login") as proxy:
        monkeypatch.setenv(f"{scheme.upper()}_PROXY", _proxied(LOGIN, proxy.port))
        with (
            open_client(f"{scheme}://{CBS}{BASE_PATH}", retry=QUICK) as client,
            pytest.raises(SourceError, match="407") as told,
        ):
            fetch_properties(client, TABLE)
        assert len(proxy.asked) == 1
    assert "HTTPS_PROXY" in str(told.value)
    everything = f"{told.value!r}{told.value}{told.getrepr(style='long')}{caplog.text}"
    assert [secret for secret in (PASSWORD, LOGIN) if secret in everything] == []


@pytest.mark.parametrize(
    "address", ["http://beheer:gehe1m@proxy:poort", "ftp://beheer:gehe1m@proxy", "socks5://proxy:1"]
)
def test_an_address_that_is_no_proxy_is_a_clear_error_without_the_login(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", address)
    with pytest.raises(SetupError, match=r"HTTPS_PROXY.*expected an address such as") as told:
        open_client(f"https://{CBS}{BASE_PATH}")
    assert "gehe1m" not in str(told.value)


def test_a_proxy_that_cannot_reach_the_publisher_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with Proxy({}) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        with (
            open_client(f"https://{CBS}{BASE_PATH}", retry=QUICK) as client,
            pytest.raises(SourceError, match=r"the proxy refused: 502 Bad Gateway; see HTTPS_PROXY"),
        ):
            fetch_properties(client, TABLE)
        assert len(proxy.asked) == QUICK.attempts


def test_a_webhook_goes_through_the_proxy_to_a_server_of_the_organisation(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    channel = Channel(name="zaak", kind="webhook", url=f"https://{DESK}/nulmeting")
    with (
        local_server(authority.context_for(DESK), {}) as (port, received),
        Proxy({DESK: port}, login=LOGIN) as proxy,
    ):
        monkeypatch.setenv("HTTPS_PROXY", _proxied(LOGIN, proxy.port))
        with pytest.raises(DeliveryError, match=f"channel 'zaak': not reached .*{CA_FILE}"):
            send(channel, MESSAGE, folder=tmp_path)
        assert received == []
        monkeypatch.setenv(CA_FILE, str(tmp_path / "weg.pem"))
        with pytest.raises(DeliveryError, match=f"channel 'zaak': {CA_FILE}: found a file that cannot be read"):
            send(channel, MESSAGE, folder=tmp_path)
        monkeypatch.setenv(CA_FILE, str(authority.path))
        send(channel, MESSAGE, folder=tmp_path)
        monkeypatch.delenv(CA_FILE)
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
        send(channel, MESSAGE, folder=tmp_path)
        assert [call["text"] for call in received] == ["Tekst"] * 2
        assert set(proxy.asked) == {f"CONNECT {DESK}:443 HTTP/1.1"}
    assert PASSWORD not in caplog.text


def test_chat_by_apprise_trusts_the_authority_of_the_organisation(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    channel = Channel(name="chat", kind="apprise", url=f"jsons://{DESK}/nulmeting")
    with (
        local_server(authority.context_for(DESK), {}) as (port, received),
        Proxy({DESK: port}) as proxy,
    ):
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        with pytest.raises(DeliveryError, match="channel 'chat'"):
            send(channel, MESSAGE, folder=tmp_path)
        monkeypatch.setenv(CA_FILE, str(authority.path))
        send(channel, MESSAGE, folder=tmp_path)
        assert [call["message"] for call in received] == ["Tekst"]
    assert "REQUESTS_CA_BUNDLE" not in os.environ


def test_doctor_holds_the_publisher_to_the_same_authorities(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with (
        local_server(authority.context_for(CBS), {BASE_PATH: b"{}"}) as (port, _),
        Proxy({CBS: port}) as proxy,
    ):
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        settings = Settings(data_dir=tmp_path, profile="live", cbs_v4_url=f"https://{CBS}{BASE_PATH}")
        assert CA_FILE in _publisher(settings).text
        monkeypatch.setenv(CA_FILE, str(authority.path))
        assert _publisher(settings).ok


def test_nothing_opens_connections_of_its_own() -> None:
    """One place knows proxies and authorities; alerts and `doctor` ask by httpx, which knows the same environment."""
    opens = re.compile(
        r"\b(httpx\.(Client|get|post|stream|request)|requests\.|urllib\.request|urlopen|socket\.create)\b"
    )
    found = {
        path.relative_to(PROJECT_ROOT).as_posix()
        for folder in ("pipelines", "expectations")
        for path in (PROJECT_ROOT / folder).rglob("*.py")
        if opens.search(path.read_text(encoding="utf-8"))
    }
    places = ("alerts/channels", "connectors/exchange", "dependency_audit", "doctor")
    assert found <= {f"pipelines/{place}.py" for place in places}
