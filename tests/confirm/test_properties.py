"""What must hold for every sequence of observations."""

import random
from itertools import pairwise

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from pipeline.confirm.camera import RECENT
from pipeline.confirm.machine import adopt, new_city, step, tick
from tests.confirm.world import rulebook, run, seen

told = settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])

SCORES = st.sampled_from([0.0, 0.1, 0.3, 0.45, 0.55, 0.6, 0.7, 0.8, 0.9, 0.99])
PLACES = st.sampled_from([(0.1, 0.1, 0.2, 0.2), (0.13, 0.1, 0.25, 0.22), (0.7, 0.7, 0.9, 0.9), (0.0, 0.0, 1.0, 1.0)])
GAPS = st.sampled_from([0.125, 0.5, 1.0, 1.0, 2.0, 40.0, 130.0])


@st.composite
def phase(draw):
    """Some seconds in which a camera sees much the same."""
    name = draw(st.sampled_from(["a", "a", "b", "c"]))
    gap, count = draw(GAPS), draw(st.integers(1, 12))
    boxes = draw(st.lists(st.tuples(st.sampled_from(["fire", "smoke"]), SCORES, PLACES), max_size=2))
    return name, gap, count, boxes


@st.composite
def stories(draw):
    """Observations of three cameras, each in order of time, woven together."""
    clocks = {"a": 0.0, "b": 0.3, "c": 0.6}
    told = []
    for name, gap, count, boxes in draw(st.lists(phase(), min_size=1, max_size=14)):
        for i in range(count):
            clocks[name] += gap if i == 0 else min(gap, 2.0)
            wobble = 0.01 * (i % 3)
            moved = [(k, s, (b[0], b[1], min(1.0, b[2] + wobble), b[3])) for k, s, b in boxes]
            told.append(seen(clocks[name], camera=name, boxes=moved))
    return sorted(told, key=lambda observation: (observation.captured_ms, observation.camera))


def final(incidents):
    """What an outside reader of the bus knows at the end: the last revision of each incident."""
    latest = {}
    for incident in incidents:
        latest[incident.id] = incident
    return {
        i.id: (i.kind, i.camera, i.state, i.opened_ms, i.first_seen_ms, i.closed_ms, i.score, i.frame,
               tuple((w.camera, w.first_seen_ms, w.score, frozenset(w.kinds)) for w in i.witnesses))
        for i in latest.values()
    }  # fmt: skip


@told
@given(stories())
def test_the_same_observations_give_the_same_decisions(story):
    assert run(story)[0] == run(story)[0]


@told
@given(stories())
def test_records_are_whole(story):
    incidents, _ = run(story)
    for incident in incidents:
        assert (incident.closed_ms is not None) == (incident.state == "closed")
        assert incident.first_seen_ms <= incident.opened_ms <= incident.updated_ms
        assert incident.witnesses
    by_id = {}
    for incident in incidents:
        by_id.setdefault(incident.id, []).append(incident)
    for revisions in by_id.values():
        assert [r.revision for r in revisions] == list(range(len(revisions)))
        assert [r.state for r in revisions].count("opened") == 1
        assert revisions[0].state == "opened"
        assert all(a.updated_ms <= b.updated_ms for a, b in pairwise(revisions))


@told
@given(stories())
def test_nothing_opens_on_fewer_frames_than_the_rule_asks_for(story):
    incidents, _ = run(story)
    for incident in incidents:
        if incident.state == "opened":
            agreeing = {
                o.captured_ms
                for o in story
                if o.camera == incident.camera
                and incident.first_seen_ms <= o.captured_ms <= incident.opened_ms
                and o.scores[incident.kind] >= 0.5
            }
            assert len(agreeing) >= 2
            if len(agreeing) == 2:
                assert float(next(r for r in incident.reasons if r.startswith("evidence:"))[9:]) >= 6.9


@told
@given(stories(), st.floats(0.01, 0.5))
def test_higher_scores_never_lose_an_incident(story, lift):
    def lifted(observation):
        boxes = tuple(d.model_copy(update={"score": min(1.0, d.score + lift)}) for d in observation.boxes)
        scores = {k: max([b.score for b in boxes if b.label == k], default=s) for k, s in observation.scores.items()}
        return observation.model_copy(update={"boxes": boxes, "scores": scores})

    def cameras(incidents):
        return {w.camera for i in incidents for w in i.witnesses}

    assert cameras(run(story)[0]) <= cameras(run(map(lifted, story))[0])


@told
@given(stories(), st.randoms(use_true_random=False))
def test_duplicates_change_nothing(story, rng):
    doubled = []
    for observation in story:
        doubled.append(observation)
        if rng.random() < 0.4:
            doubled.append(rng.choice(doubled[-20:]))
    assert run(doubled)[0] == run(story)[0]


@told
@given(stories(), st.randoms(use_true_random=False))
def test_cameras_may_overtake_one_another(story, rng):
    """Partitions come in any order against each other: the same events, seen by the same cameras of one place."""
    lanes = {name: [o for o in story if o.camera == name] for name in "abc"}
    woven = []
    while any(lanes.values()):
        woven.append(lanes[rng.choice([name for name, lane in lanes.items() if lane])].pop(0))
    elsewhere = [i for i in run(story)[0] if i.camera == "c"]
    assert [i for i in run(woven)[0] if i.camera == "c"] == elsewhere


def live(city, observation):
    """What the worker does with an observation when it has caught up."""
    now = observation.captured_ms
    return [*step(city, observation, now).incidents, *tick(city, now).incidents]


def replayed(story, kills, rng):
    """Step through a story, killed at the given points: what is published survives, offsets are committed at times."""
    book = rulebook()
    log = []
    committed = position = 0
    city = new_city(book)
    kills = sorted(kills, reverse=True)
    while position < len(story):
        log += live(city, story[position])
        position += 1
        if rng.random() < 0.3:
            committed = position
        if kills and position >= kills[-1]:
            kills.pop()
            city = new_city(book)
            latest = {}
            for incident in log:
                latest[incident.id] = incident
            for incident in sorted(latest.values(), key=lambda i: (i.opened_ms, i.id)):
                adopt(city, type(incident).model_validate_json(incident.model_dump_json(by_alias=True)))
            since = story[max(0, committed - 1)].captured_ms - book.horizon_ms
            for observation in story[:committed]:
                if observation.captured_ms >= since:
                    step(city, observation, observation.captured_ms, decide=False)
            position = committed
    return log


@settings(told, max_examples=150)
@given(stories(), st.lists(st.integers(1, 120), max_size=6), st.randoms(use_true_random=False))
def test_killed_anywhere_it_comes_to_the_same_incidents(story, kills, rng):
    log = replayed(story, kills, rng)
    city = new_city(rulebook())
    assert final(log) == final([incident for observation in story for incident in live(city, observation)])
    opened = [i.id for i in log if i.state == "opened"]
    assert len(opened) == len(set(opened)), "nothing is opened twice"


def test_memory_does_not_grow():
    city = new_city(rulebook())
    rng = random.Random(7)
    for i in range(6000):
        box = (rng.random() * 0.8, rng.random() * 0.8)
        observation = seen(i, camera="abc"[i % 3], boxes=[("fire", rng.random(), (*box, box[0] + 0.1, box[1] + 0.1))])
        step(city, observation, observation.captured_ms)
    assert len(city.cameras) == 3
    assert all(len(track.window) <= 9 for watched in city.cameras.values() for track in watched.tracks)
    assert all(len(watched.keys) <= RECENT for watched in city.cameras.values())
    assert city.memory.count() <= 3 * 2 * 8
    assert len(city.asked) <= 60


@told
@given(stories())
def test_reasons_are_words(story):
    _, outcomes = run(story)
    assume(outcomes)
    for outcome in outcomes:
        for kind, reason in outcome.reasons:
            assert kind in ("*", "fire", "smoke")
            assert reason.isidentifier()
