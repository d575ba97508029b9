"""`siaga route`: who is told of an incident, why, and by which channel."""

import json
from typing import Annotated

import typer

from pipeline.cli.options import DEFAULT_CONFIG, Cameras, Config, Data, app, settings_of


@app.command()
def route(
    camera: Annotated[str, typer.Argument(help="Id of a camera of the registry.")],
    kind: Annotated[str, typer.Argument(help="fire, smoke, flood or brawl.")],
    at: Annotated[
        str, typer.Option("--at", help="When: 2026-12-25T03:00 or 03:00 in the city's zone; left out, now.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
    config: Config = DEFAULT_CONFIG,
    data: Data = None,
    cameras: Cameras = None,
) -> None:
    """Say who is told of an incident that a camera sees, why and by which channel, at each level; sends nothing."""
    from pipeline.alert.explain import as_document, as_lines, explain
    from pipeline.alert.rules import rules_of
    from pipeline.city.registry import load_registry
    from pipeline.ops.clock import now_ms
    from pipeline.ops.when import read_time
    from pipeline.store.accounts import read_accounts

    settings = settings_of(config, data, cameras)
    rules = rules_of(settings, load_registry(settings))
    said = explain(camera, kind, rules, read_time(at, rules.zone, now_ms()))
    accounts = read_accounts(settings)
    if as_json:
        typer.echo(json.dumps(as_document(said, rules, accounts), ensure_ascii=False, indent=2))
        return
    for line in as_lines(said, rules, accounts):
        typer.echo(line.rstrip())
