"""The desk against its own OpenAPI, as every role: whatever is sent, within the schema and outside, it never breaks."""

from collections.abc import Callable, Iterator
from typing import Any

import hypothesis
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from schemathesis.core.result import Ok

from pipeline.bus.admin import ensure_topics
from pipeline.desk.gate import COOKIE
from pipeline.desk.identity import csrf_of
from pipeline.ops.sections import BusSection
from tests.brokers import embedded_broker
from tests.desk.walking import ROLES, app_of, examples
from tests.desk.world import Visitor, World

EXAMPLES = 8
"""Requests to each operation by each role: half within the schema, half against it."""


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BusSection]:
    """A bus, so that pages do not wait for one that is away."""
    with embedded_broker(tmp_path_factory.mktemp("bus")) as broker:
        section = BusSection(bootstrap_servers=broker.bootstrap, partitions=3)
        ensure_topics(section)
        yield section


@pytest.fixture
def served(world: World, bus: BusSection) -> Iterator[tuple[World, str]]:
    """Serve a desk with an open incident, its still and a clip."""
    world.settings = world.settings.model_copy(update={"bus": bus})
    world.keep(world.raise_incident(), "clip", b"klip")
    world.raise_incident(2, kind="smoke")
    with world.serve() as url:
        yield world, url


def signed_in(url: str, name: str) -> Callable[[], requests.Session]:
    """Return a way to a session of this person: signed in anew where the last request signed it out."""
    session = requests.Session()

    def renew() -> requests.Session:
        if name and COOKIE not in session.cookies:
            visitor = Visitor(url)
            assert visitor.sign_in(name).status_code == 303
            session.cookies.set(COOKIE, visitor.cookies[COOKIE])
        return session

    return renew


def ask(session: requests.Session, url: str, case: Any) -> requests.Response:
    """Send what was made up; the live stream is only begun."""
    asked = case.as_transport_kwargs(base_url=url)
    asked["cookies"] = {**(asked.get("cookies") or {}), **session.cookies.get_dict()}
    answer = requests.request(**asked, stream=True, allow_redirects=False, timeout=30)
    if "event-stream" not in answer.headers.get("content-type", ""):
        answer.content  # noqa: B018  to the end: a body may break after its head
    answer.close()
    return answer


@pytest.mark.parametrize("name", ["", *ROLES.values()], ids=["signed_out", *ROLES])
@pytest.mark.filterwarnings("ignore:Duplicate Operation ID")
def test_no_request_breaks_the_desk(served: tuple[World, str], name: str) -> None:
    world, url = served
    app = app_of(world)
    renew, known = signed_in(url, name), examples(world.raise_incident(3))
    every = schemathesis.openapi.from_dict(app.openapi()).get_all_operations()
    operations = [found.ok() for found in every if isinstance(found, Ok)]
    assert len(operations) > 35
    seen: dict[int, int] = {}
    for operation in operations:
        modes = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)
        negatable = bool(list(operation.query) or list(operation.path_parameters) or operation.body)
        cases = st.one_of([operation.as_strategy(generation_mode=mode) for mode in modes[: 1 + negatable]])

        @settings(
            max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @hypothesis.given(case=cases, real=st.booleans())
        def sent(case: Any, real: bool) -> None:
            session = renew()
            if real:  # of what there is, so that the request gets further than "not found"
                case.path_parameters = {place: known[place] for place in case.path_parameters or {}}
            if isinstance(case.body, dict):
                case.body["csrf"] = csrf_of(str(session.cookies[COOKIE])) if COOKIE in session.cookies else ""
            answer = ask(session, url, case)
            seen[answer.status_code] = seen.get(answer.status_code, 0) + 1
            if case.operation.path == "/keluar" or "siaga_session" in answer.headers.get("set-cookie", ""):
                session.cookies.clear()
            assert answer.status_code < 500, f"{answer.status_code}: {case.as_curl_command()}"

        sent()
    print(f"{name or 'signed out'}: {seen}")
    assert sum(seen.values()) > 3 * len(operations)
    assert requests.get(f"{url}/healthz", timeout=10).status_code == 200
