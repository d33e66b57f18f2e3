"""The files for a server agree with the program: paths, commands and variables are there, nothing listens to all."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner

from pipelines import cli
from pipelines.settings import PROJECT_ROOT

DEPLOY = PROJECT_ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
CONTAINERFILE = DEPLOY / "container" / "Containerfile"
COMPOSE = yaml.safe_load((DEPLOY / "container" / "compose.yml").read_text(encoding="utf-8"))
GUIDE = (PROJECT_ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file())


def _parses(arguments: list[str]) -> None:
    """Fails for a command or an option that there is not."""
    command: Any = typer.main.get_command(cli.app)
    name, *rest = arguments
    command.get_command(None, name).make_context(name, rest)


def _directives(path: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_starts_a_command_that_there_is_as_a_user_without_rights(path: Path) -> None:
    unit = _directives(path)
    program, *arguments = shlex.split(unit["ExecStart"][0])
    assert program == "/opt/nulmeting/.venv/bin/nulmeting"
    _parses(arguments)
    assert (unit["User"], unit["UMask"], unit["StateDirectoryMode"]) == (["nulmeting"], ["0077"], ["0711"])
    assert (unit["ProtectSystem"], unit["NoNewPrivileges"]) == (["strict"], ["yes"])
    assert unit["ReadWritePaths"] == ["/opt/nulmeting/dbt_project/target"]


def test_both_services_are_kept_alike() -> None:
    run, interface = (_directives(DEPLOY / "systemd" / f"nulmeting-{name}.service") for name in ("run", "interface"))
    differ = {key for key in run.keys() | interface.keys() if run.get(key) != interface.get(key)}
    assert differ == {
        *("Description", "Type", "ExecStart", "ExecStopPost", "SuccessExitStatus", "TimeoutStartSec"),
        *("KillSignal", "Restart", "RestartSec", "WantedBy"),
    }


def test_what_goes_into_the_image_is_there_and_enough_to_run() -> None:
    text = CONTAINERFILE.read_text(encoding="utf-8").replace("\\\n", " ")
    instructions = [line.split(maxsplit=1) for line in text.splitlines() if line and not line.startswith("#")]
    assert {name for name, *_ in instructions} <= {
        *("ARG", "FROM", "WORKDIR", "COPY", "RUN", "USER", "ENV", "VOLUME", "ENTRYPOINT", "CMD"),
    }
    copied = [source for name, rest in instructions if name == "COPY" for source in rest.split()[:-1]]
    assert [source for source in copied if not (PROJECT_ROOT / source).exists()] == []
    assert {"pipelines", "expectations", "dbt_project", "sources", "dagster.yaml", "requirements.lock"} <= set(copied)
    names = [name for name, *_ in instructions]
    last_user = max(at for at, name in enumerate(names) if name == "USER")
    assert instructions[last_user][1] == "nulmeting"
    assert "--require-hashes" in text
    assert names.index("ENTRYPOINT") > last_user


def test_containers_show_nothing_to_other_machines_and_have_no_rights() -> None:
    services = COMPOSE["services"]
    assert [port for service in services.values() for port in service.get("ports", ())] == ["127.0.0.1:8443:8443"]
    assert services["proxy"]["network_mode"] == "service:interface"
    for name in ("interface", "run"):
        assert (services[name]["cap_drop"], services[name]["security_opt"]) == (["ALL"], ["no-new-privileges:true"])
        _parses(services[name]["command"])
    for service in services.values():
        assert set(service.get("secrets", ())) <= set(COMPOSE["secrets"])
    context = (DEPLOY / "container" / services["run"]["build"]["context"]).resolve()
    assert (context, (context / services["run"]["build"]["dockerfile"]).is_file()) == (PROJECT_ROOT, True)
    mounted = [volume.partition(":")[0] for volume in services["proxy"]["volumes"]]
    assert (DEPLOY / "container" / mounted[0]).resolve() == DEPLOY / "proxy" / "nginx.conf"
    # What is secret is a file that is not there yet, and never a value.
    text = (DEPLOY / "container" / "compose.yml").read_text(encoding="utf-8")
    assert not re.search(r"PASSWORD: |POSTGRES_URL: ", text)


def test_the_proxy_asks_for_a_login_everywhere_and_leads_to_this_machine_only() -> None:
    text = (DEPLOY / "proxy" / "nginx.conf").read_text(encoding="utf-8")
    code = "\n".join(line.partition("#")[0] for line in text.splitlines())
    assert code.count("{") == code.count("}")
    assert [line for line in code.splitlines() if line.strip() and line.strip()[-1] not in "{};"] == []
    assert re.findall(r"proxy_pass\s+(\S+);", code) == ["http://127.0.0.1:3000"]
    before = code[: code.index("location")]
    assert "auth_basic " in before and "auth_basic_user_file" in before
    assert "auth_basic off" not in code
    assert "autoindex" not in code
    assert re.findall(r"listen\s+(.*);", code) == ["8443 ssl"]
    served = re.findall(r"alias (/var/lib/nulmeting/\S+);", code)
    assert served == ["/var/lib/nulmeting/published/", "/var/lib/nulmeting/data_docs/"]


def test_every_variable_that_is_named_is_one_that_the_program_reads() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in (PROJECT_ROOT / "pipelines").rglob("*.py"))
    text = "\n".join([GUIDE, *(path.read_text(encoding="utf-8") for path in FILES)])
    named = set(re.findall(r"NULMETING_[A-Z0-9_]+", text))
    assert "NULMETING_CA_FILE" in named
    # Any name will do for the address of a channel.
    free = {"NULMETING_MAIL_URL"}
    assert {name for name in named - free if name not in code} == set()


def test_the_guide_names_files_commands_and_settings_that_there_are() -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", GUIDE):
        if target != "avg-register.md":
            assert (PROJECT_ROOT / "docs" / target).exists(), target
    from pipelines.settings import Settings

    for block in re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL):
        assert set(re.findall(r"^(\w+) =", block, re.MULTILINE)) <= set(Settings.model_fields)
    makefile = (PROJECT_ROOT / "Makefile").read_text(encoding="utf-8")
    assert "audit: $(READY)" in makefile and "READY := $(VENV)/.ready" in makefile
    commands = re.findall(r"^nulmeting (run|sql) (.*)$", GUIDE, re.MULTILINE)
    assert len(commands) == 2
    for name, rest in commands:
        _parses([name, *shlex.split(rest.replace("$(date +%F)", "2026-07-01"))])


def test_the_interface_is_told_to_listen_to_this_machine_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr("os.execv", lambda program, arguments: started.append(arguments))
    monkeypatch.setattr("pipelines.warehouse.transform.ensure_manifest", lambda: tmp_path)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    before = dict(os.environ)
    umask = os.umask(0o022)
    try:
        outcome = CliRunner().invoke(cli.app, ["dev", "--port", "47113", "--data-dir", str(tmp_path / "data")])
    finally:
        os.environ.clear()
        os.environ.update(before)
        # What the interface starts is as private as what a run makes.
        inherited = os.umask(umask)
    assert outcome.exit_code == 0, outcome.output
    ((program, *arguments),) = started
    assert Path(program).name == "dagster"
    assert arguments == ["dev", "-m", "pipelines.definitions", "-h", "127.0.0.1", "-p", "47113"]
    assert inherited == 0o077
