"""`siaga tune ...`: thresholds from a budget of false alarms."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.options import DEFAULT_CONFIG, Cameras, Config, Data, group, settings_of
from pipeline.ops.errors import ConfigError
from pipeline.ops.sections import Kind
from pipeline.ops.settings import Settings

if TYPE_CHECKING:
    from pipeline.tune.gather import Gathered

tune_app = group("tune", "Set false alarms instead of magic numbers.")


FROM = "2026-11-01T00:00 in the city's zone; left out, 30 days ago."
MONTH_MS = 30 * 86_400_000


def _kind(settings: Settings, kind: str) -> Kind:
    """Return a kind that has rules.

    Raises:
        ConfigError: It has none.
    """
    found = next((one for one in settings.confirm.kinds if one == kind), None)
    if found is None:
        raise ConfigError(f"--kind {kind}: no rules for it; there are {', '.join(settings.confirm.kinds)}")
    return found


def _span(settings: Settings, start: str, end: str) -> tuple[int, int]:
    """Return the span that is asked for, epoch ms."""
    from zoneinfo import ZoneInfo

    from pipeline.ops.clock import now_ms
    from pipeline.ops.when import read_time

    zone, now = ZoneInfo(settings.city.timezone), now_ms()
    return (read_time(start, zone, now, "--from") if start else now - MONTH_MS), read_time(end, zone, now, "--to")


def _gathered(settings: Settings, kind: str, start: str, end: str) -> "Gathered":
    """Return the episodes of a span."""
    from pipeline.city.registry import load_registry
    from pipeline.store.database import open_database
    from pipeline.tune.gather import gather
    from pipeline.tune.recorded import recorded
    from pipeline.tune.truth import raised_between

    wanted, span = _kind(settings, kind), _span(settings, start, end)
    database = open_database(settings)
    try:
        database.migrate()
        with database.reading() as session:
            raised = raised_between(session, *span, None)
    finally:
        database.close()
    return gather(settings, load_registry(settings), recorded(settings, *span, None), raised, wanted)


@tune_app.command("suggest")
def suggest_thresholds(
    budget: Annotated[str, typer.Option(help='False alarms that are bearable, such as "1/camera/week".')],
    kind: Annotated[str, typer.Option(help="fire, smoke, flood or brawl.")] = "fire",
    start: Annotated[str, typer.Option("--from", help=FROM)] = "",
    end: Annotated[str, typer.Option("--to", help="As --from; left out, now.")] = "",
    out: Annotated[Path | None, typer.Option("--json", help="Also write everything as JSON here.")] = None,
    config: Config = DEFAULT_CONFIG,
    data: Data = None,
    cameras: Cameras = None,
) -> None:
    """Suggest a threshold for each camera from what was recorded, with what it costs; changes nothing."""
    from pipeline.tune.advice import advice_of
    from pipeline.tune.suggest import parse_budget

    rate, settings = parse_budget(budget), settings_of(config, data, cameras)
    advice = advice_of(settings, _gathered(settings, kind, start, end), rate)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(asdict(advice), indent=2) + "\n")
    for line in advice.lines():
        typer.echo(line)


@tune_app.command("curve")
def show_curve(
    kind: Annotated[str, typer.Option(help="fire, smoke, flood or brawl.")] = "fire",
    start: Annotated[str, typer.Option("--from", help=FROM)] = "",
    end: Annotated[str, typer.Option("--to", help="As --from; left out, now.")] = "",
    config: Config = DEFAULT_CONFIG,
    data: Data = None,
    cameras: Cameras = None,
) -> None:
    """Print as JSON what each threshold would cost and bring, with intervals, and what scores are worth."""
    from pipeline.tune.outlook import outlook

    settings = settings_of(config, data, cameras)
    typer.echo(json.dumps(outlook(_gathered(settings, kind, start, end)), indent=2))


@tune_app.command("drift")
def show_drift(
    at: Annotated[str, typer.Option(help="The moment: when thresholds were set, say. 2026-11-15T00:00.")],
    kind: Annotated[str, typer.Option(help="fire, smoke, flood or brawl.")] = "fire",
    start: Annotated[str, typer.Option("--from", help=FROM)] = "",
    end: Annotated[str, typer.Option("--to", help="As --from; left out, now.")] = "",
    config: Config = DEFAULT_CONFIG,
    data: Data = None,
) -> None:
    """Say which cameras no longer see what they saw before a moment; exit code 1 when there are any."""
    from zoneinfo import ZoneInfo

    from pipeline.ops.clock import now_ms
    from pipeline.ops.when import read_time
    from pipeline.tune.outlook import moved
    from pipeline.tune.recorded import recorded

    settings = settings_of(config, data)
    when = read_time(at, ZoneInfo(settings.city.timezone), now_ms(), "--at")
    found = moved(recorded(settings, *_span(settings, start, end), None), _kind(settings, kind), when)
    words = {True: "moved", False: "as before", None: "too little to tell"}
    for one in found:
        said = one.drift
        typer.echo(
            f"{one.camera:24} PSI {said.psi:.3f}, KS {said.distance:.3f} (chance {said.chance:.1g}),"
            f" {said.before}+{said.after} minutes: {words[said.moved]}"
        )
    if any(one.drift.moved for one in found):
        raise typer.Exit(1)


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
