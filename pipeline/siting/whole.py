"""Writing files and folders whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from pipeline.ops.errors import ConfigError


def write_whole(file: Path, content: bytes) -> None:
    """Write a file beside its place, then move it there.

    Raises:
        ConfigError: It cannot be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
        with os.fdopen(handle, "wb") as made:
            made.write(content)
        Path(name).chmod(0o644)
        Path(name).replace(file)
    except OSError as error:
        raise ConfigError(f"{file}: cannot be written: {error.strerror}") from error


def check_folder(folder: Path) -> None:
    """Refuse a folder that exists and holds something: nobody's files are overwritten.

    Raises:
        ConfigError: It is there, or is no folder.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"{folder}: sudah ada dan tidak kosong")


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder of files beside its place, then move it there.

    Raises:
        ConfigError: It is there already, or cannot be written; then nothing of it is left.
    """
    check_folder(folder)
    made: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        for name, content in files.items():
            (made / name).write_bytes(content)
        made.chmod(0o755)
        if folder.exists():
            folder.rmdir()
        made.replace(folder)
    except OSError as error:
        if made is not None:
            shutil.rmtree(made, ignore_errors=True)
        raise ConfigError(f"{folder}: cannot be written: {error.strerror}") from error
