"""The command line, `nulmeting`.

Only parsing of arguments and printing happens here. Everything heavy is imported by the command that needs it,
so that `nulmeting --help` and `nulmeting sql` answer at once.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from pipelines import cli_init, cli_publications
from pipelines.cli_alerts import add_to as add_alert_commands
from pipelines.cli_retention import add_commands
from pipelines.settings import Settings, SetupError, load_settings
from pipelines.terminal_text import all_printable, printable

if TYPE_CHECKING:
    from pipelines.main_job import RunSummary

app = typer.Typer(
    name="nulmeting",
    help="Monitoring warehouse for the Dutch sociaal domein.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
add_commands(app)

app.add_typer(cli_publications.app)

DataDir = Annotated[Path | None, typer.Option("--data-dir", help="where runs read and write; default: data/")]
Profile = Annotated[str | None, typer.Option(help="sample (offline, bundled) or live")]
AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        help="what was known on this day (jjjj-mm-dd): made from the vintages kept, in a folder of its own; "
        "`run` makes it, `sql` queries it",
    ),
]


WRONG_USE, FAILED = 2, 3
_WIDTH = 140
"""Of what is not printed at a terminal; names of deliveries are long."""


def main() -> None:
    """Entry point: what goes wrong ends with one line per problem and an exit code, never with a stack trace.

    2 is wrong use or a wrong set-up, 3 a failure. `NULMETING_DEBUG=1` shows the trace of a failure nobody foresaw.
    `NULMETING_LOG_FORMAT=json` makes every line on standard error a JSON object.
    """
    from pipelines import structured_log

    try:
        as_lines = structured_log.wanted()
    except SetupError as error:
        _stop(str(error), WRONG_USE)
    with structured_log.structured_errors() if as_lines else contextlib.nullcontext():
        _main()


def _main() -> None:
    try:
        app()
    except SetupError as error:
        _stop(str(error), WRONG_USE)
    except Exception as error:
        if os.environ.get("NULMETING_DEBUG"):
            raise
        _stop(*_foreseen(error))


def _foreseen(error: Exception) -> tuple[str, int]:
    """The message and the exit code of an error that a command did not turn into a summary itself."""
    from pipelines.connectors.snapshot import SnapshotCorrupt, SnapshotError
    from pipelines.declarations.marked_yaml import DeclarationError
    from pipelines.main_job import RunBusyError
    from pipelines.warehouse.connection import WarehouseError

    if isinstance(error, DeclarationError):
        return str(error), WRONG_USE
    if isinstance(error, (RunBusyError, SnapshotCorrupt, SnapshotError, WarehouseError)):
        return str(error), FAILED
    # Its text may quote a delivery, its type does not.
    return f"stopped by an unforeseen {type(error).__name__}; set NULMETING_DEBUG=1 to see where", FAILED


def _stop(message: str, code: int) -> NoReturn:
    for line in printable(message).splitlines():
        typer.echo(f"nulmeting: {line}", err=True)
    sys.exit(code)


# Write where their user says, so with the modes that the user's own umask gives.
_WRITE_FOR_THEIR_USER = ("breaks", "export", "pull")


@app.callback()
def _begin(context: typer.Context) -> None:
    if context.invoked_subcommand not in _WRITE_FOR_THEIR_USER:
        from pipelines.file_modes import keep_private

        keep_private()


@app.command()
def run(
    profile: Profile = None,
    data_dir: DataDir = None,
    select: Annotated[
        str | None,
        typer.Option(
            help='a part of the assets, as Dagster writes it: key:"marts/coverage", group:marts, '
            'key:"raw/finance_buch"+ (and all that is made of it), +key:"marts/budget" (and all that it is made of); '
            "nothing is published unless published/nulmeting is among them"
        ),
    ] = None,
    today: Annotated[str | None, typer.Option(help="judge lateness on this day (jjjj-mm-dd)")] = None,
    as_of: AsOf = None,
    full: Annotated[
        bool, typer.Option("--full", help="make everything anew, what would come out as it stands too")
    ] = False,
) -> None:
    """Run the main job: fetch, read, build, check, alert, publish. What nothing changed for is not made again."""
    settings = _settings(
        profile=profile, data_dir=data_dir, today=_date("--today", today), as_of=_date("--as-of", as_of)
    )
    # Before anything heavy is imported: a wrong declaration is told at once.
    steps = _steps(settings)

    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from pipelines import progress, structured_log
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
        task = bar.add_task("Starten", total=steps)

        def show(step: str) -> None:
            bar.update(task, description=step, advance=1)

        stop = progress.listen(show)
        try:
            summary = run_main_job(settings, select, full=full)
        finally:
            stop()
    if structured_log.wanted():
        structured_log.tell(structured_log.summary(summary))
    else:
        _print_summary(summary, settings)
    raise typer.Exit(summary.exit_code)


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="SQL over the schema marts")],
    format: Annotated[str, typer.Option(help="table, csv or json")] = "table",  # noqa: A002 - the flag's name
    data_dir: DataDir = None,
    as_of: AsOf = None,
) -> None:
    """Query the published file, read-only."""
    from pipelines.query import QueryError, query_published

    settings = load_settings(data_dir=data_dir, as_of=_date("--as-of", as_of))
    if format not in ("table", "csv", "json"):
        raise SetupError(f"--format: found {format}, expected table, csv or json")
    if settings.as_of and not settings.published_path.is_file():
        day = settings.as_of
        raise SetupError(f"--as-of {day}: nothing was made for that day yet; run `nulmeting run --as-of {day}` first")
    try:
        typer.echo(query_published(settings, query, format), nl=False)
    except QueryError as error:
        raise SetupError(str(error)) from None


@app.command()
def export(
    tables: Annotated[list[str] | None, typer.Argument(help="tables of the schema marts; default: all")] = None,
    out: Annotated[Path, typer.Option(help="the folder to write into")] = Path(),
    format: Annotated[str, typer.Option(help="xlsx, csv (as a Dutch Excel reads it) or parquet")] = "xlsx",  # noqa: A002 - the flag's name
    data_dir: DataDir = None,
    as_of: AsOf = None,
) -> None:
    """Write published tables as files; text in them never becomes a formula, and no number changes."""
    from pipelines.publish.exports import FORMATS, export

    settings = load_settings(data_dir=data_dir, as_of=_date("--as-of", as_of))
    form = next((known for known in FORMATS if known == format), None)
    if form is None:
        raise SetupError(f"--format: found {format}, expected one of {', '.join(FORMATS)}")
    exported = export(settings, tables or (), form, out)
    for notice in exported.notices:
        typer.echo(f"nulmeting: {notice}", err=True)
    for path in exported.paths:
        typer.echo(str(path))


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="deliveries to validate; nothing is loaded")],
    source: Annotated[
        str | None,
        typer.Option(
            "--as", help="the source whose declaration to hold them to; default: found by name, else by header"
        ),
    ] = None,
    profile: Profile = None,
    data_dir: DataDir = None,
) -> None:
    """Validate deliveries before sending them: one line per problem, exit code 1 when there is one."""
    from pipelines.delivery_check import check_files

    settings = _settings(profile=profile, data_dir=data_dir)
    code = 0
    for outcome in check_files(settings, files, source):
        if outcome.not_checked:
            typer.echo(printable(f"nulmeting: {outcome.not_checked}"), err=True)
            typer.echo(printable(outcome.draft), nl=False)
            code = WRONG_USE
            continue
        for problem in outcome.problems:
            typer.echo(printable(str(problem)))
        typer.echo(printable(outcome.verdict))
        code = max(code, 1) if outcome.problems else code
    raise typer.Exit(code)


@app.command()
def doctor(
    data_dir: DataDir = None,
    profile: Profile = None,
    everything: Annotated[bool, typer.Option("--all", help="every line, of every source and channel")] = False,
) -> None:
    """Say what is wrong and what to do, and below it what is in order; exit code 2 when something is wrong."""
    from pipelines.doctor import diagnose
    from pipelines.doctor_screen import line_of, on_one_screen

    found = list(diagnose(data_dir, profile))
    for line in map(line_of, found) if everything else on_one_screen(found):
        typer.echo(printable(line))
    raise typer.Exit(0 if all(finding.ok for finding in found) else WRONG_USE)


app.command()(cli_init.init)

pull_app = typer.Typer(help="Pull any table of a publisher into Parquet, outside the warehouse.", no_args_is_help=True)
app.add_typer(pull_app, name="pull")


@pull_app.command("cbs")
def pull_cbs(
    table: Annotated[str, typer.Argument(help="the table's id, in the capitals of CBS: 85043NED, 03759ned")],
    filter: Annotated[  # noqa: A002 - the flag's name
        str | None,
        typer.Option(help="an OData filter: \"RegioS eq 'GM0373' and startswith(Perioden,'2024')\""),
    ] = None,
    service: Annotated[
        str | None, typer.Option(help="the only service to ask: v4, v3 or third; default: each until one knows it")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Any CBS table into DATA_DIR/pulled/TABLE/VINTAGE/observations.parquet, one row per observation."""
    from pipelines.pull.process import make_lean, settle, tidy_memory

    make_lean()
    from pipelines.connectors.http import SourceError
    from pipelines.pull.found import PullError
    from pipelines.pull.services import SERVICES, pull_table

    settle()
    wanted = next((name for name in SERVICES if name == service), None)
    if service is not None and wanted is None:
        raise SetupError(f"--service: found {service}, expected one of {', '.join(SERVICES)}")
    try:
        pulled = pull_table(load_settings(data_dir=data_dir), table, filter, wanted, tidy=tidy_memory)
    except PullError as error:
        _stop(str(error), error.exit_code)
    except SourceError as error:
        _stop(str(error), FAILED)
    for notice in pulled.notices:
        typer.echo(f"nulmeting: {pulled.table}: {notice}", err=True)
    typer.echo(f"{pulled.table}, {pulled.service}, vintage {pulled.vintage}: {pulled.observations} observations")
    typer.echo(str(pulled.path))


breaks_app = typer.Typer(help="Trend breaks: find, explain, decide, and measure how well they are found.")
app.add_typer(breaks_app, name="breaks", no_args_is_help=True)


@breaks_app.command("explain")
def breaks_explain(
    break_id: Annotated[str, typer.Argument(help="the id, as in marts.trend_break or an alert")],
    data_dir: DataDir = None,
) -> None:
    """Say in Dutch what happened, how large and why, what may still be compared and what to do next."""
    from pipelines.published_breaks import find_break

    found = find_break(load_settings(data_dir=data_dir), break_id)
    typer.echo(found.heading)
    typer.echo(found.explanation_nl)


@breaks_app.command("decide")
def breaks_decide(
    break_id: Annotated[str, typer.Argument(help="the id, as in marts.trend_break or an alert")],
    decision: Annotated[
        str,
        typer.Option("--as", help="accepted (a new baseline), corrected (the source was wrong) or rejected (no break)"),
    ],
    because: Annotated[str, typer.Option(help="one sentence that a later reader understands")],
    by: Annotated[str | None, typer.Option(help="who decides; default: the user of git")] = None,
    data_dir: DataDir = None,
) -> None:
    """Add a decision to sources/catalogue/decisions.yml; it counts from the next run on."""
    from pipelines.decisions import decide

    decided = decide(_settings(data_dir=data_dir), break_id, decision, because, by)
    done = "added to" if decided.written else "stands already in"
    typer.echo(f"{decided.found.break_id}: {decision}, {done} {decided.path}")


@breaks_app.command("detect")
def breaks_detect(
    panel: Annotated[
        Path,
        typer.Option(
            help="Parquet with indicator_id, region_code, period_code, value, numerator, denominator, unit, obs_status"
        ),
    ],
    out: Annotated[Path, typer.Option(help="where the breaks go, as Parquet; one row per break")],
    events: Annotated[
        Path | None,
        typer.Option(
            help="CSV with event_id, kind, nature, effective_date, period_from, period_to, region_codes, indicator_ids "
            "(separated by |, * for all)"
        ),
    ] = None,
    groups: Annotated[Path | None, typer.Option(help="CSV with group_code, region_code: cooperations")] = None,
    attribution: Annotated[
        Path | None, typer.Option(help="where break and candidate event go, as Parquet; one row per pair")
    ] = None,
    mirrors: Annotated[
        Path | None,
        typer.Option(
            help="where break and opposite change of another indicator go, as Parquet: probably booked elsewhere"
        ),
    ] = None,
    detectable: Annotated[
        Path | None,
        typer.Option(
            help="where the smallest shift that would have been found goes, as Parquet; a row per series, empty where "
            "nothing could be tested"
        ),
    ] = None,
    false_alarms: Annotated[
        float, typer.Option(help="how many of a thousand series without a break may be flagged")
    ] = 15.0,
) -> None:
    """Find breaks in a panel of your own, outside the warehouse."""
    from pipelines.breaks import PanelError
    from pipelines.breaks.files import detect_files

    try:
        found = detect_files(
            panel,
            out,
            events=events,
            groups=groups,
            attribution=attribution,
            mirrors=mirrors,
            detectable=detectable,
            false_alarms_per_1000=false_alarms,
        )
    except PanelError as error:
        _stop(str(error), WRONG_USE)
    for sentence in found.left_out:
        typer.echo(sentence, err=True)
    alarms = sum(found.breaks["alarm"].to_pylist())
    typer.echo(f"{out}: {found.breaks.num_rows} breaks and candidates, {alarms} above the threshold")


@breaks_app.command("benchmark")
def breaks_benchmark(
    out: Annotated[Path, typer.Option(help="where the report goes")] = Path("docs/breaks-benchmark.md"),
    quick: Annotated[bool, typer.Option(help="one seed and one indicator, to see that it runs")] = False,
    tcpd: Annotated[
        Path | None,
        typer.Option(help="folder with the Turing Change Point Dataset: measure single series on it, and no panels"),
    ] = None,
) -> None:
    """Measure this detection and others on simulated panels, and write the report."""
    if tcpd is not None:
        _print_tcpd(tcpd)
        return
    from pipelines.breaks.evaluation.report import write_report

    try:
        write_report(out, quick=quick, told=lambda study: typer.echo(study, err=True))
    except ImportError as error:
        raise SetupError(f"breaks benchmark: {error}") from None
    typer.echo(str(out))


def _print_tcpd(folder: Path) -> None:
    from pipelines.breaks.evaluation.tcpd import DatasetError, as_text, evaluate_folder

    try:
        typer.echo(as_text(evaluate_folder(folder)))
    except DatasetError as error:
        _stop(str(error), WRONG_USE)


add_alert_commands(app)


@app.command()
def dev(data_dir: DataDir = None, profile: Profile = None, port: int = 3000) -> None:
    """Open the Dagster interface on this machine only (http://localhost:3000)."""
    import os
    import signal
    import socket

    from pipelines.main_job import prepare_environment
    from pipelines.warehouse.transform import TransformError, ensure_manifest

    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise SetupError(f"--port: something else already answers on {port}; name another port")
    today = os.environ.get("NULMETING_TODAY")
    prepare_environment(_settings(data_dir=data_dir, profile=profile))
    if today is None:
        # The interface stays open for weeks: each of its runs judges lateness on its own day.
        del os.environ["NULMETING_TODAY"]
    try:
        ensure_manifest()
    except TransformError as error:
        raise SetupError(f"dbt_project: {error}") from None
    # `dagster dev` is for development and says so; one process that serves one machine is what is wanted here.
    os.environ.setdefault("PYTHONWARNINGS", "ignore:Function `dev_command` is superseded")
    # Started in the background by a script, it would otherwise inherit that interrupts are ignored, and never stop.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    program = str(Path(sys.executable).with_name("dagster"))
    os.execv(  # noqa: S606 - our own environment's program, with fixed arguments
        program, [program, "dev", "-m", "pipelines.definitions", "-h", "127.0.0.1", "-p", str(port)]
    )


def _settings(**overrides: Any) -> Settings:
    """The settings, with the folder of declarations there."""
    settings = load_settings(**overrides)
    if not settings.sources_dir.is_dir():
        raise SetupError(f"{settings.sources_dir}: found no such folder, expected the declarations in it")
    return settings


def _date(flag: str, text: str | None) -> dt.date | None:
    if text is None:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise SetupError(f"{flag}: found {text}, expected a date like 2026-07-01") from None


def _steps(settings: Settings) -> int:
    from pipelines.declarations.load import load_declarations

    sources = load_declarations(settings.sources_dir, settings.profile).sources
    if not sources:
        raise SetupError(
            f"profile {settings.profile}: found no declared source in {settings.sources_dir}, expected at least one; "
            "docs/add-a-source.md tells how to declare one"
        )
    return len(sources) + 8


def _print_summary(summary: RunSummary, settings: Settings) -> None:
    from rich.console import Console

    from pipelines.summary import render

    failed = summary.exit_code == FAILED
    console = Console(highlight=False, stderr=failed)
    if not console.is_terminal:
        console = Console(highlight=False, stderr=failed, width=_WIDTH)
    console.print(render(all_printable(summary), settings), soft_wrap=failed)
