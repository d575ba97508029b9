"""The command `siaga`: thin, each command calls the part that does the work."""

import os
import sys
from typing import NoReturn

import typer

from pipeline import __version__
from pipeline.cli import (
    alert,
    audit,
    checks,
    evidence,
    measure,
    people,
    replay,
    route,
    scale,
    siting,
    stages,
    tune,
    vapid,
)
from pipeline.cli.options import app
from pipeline.ops.errors import SiagaError
from pipeline.ops.logs import configure_logs
from pipeline.ops.secrets import read_secrets
from pipeline.ops.sections import OpsSection

PARTS = (audit, stages, alert, measure, checks, people, evidence, vapid, route, replay, siting, scale, tune)
"""Modules that add commands to the application when they are imported."""


@app.callback()
def begin() -> None:
    """Siaga: incident detection for a city's CCTV."""
    read_secrets(os.environ)
    # Standard output belongs to the command's answer; the stages set their own level once they know the settings.
    configure_logs(OpsSection(log_level="warning", log_json=False), "siaga")


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


def main() -> NoReturn:
    """Run the command; what went wrong on purpose is told in its own words, without a traceback, with exit code 2."""
    try:
        app(standalone_mode=True)
    except SiagaError as error:
        typer.echo(str(error), err=True)
        sys.exit(2)
    except BrokenPipeError:
        os._exit(0)
    sys.exit(0)
