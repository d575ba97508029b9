"""Replays: the same rules give the same incidents to the byte; other rules are compared with what was raised."""

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from pipeline.bus.records import Incident, encode
from pipeline.cli import app
from pipeline.confirm.machine import new_city, step
from pipeline.confirm.rules import Rulebook
from pipeline.ops.settings import Settings
from pipeline.store.database import open_database
from pipeline.store.incidents import apply_incident, decide
from pipeline.store.tuning_tables import ReplayRow
from pipeline.tune.compare import Raised, compare, raised_of, sums
from pipeline.tune.replay import replay, revisions
from pipeline.tune.truth import truth_of
from tests.confirm.world import T0, camera, fire, quiet
from tests.tune.replaying import REGISTRY, archive, configured

LIVE = Settings()


def by_the_line(observations, settings=LIVE) -> list[Incident]:
    """What the confirm stage publishes of these observations."""
    city, found, newest = new_city(Rulebook(settings, REGISTRY)), [], 0
    for one in observations:
        newest = max(newest, one.captured_ms)
        found += step(city, one, newest).incidents
    return found


def test_the_same_rules_give_the_same_bytes() -> None:
    seen = [*quiet(0, 20), *fire(20, 30, 0.9), *quiet(50, 60), *fire(400, 8, 0.7), *quiet(410, 60)]
    live = [encode(one) for one in by_the_line(seen)]
    assert len(live) > 5
    again = [encode(one) for one in revisions(LIVE, REGISTRY, map(encode, seen))]
    assert again == live


def test_what_cannot_be_read_is_counted_and_stops_nothing() -> None:
    said = replay(LIVE, REGISTRY, [b"{", *map(encode, fire(0, 10, 0.9)), b""])
    assert (said.unreadable, said.observations, len(said.incidents)) == (2, 10, 1)


def raised(id_: str, opened: int, ended: int, *cameras: str, kind="fire") -> Raised:
    return Raised(id_, kind, frozenset(cameras or ("a",)), opened, ended, 0.9)


def test_each_incident_has_one_fate() -> None:
    before = [raised("1", 1000, 5000), raised("2", 900_000, 950_000), raised("3", 2_000_000, 2_100_000, "b")]
    after = [raised("1", 1000, 5000), raised("x", 905_000, 950_000), raised("y", 3_000_000, 3_100_000)]
    changes = compare(before, after)
    assert [(one.fate, one.by_ms) for one in changes] == [("same", 0), ("later", 5000), ("not_raised", 0), ("new", 0)]
    assert sums(changes)["later"] == {"unknown": 1}


def test_smoke_that_became_fire_is_the_same_event_and_another_camera_is_not() -> None:
    (change,) = compare([raised("1", 1000, 9000, kind="smoke")], [raised("2", 500, 9000, kind="fire")])
    assert (change.fate, change.by_ms) == ("earlier", -500)
    assert {one.fate for one in compare([raised("1", 0, 9)], [raised("2", 0, 9, "b")])} == {"not_raised", "new"}


SPANS = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**5), st.sampled_from("ab")), max_size=12)


@given(SPANS, SPANS)
def test_nothing_is_lost_or_counted_twice(one: list, other: list) -> None:
    before = [raised(f"b{n}", start, start + length, name) for n, (start, length, name) in enumerate(one)]
    after = [raised(f"a{n}", start, start + length, name) for n, (start, length, name) in enumerate(other)]
    changes = compare(before, after)
    assert sorted(c.before.id for c in changes if c.before) == sorted(r.id for r in before)
    assert sorted(c.after.id for c in changes if c.after) == sorted(r.id for r in after)
    assert sum(sum(counts.values()) for counts in sums(changes).values()) == len(changes)


def test_reviewers_come_before_decisions_and_do_not_agree_by_half() -> None:
    assert truth_of(["true", "true", "false"], "false_alarm") == "true"
    assert truth_of(["true", "false"], "done") == "unsure"
    assert truth_of([], "false_alarm") == "false"
    assert truth_of([], "waiting") == "unknown"
    assert truth_of(["unsure"], "done") == "unsure"


def test_the_command_compares_and_keeps(tmp_path: Path) -> None:
    config = configured(tmp_path)
    seen = [*quiet(0, 20), *fire(20, 30, 0.6), *quiet(50, 60)]
    archive(tmp_path / "data" / "archive", seen)
    live = {one.id: one for one in by_the_line(seen)}
    (incident,) = live.values()
    settings = Settings(data_dir=tmp_path / "data")
    database = open_database(settings)
    database.migrate()
    with database.session() as session:
        apply_incident(session, incident, T0)
        decide(session, incident.id, "false_alarm", expected="waiting", actor="piket", at_ms=T0, reason="lampu")
    strict = tmp_path / "what_if.yaml"
    strict.write_text(config.read_text() + "confirm:\n  kinds:\n    fire: {threshold: 0.95, min_evidence: 9}\n")
    told = CliRunner().invoke(
        app,
        ["replay", "--from", "2025-10-09T15:53", "--to", "2025-10-09T16:00", "--config", str(strict), "--live",
         str(config), "--data", str(tmp_path / "data"), "--json"],
    )  # fmt: skip
    assert told.exit_code == 0, told.output
    document = json.loads(told.stdout)
    assert document["sums"]["not_raised"] == {"false": 1}
    assert document["observations"] == len(seen)
    with database.reading() as session:
        row = session.get_one(ReplayRow, document["id"])
        assert row.result["sums"] == document["sums"]
        assert row.rules["kinds"]["fire"]["threshold"] == 0.95
    database.close()


def test_raised_of_keeps_witnesses() -> None:
    (incident,) = {one.id: one for one in by_the_line(fire(0, 10, 0.9))}.values()
    assert raised_of(incident, T0 + 10**6).cameras == {"a"}
    assert raised_of(incident, T0 + 10**6).ended_ms == T0 + 10**6
    assert camera("a").id in raised_of(incident, 0).cameras


def test_a_bad_question_is_one_clear_error(tmp_path: Path) -> None:
    config = configured(tmp_path)

    def said(*more: str) -> str:
        told = CliRunner().invoke(app, ["replay", "--live", str(config), "--data", str(tmp_path / "data"), *more])
        assert told.exit_code != 0
        return str(told.exception)

    assert "'later' is no time" in said("--from", "later")
    assert "must lie before" in said("--from", "2025-10-10", "--to", "2025-10-09")
    assert "no such camera" in said("--from", "2025-10-09", "--to", "2025-10-10", "--camera", "nobody")
