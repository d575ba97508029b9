"""`siaga audit ...`: prove that the audit is whole, and keep its end elsewhere."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import DEFAULT_CONFIG, Config, Data, group, settings_of
from pipeline.store.anchors import kept_anchors, read_anchors
from pipeline.store.audit import anchor, entries, verify
from pipeline.store.database import Database, open_database

audit_app = group("audit", "Who did what: the append-only audit.")


def _open(config: Path, data: Path | None) -> Database:
    database = open_database(settings_of(config, data))
    database.migrate()
    return database


@audit_app.command("verify")
def audit_verify(
    config: Config = DEFAULT_CONFIG,
    data: Data = None,
    anchors: Annotated[Path | None, typer.Option(help="File of kept heads (`siaga audit head`) to check too.")] = None,
) -> None:
    """Prove that no row was altered, removed, added between or cut off; exit code 1 when one was.

    The heads that the desk keeps by itself (`desk.audit_anchor`) are checked too.
    """
    settings = settings_of(config, data)
    kept = kept_anchors(settings) + (read_anchors(anchors) if anchors is not None else [])
    with _open(config, data).reading() as session:
        verdict = verify(session, kept)
    if not verdict.ok:
        typer.echo(f"BAD: {verdict.fault}. The first {verdict.rows} rows are good.")
        raise typer.Exit(1)
    typer.echo(f"good: {verdict.rows} rows, {len(kept)} anchors")


@audit_app.command("head")
def audit_head(
    config: Config = DEFAULT_CONFIG,
    data: Data = None,
    out: Annotated[Path | None, typer.Option(help="File that the line is appended to.")] = None,
) -> None:
    """Print the head, `NUMBER HASH`: kept on another machine it proves later that nothing before it was changed."""
    with _open(config, data).reading() as session:
        head = anchor(session)
    line = f"{head.n} {head.hash}"
    if out is not None:
        with out.open("a", encoding="utf-8") as handle:
            handle.write(line + "\n")
    typer.echo(line)


@audit_app.command("export")
def audit_export(config: Config = DEFAULT_CONFIG, data: Data = None) -> None:
    """Print all rows, one JSON line each, with their hashes."""
    for line in _lines(_open(config, data)):
        typer.echo(line)


def _lines(database: Database) -> Iterator[str]:
    with database.reading() as session:
        for entry in entries(session):
            yield json.dumps(entry.__dict__, ensure_ascii=False)
