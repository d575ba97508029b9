"""`siaga tune ...`: thresholds from a budget of false alarms."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import DEFAULT_CONFIG, Cameras, Config, Data, group, settings_of

tune_app = group("tune", "Set false alarms instead of magic numbers.")


@tune_app.command("suggest")
def suggest_thresholds(
    budget: Annotated[str, typer.Option(help='False alarms that are bearable, such as "1/camera/week".')],
    kind: Annotated[str, typer.Option(help="fire, smoke, flood or brawl.")] = "fire",
    start: Annotated[
        str, typer.Option("--from", help="2026-11-01T00:00 in the city's zone; left out, 30 days ago.")
    ] = "",
    end: Annotated[str, typer.Option("--to", help="As --from; left out, now.")] = "",
    out: Annotated[Path | None, typer.Option("--json", help="Also write everything as JSON here.")] = None,
    config: Config = DEFAULT_CONFIG,
    data: Data = None,
    cameras: Cameras = None,
) -> None:
    """Suggest a threshold for each camera from what was recorded, with what it costs; changes nothing."""
    from zoneinfo import ZoneInfo

    from pipeline.city.registry import load_registry
    from pipeline.ops.clock import now_ms
    from pipeline.ops.errors import ConfigError
    from pipeline.ops.when import read_time
    from pipeline.store.database import open_database
    from pipeline.tune.advice import DAY_MS, advise
    from pipeline.tune.suggest import parse_budget

    settings = settings_of(config, data, cameras)
    if kind not in settings.confirm.kinds:
        raise ConfigError(f"--kind {kind}: no rules for it; there are {', '.join(settings.confirm.kinds)}")
    rate, zone, now = parse_budget(budget), ZoneInfo(settings.city.timezone), now_ms()
    span = (read_time(start, zone, now, "--from") if start else now - 30 * DAY_MS, read_time(end, zone, now, "--to"))
    database = open_database(settings)
    try:
        database.migrate()
        advice = advise(settings, load_registry(settings), database, kind, span, rate)
    finally:
        database.close()
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(asdict(advice), indent=2) + "\n")
    for line in advice.lines():
        typer.echo(line)


@tune_app.command("export")
def export(
    out: Annotated[Path, typer.Option("--out", help="A folder that is empty or not there yet.")],
    verdicts: Annotated[
        bool, typer.Option("--verdicts/--decisions", help="Only what was reviewed, or also what was only decided.")
    ] = True,
    config: Config = DEFAULT_CONFIG,
    data: Data = None,
) -> None:
    """Write reviewed pictures in YOLO layout, for training."""
    from pipeline.store.database import open_database
    from pipeline.store.evidence import EvidenceStore
    from pipeline.tune.export import export_verdicts

    settings = settings_of(config, data)
    database = open_database(settings)
    try:
        database.migrate()
        done = export_verdicts(database, EvidenceStore(settings), out, reviewed_only=verdicts)
    finally:
        database.close()
    left = ", ".join(f"{count} {reason}" for reason, count in sorted(done.left_out.items()))
    typer.echo(
        f"{out}: {done.positives} pictures with boxes, {done.negatives} without"
        + (f"; left out: {left}" if left else "")
    )
