"""The backup and restore of docs/deploy.md, with the page's own arguments, against a real PostgreSQL."""

import re
import shlex
from pathlib import Path

from pipeline.ops.sections import StoreSection
from pipeline.ops.settings import Settings
from pipeline.store.audit import Verdict, audit, verify
from pipeline.store.database import Database, open_database
from tests.postgres import Cluster, postgres

__all__ = ["postgres"]

PAGE = (Path(__file__).parents[2] / "docs/deploy.md").read_text()


def arguments(program: str) -> list[str]:
    """Return what the page gives a program, up to the redirection."""
    (line,) = re.findall(rf"exec -T postgres {program} (.+?) [<>]", PAGE)
    return shlex.split(line)


def write(database: Database, *subjects: str) -> None:
    for subject in subjects:
        database.transact(lambda session, subject=subject: audit(session, "rina", "test", subject, None, 1))


def test_a_restore_brings_back_what_was_saved_and_nothing_else(postgres: Cluster):
    postgres.psql("CREATE ROLE siaga LOGIN")
    postgres.psql("CREATE DATABASE siaga OWNER siaga")
    server = ["--host=127.0.0.1", f"--port={postgres.port}"]
    dump = str(postgres.folder / "siaga.dump")
    database = open_database(
        Settings(store=StoreSection(url=f"postgresql://siaga@127.0.0.1:{postgres.port}/siaga")),
    )
    try:
        database.migrate()
        write(database, "one", "two")
        with database.reading() as session:
            saved = verify(session)
        postgres.run("pg_dump", *server, f"--file={dump}", *arguments("pg_dump"))
        write(database, "three")
        database.close()
        postgres.run("pg_restore", *server, *arguments("pg_restore"), dump)
        database.migrate()
        with database.reading() as session:
            assert verify(session) == saved == Verdict(2)
        write(database, "four")
        with database.reading() as session:
            assert verify(session).ok
    finally:
        database.close()
