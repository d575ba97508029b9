"""Commands that check before anything runs: `siaga config ...`, `siaga cameras ...`."""

import typer

from pipeline.cli.options import DEFAULT_CONFIG, Cameras, Config, Data, group, settings_of

config_app = group("config", "The configuration file.")
cameras_app = group("cameras", "The camera registry.")


@config_app.command("check")
def config_check(config: Config = DEFAULT_CONFIG, data: Data = None, cameras: Cameras = None) -> None:
    """Check the configuration, the registry it names, and that every kelurahan with cameras reaches somebody."""
    from pipeline.alert.posts import check_start
    from pipeline.city.registry import load_registry
    from pipeline.ops.clock import now_ms

    settings = settings_of(config, data, cameras)
    registry = load_registry(settings)
    enabled = sum(bool(camera.kinds) for camera in registry.cameras.values())
    missing = check_start(settings, registry, now_ms())
    for one in missing or ():
        typer.echo(f"note: {one}")
    if missing is None:
        typer.echo(
            "note: the database does not answer; whether every kelurahan has a reachable post is checked at start"
        )
    typer.echo(f"{config}: good. {enabled} cameras, {len(registry.kelurahan)} kelurahan.")


@config_app.command("example")
def config_example() -> None:
    """Print a complete configuration: every key with its meaning and its default."""
    from pipeline.ops.example import example_yaml

    typer.echo(example_yaml(), nl=False)


@cameras_app.command("check")
def cameras_check(config: Config = DEFAULT_CONFIG, data: Data = None, cameras: Cameras = None) -> None:
    """Open each camera, as the desk has it, and say in one line what is wrong; exit code 1 when one cannot be used."""
    from pipeline.grab.check import check_cameras
    from pipeline.wiring import changed_registry

    settings = settings_of(config, data, cameras)
    good = True
    for report in check_cameras(changed_registry(settings), settings.grab):
        good = good and report.ok
        typer.echo(f"{'ok  ' if report.ok else 'BAD '} {report.camera}: {report.message}")
    raise typer.Exit(0 if good else 1)


@cameras_app.command("export")
def cameras_export(config: Config = DEFAULT_CONFIG, data: Data = None, cameras: Cameras = None) -> None:
    """Print the registry as the stages use it, with what the desk changed, as a `cameras.csv`; passwords included."""
    import csv
    import sys

    from pipeline.city.edits import COLUMNS, cells_of
    from pipeline.wiring import changed_registry

    table = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
    table.writeheader()
    for _, camera in sorted(changed_registry(settings_of(config, data, cameras)).cameras.items()):
        table.writerow(cells_of(camera))
