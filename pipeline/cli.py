"""The command `siaga`: thin, each command calls the part that does the work."""

import os
import sys
from functools import partial
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from pipeline import __version__
from pipeline.ops.errors import ConfigError, SiagaError
from pipeline.ops.logs import configure_logs
from pipeline.ops.sections import OpsSection
from pipeline.ops.settings import Settings, load_settings

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Siaga: incident detection for a city's CCTV.")
config_app = typer.Typer(no_args_is_help=True, help="The configuration file.")
cameras_app = typer.Typer(no_args_is_help=True, help="The camera registry.")
people_app = typer.Typer(no_args_is_help=True, help="Who may sign in at the desk.")
eval_app = typer.Typer(no_args_is_help=True, help="Measure on labelled data.")
for _name, _part in (("config", config_app), ("cameras", cameras_app), ("people", people_app), ("eval", eval_app)):
    app.add_typer(_part, name=_name)

DEFAULT_CONFIG = Path("configs/siaga.yaml")
Config = Annotated[Path, typer.Option("--config", "-c", help="The configuration file.", envvar="SIAGA_CONFIG")]
Data = Annotated[Path | None, typer.Option("--data", help="Folder of database, bus log and evidence.")]
Cameras = Annotated[Path | None, typer.Option("--cameras", help="Camera registry instead of the configured one.")]


@app.callback()
def begin() -> None:
    """Siaga: incident detection for a city's CCTV."""
    # Standard output belongs to the command's answer; the stages set their own level once they know the settings.
    configure_logs(OpsSection(log_level="warning", log_json=False), "siaga")


def _settings(config: Path, data: Path | None = None, cameras: Path | None = None) -> Settings:
    """Load the settings; a registry given on the command line replaces the configured one."""
    settings = load_settings(config, data)
    if cameras is not None:
        city = settings.city.model_copy(update={"cameras": str(cameras.resolve())})
        settings = settings.model_copy(update={"city": city})
    return settings


def _defaults(config: Path) -> Settings:
    """Load the settings, or the defaults where the usual file is not there: a clip can be watched from anywhere."""
    return Settings() if config == DEFAULT_CONFIG and not config.exists() else load_settings(config)


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


@app.command()
def run(
    config: Config = DEFAULT_CONFIG,
    data: Data = None,
    cameras: Cameras = None,
    demo: Annotated[bool, typer.Option("--demo", help="Serve six simulated street cameras and watch them.")] = False,
    videos: Annotated[Path | None, typer.Option("--videos", help="Serve a folder of clips as cameras.")] = None,
) -> None:
    """Run all stages on this machine; the desk is at http://127.0.0.1:8080."""
    from pipeline.ops.machine import free_port
    from pipeline.wiring import run_all, stop_on_signals

    settings = _settings(config, data, cameras)
    configure_logs(settings.ops, "run")
    arguments: list[str] = []
    if demo or videos:
        folder = settings.data_path("demo")
        cameras = folder / "cameras.csv"
        settings = _settings(config, data, cameras)
        arguments = ["--dir", str(folder), "--port", str(free_port())]
        arguments += ["--videos", str(videos.resolve())] if videos else []
    run_all(settings, config.resolve(), stop_on_signals(), arguments, cameras)


@app.command()
def bus(config: Config = DEFAULT_CONFIG, data: Data = None, cameras: Cameras = None) -> None:
    """Serve the embedded broker."""
    from pipeline.bus.embedded.server import serve
    from pipeline.ops.machine import first_server
    from pipeline.wiring import begin_process

    settings = _settings(config, data, cameras)
    begin_process(settings, "bus")
    host, port = first_server(settings)
    serve(host, port, settings.data_path(settings.bus.embedded.dir))


@app.command()
def grab(
    config: Config = DEFAULT_CONFIG,
    data: Data = None,
    cameras: Cameras = None,
    index: Annotated[int, typer.Option(min=0, help="Which share of the cameras this process reads, from 0.")] = 0,
    count: Annotated[int, typer.Option(min=1, help="How many processes share the cameras.")] = 1,
) -> None:
    """Read cameras, put sampled frames on the bus."""
    from pipeline.grab.worker import run as work
    from pipeline.wiring import run_stage

    if index >= count:
        raise ConfigError(f"--index {index}: must be below --count {count}")
    run_stage(_settings(config, data, cameras), "grab", partial(work, index=index, count=count))


@app.command()
def detect(config: Config = DEFAULT_CONFIG, data: Data = None, cameras: Cameras = None) -> None:
    """Look at frames, put observations on the bus."""
    from pipeline.detect.worker import run as work
    from pipeline.wiring import run_stage

    run_stage(_settings(config, data, cameras), "detect", work)


@app.command()
def confirm(config: Config = DEFAULT_CONFIG, data: Data = None, cameras: Cameras = None) -> None:
    """Turn observations into incidents, one per event."""
    from pipeline.confirm.worker import run as work
    from pipeline.wiring import run_stage

    run_stage(_settings(config, data, cameras), "confirm", work)


@app.command()
def alert(config: Config = DEFAULT_CONFIG, data: Data = None, cameras: Cameras = None) -> None:
    """Deliver incidents to the duty posts."""
    from pipeline.alert.worker import run as work
    from pipeline.wiring import run_stage

    run_stage(_settings(config, data, cameras), "alert", work)


@app.command()
def desk(config: Config = DEFAULT_CONFIG, data: Data = None, cameras: Cameras = None) -> None:
    """Serve the duty desk."""
    from pipeline.desk.server import run as work
    from pipeline.wiring import run_stage

    run_stage(_settings(config, data, cameras), "desk", work, bus=False)


@app.command()
def demo(
    folder: Annotated[Path, typer.Option("--dir", help="Where the cameras' registry is written.")],
    port: Annotated[int, typer.Option(help="RTSP port; 0 takes a free one.")] = 0,
    videos: Annotated[
        Path | None, typer.Option(help="Serve this folder of clips instead of simulated streets.")
    ] = None,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Serve simulated street cameras, or a folder of clips, over RTSP."""
    from pipeline.demo.cameras import serve
    from pipeline.wiring import begin_process

    stop = begin_process(_defaults(config), "demo")
    serve(folder, videos, stop, port=port)


@app.command()
def watch(
    source: Annotated[str, typer.Argument(help="A file, a URL, a folder of pictures or a folder of clips.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line an incident, and a summary.")] = False,
    start: Annotated[float, typer.Option(help="Begin at this second.")] = 0.0,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Watch a clip or a stream in this process, as fast as it can, and tell what would be raised."""
    from pipeline.tune.watch import show

    show(source, _defaults(config), as_json=as_json, start_s=start)


@app.command()
def bench(
    out: Annotated[Path, typer.Option("--json", help="Where the figures go.")],
    quick: Annotated[bool, typer.Option("--quick", help="Within four minutes instead of fifteen.")] = False,
    page: Annotated[Path | None, typer.Option(help="Renew the figures in this Markdown page too.")] = None,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Measure what a camera costs, side by side with the plain ways of doing the same."""
    from pipeline.bench.plan import FULL, QUICK
    from pipeline.bench.run import run_bench
    from pipeline.ops.logs import configure_logs

    settings = _defaults(config)
    configure_logs(settings.ops, "bench")
    run_bench(settings, QUICK if quick else FULL, out, page)
    typer.echo(out.read_text(), nl=False)


@config_app.command("check")
def config_check(config: Config = DEFAULT_CONFIG, data: Data = None, cameras: Cameras = None) -> None:
    """Check the configuration and the registry it names; each problem in one line with file, line and key."""
    from pipeline.city.registry import load_registry

    settings = _settings(config, data, cameras)
    registry = load_registry(settings)
    enabled = sum(bool(camera.kinds) for camera in registry.cameras.values())
    typer.echo(f"{config}: good. {enabled} cameras, {len(registry.kelurahan)} kelurahan.")


@config_app.command("example")
def config_example() -> None:
    """Print a complete configuration: every key with its meaning and its default."""
    from pipeline.ops.example import example_yaml

    typer.echo(example_yaml(), nl=False)


@cameras_app.command("check")
def cameras_check(config: Config = DEFAULT_CONFIG, data: Data = None, cameras: Cameras = None) -> None:
    """Open each camera and say in one line what is wrong; exit code 1 when one cannot be used."""
    from pipeline.city.registry import load_registry
    from pipeline.grab.check import check_cameras

    settings = _settings(config, data, cameras)
    good = True
    for report in check_cameras(load_registry(settings), settings.grab):
        good = good and report.ok
        typer.echo(f"{'ok  ' if report.ok else 'BAD '} {report.camera}: {report.message}")
    raise typer.Exit(0 if good else 1)


@people_app.command("add")
def people_add(
    name: Annotated[str, typer.Argument(help="Sign-in name: 2 to 40 of a-z, 0-9, '.', '_', '-'.")],
    role: Annotated[str, typer.Option(help="piket, satpol, engineer or admin.")],
    area: Annotated[list[str], typer.Option(help="Code of a kelurahan, kecamatan or kota, or '*'; may be repeated.")],
    config: Config = DEFAULT_CONFIG,
    data: Data = None,
) -> None:
    """Let a person sign in at the desk; prints the one-time password."""
    from pipeline.desk.people import add_person
    from pipeline.store.database import open_database

    database = open_database(_settings(config, data))
    database.migrate()
    typer.echo(f"{name} / {add_person(database, name, role, area)}   (one-time)")


@people_app.command("reset")
def people_reset(
    name: Annotated[str, typer.Argument(help="Sign-in name.")], config: Config = DEFAULT_CONFIG, data: Data = None
) -> None:
    """Give a person a new one-time password and end their sign-ins."""
    from pipeline.desk.people import reset_password
    from pipeline.store.database import open_database

    database = open_database(_settings(config, data))
    database.migrate()
    typer.echo(f"{name} / {reset_password(database, name)}   (one-time)")


@eval_app.command("detector")
def eval_detector(
    data: Annotated[Path, typer.Option(help="Folder with images/, labels/ and manifest.csv.")],
    split: Annotated[str, typer.Option(help="Split of the manifest; several separated by commas.")],
    out: Annotated[Path, typer.Option("--json", help="Where the figures go; a page of worst errors lies beside it.")],
    model: Annotated[Path | None, typer.Option(help="Model folder; the configured one when left out.")] = None,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Measure a detector on labelled pictures."""
    from pipeline.tune.detector import evaluate_detector

    settings = _defaults(config)
    evaluate_detector(data, split, model or settings.model_path(settings.detect.models[0]), out)
    typer.echo(out.read_text())


@eval_app.command("incidents")
def eval_incidents(
    data: Annotated[Path, typer.Option(help="CSV of labelled clips: file,kind,start_s,end_s.")],
    out: Annotated[Path, typer.Option("--json", help="Where the figures go.")],
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Watch labelled clips and measure recall, delay and false alarms."""
    from pipeline.tune.incidents import evaluate_incidents

    evaluate_incidents(data, out, _defaults(config))
    typer.echo(out.read_text())


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


if __name__ == "__main__":
    main()
