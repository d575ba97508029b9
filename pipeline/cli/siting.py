"""Commands of the siting study: `siaga siting ...`, `siaga plan-sites`."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import DEFAULT_CONFIG, Cameras, Config, Data, app, group, settings_of

siting_app = group("siting", "Where the next cameras go: needs, hotspots, coverage.")
import_app = typer.Typer(no_args_is_help=True, help="Read a CSV file into the database, whole or not at all.")
siting_app.add_typer(import_app, name="import")

File = Annotated[Path, typer.Argument(help="UTF-8 CSV with a header line.")]


@import_app.command("needs")
def import_needs(file: File, config: Config = DEFAULT_CONFIG, data: Data = None) -> None:
    """Read requests: lat,lng,category,asked_by_kind,asked_by,reason[,priority,kelurahan,photo]."""
    from pipeline.siting.intake import take_needs

    typer.echo(take_needs(settings_of(config, data), file))


@import_app.command("hotspots")
def import_hotspots(file: File, config: Config = DEFAULT_CONFIG, data: Data = None) -> None:
    """Read hotspots: source,category,lat,lng,at[,weight]."""
    from pipeline.siting.intake import take_hotspots

    typer.echo(take_hotspots(settings_of(config, data), file))


@siting_app.command("coverage")
def coverage(
    out: Annotated[Path, typer.Option("--json", help="Where the figures go.")],
    config: Config = DEFAULT_CONFIG,
    data: Data = None,
    cameras: Cameras = None,
) -> None:
    """Say what today's cameras see of the needs: by kelurahan, category and hour; overlaps; cameras to move."""
    from pipeline.siting.intake import write_coverage

    typer.echo(write_coverage(settings_of(config, data, cameras), out))


@siting_app.command("bench")
def siting_bench(
    out: Annotated[Path, typer.Option("--json", help="Where the figures go.")],
    quick: Annotated[bool, typer.Option("--quick", help="A tenth of the size.")] = False,
) -> None:
    """Measure both solvers on a generated city: 1,500 cameras, 5,000 candidates, 50,000 points of need."""
    from pipeline.bench.siting import run_siting_bench

    run_siting_bench(out, quick=quick)
    typer.echo(out.read_text(), nl=False)


@app.command("plan-sites")
def plan_sites(
    budget: Annotated[str, typer.Option(help="A number of cameras, or rupiah: 50, 'Rp 2,5 miliar'.")],
    out: Annotated[Path, typer.Option(help="Folder that is made: report, tables, GeoJSON. It must not exist.")],
    exact: Annotated[bool, typer.Option("--exact/--greedy", help="Proven best, or fast with its gap stated.")] = True,
    candidates: Annotated[Path | None, typer.Option(help="CSV of places: id,lat,lng[,type,cost,...].")] = None,
    grid: Annotated[bool, typer.Option("--grid", help="Also a grid over the need.")] = False,
    requests: Annotated[bool, typer.Option("--requests/--no-requests", help="Also the requests' own places.")] = True,
    needs: Annotated[Path | None, typer.Option(help="CSV of requests instead of the database.")] = None,
    hotspots: Annotated[Path | None, typer.Option(help="CSV of hotspots instead of the database.")] = None,
    floor: Annotated[
        list[str] | None, typer.Option(help="Least number: kota=1, kelurahan=1, 31.71=3; may be repeated.")
    ] = None,
    force_in: Annotated[list[str] | None, typer.Option(help="A candidate that must be in; may be repeated.")] = None,
    force_out: Annotated[list[str] | None, typer.Option(help="A candidate that must be out; may be repeated.")] = None,
    moves: Annotated[int, typer.Option(min=0, help="So many existing cameras may be moved.")] = 0,
    movable: Annotated[list[str] | None, typer.Option(help="A camera that may be moved; may be repeated.")] = None,
    sensitivity: Annotated[bool, typer.Option(help="Also plan with other weights and compare.")] = True,
    name: Annotated[str, typer.Option(help="Title of the plan.")] = "",
    config: Config = DEFAULT_CONFIG,
    data: Data = None,
    cameras: Cameras = None,
) -> None:
    """Plan where the next cameras go; writes the report (HTML, PDF), tables (CSV) and a map (GeoJSON)."""
    from pipeline.siting.command import Wanted, run_plan_sites

    settings = settings_of(config, data, cameras)
    wanted = Wanted(
        budget, "exact" if exact else "greedy", needs, hotspots, candidates, grid, requests, tuple(floor or ()),
        tuple(force_in or ()), tuple(force_out or ()), moves, tuple(movable or ()), sensitivity, name,
    )  # fmt: skip
    typer.echo(run_plan_sites(settings, wanted, out))
