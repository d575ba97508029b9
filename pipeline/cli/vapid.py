"""`siaga vapid`: the key by which push services know this Siaga."""

import os
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import app
from pipeline.ops.errors import ConfigError


@app.command()
def vapid(
    file: Annotated[Path | None, typer.Option("--file", help="Write the private key here; never over one.")] = None,
) -> None:
    """Make the key of Web Push, once, to be kept as the secret SIAGA_VAPID_KEY."""
    from pipeline.ops.vapid import load_key, new_key, public_text

    key = new_key()
    typer.echo(f"public: {public_text(load_key(key, 'vapid'))}")
    if file is None:
        typer.echo(f"SIAGA_VAPID_KEY={key}")
        return
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(key + "\n")
    except OSError as error:
        raise ConfigError(f"{file}: cannot be made: {error.strerror}") from error
