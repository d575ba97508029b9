"""A desk with a small city in it: two kelurahan of two kota, three cameras, people of every role, a clock to turn."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
from argon2 import PasswordHasher

from pipeline.bus.records import Detection, Incident, ModelRef, Witness
from pipeline.city.registry import Camera, Kelurahan, Registry
from pipeline.desk.app import create_app
from pipeline.desk.identity import Person, token_hash
from pipeline.desk.server import DeskServer
from pipeline.desk.signing import Signer
from pipeline.ops.clock import now_ms
from pipeline.ops.settings import Settings
from pipeline.store import people
from pipeline.store.cameras import CameraState, save_state
from pipeline.store.database import Database, open_database
from pipeline.store.evidence import Evidence, EvidenceStore, keep_evidence
from pipeline.store.health import StoredHealth, save_health
from pipeline.store.incidents import apply_incident
from pipeline.store.tables import IncidentRow

GAMBIR = "31.71.01.1001"
MANGGARAI = "31.74.01.1007"
STATION = "SIMULASI Jl. Medan Merdeka · depan stasiun"
PASSWORD = "sepeda-hujan-7"
HASH = PasswordHasher(time_cost=1, memory_cost=1024).hash(PASSWORD)  # cheap: tests sign in hundreds of times
PEOPLE = {
    "piket_gambir": ("piket", [GAMBIR]),
    "rekan_gambir": ("piket", [GAMBIR]),
    "piket_manggarai": ("piket", [MANGGARAI]),
    "piket_kecamatan": ("piket", ["31.71.01"]),
    "satpol_pusat": ("satpol", ["31.71"]),
    "satpol_selatan": ("satpol", ["31.74"]),
    "teknisi": ("engineer", ["*"]),
    "bos": ("admin", ["*"]),
    "perencana": ("planner", ["*"]),
    "pemeriksa": ("auditor", ["*"]),
    "tanpa_wilayah": ("piket", []),
}
CSRF = re.compile(r'name="csrf" value="([0-9a-f]+)"')


@dataclass
class TurnableClock:
    """Now, plus what a test has turned it by; ms."""

    turned_ms: int = 0

    def __call__(self) -> int:
        return now_ms() + self.turned_ms


def picture(text: str = "SIMULASI", width: int = 640, height: int = 360) -> bytes:
    """Draw a JPEG of a street at night with something bright on it."""
    image = np.full((height, width, 3), (52, 40, 34), np.uint8)
    cv2.rectangle(image, (0, height * 2 // 3), (width, height), (70, 66, 62), -1)
    for x in range(0, width, 90):
        cv2.rectangle(image, (x + 8, height // 5), (x + 74, height * 2 // 3), (60 + x % 40, 52, 44), -1)
    flame = np.array([[width // 2, 130], [width // 2 + 46, 240], [width // 2 - 46, 240]], np.int32)
    cv2.fillPoly(image, [flame], (40, 140, 250))
    cv2.fillPoly(image, [flame // 2 + np.array([width // 4, 118])], (120, 230, 255))
    cv2.putText(image, text, (12, 340), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (220, 220, 220), 1)
    done, data = cv2.imencode(".jpg", image)
    assert done
    return bytes(data)


def incident(number: int, at_ms: int, **changes: Any) -> Incident:
    """Return a record of `siaga.incidents`."""
    values: dict[str, Any] = {
        "id": f"kejadian-{number}",
        "kind": "fire",
        "camera": "cam-gambir-1",
        "kelurahan": GAMBIR,
        "state": "opened",
        "revision": 0,
        "trace": f"trace-{number}",
        "first_seen_ms": at_ms - 41_000,
        "opened_ms": at_ms - 38_000,
        "updated_ms": at_ms - 38_000,
        "decided_ms": at_ms - 37_900,
        "score": 0.87,
        "boxes": (
            Detection(label="fire", score=0.87, box=(0.41, 0.34, 0.59, 0.69)),
            Detection(label="person", score=0.8, box=(0.1, 0.5, 0.15, 0.7)),
        ),
        "witnesses": (Witness(camera="cam-gambir-1", first_seen_ms=at_ms - 41_000, score=0.87),),
        "reasons": ("flicker:0.22", "growth:+0.10"),
        "model": ModelRef(name="fire_smoke", version="1", sha8="0123abcd"),
    }
    return Incident(**{**values, **changes})


@dataclass
class World:
    """The city, its store and its desk."""

    settings: Settings
    registry: Registry
    database: Database
    evidence: EvidenceStore
    clock: TurnableClock = field(default_factory=TurnableClock)

    @classmethod
    def build(cls, folder: Path, store: dict[str, str] | None = None, **desk: Any) -> "World":
        """Make the database, the people and a healthy machine."""
        settings = Settings(data_dir=folder, desk={"port": 0, **desk}, store=store or {})
        wards = {
            GAMBIR: Kelurahan(GAMBIR, "Gambir", "Gambir", "Kota Administrasi Jakarta Pusat", -6.176, 106.826),
            MANGGARAI: Kelurahan(MANGGARAI, "Manggarai", "Tebet", "Kota Administrasi Jakarta Selatan", -6.2135, 106.85),
        }
        secret = "rtsp://admin:rahasia123@10.0.0.9/live"
        cameras = [
            Camera(
                "cam-gambir-1",
                "SIMULASI Jl. Medan Merdeka · depan stasiun",
                secret,
                GAMBIR,
                -6.176,
                106.83,
                owner="SIMULASI",
            ),
            Camera("cam-gambir-2", "Jl. Pejambon · simpang", secret, GAMBIR, -6.177, 106.83, owner="Dishub"),
            Camera("cam-manggarai", "Jl. Dr. Saharjo · depan pasar", secret, MANGGARAI, -6.21, 106.85, owner="Dishub"),
        ]
        database = open_database(settings)
        database.migrate()
        world = cls(settings, Registry({c.id: c for c in cameras}, wards), database, EvidenceStore(settings))
        with database.session() as session:
            for name, (role, areas) in PEOPLE.items():
                people.add_user(session, name, HASH, role, areas, now_ms())
        world.healthy()
        world.cameras_live()
        return world

    def healthy(self) -> None:
        """Let every stage say that it works."""
        with self.database.session() as session:
            for stage in ("grab", "detect", "confirm", "alert"):
                save_health(session, StoredHealth(stage, f"{stage}-0", self.clock() + 3_600_000, True, "working"))

    def cameras_live(self) -> None:
        """Let every camera be live."""
        for camera in self.registry.cameras:
            self.camera(camera, "live")

    def camera(self, camera: str, state: str, reason: str = "") -> None:
        """Let a grabber tell a camera's state."""
        with self.database.session() as session:
            save_state(session, CameraState(camera, state, self.clock() - 60_000, reason, self.clock()))

    def raise_incident(self, number: int = 1, *, still: bool = True, **changes: Any) -> Incident:
        """Write an incident as the alert worker does."""
        record = incident(number, self.clock(), **changes)
        with self.database.session() as session:
            apply_incident(session, record, self.clock())
        if still and record.revision == 0:
            self.keep(record, "still", picture())
        return record

    def alerted(self, record: Incident, seconds: float) -> None:
        """Mark the first notice as sent so long after the incident was first seen."""
        with self.database.session() as session:
            row = session.get(IncidentRow, record.id)
            assert row is not None
            row.alerted_ms = record.first_seen_ms + int(seconds * 1000)

    def keep(self, record: Incident, kind: Any, content: bytes, made_from: Any = "bus") -> None:
        """Store a still or clip of an incident."""
        start = record.first_seen_ms
        evidence = Evidence(record.id, record.camera, kind, made_from, start, start + 30_000)
        keep_evidence(self.database, self.evidence, evidence, content, self.clock())

    def link(self, visitor: "Visitor", number: int) -> str:
        """Return the signed link to a still or clip, as a page of this visitor would hold it."""
        session = token_hash(visitor.cookies.get("siaga_session") or "")
        return Signer(self.database, self.clock).url(number, Person("", "", (), False, session, ""))

    @contextmanager
    def serve(self) -> Iterator[str]:
        """Serve the desk on a free port by the real server; yields its address."""
        app = create_app(self.settings, self.registry, self.database, self.evidence, self.clock)
        server, stop = DeskServer(app, "127.0.0.1", 0), threading.Event()
        thread = threading.Thread(target=server.serve_until, args=(stop,))
        thread.start()
        try:
            assert server.ready.wait(20)
            assert server.port
            yield f"http://127.0.0.1:{server.port}"
        finally:
            stop.set()
            thread.join(20)
            assert not thread.is_alive()


class Visitor(httpx.Client):
    """A browser without a screen."""

    def __init__(self, url: str) -> None:
        super().__init__(base_url=url, headers={"accept": "text/html"}, timeout=20)

    def token(self, page: str = "/kamera") -> str:
        """Return the form token of a page."""
        found = CSRF.search(self.get(page).text)
        assert found
        return found.group(1)

    def sign_in(self, name: str, password: str = PASSWORD) -> httpx.Response:
        """Sign in by the form."""
        fields = {"csrf": self.token("/masuk"), "name": name, "password": password, "to": "/"}
        return self.post("/masuk", data=fields)

    def submit(self, path: str, *, part: bool = True, **fields: Any) -> httpx.Response:
        """Send a form of the desk."""
        headers = {"x-siaga": "part"} if part else {}
        return self.post(path, data={"csrf": self.token(), **fields}, headers=headers)
