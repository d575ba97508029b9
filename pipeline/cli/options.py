"""What the commands share: the application, its options, and how a command comes by its settings."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.ops.settings import Settings, load_settings

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Siaga: incident detection for a city's CCTV.")

DEFAULT_CONFIG = Path("configs/siaga.yaml")
Config = Annotated[Path, typer.Option("--config", "-c", help="The configuration file.", envvar="SIAGA_CONFIG")]
Data = Annotated[Path | None, typer.Option("--data", help="Folder of database, bus log and evidence.")]
Cameras = Annotated[Path | None, typer.Option("--cameras", help="Camera registry instead of the configured one.")]


def group(name: str, meaning: str) -> typer.Typer:
    """Return a group of commands, `siaga NAME ...`."""
    part = typer.Typer(no_args_is_help=True, help=meaning)
    app.add_typer(part, name=name)
    return part


def settings_of(config: Path, data: Path | None = None, cameras: Path | None = None) -> Settings:
    """Load the settings; a registry given on the command line replaces the configured one."""
    settings = load_settings(config, data)
    if cameras is not None:
        city = settings.city.model_copy(update={"cameras": str(cameras.resolve())})
        settings = settings.model_copy(update={"city": city})
    return settings


def defaults_of(config: Path) -> Settings:
    """Load the settings, or the defaults where the usual file is not there: a clip can be watched from anywhere."""
    return Settings() if config == DEFAULT_CONFIG and not config.exists() else load_settings(config)
