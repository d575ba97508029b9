"""Secrets by file: every file of one folder stands for the environment variable of its name, in this process only.

Orchestrators hand secrets over as files (Docker and Compose under `/run/secrets`, Kubernetes as a mounted Secret), so
that they show neither in the description of a container nor in its environment from outside. What reads a secret here
(libpq `PGPASSWORD`, S3 `AWS_SECRET_ACCESS_KEY`, `env:NAME` in the configuration) reads the environment.
"""

import re
from collections.abc import MutableMapping
from pathlib import Path

from pipeline.ops.errors import ConfigError

FOLDER = "SIAGA_SECRETS"
"""The environment variable that names the folder."""
_NAME = re.compile(r"[A-Z][A-Z0-9_]{1,63}")
_NEVER = re.compile(r"PATH|HOME|SHELL|LD_.*|PYTHON.*|SIAGA_SECRETS")


def read_secrets(environment: MutableMapping[str, str]) -> list[str]:
    """Set a variable for each file of the folder that `SIAGA_SECRETS` names; return the names, never the values.

    Files of other names than variables have (upper case, digits, `_`) are left alone, and a variable that is set
    already keeps its value. The line break at a file's end is not part of the secret.

    Raises:
        ConfigError: The folder or a file cannot be read, or a name would change how programs start.
    """
    folder = environment.get(FOLDER)
    if not folder:
        return []
    taken: list[str] = []
    try:
        for file in sorted(Path(folder).iterdir()):
            if not _NAME.fullmatch(file.name) or not file.is_file():
                continue
            if _NEVER.fullmatch(file.name):
                raise ConfigError(f"{file}: a secret must not be named {file.name}")
            if file.name not in environment:
                environment[file.name] = file.read_text(encoding="utf-8").rstrip("\r\n")
                taken.append(file.name)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{FOLDER}: {folder} cannot be read: {error}") from error
    return taken
