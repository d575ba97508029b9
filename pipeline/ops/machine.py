"""Siaga on one machine: which processes, in which order, and what must be true before they start."""

import fcntl
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from pipeline.ops.errors import ConfigError
from pipeline.ops.metrics import clear_metrics_dir, serve_metrics
from pipeline.ops.settings import Settings
from pipeline.ops.supervisor import Program, Supervisor
from pipeline.ops.vitals import DiskCollector, ProcessCollector

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Machine:
    """What `siaga run` starts: the broker (when embedded), a server of cameras (when asked for), the stages."""

    bus: Program | None
    demo: Program | None
    stages: tuple[Program, ...]


def siaga_command(*arguments: str) -> list[str]:
    """Return the command line of one `siaga` process with this Python."""
    return [sys.executable, "-m", "pipeline.cli", *arguments]


def plan_machine(settings: Settings, common: Sequence[str], demo: Sequence[str] = ()) -> Machine:
    """Return the processes of this machine.

    Args:
        settings: Decides on the embedded broker and the number of detectors.
        common: Arguments that every stage gets (configuration, data folder, cameras).
        demo: Arguments of the camera server; empty for none.
    """

    def stage(name: str, instance: str | None = None, *more: str) -> Program:
        return Program(instance or name, siaga_command(name, *common, *more), name)

    detectors = tuple(stage("detect", f"detect-{number}") for number in range(settings.detect.workers))
    # Simulated streets may be shown to anybody: the public view can be seen without a change of configuration.
    desk = stage("desk", None, *(["--public"] if demo and "--videos" not in demo else []))
    archive = (stage("archive"),) if settings.archive.enabled else ()
    return Machine(
        stage("bus") if settings.bus.embedded.enabled else None,
        Program("demo", siaga_command("demo", *demo), "demo") if demo else None,
        (desk, stage("alert"), stage("confirm"), *archive, *detectors, stage("grab")),
    )


def free_port() -> int:
    """Return a port on the loopback address that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(host: str, port: int) -> bool:
    """Say whether somebody accepts connections there."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def first_server(settings: Settings) -> tuple[str, int]:
    """Return host and port of the first broker.

    Raises:
        ConfigError: It is not of the form host:port.
    """
    server = settings.bus.bootstrap_servers.split(",")[0].strip()
    host, _, port = server.rpartition(":")
    if not host or not port.isdigit():
        raise ConfigError(f"bus.bootstrap_servers: {server!r} is not host:port")
    return host, int(port)


@contextmanager
def only_one(data_dir: Path) -> Iterator[None]:
    """Hold the data folder for this machine's run.

    Raises:
        ConfigError: Another run holds it.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / "siaga.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConfigError(f"{data_dir}: another `siaga run` uses this data folder") from None
        yield


def check_ports(settings: Settings) -> None:
    """Refuse to start on a port that something else holds.

    Raises:
        ConfigError: Names the key and the port.
    """
    wanted = [("desk.port", settings.desk.host, settings.desk.port)]
    if settings.bus.embedded.enabled:
        wanted.append(("bus.bootstrap_servers", *first_server(settings)))
    for key, host, port in wanted:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                raise ConfigError(f"{key}: {host}:{port} cannot be used: {error.strerror}") from error


def run_machine(
    settings: Settings,
    machine: Machine,
    stop: threading.Event,
    *,
    prepare: Callable[[threading.Event], None],
    cameras_ready: Callable[[], bool],
    stalled: Callable[[], Mapping[str, str]],
) -> None:
    """Start everything in order, keep it running until `stop`, then end it in reverse order.

    Args:
        settings: Ports, data folder.
        machine: What to start.
        stop: Ends the run.
        prepare: Called once the broker runs: makes topics and database ready; may wait.
        cameras_ready: Says whether the simulated cameras' registry is written.
        stalled: Names programs that live but do not work, with the reason.

    Raises:
        ConfigError: The data folder or a port is taken.
    """
    with only_one(settings.data_dir):
        check_ports(settings)
        metrics_dir = settings.data_path("metrics")
        clear_metrics_dir(metrics_dir)
        supervisor = Supervisor(metrics_dir, stalled=stalled)
        collectors = (DiskCollector(settings.data_dir), ProcessCollector(supervisor.running))
        where = (settings.ops.metrics_host, settings.ops.metrics_port)
        try:
            port, stop_metrics = serve_metrics(*where, metrics_dir, collectors=collectors)
        except OSError as error:
            raise ConfigError(f"ops.metrics_port: {settings.ops.metrics_port}: {error.strerror}") from error
        log.info("machine.metrics", url=f"http://{settings.ops.metrics_host}:{port}/metrics")
        try:
            _start(supervisor, machine, first_server(settings), stop, prepare, cameras_ready)
            supervisor.run(stop)
        except InterruptedError:
            log.info("machine.stopped_while_starting")
        finally:
            supervisor.stop()
            stop_metrics()


def _start(
    supervisor: Supervisor,
    machine: Machine,
    bus: tuple[str, int],
    stop: threading.Event,
    prepare: Callable[[threading.Event], None],
    cameras_ready: Callable[[], bool],
) -> None:
    """Start the broker and the cameras, wait for what the stages need, then start the stages."""
    if machine.demo is not None:
        supervisor.start(machine.demo)
    if machine.bus is not None:
        supervisor.start(machine.bus)
        while not answers(*bus) and not stop.wait(0.1):
            supervisor.tick()
    prepare(stop)
    while machine.demo is not None and not cameras_ready() and not stop.wait(0.1):
        supervisor.tick()
    for program in machine.stages:
        if not stop.is_set():
            supervisor.start(program)
