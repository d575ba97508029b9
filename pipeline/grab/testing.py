"""Opening a camera because somebody at the desk asked: done here, where the camera would be read from."""

import threading
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import structlog
from numpy.typing import NDArray
from prometheus_client import Counter
from sqlalchemy.exc import SQLAlchemyError

from pipeline.city.registry import Camera, Registry
from pipeline.grab.check import CameraReport, check_camera
from pipeline.grab.worker import run as read_cameras
from pipeline.ops.clock import Clock, now_ms
from pipeline.ops.errors import StoreError
from pipeline.ops.health import Report, no_report
from pipeline.ops.redact import redact_text
from pipeline.ops.sections import GrabSection
from pipeline.ops.settings import Settings
from pipeline.store import camera_tests
from pipeline.store.database import Database, explain, open_database

log = structlog.get_logger(__name__)
TESTS = Counter("siaga_grab_camera_tests_total", "Cameras opened because the desk asked", ["outcome"])
POLL_S = 0.7
QUALITY = 85
Check = Callable[[Camera, GrabSection, Callable[[NDArray[np.uint8]], None]], CameraReport]


def serve_tests(
    database: Database, grab: GrabSection, stop: threading.Event, clock: Clock = now_ms, every_s: float = POLL_S
) -> None:
    """Open what the desk asks for, one camera after the other, until stopped."""
    while not stop.is_set():
        try:
            if not serve_one(database, grab, clock):
                stop.wait(every_s)
        except (StoreError, SQLAlchemyError) as error:
            TESTS.labels("store").inc()
            log.warning("grab.tests_waiting", reason=explain(error))
            stop.wait(5)


def serve_one(database: Database, grab: GrabSection, clock: Clock = now_ms, check: Check = check_camera) -> bool:
    """Open the camera that was asked for first; False when nobody asks."""
    with database.reading() as session:
        if not camera_tests.waits(session):
            return False
    asked = database.transact(lambda session: camera_tests.take_test(session, clock()))
    if asked is None:
        return False
    pictures: list[bytes] = []

    def keep(image: NDArray[np.uint8]) -> None:
        done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        if done:
            pictures.append(bytes(data))

    report = check(Camera(asked.camera, asked.camera, asked.url, "", 0, 0), grab, keep)
    TESTS.labels("ok" if report.ok else "failed").inc()
    picture = pictures[0] if pictures else None
    message = redact_text(report.message)
    database.transact(lambda session: camera_tests.finish_test(session, asked.id, report.ok, message, picture, clock()))
    log.info("grab.camera_tested", camera=asked.camera, ok=report.ok, reason=message)
    return True


def run(
    settings: Settings, registry: Registry, stop: threading.Event, report: Report = no_report, **share: Any
) -> None:
    """Read cameras as `pipeline.grab.worker.run` does, and open beside it what the desk asks for."""
    database = open_database(settings)
    tests = threading.Thread(target=serve_tests, args=(database, settings.grab, stop), name="camera-tests", daemon=True)
    tests.start()
    try:
        read_cameras(settings, registry, stop, report, **share)
    finally:
        stop.set()
        tests.join(2)
        database.close()
