"""`siaga people ...`: who may sign in at the desk."""

from typing import Annotated

import typer

from pipeline.cli.options import DEFAULT_CONFIG, Config, Data, group, settings_of

people_app = group("people", "Who may sign in at the desk.")


@people_app.command("add")
def people_add(
    name: Annotated[str, typer.Argument(help="Sign-in name: 2 to 40 of a-z, 0-9, '.', '_', '-'.")],
    role: Annotated[str, typer.Option(help="piket, satpol, engineer, planner, auditor or admin.")],
    area: Annotated[list[str], typer.Option(help="Code of a kelurahan, kecamatan or kota, or '*'; may be repeated.")],
    config: Config = DEFAULT_CONFIG,
    data: Data = None,
) -> None:
    """Let a person sign in at the desk; prints the one-time password."""
    from pipeline.desk.people import add_person
    from pipeline.store.database import open_database

    database = open_database(settings_of(config, data))
    database.migrate()
    typer.echo(f"{name} / {add_person(database, name, role, area)}   (one-time)")


@people_app.command("reset")
def people_reset(
    name: Annotated[str, typer.Argument(help="Sign-in name.")], config: Config = DEFAULT_CONFIG, data: Data = None
) -> None:
    """Give a person a new one-time password and end their sign-ins."""
    from pipeline.desk.people import reset_password
    from pipeline.store.database import open_database

    database = open_database(settings_of(config, data))
    database.migrate()
    typer.echo(f"{name} / {reset_password(database, name)}   (one-time)")
