"""The city of the desk's bench: cameras over every kelurahan, a sign-in for each desk, stages that say they work."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from sqlalchemy.orm import Session

from pipeline.bus.records import Incident
from pipeline.city.registry import load_kelurahan
from pipeline.desk.identity import new_token, token_hash
from pipeline.ops.clock import now_ms
from pipeline.ops.machine import free_port
from pipeline.ops.settings import Settings, load_settings
from pipeline.store import people
from pipeline.store.cameras import CameraState, save_state
from pipeline.store.database import Database, open_database
from pipeline.store.health import StoredHealth, save_health
from pipeline.store.incidents import apply_incident

EVERYWHERE = "*"
HOUR_MS = 3_600_000
WARDS = Path("configs") / "kelurahan.csv"
COLUMNS = ("id", "name", "url", "kelurahan", "lat", "lng", "categories", "owner", "kinds", "masks", "public")
NOWHERE = "rtsp://127.0.0.1:9/x"
PUBLIC = 20
"""Cameras that citizens may see."""
NO_PASSWORD = "!"
"""No password has this hash: the people of the bench come in by the sessions that are made for them."""


@dataclass(frozen=True)
class Seat:
    """One open desk: whose, the cookie of the sign-in, and the area that is seen."""

    name: str
    token: str
    area: str


@dataclass(frozen=True)
class City:
    """The bench's city: configuration, database, kelurahan of each camera (in order), desks, the desk's port."""

    config: Path
    settings: Settings
    database: Database
    cameras: Mapping[str, str]
    seats: Sequence[Seat]
    port: int


def build_city(folder: Path, cameras: int, desks: int, everywhere: int, wards: Path = WARDS) -> City:
    """Write the configuration and fill the database; the first `everywhere` desks see the whole city.

    Raises:
        ConfigError: The list of kelurahan cannot be read.
    """
    spots = load_kelurahan(wards)
    codes = sorted(spots)
    homes = {f"cam-{number:04}": codes[number % len(codes)] for number in range(cameras)}
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "cameras.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(COLUMNS)
        for number, (camera, code) in enumerate(homes.items()):
            ward, public = spots[code], "ya" if number < PUBLIC else ""
            place = [code, ward.lat, ward.lng]
            out.writerow(
                [camera, f"Jl. {ward.name} {number}", NOWHERE, *place, "jalan", "Uji", "fire;smoke", "", public]
            )
    (folder / "kelurahan.csv").write_bytes(wards.read_bytes())
    port = free_port()
    config = folder / "siaga.yaml"
    values = {
        "desk": {"port": port}, "public": {"enabled": True}, "ops": {"metrics_port": free_port()},
        "bus": {"bootstrap_servers": f"127.0.0.1:{free_port()}"},
    }  # fmt: skip
    config.write_text(yaml.safe_dump(values))
    settings = load_settings(config, folder / "data")
    database = open_database(settings)
    database.migrate()
    seats = [
        Seat(f"meja-{number:03}", new_token(), EVERYWHERE if number < everywhere else codes[number % len(codes)])
        for number in range(desks)
    ]
    _fill(database, seats, list(homes))
    return City(config, settings, database, homes, seats, port)


def _fill(database: Database, seats: Sequence[Seat], cameras: Sequence[str]) -> None:
    """Sign everybody in, let every camera be live and every stage well for hours."""
    now = now_ms()
    with database.session() as session:
        for seat in seats:
            people.add_user(session, seat.name, NO_PASSWORD, "piket", [seat.area], now)
            people.open_session(session, token_hash(seat.token), seat.name, now, now + 12 * HOUR_MS)
        for camera in cameras:
            save_state(session, CameraState(camera, "live", now, "", now))
        for stage in ("grab", "detect", "confirm", "alert"):
            save_health(session, StoredHealth(stage, f"{stage}-0", now + 12 * HOUR_MS, True, "working"))


def lose_cameras(city: City, cameras: Sequence[str]) -> None:
    """Let a grabber lose cameras, and write all of them at once as its reporter does."""
    now = now_ms()

    def work(session: Session) -> None:
        for camera in cameras:
            save_state(session, CameraState(camera, "lost", now, "timeout", now))

    city.database.transact(work)


def raise_incident(city: City, number: int, camera: str) -> str:
    """Write an incident as the alert stage does; returns its id."""
    now, kelurahan = now_ms(), city.cameras[camera]
    record = Incident(
        id=f"uji-{number}", kind="fire", camera=camera, kelurahan=kelurahan, state="opened", revision=0,
        trace=f"uji-{number}", first_seen_ms=now - 3000, opened_ms=now, updated_ms=now, decided_ms=now, score=0.9,
    )  # fmt: skip
    city.database.transact(lambda session: apply_incident(session, record, now))
    return record.id
