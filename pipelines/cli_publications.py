"""What the command line says of publications and snapshots: `publications`, `restore`, `verify`.

Only parsing of arguments and printing happens here, as in `cli`, which takes these commands up.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from pipelines.settings import Settings, SetupError, load_settings

if TYPE_CHECKING:
    from pipelines.declarations.source import Source

app = typer.Typer()

DataDir = Annotated[Path | None, typer.Option("--data-dir", help="where runs read and write; default: data/")]
Profile = Annotated[str | None, typer.Option(help="sample (offline, bundled) or live")]

_FOUND_DAMAGE, _FAILED = 1, 3


@app.command()
def publications(data_dir: DataDir = None) -> None:
    """List the publications that stand on disk, the newest first: which counts, and which was gone back to."""
    from pipelines.publish.place import standing_folder
    from pipelines.publish.restore import standing_restoration
    from pipelines.publish.versions import looks_whole, published_root, versions_of

    root = published_root(load_settings(data_dir=data_dir))
    standing, restored = standing_folder(root), standing_restoration(root)
    versions = versions_of(root)
    if not versions:
        typer.echo(f"{root}: nothing has been published yet; run `nulmeting run` first", err=True)
    for version in reversed(versions):
        counts = standing is not None and standing.name == version.publication_id
        if version.manifest is None or not looks_whole(version.folder):
            told = "damaged; `nulmeting verify` says where"
        else:
            made = version.manifest
            told = f"{made['published_at']}  {sum(made['row_counts'].values())} rows  run {made['run_id']}"
        typer.echo(f"{'*' if counts else ' '} {version.publication_id}  {told}")
    if restored is not None:
        typer.echo(
            f"restored by {restored.by} on {restored.restored_at} instead of {restored.instead_of}: {restored.because}"
        )


@app.command()
def restore(
    version: Annotated[str, typer.Argument(help="the publication, as `nulmeting publications` lists it")],
    because: Annotated[str, typer.Option(help="one sentence that a later reader understands")],
    by: Annotated[str | None, typer.Option(help="who decides; default: the user of git")] = None,
    data_dir: DataDir = None,
) -> None:
    """Make an earlier publication the one that counts, after its checksums were computed again.

    The next run that finds something to publish publishes as usual.
    """
    from pipelines.decisions import git_user
    from pipelines.publish import restore as going_back

    settings = load_settings(data_dir=data_dir)
    who = by if by is not None else git_user(settings.sources_dir)
    try:
        done, notices = going_back.restore(settings, version, because, who)
    except going_back.RestoreError as error:
        _stop(str(error))
    for notice in notices:
        typer.echo(f"nulmeting: {notice}", err=True)
    typer.echo(f"{done.publication_id}: counts now, instead of {done.instead_of or 'none'}")


@app.command()
def verify(
    data_dir: DataDir = None, profile: Annotated[str | None, typer.Option(help="sample or live")] = None
) -> None:
    """Compute the checksums of every snapshot and publication again; exit code 1 where one differs."""
    from pipelines.connectors.verification import verify_snapshots
    from pipelines.publish.versions import PublicationDamaged, published_root, versions_of
    from pipelines.publish.versions import verify as differing_files

    settings = load_settings(data_dir=data_dir, profile=profile)
    if not settings.data_dir.is_dir():
        there = settings.data_dir
        raise SetupError(f"{there}: found no such folder, expected the data of earlier runs; see --data-dir")
    verified = verify_snapshots(settings.snapshots_dir, _declared(settings))
    for snapshot in verified.damaged:
        typer.echo(f"{snapshot.folder}: {snapshot.found}; {snapshot.remedy}")
    versions = versions_of(published_root(settings))
    damaged = 0
    for version in versions:
        try:
            found = ", ".join(differing_files(version.folder))
        except PublicationDamaged as error:
            found = str(error)
        if found:
            damaged += 1
            typer.echo(
                f"{version.folder}: found other bytes than were published: {found}; remove the folder if it does not "
                "count; if it does, run again, or go back to another with `nulmeting restore`"
            )
    typer.echo(
        f"{verified.snapshots} snapshots with {verified.files} files, {len(verified.damaged)} damaged; "
        f"{len(versions)} publications, {damaged} damaged"
    )
    raise typer.Exit(_FOUND_DAMAGE if verified.damaged or damaged else 0)


def _declared(settings: Settings) -> tuple[Source, ...]:
    """The declared sources; none where the declarations are wrong, which is no reason to leave bytes unchecked."""
    from pipelines.declarations.load import DeclarationError, load_declarations

    try:
        declarations = load_declarations(settings.sources_dir, settings.profile)
    except DeclarationError:
        return ()
    return (*declarations.sources, *declarations.disabled)


def _stop(message: str) -> NoReturn:
    typer.echo(f"nulmeting: {message}", err=True)
    raise typer.Exit(_FAILED)
