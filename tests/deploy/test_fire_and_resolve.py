"""Prometheus and Alertmanager with the shipped files tell a receiver that an alert fires, and that it is over.

Time is scaled, expressions and thresholds are not: every `for:` of the rules becomes 1 s, every range (`[15m]`) 5 s,
scrape and evaluation intervals 1 s, and Alertmanager's group interval and wait 1 s. `tests/deploy/test_rules.py`
holds the same rules to their true durations with `promtool test rules`.
"""

import contextlib
import json
import os
import queue
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
import yaml
from prometheus_client import CollectorRegistry, start_http_server

from pipeline.alert import metrics
from tests.waiting import wait_for

CONFIGS = Path(__file__).parents[2] / "configs"
RULES = CONFIGS / "prometheus/siaga.rules.yml"
ALERTMANAGER = CONFIGS / "alertmanager/alertmanager.yml"
GAUGES = (metrics.POSTS_UNREACHABLE, metrics.UNACCEPTED, metrics.WAITING, metrics.OLDEST)
OUTSIDE = 60


def tool(name: str) -> str:
    """Return the path of a program of Debian's packages; skip (or fail where everything must run) without it."""
    found = shutil.which(name)
    if found is None:
        if os.environ.get("SIAGA_REQUIRE_ALL") == "1":
            pytest.fail(f"{name} is not installed")
        pytest.skip(f"{name} is not installed")
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def scaled_rules() -> str:
    """Return the shipped rules with durations of seconds; names, expressions and thresholds stay."""
    document = yaml.safe_load(RULES.read_text())
    for group in document["groups"]:
        for rule in group["rules"]:
            rule["expr"] = re.sub(r"\[\d+[smhd]\]", "[5s]", rule["expr"])
            if "for" in rule:
                rule["for"] = "1s"
    return yaml.safe_dump(document)


def scaled_alertmanager(receiver: str) -> str:
    """Return the shipped Alertmanager file with its receivers at `receiver` and grouping of one second."""
    document = yaml.safe_load(ALERTMANAGER.read_text().replace("http://127.0.0.1:9099", receiver))
    for route in (document["route"], *document["route"]["routes"]):
        route |= {"group_wait": "0s", "group_interval": "1s"}
    return yaml.safe_dump(document)


class Receiver(ThreadingHTTPServer):
    """Keeps what Alertmanager sends: (path, status, alert name, labels) in order."""

    def __init__(self) -> None:
        self.told: queue.Queue[tuple[str, str, str, dict[str, str]]] = queue.Queue()
        super().__init__(("127.0.0.1", 0), _Webhook)

    def wait(self, alert: str, status: str, labels: dict[str, str]) -> str:
        """Return the path of the first message with `status` about `alert` with these labels."""
        deadline, seen = time.monotonic() + OUTSIDE, []
        while True:
            try:
                path, told, name, found = self.told.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                pytest.fail(f"no {status} {alert} {labels} within {OUTSIDE} s; came: {seen}")
            seen.append((told, name, found))
            if (name, told) == (alert, status) and labels.items() <= found.items():
                return path


class _Webhook(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        for alert in body["alerts"]:
            self.server.told.put((self.path, alert["status"], alert["labels"]["alertname"], alert["labels"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing on the test's output."""


@contextlib.contextmanager
def running(command: list[str], log: Path, ready: str) -> Iterator[None]:
    """Run a server until the block ends; entered once `ready` answers 200."""
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)

    def answers() -> bool:
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(ready).status_code == 200
        return False

    try:
        wait_for(answers, timeout=OUTSIDE, what=ready)
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.fixture(scope="module")
def watched(tmp_path_factory) -> Iterator[Receiver]:
    """Both servers around a real /metrics endpoint with the alert stage's own gauges."""
    prometheus, alertmanager = tool("prometheus"), tool("prometheus-alertmanager")
    tmp = tmp_path_factory.mktemp("watched")
    registry = CollectorRegistry()
    for gauge in GAUGES:
        registry.register(gauge)
        for sample in [sample for family in gauge.collect() for sample in family.samples]:
            (gauge.labels(**sample.labels) if sample.labels else gauge).set(0)  # what other tests of this process left
    with contextlib.ExitStack() as stack:
        endpoint, serving = start_http_server(0, "127.0.0.1", registry)
        stack.callback(serving.join)
        stack.callback(endpoint.server_close)
        stack.callback(endpoint.shutdown)
        receiver = stack.enter_context(Receiver())
        threading.Thread(target=receiver.serve_forever, daemon=True).start()
        stack.callback(receiver.shutdown)
        ports = free_port(), free_port()
        (tmp / "alertmanager.yml").write_text(scaled_alertmanager(f"http://127.0.0.1:{receiver.server_port}"))
        (tmp / "siaga.rules.yml").write_text(scaled_rules())
        (tmp / "prometheus.yml").write_text(prometheus_file(endpoint.server_port, ports[1]))
        mine = f"--config.file={tmp}/alertmanager.yml", f"--storage.path={tmp}/am", "--cluster.listen-address="
        address = f"127.0.0.1:{ports[1]}"
        command = [alertmanager, *mine, f"--web.listen-address={address}"]
        stack.enter_context(running(command, tmp / "am.log", f"http://{address}/-/ready"))
        address = f"127.0.0.1:{ports[0]}"
        store = f"--config.file={tmp}/prometheus.yml", f"--storage.tsdb.path={tmp}/tsdb"
        command = [prometheus, *store, f"--web.listen-address={address}", "--rules.alert.resend-delay=1s"]
        stack.enter_context(running(command, tmp / "prometheus.log", f"http://{address}/-/ready"))
        yield receiver


def prometheus_file(metrics_port: int, alertmanager_port: int) -> str:
    """Return the shipped prometheus.yml with this test's ports and intervals of one second."""
    document = yaml.safe_load(RULES.with_name("prometheus.yml").read_text())
    document["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s", "scrape_timeout": "1s"}
    document["scrape_configs"][0]["static_configs"] = [{"targets": [f"127.0.0.1:{metrics_port}"]}]
    document["alerting"]["alertmanagers"][0]["static_configs"] = [{"targets": [f"127.0.0.1:{alertmanager_port}"]}]
    return yaml.safe_dump(document)


CASES = {
    "SiagaPostUnreachable": (metrics.POSTS_UNREACHABLE, 1, {}),
    "SiagaNobodyAccepts": (metrics.UNACCEPTED.labels("2"), 1, {"level": "2"}),
    "SiagaOutboxGrowing": (metrics.WAITING.labels("webhook"), 101, {"channel": "webhook"}),
}


@pytest.mark.parametrize("alert", CASES)
def test_an_alert_reaches_the_receiver_and_is_taken_back(watched, alert):
    gauge, above, labels = CASES[alert]
    gauge.set(above)
    assert watched.wait(alert, "firing", labels) == "/critical"
    gauge.set(0)
    assert watched.wait(alert, "resolved", labels) == "/critical"


def test_an_old_notice_alone_lets_the_outbox_alert_fire(watched):
    gauge, labels = metrics.OLDEST.labels("telegram"), {"channel": "telegram"}
    gauge.set(301)
    watched.wait("SiagaOutboxGrowing", "firing", labels)
    gauge.set(0)
    watched.wait("SiagaOutboxGrowing", "resolved", labels)


def test_alertmanager_accepts_the_example():
    command = [tool("amtool"), "check-config", str(ALERTMANAGER)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
