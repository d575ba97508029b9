"""The pure rules: revisions, decisions, areas."""

from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from pipeline.bus.records import Witness
from pipeline.store.areas import covers
from pipeline.store.decisions import FOLLOWS, refuse
from pipeline.store.revisions import Known, cameras_of, judge
from pipeline.store.tables import Decision
from tests.store.making import T0, incident

DECISIONS: tuple[Decision, ...] = get_args(Decision)
states = st.sampled_from(["opened", "updated", "closed"])
revisions = st.integers(0, 20)
cameras = st.lists(st.sampled_from(["cam-1", "cam-2", "cam-3"]), max_size=4)


def witness(camera: str) -> Witness:
    return Witness(camera=camera, first_seen_ms=T0, score=0.5)


@given(states, revisions, cameras)
def test_the_first_record_opens_whatever_it_says(state: str, revision: int, seen: list[str]) -> None:
    record = incident(state=state, revision=revision, witnesses=[witness(camera) for camera in seen])
    change = judge(None, record)
    assert change.effect == "opened"
    assert change.joined == cameras_of(record)
    assert change.joined[0] == record.camera
    assert len(set(change.joined)) == len(change.joined)


@given(states, states, revisions, revisions, cameras)
def test_only_a_higher_revision_changes_anything(
    before: str, state: str, known: int, revision: int, seen: list[str]
) -> None:
    record = incident(state=state, revision=revision, witnesses=[witness(camera) for camera in seen])
    change = judge(Known(known, before, frozenset({"cam-1"})), record)  # type: ignore[arg-type]
    assert change.applied == (revision > known)
    assert change.reason
    if change.applied:
        wanted = "closed" if state == "closed" else "reopened" if before == "closed" else "updated"
        assert change.effect == wanted
        assert set(change.joined) == set(seen) - {"cam-1"}


@given(st.sampled_from(DECISIONS), st.sampled_from(DECISIONS), st.sampled_from(DECISIONS))
def test_nothing_is_overwritten(current: Decision, expected: Decision, wanted: Decision) -> None:
    refused = refuse(current, expected, wanted)
    assert (refused == "decided_meanwhile") == (current != expected)
    assert (refused == "already_so") == (current == expected == wanted)
    assert set(FOLLOWS[current]) == set(DECISIONS) - {current}


parts = st.lists(st.sampled_from(["31", "71", "01", "1001", "1"]), min_size=1, max_size=4).map(".".join)


@given(parts, parts)
def test_an_area_holds_whole_parts(area: str, code: str) -> None:
    assert covers(area, code) == (code.split(".")[: len(area.split("."))] == area.split("."))
    assert covers(area + ".", code) == (code.startswith(area + "."))


def test_no_area_holds_nothing() -> None:
    assert not covers("", "31.71.01.1001")
    assert not covers("31.7", "31.71")
