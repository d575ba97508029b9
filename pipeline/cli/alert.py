"""`siaga alert`: the stage itself, and `siaga alert test`, which tries every channel of a post."""

import json
import threading
from typing import Annotated

import typer

from pipeline.cli.options import DEFAULT_CONFIG, Cameras, Config, Data, app, settings_of

alert_app = typer.Typer(help="Deliver incidents to the duty posts; test the channels of a post.")
app.add_typer(alert_app, name="alert")


@alert_app.callback(invoke_without_command=True)
def alert(context: typer.Context, config: Config = DEFAULT_CONFIG, data: Data = None, cameras: Cameras = None) -> None:
    """Deliver incidents to the duty posts."""
    if context.invoked_subcommand is not None:
        return
    from pipeline.alert.worker import run as work
    from pipeline.wiring import run_stage

    run_stage(settings_of(config, data, cameras), "alert", work)


@alert_app.command("test")
def alert_test(
    post: Annotated[str, typer.Option("--post", help="Code of a kelurahan, or the name of a duty post.")],
    timeout: Annotated[float, typer.Option(min=1, help="Patience for the channels, s.")] = 30.0,
    accept: Annotated[float, typer.Option(min=0, help="Also wait so long for a person at the desk, s.")] = 0.0,
    as_json: Annotated[bool, typer.Option("--json", help="The receipts as JSON.")] = False,
    config: Config = DEFAULT_CONFIG,
    data: Data = None,
    cameras: Cameras = None,
) -> None:
    """Send a marked test (UJI COBA) through every channel of a post; exit code 1 if one did not take it."""
    from pipeline.alert.drill_trial import Trial, check_stage, post_of, table
    from pipeline.alert.rules import rules_of
    from pipeline.city.registry import load_registry
    from pipeline.ops.clock import now_ms
    from pipeline.store.database import open_database

    settings = settings_of(config, data, cameras)
    rules = rules_of(settings, load_registry(settings))
    code = post_of(rules, post)
    database = open_database(settings)
    try:
        database.migrate()
        check_stage(database, now_ms(), int(2000 * settings.ops.stale_after_s))
        report = Trial(rules, database, now_ms, threading.Event().wait).run(code, timeout, accept)
    finally:
        database.close()
    typer.echo(json.dumps(report.document(), indent=2, ensure_ascii=False) if as_json else "\n".join(table(report)))
    if not report.ok:
        raise typer.Exit(1)
