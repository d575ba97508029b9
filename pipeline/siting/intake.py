"""From files to the database and from the database to figures, for the commands and the desk."""

import json
from pathlib import Path

from pipeline.city.registry import Registry, load_kelurahan
from pipeline.ops.clock import Clock, now_ms
from pipeline.ops.settings import Settings
from pipeline.siting.document import coverage_document
from pipeline.siting.gather import Files, gather, registry_of
from pipeline.siting.merging import duplicates
from pipeline.siting.places import City, city_of
from pipeline.siting.study import Study
from pipeline.siting.tables import batch_of, read_hotspots, read_needs
from pipeline.siting.whole import write_whole
from pipeline.store.database import Database, open_database
from pipeline.store.needs import OPEN, add_needs, known_batch, list_needs
from pipeline.store.siting import add_hotspots
from pipeline.store.timeline import SYSTEM


def _city(settings: Settings) -> City:
    """Return the city without its cameras: a broken registry does not keep needs out."""
    return city_of(settings, load_kelurahan(settings.registry_path(settings.city.kelurahan)))


def _open(settings: Settings) -> Database:
    """Open the database and bring it up to date."""
    database = open_database(settings)
    database.migrate()
    return database


def take_needs(settings: Settings, file: Path, actor: str = SYSTEM, clock: Clock = now_ms) -> str:
    """Keep the requests of a CSV file, all or none; the same file a second time changes nothing.

    Returns:
        What was done, one line for a person.

    Raises:
        ConfigError: One line per bad row; nothing was kept.
    """
    needs, batch = read_needs(file, _city(settings)), batch_of(file)
    database = _open(settings)
    with database.session() as session:
        if known := known_batch(session, batch):
            return f"{file}: sudah pernah diimpor ({known} permintaan), tidak ada yang berubah"
        add_needs(session, needs, actor, clock(), batch)
        groups = duplicates(list_needs(session, statuses=OPEN), settings.siting.merge_radius_m)
    same = f"; {len(groups)} kelompok mungkin permintaan yang sama, tinjau untuk digabungkan" if groups else ""
    return f"{file}: {len(needs)} permintaan diterima{same}"


def take_hotspots(settings: Settings, file: Path, clock: Clock = now_ms) -> str:
    """Keep the hotspots of a CSV file, all or none; the same file a second time changes nothing.

    Returns:
        What was done, one line for a person.

    Raises:
        ConfigError: One line per bad row; nothing was kept.
    """
    spots = read_hotspots(file, _city(settings), settings.city.timezone, clock())
    database, batch = _open(settings), batch_of(file)
    count = database.transact(lambda session: add_hotspots(session, spots, batch))
    if not count:
        return f"{file}: sudah pernah diimpor, tidak ada yang berubah"
    return f"{file}: {count} titik rawan diterima"


def study_of(
    settings: Settings, registry: Registry, database: Database, files: Files | None = None, clock: Clock = now_ms
) -> Study:
    """Return the study of the database (and files that replace parts of it) as it stands."""
    with database.reading() as session:
        return Study(gather(settings, registry, session, files or Files(), clock()))


def write_coverage(settings: Settings, out: Path) -> str:
    """Write coverage as it is to a JSON file.

    Returns:
        What was found, one line for a person.
    """
    database = _open(settings)
    with database.reading() as session:
        registry = registry_of(settings, session)
    told = coverage_document(study_of(settings, registry, database))
    write_whole(out, json.dumps(told, indent=1, ensure_ascii=False).encode())
    share = f"{told['seen'] / told['need']:.0%}" if told["need"] > 0 else "-"
    return f"{out}: {told['cameras']} kamera, {share} kebutuhan terlihat, {len(told['blind'])} kelurahan buta"
