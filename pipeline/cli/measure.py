"""Commands that measure: `siaga watch`, `siaga bench`, `siaga eval ...`."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import DEFAULT_CONFIG, Config, app, defaults_of, group
from pipeline.ops.logs import configure_logs

eval_app = group("eval", "Measure on labelled data.")
bench_app = group("bench", "Measure what it costs.")


@app.command()
def watch(
    source: Annotated[str, typer.Argument(help="A file, a URL, a folder of pictures or a folder of clips.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line an incident, and a summary.")] = False,
    start: Annotated[float, typer.Option(help="Begin at this second.")] = 0.0,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Watch a clip or a stream in this process, as fast as it can, and tell what would be raised."""
    from pipeline.tune.watch import show

    show(source, defaults_of(config), as_json=as_json, start_s=start)


@bench_app.callback(invoke_without_command=True)
def bench(
    context: typer.Context,
    out: Annotated[Path | None, typer.Option("--json", help="Where the figures go.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Within four minutes instead of fifteen.")] = False,
    page: Annotated[Path | None, typer.Option(help="Renew the figures in this Markdown page too.")] = None,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Measure what a camera costs, side by side with the plain ways of doing the same; `desk` measures the desk."""
    if context.invoked_subcommand is not None:
        return
    if out is None:
        raise typer.BadParameter("where shall the figures go?", param_hint="--json")
    from pipeline.bench.plan import FULL, QUICK
    from pipeline.bench.run import run_bench

    settings = defaults_of(config)
    configure_logs(settings.ops, "bench")
    run_bench(settings, QUICK if quick else FULL, out, page)
    typer.echo(out.read_text(), nl=False)


@bench_app.command("desk")
def bench_desk(
    out: Annotated[Path, typer.Option("--json", help="Where the figures go.")],
    desks: Annotated[int, typer.Option(min=1, help="Open desks.")] = 300,
    cameras: Annotated[int, typer.Option(min=1, help="Cameras; each changes its state once.")] = 1500,
    seconds: Annotated[float, typer.Option(min=1, help="Within this time.")] = 60,
    readers: Annotated[int, typer.Option(min=0, help="Public readers a second; 0 leaves them out.")] = 1000,
) -> None:
    """Measure the desk: how late its open desks learn of a change, and how many citizens it serves."""
    import json

    from pipeline.bench.desk import Load, measure_desk

    result = measure_desk(Load(desks=desks, cameras=cameras, seconds=seconds, readers=readers))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=2) + "\n")
    typer.echo(out.read_text(), nl=False)


@bench_app.command("replay")
def bench_replay(
    out: Annotated[Path, typer.Option("--json", help="Where the figures go.")],
    cameras: Annotated[int, typer.Option(min=1, help="Cameras at one observation a second.")] = 20,
    seconds: Annotated[int, typer.Option(min=10, help="Seconds of each.")] = 14_400,
) -> None:
    """Measure how fast recorded observations go through the rules, and in how much memory."""
    import json

    from pipeline.bench.replay import measure_replay

    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(measure_replay(cameras, seconds), indent=2) + "\n")
    typer.echo(out.read_text(), nl=False)


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

    settings = defaults_of(config)
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

    evaluate_incidents(data, out, defaults_of(config))
    typer.echo(out.read_text())


@eval_app.command("brawl")
def eval_brawl(
    data: Annotated[Path, typer.Option(help="Folder with manifest.csv and its clips.")],
    split: Annotated[str, typer.Option(help="Split of the manifest; `all` cross-validates over every clip.")],
    out: Annotated[Path, typer.Option("--json", help="Where the figures go.")],
    model: Annotated[Path | None, typer.Option(help="Model folder; the configured one when left out.")] = None,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Measure the temporal model on labelled clips of fights and of ordinary life."""
    from pipeline.tune.brawl import evaluate_brawl

    settings = defaults_of(config)
    evaluate_brawl(data, split, model or settings.model_path("models/brawl"), out)
    typer.echo(out.read_text())


@eval_app.command("flood")
def eval_flood(
    data: Annotated[Path, typer.Option(help="Folder with manifest.csv, pictures and masks.")],
    split: Annotated[str, typer.Option(help="Split of the manifest; several separated by commas, or `all`.")],
    out: Annotated[Path, typer.Option("--json", help="Where the figures go; a page of worst errors lies beside it.")],
    model: Annotated[Path | None, typer.Option(help="Model folder; models/flood when left out.")] = None,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Measure the flood model on labelled pictures of streets."""
    from pipeline.tune.flood import evaluate_flood

    settings = defaults_of(config)
    evaluate_flood(data, split, model or settings.model_path("models/flood"), out)
    typer.echo(out.read_text())
