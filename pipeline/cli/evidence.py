"""`siaga evidence ...`: checking evidence packages."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import group

evidence_app = group("evidence", "Evidence packages.")


@evidence_app.callback()
def evidence() -> None:
    """Evidence packages."""


@evidence_app.command("verify")
def evidence_verify(file: Annotated[Path, typer.Argument(help="The zip as it was downloaded.")]) -> None:
    """Check every file of a package against its manifest. Exit code 0: good, 1: altered, 2: cannot be read."""
    from pipeline.desk.package_check import UnreadableError, verify_package

    try:
        problems = verify_package(file)
    except UnreadableError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    for problem in problems:
        typer.echo(problem)
    if problems:
        raise typer.Exit(1)
    typer.echo(f"{file}: OK")
