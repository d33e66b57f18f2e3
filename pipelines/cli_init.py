"""`nulmeting init`: sets up one's own municipality, in a dialogue or wholly from flags.

Only asking and printing happens here; what is written is in `pipelines.initialise`. The dialogue is Dutch, because
whoever has a municipality to set up reads along.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pipelines.settings import SetupError

if TYPE_CHECKING:
    from pipelines.initialise.municipality import Municipality

Profile = Literal["sample", "live"]


def init(
    municipality: Annotated[str | None, typer.Option(help="its code at CBS, like GM0373")] = None,
    profile: Annotated[str | None, typer.Option(help="live (default) or sample")] = None,
    data_dir: Annotated[str | None, typer.Option("--data-dir", help="where runs write; default: data")] = None,
    drop_folder: Annotated[
        str | None, typer.Option(help="where deliveries are put; default: drop in --data-dir")
    ] = None,
    mail_env: Annotated[
        str | None, typer.Option(help="the variable that will hold the address for e-mail; its name, not the address")
    ] = None,
    pseudonym_key: Annotated[
        bool | None, typer.Option("--pseudonym-key/--no-pseudonym-key", help="make a key for pseudonyms, in a file")
    ] = None,
    unlisted: Annotated[bool, typer.Option(help="take a code that CBS's list in this release does not have")] = False,
    config: Annotated[Path, typer.Option(help="the file with settings to write")] = Path("nulmeting.toml"),
    force: Annotated[bool, typer.Option(help="replace settings that stand there; secrets and keys never")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="ask nothing: flags, and defaults for the rest")] = False,
) -> None:
    """Set up your own municipality: settings, a folder for deliveries, the names of secrets; then `doctor`."""
    from pipelines.initialise.files import Answers, check_variable, write_everything

    if config.exists() and not force:
        raise SetupError(f"{config}: stands there already; nothing was written; --force replaces it")
    if yes and municipality is None:
        raise SetupError("--municipality: found none, expected a code of CBS like GM0373")
    try:
        own = _municipality(municipality, unlisted=unlisted, ask=not yes)
        chosen = _profile(
            profile or ("live" if yes else _ask("Profiel: live (CBS en eigen leveringen) of sample", "live"))
        )
        data = data_dir or ("data" if yes else _ask("Map voor alles wat Nulmeting maakt", "data"))
        default_drop = str(Path(data) / "drop")
        drop = drop_folder or (default_drop if yes else _ask("Map waarin u leveringen zet", default_drop))
        mail = mail_env if mail_env is not None or yes else _ask(_MAIL, "geen")
        wants_key = pseudonym_key if pseudonym_key is not None or yes else _agreed(_KEY)
        if mail and mail != "geen":
            check_variable("--mail-env", mail)
        answers = Answers(own, chosen, data, drop, mail if mail and mail != "geen" else None, make_key=bool(wants_key))
        if not yes and not _agreed(f"Schrijven naar {config.expanduser().absolute()}?"):
            raise typer.Abort
    except typer.Abort:
        raise SetupError("init: stopped; nothing was written") from None
    written = write_everything(answers, config, force=force)
    for one in written:
        typer.echo(f"{one.path}: {one.said}")
    elsewhere = os.environ.get("NULMETING_CONFIG")
    if elsewhere and Path(elsewhere).absolute() != config.absolute():
        typer.echo(f"nulmeting: NULMETING_CONFIG names {elsewhere}; other commands read that file", err=True)
    _doctor(config)
    typer.echo(f"{own.name} ({own.code}) is ingesteld. Volgende stap: nulmeting run")


_MAIL = "Naam van de omgevingsvariabele met het adres voor e-mail (niet het adres zelf)"
_KEY = "Een sleutel maken om personen in leveringen te pseudonimiseren?"


def _municipality(text: str | None, *, unlisted: bool, ask: bool) -> Municipality:
    from pipelines.initialise.municipality import Municipality, NoMunicipalityError, UnlistedError, find_municipality

    while True:
        given = text if text is not None else _ask("Code van uw gemeente bij het CBS (zoals GM0373)", None)
        try:
            return find_municipality(given)
        except UnlistedError as error:
            if unlisted or (ask and _agreed(f"{error}. Toch gebruiken?")):
                return Municipality(given.strip().upper(), "niet in de lijst")
            if not ask or text is not None:
                remedy = "--unlisted takes it all the same, for one that is newer than this release"
                raise SetupError(f"--municipality: {error}; {remedy}") from None
        except NoMunicipalityError as error:
            if not ask or text is not None:
                raise SetupError(f"--municipality: {error}") from None
            typer.echo(f"{error}", err=True)


def _profile(text: str) -> Profile:
    if text not in ("live", "sample"):
        raise SetupError(f"--profile: found {text}, expected live or sample")
    return "live" if text == "live" else "sample"


def _ask(question: str, default: str | None) -> str:
    answer: str = typer.prompt(question, default=default)
    return answer.strip()


def _agreed(question: str) -> bool:
    while True:
        answer = _ask(f"{question} (j/n)", "n").casefold()
        if answer in ("j", "ja", "n", "nee"):
            return answer in ("j", "ja")


def _doctor(config: Path) -> None:
    """What is wrong with the installation as it is now; a secret that is yet to be filled in is."""
    from pipelines.doctor import diagnose
    from pipelines.doctor_screen import on_one_screen

    for line in on_one_screen(diagnose(config=config)):
        typer.echo(line)
