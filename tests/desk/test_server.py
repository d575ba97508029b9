import socket
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from prometheus_client import REGISTRY

from pipeline.city.registry import Registry
from pipeline.desk.server import run
from pipeline.ops.settings import Settings
from tests.desk.world import Visitor, World
from tests.waiting import wait_for


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_run_serves_prints_the_first_password_once_and_stops(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(data_dir=tmp_path, desk={"port": free_port()})
    url, out = f"http://127.0.0.1:{settings.desk.port}", ""
    for start in range(2):
        stop = threading.Event()
        thread = threading.Thread(target=run, args=(settings, Registry({}, {}), stop))
        thread.start()
        try:
            wait_for(lambda: _answers(url), 30, what="the desk")
            out = capsys.readouterr().out
            if start == 0:
                password = out.split("admin / ")[1].split()[0]
                assert Visitor(url).sign_in("admin", password).headers["location"] == "/"
        finally:
            stop.set()
            thread.join(20)
        assert not thread.is_alive()
    assert "admin /" not in out


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz").status_code in (200, 503)
    except httpx.HTTPError:
        return False


def test_a_port_that_is_taken_is_an_error(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        settings = Settings(data_dir=tmp_path, desk={"port": other.getsockname()[1]})
        with pytest.raises(OSError, match="cannot be listened on"):
            run(settings, Registry({}, {}), threading.Event())


def count(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_requests_are_counted_by_route_and_decisions_by_outcome(world: World, visit: Callable[[str], Visitor]) -> None:
    record = world.raise_incident()
    labels = {"route": "/kejadian/{incident_id}", "method": "GET", "status": "200"}
    before = count("siaga_desk_requests_total", **labels)
    decided = count("siaga_desk_decisions_total", decision="accepted", outcome="ok")
    visitor = visit("piket_gambir")
    visitor.get(f"/kejadian/{record.id}")
    visitor.submit(f"/kejadian/{record.id}/putusan", decision="accepted", expected="waiting")
    assert count("siaga_desk_requests_total", **labels) == before + 1
    assert count("siaga_desk_decisions_total", decision="accepted", outcome="ok") == decided + 1


def test_a_store_that_is_away_is_said_in_words(world: World, visit: Callable[[str], Visitor]) -> None:
    visitor = visit("piket_gambir")
    with world.database.session() as session:
        session.connection().exec_driver_sql("alter table incidents rename to away")
    answer = visitor.get("/")
    assert answer.status_code == 503
    assert "Basis data tidak menjawab" in answer.text
    assert "away" not in answer.text
    assert httpx.get(f"{visitor.base_url}/healthz").status_code in (200, 503)


def test_a_gate_without_its_store_lets_nobody_in(world: World, visit: Callable[[str], Visitor]) -> None:
    visitor = visit("piket_gambir")
    with world.database.session() as session:
        session.connection().exec_driver_sql("alter table sessions rename to away")
    answer = visitor.get("/")
    assert answer.status_code == 503
    assert "Basis data tidak menjawab" in answer.text
