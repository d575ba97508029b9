"""Commands on size: `siaga plan`, `siaga bench city`, `siaga bench profile`."""

import json
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.measure import bench_app
from pipeline.cli.options import app
from pipeline.ops.logs import configure_logs
from pipeline.ops.sections import OpsSection

PROFILE = Path("configs/scale/profile.yaml")
FROM_BENCH = Annotated[Path, typer.Option("--bench", help="JSON of `siaga bench`.")]
FROM_CITY = Annotated[Path | None, typer.Option("--city", help="JSON of `siaga bench city`.")]
THE_PROFILE = Annotated[Path, typer.Option("--profile", help="Measured costs and choices.")]


@app.command()
def plan(
    cameras: Annotated[list[int], typer.Option("--cameras", min=1, help="Number of cameras; may be given again.")],
    profile: THE_PROFILE = PROFILE,
    gpu_frames: Annotated[
        float | None, typer.Option("--gpu-frames-per-s", min=1, help="Frames a second of one GPU; else CPUs alone.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of a table.")] = False,
) -> None:
    """Say what a number of cameras needs, by measured costs."""
    from dataclasses import asdict

    from pipeline.bench.profile import load_profile
    from pipeline.bench.sizing import as_table, size

    sizes = [size(load_profile(profile), count, gpu_frames) for count in cameras]
    typer.echo(json.dumps([asdict(one) for one in sizes], indent=2) if as_json else as_table(sizes))


@bench_app.command("city")
def bench_city(
    out: Annotated[Path, typer.Option("--json", help="Where the figures go.")],
    minutes: Annotated[float, typer.Option(min=0.1, help="How long the load lasts.")] = 60,
    cameras: Annotated[int, typer.Option(min=1, help="Simulated cameras.")] = 1500,
    frames: Annotated[float, typer.Option(min=0, help="Frames a second and camera, after gating.")] = 0.2,
    observations: Annotated[float, typer.Option(min=0.01, help="Observations a second and camera.")] = 1.0,
    embedded: Annotated[bool, typer.Option("--embedded", help="The embedded broker, whatever is here.")] = False,
    sqlite: Annotated[bool, typer.Option("--sqlite", help="SQLite, whatever is here.")] = False,
) -> None:
    """Put a city's load on bus, confirm, alert, database and desk; tell lag, delays, memory and its growth."""
    from pipeline.bench.city import City, measure_city

    configure_logs(OpsSection(), "bench")
    city = City(cameras, minutes, frames, observations, embedded=embedded, sqlite=sqlite)
    result = measure_city(city)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=2) + "\n")
    typer.echo(out.read_text(), nl=False)


@bench_app.command("profile")
def bench_profile(bench: FROM_BENCH, city: FROM_CITY = None, profile: THE_PROFILE = PROFILE) -> None:
    """Renew the measured costs of a profile from what was measured; what was chosen stays."""
    from pipeline.bench.profile import load_profile, write_profile

    measured = json.loads(bench.read_text())
    loaded = json.loads(city.read_text()) if city else None
    write_profile(profile, load_profile(profile), measured, loaded, date.today())
