"""`siaga replay`: what other rules would have raised."""

import getpass
import json
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import DEFAULT_CONFIG, Cameras, Data, app, settings_of

WORDS = {
    "same": "raised at the same moment",
    "earlier": "raised earlier",
    "later": "raised later",
    "not_raised": "not raised at all",
    "new": "raised, and was not before",
}


@app.command()
def replay(
    start: Annotated[str, typer.Option("--from", help="2026-11-01T00:00 in the city's zone, or HH:MM today.")],
    end: Annotated[str, typer.Option("--to", help="As --from; left out, now.")] = "",
    rules: Annotated[
        Path | None, typer.Option("--config", "-c", help="The configuration whose rules are tried (`confirm`).")
    ] = None,
    live: Annotated[Path, typer.Option("--live", help="The configuration that runs.", envvar="SIAGA_CONFIG")] = (
        DEFAULT_CONFIG
    ),
    camera: Annotated[str | None, typer.Option(help="One camera.")] = None,
    kelurahan: Annotated[str | None, typer.Option(help="The cameras of one kelurahan, by its code.")] = None,
    category: Annotated[str | None, typer.Option(help="The cameras of one category.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
    data: Data = None,
    cameras: Cameras = None,
) -> None:
    """Run recorded observations through the rules of another configuration; nothing is raised, the result is kept."""
    from zoneinfo import ZoneInfo

    from pipeline.city.registry import load_registry
    from pipeline.ops.clock import now_ms
    from pipeline.ops.errors import ConfigError
    from pipeline.ops.settings import load_settings
    from pipeline.ops.when import read_time
    from pipeline.store.database import open_database
    from pipeline.tune.recorded import cameras_within
    from pipeline.tune.what_if import Asked, ask, keep

    settings = settings_of(live, data, cameras)
    tried = load_settings(rules, data) if rules else settings
    registry, zone, now = load_registry(settings), ZoneInfo(settings.city.timezone), now_ms()
    begin, until = read_time(start, zone, now, "--from"), read_time(end, zone, now, "--to")
    if begin >= until:
        raise ConfigError(f"--from {start}: must lie before --to {end or 'now'}")
    named = {"camera": camera, "kelurahan": kelurahan, "category": category}
    scope = {name: value for name, value in named.items() if value is not None}
    database = open_database(settings)
    try:
        database.migrate()
        asked = Asked(begin, until, cameras_within(registry, camera, kelurahan, category), scope)
        answer = ask(settings, tried, registry, database, asked)
        number = keep(database, answer, tried, getpass.getuser(), now)
    finally:
        database.close()
    document = {"id": number, **answer.document()}
    if as_json:
        typer.echo(json.dumps(document, ensure_ascii=False, indent=2))
        return
    typer.echo(f"Replay {number}: {document['observations']} observations")
    for fate, counts in document["sums"].items():
        said = ", ".join(f"{n} {truth}" for truth, n in sorted(counts.items()))
        typer.echo(f"{sum(counts.values()):6}  {WORDS[fate]}" + (f" ({said})" if said else ""))
    for one in document["changes"]:
        if one["fate"] != "same":
            shown = one["before"] or one["after"]
            typer.echo(
                f"  {one['fate']:10} {shown['kind']:6} {', '.join(shown['cameras'])}"
                f" score {shown['score']:.2f} by {one['by_s']:+.1f} s ({shown['truth']})"
            )
