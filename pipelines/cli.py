"""The command line, `nulmeting`.

Only parsing of arguments and printing happens here. Everything heavy is imported by the command that needs it,
so that `nulmeting --help` and `nulmeting sql` answer at once.
"""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.settings import Settings, SetupError, load_settings

if TYPE_CHECKING:
    from pipelines.main_job import RunSummary

app = typer.Typer(
    name="nulmeting",
    help="Monitoring warehouse for the Dutch sociaal domein.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

DataDir = Annotated[Path | None, typer.Option("--data-dir", help="where runs read and write; default: data/")]
Profile = Annotated[str | None, typer.Option(help="sample (offline, bundled) or live")]


def main() -> None:
    """Entry point: wrong use and wrong set-up end with exit code 2 and one line."""
    try:
        app()
    except SetupError as error:
        typer.echo(f"nulmeting: {error}", err=True)
        sys.exit(2)


@app.command()
def run(
    profile: Profile = None,
    data_dir: DataDir = None,
    select: Annotated[str | None, typer.Option(help="a Dagster asset selection; default: everything")] = None,
    today: Annotated[str | None, typer.Option(help="judge lateness on this day (jjjj-mm-dd)")] = None,
) -> None:
    """Run the main job: fetch, read, build, check, alert, publish."""
    from pipelines.declarations.load import DeclarationError, load_declarations

    settings = load_settings(profile=profile, data_dir=data_dir, today=_date(today))
    try:
        load_declarations(settings.sources_dir, settings.profile)
    except DeclarationError as error:
        raise SetupError(str(error)) from None

    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from pipelines import progress
    from pipelines.main_job import run_main_job

    console = Console(stderr=True)
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task("Starten", total=_steps(settings))

        def show(step: str) -> None:
            bar.update(task, description=step, advance=1)

        stop = progress.listen(show)
        try:
            summary = run_main_job(settings, select)
        finally:
            stop()
    _print_summary(summary, settings)
    raise typer.Exit(summary.exit_code)


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="SQL over the schema marts")],
    format: Annotated[str, typer.Option(help="table, csv or json")] = "table",  # noqa: A002 - the flag's name
    data_dir: DataDir = None,
) -> None:
    """Query the published file, read-only."""
    from pipelines.query import QueryError, query_published

    settings = load_settings(data_dir=data_dir)
    if format not in ("table", "csv", "json"):
        raise SetupError(f"--format: found {format}, expected table, csv or json")
    try:
        typer.echo(query_published(settings, query, format), nl=False)
    except QueryError as error:
        raise SetupError(str(error)) from None


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="deliveries to validate; nothing is loaded")],
    source: Annotated[str | None, typer.Option("--as", help="the source whose declaration to hold them to")] = None,
    profile: Profile = None,
) -> None:
    """Validate deliveries before sending them: one line per problem, exit code 1 when there is one."""
    from pipelines.delivery_check import check_files

    settings = load_settings(profile=profile)
    problems = False
    for outcome in check_files(settings, files, source):
        for problem in outcome.problems:
            typer.echo(str(problem))
        typer.echo(outcome.verdict)
        problems = problems or bool(outcome.problems)
    raise typer.Exit(1 if problems else 0)


@app.command()
def doctor(data_dir: DataDir = None, profile: Profile = None) -> None:
    """Say what is installed and configured, and what is wrong."""
    from pipelines.doctor import examine

    healthy = True
    for finding in examine(load_settings(data_dir=data_dir, profile=profile)):
        typer.echo(f"{'ok ' if finding.ok else 'NOK'} {finding.subject}: {finding.text}")
        healthy = healthy and finding.ok
    raise typer.Exit(0 if healthy else 2)


@app.command()
def dev(data_dir: DataDir = None, profile: Profile = None, port: int = 3000) -> None:
    """Open the Dagster interface on this machine only (http://localhost:3000)."""
    import os

    from pipelines.main_job import prepare_environment
    from pipelines.settings import PROJECT_ROOT
    from pipelines.warehouse.transform import ensure_manifest

    prepare_environment(load_settings(data_dir=data_dir, profile=profile))
    ensure_manifest()
    os.chdir(PROJECT_ROOT)
    program = str(Path(sys.executable).with_name("dagster"))
    os.execv(  # noqa: S606 - our own environment's program, with fixed arguments
        program, [program, "dev", "-m", "pipelines.definitions", "-h", "127.0.0.1", "-p", str(port)]
    )


def _date(text: str | None) -> dt.date | None:
    if text is None:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise SetupError(f"--today: found {text}, expected a date like 2026-07-01") from None


def _steps(settings: Settings) -> int:
    from pipelines.declarations.load import load_declarations

    return len(load_declarations(settings.sources_dir, settings.profile).sources) + 8


def _print_summary(summary: RunSummary, settings: Settings) -> None:
    from rich.console import Console

    from pipelines.summary import render

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=120)
    console.print(render(summary, settings))
