"""`siaga run` and one command for each stage."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import DEFAULT_CONFIG, Cameras, Config, Data, app, defaults_of, settings_of
from pipeline.ops.errors import ConfigError
from pipeline.ops.logs import configure_logs


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

    settings = settings_of(config, data, cameras)
    configure_logs(settings.ops, "run")
    arguments: list[str] = []
    if demo or videos:
        folder = settings.data_path("demo")
        cameras = folder / "cameras.csv"
        settings = settings_of(config, data, cameras)
        arguments = ["--dir", str(folder), "--port", str(free_port())]
        arguments += ["--videos", str(videos.resolve())] if videos else []
    run_all(settings, config.resolve(), stop_on_signals(), arguments, cameras)


@app.command()
def bus(config: Config = DEFAULT_CONFIG, data: Data = None, cameras: Cameras = None) -> None:
    """Serve the embedded broker."""
    from pipeline.bus.embedded.server import serve
    from pipeline.ops.machine import first_server
    from pipeline.wiring import begin_process

    settings = settings_of(config, data, cameras)
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
    from pipeline.grab.testing import run as work
    from pipeline.wiring import run_stage

    if index >= count:
        raise ConfigError(f"--index {index}: must be below --count {count}")
    run_stage(settings_of(config, data, cameras), "grab", partial(work, index=index, count=count))


@app.command()
def detect(config: Config = DEFAULT_CONFIG, data: Data = None, cameras: Cameras = None) -> None:
    """Look at frames, put observations on the bus."""
    from pipeline.detect.worker import run as work
    from pipeline.wiring import run_stage

    run_stage(settings_of(config, data, cameras), "detect", work)


@app.command()
def confirm(config: Config = DEFAULT_CONFIG, data: Data = None, cameras: Cameras = None) -> None:
    """Turn observations into incidents, one per event."""
    from pipeline.confirm.worker import run as work
    from pipeline.wiring import run_stage

    run_stage(settings_of(config, data, cameras), "confirm", work)


@app.command()
def archive(config: Config = DEFAULT_CONFIG, data: Data = None, cameras: Cameras = None) -> None:
    """Keep observations as hourly Parquet files, for replays and tuning."""
    from pipeline.tune.archive.worker import run as work
    from pipeline.wiring import run_stage

    run_stage(settings_of(config, data, cameras), "archive", work)


@app.command()
def desk(
    config: Config = DEFAULT_CONFIG,
    data: Data = None,
    cameras: Cameras = None,
    public: Annotated[bool, typer.Option("--public", help="Serve the public view as well.")] = False,
) -> None:
    """Serve the duty desk."""
    from pipeline.desk.server import run as work
    from pipeline.wiring import run_stage

    settings = settings_of(config, data, cameras)
    if public:
        settings = settings.model_copy(update={"public": settings.public.model_copy(update={"enabled": True})})
    run_stage(settings, "desk", work, bus=False)


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

    stop = begin_process(defaults_of(config), "demo")
    serve(folder, videos, stop, port=port)
