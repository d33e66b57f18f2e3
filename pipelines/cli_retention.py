"""The commands that remove: `nulmeting erase` and `nulmeting retention`.

Only parsing of arguments, asking for a number and printing happens here. What is removed, and how, is in `retention`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from pipelines.settings import SetupError, load_settings

_DONE, _NOT_ALL, _FAILED = 0, 1, 3
_LONGEST_INPUT: Final = 1000

DataDir = Annotated[Path | None, typer.Option("--data-dir", help="where runs read and write; default: data/")]
Profile = Annotated[str | None, typer.Option(help="sample (offline, bundled) or live")]


def add_commands(app: typer.Typer) -> None:
    """Hang the commands of this module under the program's own."""
    app.command("erase")(erase)
    app.command("retention")(retention)


def erase(
    on_the_line: Annotated[list[str] | None, typer.Argument(hidden=True)] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="count the rows, and remove none")] = False,
    profile: Profile = None,
    data_dir: DataDir = None,
) -> None:
    """Erase one person from all that is kept, and keep later deliveries from bringing that person back.

    The BSN is asked for, or read from standard input; it is never an argument, which the shell would keep.
    """
    if on_the_line:
        raise SetupError(
            "erase: found a word after the command, expected none: a BSN there stays in the history of the shell; "
            "clear it from there, and type the number when it is asked for"
        )
    settings = load_settings(profile=profile, data_dir=data_dir)
    from pipelines.connectors.snapshot import SnapshotCorrupt, SnapshotError
    from pipelines.retention.erasure import erase_person, keys_at_hand
    from pipelines.warehouse.connection import WarehouseError

    # A key that lacks is told before anybody types a number.
    keys_at_hand(settings)
    try:
        done = erase_person(settings, _bsn(), dry_run=dry_run)
    except (SnapshotCorrupt, SnapshotError, WarehouseError, OSError) as error:
        _end(f"{error}; then repeat the command, which does what is left", _FAILED)
    for one in done.left_out:
        typer.echo(f"{one.rows} rows  {one.vintage_id}")
    rows = sum(one.rows for one in done.left_out)
    vintages = f"{rows} rows in {len(done.left_out)} vintages"
    if dry_run:
        typer.echo(f"{vintages} would be removed")
    else:
        typer.echo(f"{vintages} removed")
        if done.is_remembered:
            typer.echo("The person is left out of every later delivery.")
        if done.warehouses:
            typer.echo("The working warehouse was emptied with them: `nulmeting run` builds it and the marts again.")
    for name in done.still_delivered:
        typer.echo(f"nulmeting: {name}: lies in the folder of deliveries with erased persons in it", err=True)
    for vintage_id in done.not_searched:
        typer.echo(
            f"nulmeting: {vintage_id}: not searched, its pseudonyms were made with a key that is not among the "
            "present and earlier ones, or by an earlier release",
            err=True,
        )
    raise typer.Exit(_NOT_ALL if done.not_searched else _DONE)


def retention(
    apply: Annotated[bool, typer.Option("--apply", help="remove it; without this nothing is removed")] = False,
    profile: Profile = None,
    data_dir: DataDir = None,
) -> None:
    """Say what the rules under retention in nulmeting.toml let go, in counts per source; remove it with --apply."""
    settings = load_settings(profile=profile, data_dir=data_dir)
    from pipelines.connectors.snapshot import SnapshotCorrupt, SnapshotError
    from pipelines.retention.by_rule import apply_rules
    from pipelines.warehouse.connection import WarehouseError

    try:
        plan = apply_rules(settings, dry_run=not apply)
    except (SnapshotCorrupt, SnapshotError, WarehouseError, OSError) as error:
        _end(f"{error}; then repeat the command, which does what is left", _FAILED)
    for source_id in sorted({one.source_id for one in plan.rows}):
        rows = [one.rows for one in plan.rows if one.source_id == source_id]
        told = f"{sum(rows)} rows in {len(rows)} vintages, of persons last heard of before {plan.rows_before}"
        typer.echo(f"{source_id}: {told}")
    for source_id in sorted({one.source_id for one in plan.vintages}):
        many = sum(one.source_id == source_id for one in plan.vintages)
        typer.echo(f"{source_id}: {many} vintages that had made way for another by {plan.vintages_before}")
    if plan.runs:
        typer.echo(f"{len(plan.runs)} folders and logs of runs")
    for vintage_id in plan.not_judged:
        typer.echo(
            f"nulmeting: {vintage_id}: not judged, its pseudonyms were made with a key that is not here", err=True
        )
    if plan.is_empty:
        typer.echo("The rules let nothing go.")
    elif not apply:
        typer.echo("Nothing was removed; --apply removes it.")
    else:
        typer.echo("All of it was removed.")
        if plan.rows:
            typer.echo("The working warehouse was emptied with it: `nulmeting run` builds it and the marts again.")
    raise typer.Exit(_NOT_ALL if plan.not_judged else _DONE)


def _bsn() -> str:
    """The number that is typed without an echo, or piped in. Raises SetupError for what is none; never says what is."""
    import re

    if sys.stdin.isatty():
        from getpass import getpass

        given = getpass("BSN: ", stream=sys.stderr)
    else:
        given = sys.stdin.read(_LONGEST_INPUT)
    from pipelines.privacy import is_bsn

    digits = re.sub(r"[ .]", "", given.strip())
    if not re.fullmatch(r"[0-9]{8,9}", digits) or not is_bsn(digits):
        raise SetupError("standard input: found no BSN, expected one number of nine digits that passes the eleven test")
    return digits.zfill(9)


def _end(message: str, code: int) -> None:
    typer.echo(f"nulmeting: {message}", err=True)
    raise typer.Exit(code)
