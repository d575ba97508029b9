"""How the parts are put together: what a stage is handed, and what the machine needs before its stages start."""

import os
import signal
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import structlog

from pipeline.alert.posts import check_start
from pipeline.bus.admin import ensure_topics
from pipeline.bus.client import instance_name
from pipeline.city.registry import Registry, load_registry
from pipeline.ops.clock import now_ms
from pipeline.ops.errors import StoreError
from pipeline.ops.health import StageHealth
from pipeline.ops.logs import configure_logs
from pipeline.ops.machine import Machine, plan_machine, run_machine
from pipeline.ops.metrics import serve_metrics, supervised
from pipeline.ops.settings import Settings
from pipeline.ops.supervisor import end_with_parent
from pipeline.ops.vitals import DiskCollector, ProcessCollector, Vitals
from pipeline.store.database import Database, open_database
from pipeline.store.following import Follower, work_with_edits
from pipeline.store.health import list_health, save_health
from pipeline.store.reporting import Reporter
from pipeline.store.seen import note_start

log = structlog.get_logger(__name__)

STALLED_AFTER_MS = 60_000
"""A stage that has not reported for this long is started again by the supervisor."""


def stop_on_signals() -> threading.Event:
    """Return an event that SIGTERM and SIGINT set."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


class Work(Protocol):
    """What a stage's worker looks like: it returns when `stop` is set."""

    def __call__(
        self, settings: Settings, registry: Registry, stop: threading.Event, report: Callable[[StageHealth], None]
    ) -> None:
        """Work until told to stop."""


def run_stage(settings: Settings, stage: str, work: Work, *, bus: bool = True) -> None:
    """Run one stage in this process until SIGTERM or SIGINT; `bus=False` for one that needs the database alone."""
    vitals = Vitals()
    stop = begin_process(settings, stage, vitals)
    registry = load_registry(settings)
    database = open_database(settings)
    report = health_reporter(database)
    try:
        prepare(settings, stop, bus=bus)
        note_what_changed(settings, registry, database, stage)
        told = vitals.listening(report)
        if stage == "desk":  # it takes over changed cameras while it serves
            work(settings, registry, stop, told)
        else:
            follower = Follower(database, registry, stage)
            work_with_edits(follower, stage, stop, lambda cameras, until: work(settings, cameras, until, told))
    except InterruptedError:
        log.info("stage.stopped_while_starting", stage=stage)
    finally:
        report.close()
        database.close()


def note_what_changed(settings: Settings, registry: Registry, database: Database, stage: str) -> None:
    """Audit what changed in configuration and registries since the last start; without a database a log says so."""
    try:
        database.transact(lambda session: note_start(session, settings, registry, stage, now_ms()))
    except StoreError as error:
        log.error("config.not_noted", reason=str(error))


def changed_registry(settings: Settings) -> Registry:
    """Return the registry with what the desk changed; as the file says where there is no database yet, or none answers.

    Raises:
        ConfigError: The file, or the database's address, is wrong.
    """
    registry, database = load_registry(settings), open_database(settings)
    try:
        exists = database.file is None or database.file.exists()
        return Follower(database, registry, "check").look() if exists else registry
    finally:
        database.close()


def begin_process(settings: Settings, stage: str, vitals: Vitals | None = None) -> threading.Event:
    """Prepare this process for a stage's work: logs, signals, parent watch, metrics; return its stop event.

    `vitals` is where the stage's health is kept; a process that runs alone serves it beside its metrics.
    """
    configure_logs(settings.ops, stage)
    stop = stop_on_signals()
    end_with_parent(stop)
    if not supervised():
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        itself = [(stage, instance_name(stage), os.getpid())]
        collectors = (DiskCollector(settings.data_dir), ProcessCollector(lambda: itself))
        try:
            serve_metrics(settings.ops.metrics_host, settings.ops.metrics_port, vitals=vitals, collectors=collectors)
        except OSError as error:
            log.warning("metrics.not_served", port=settings.ops.metrics_port, error=error.strerror)
    return stop


def health_reporter(database: Database) -> Reporter[StageHealth]:
    """Return the way of a stage's health into the database."""
    return Reporter("health", database, save_health, lambda health: f"{health.stage}/{health.instance}")


def prepare(settings: Settings, stop: threading.Event, *, bus: bool = True) -> None:
    """Make tables and, with `bus`, topics; wait for database and broker for as long as it takes.

    Raises:
        InterruptedError: `stop` was set first.
    """
    database = open_database(settings)
    wait = 0.5
    while True:
        try:
            database.migrate()
            break
        except StoreError as error:
            log.warning("store.waiting", url=database.url_redacted, error=str(error))
        if stop.wait(wait):
            raise InterruptedError("stopped while waiting for the database")
        wait = min(5.0, wait * 2)
    database.close()
    if bus:
        ensure_topics(settings.bus, stop)


def stalled_instances(database: Database) -> dict[str, str]:
    """Name the instances that have reported before and are silent now, with the reason.

    A database that does not answer says nothing about the stages.
    """
    now = now_ms()
    try:
        with database.reading() as session:
            words = list_health(session)
    except StoreError as error:
        log.warning("supervisor.no_health", error=str(error))
        return {}
    return {
        word.instance: f"no report for {(now - word.at_ms) // 1000} s"
        for word in words
        if STALLED_AFTER_MS < now - word.at_ms < 10 * STALLED_AFTER_MS
    }


def run_all(
    settings: Settings, config: Path, stop: threading.Event, demo_arguments: list[str], cameras: Path | None
) -> None:
    """Run every stage on this machine until `stop` is set.

    Args:
        settings: The configuration, registry included.
        config: Its file, handed to each stage.
        stop: Ends the run.
        demo_arguments: Arguments of the camera server; empty for none.
        cameras: Registry to use instead of the configured one; with a camera server, the file that it will write.
    """
    common = ["--config", str(config), "--data", str(settings.data_dir)]
    if cameras is not None:
        common += ["--cameras", str(cameras)]
    machine: Machine = plan_machine(settings, common, demo_arguments)
    if demo_arguments and cameras is not None:
        cameras.unlink(missing_ok=True)
    elif not demo_arguments and check_start(settings, load_registry(settings), now_ms()) is None:
        log.warning("posts.not_checked", reason="the database does not answer; the alert stage checks them")
    database = open_database(settings)

    def stalled() -> Mapping[str, str]:
        return stalled_instances(database)

    run_machine(
        settings,
        machine,
        stop,
        prepare=lambda until: prepare(settings, until),
        cameras_ready=lambda: cameras is not None and cameras.exists(),
        stalled=stalled,
    )
