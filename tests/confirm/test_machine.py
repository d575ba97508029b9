import pytest

from pipeline.confirm.event import incident_id
from pipeline.confirm.machine import adopt, new_city, step, tick
from pipeline.ops.sections import KindRule, Schedule
from tests.confirm.world import BOX, MODEL, RULE, T0, camera, fire, quiet, reasons, rulebook, run, seen


def states(incidents):
    return [(i.kind, i.state) for i in incidents]


def test_a_fire_opens_once_is_updated_and_closes():
    incidents, _ = run([*quiet(0, 10), *fire(10, 25), *quiet(35, 40)])
    assert [i.state for i in incidents] == ["opened", "updated", "updated", "closed"]
    assert len({i.id for i in incidents}) == 1
    assert [i.revision for i in incidents] == [0, 1, 2, 3]
    opened, closed = incidents[0], incidents[-1]
    assert opened.id == incident_id("a", "fire", opened.opened_ms)
    assert (opened.first_seen_ms, opened.opened_ms) == (T0 + 10_000, T0 + 12_000)
    assert opened.trace == f"a-{T0 + 12_000}"
    assert opened.kelurahan == "31.71.01.1001"
    assert opened.model == MODEL
    assert opened.frame is not None
    assert opened.boxes[0].label == "fire"
    assert closed.closed_ms == T0 + 34_000 + 30_000
    assert "quiet" in closed.reasons
    assert any(reason.startswith("frames:3") for reason in opened.reasons)


def test_a_fire_that_goes_on_stays_one_incident_by_hysteresis():
    incidents, _ = run([*fire(0, 5), *fire(5, 100, score=0.3)])
    assert {i.state for i in incidents} == {"opened", "updated"}


def test_two_frames_are_not_enough_and_the_reason_is_counted():
    incidents, outcomes = run([*fire(0, 2), *quiet(2, 20)])
    assert incidents == []
    assert reasons(outcomes) == [("fire", "too_few_frames")]


def test_what_comes_back_within_the_cooldown_is_the_same_incident():
    incidents, _ = run([*fire(0, 5), *quiet(5, 60), *fire(65, 5), *quiet(70, 300, 1.0)])
    assert [i.state for i in incidents] == ["opened", "closed", "updated", "closed"]
    assert len({i.id for i in incidents}) == 1
    assert "reopened" in incidents[2].reasons
    assert incidents[3].closed_ms == T0 + 69_000 + 30_000


def test_after_the_cooldown_it_is_another():
    incidents, _ = run([*fire(0, 5), *quiet(5, 200), *fire(205, 5)])
    assert [i.state for i in incidents] == ["opened", "closed", "opened"]
    assert len({i.id for i in incidents}) == 2


def test_cameras_of_one_place_are_witnesses_of_one_incident():
    both = sorted([*fire(0, 20, camera="a"), *fire(3.5, 20, camera="b")], key=lambda o: o.captured_ms)
    rest = sorted([*quiet(24, 60, camera="a"), *quiet(24.5, 60, camera="b")], key=lambda o: o.captured_ms)
    incidents, _ = run([*both, *rest])
    assert len({i.id for i in incidents}) == 1
    assert [w.camera for w in incidents[-1].witnesses] == ["a", "b"]
    assert "joined:b" in incidents[-1].reasons
    assert incidents[-1].state == "closed"
    assert incidents[-1].closed_ms == T0 + 22_500 + 30_000, "the last of the witnesses decides"


def test_a_neighbour_whose_partition_lags_still_joins_the_closed_incident():
    incidents, _ = run([*fire(0, 20), *quiet(20, 60), *fire(3.5, 20, camera="b"), *quiet(23.5, 60, camera="b")])
    assert len({i.id for i in incidents}) == 1
    assert [i.state for i in incidents] == ["opened", "updated", "closed", "updated", "closed"]
    assert [w.camera for w in incidents[-1].witnesses] == ["a", "b"]


def test_a_camera_elsewhere_is_another_incident():
    both = sorted([*fire(0, 5, camera="a"), *fire(0.5, 5, camera="c")], key=lambda o: o.captured_ms)
    assert len({i.id for i in run(both)[0]}) == 2


def test_a_neighbour_that_sees_it_long_after_is_another_incident():
    book = rulebook(merge_window_s=10)
    incidents, _ = run([*fire(0, 5), *quiet(5, 60), *fire(90, 5, camera="b")], new_city(book))
    assert len({i.id for i in incidents}) == 2


def test_smoke_with_a_fire_is_not_a_second_alarm():
    burning = [seen(i, boxes=[("fire", 0.8, (0.4, 0.4, 0.5 + 0.02 * (i % 3), 0.5))]) for i in range(5)]
    both = [seen(5 + i, {"fire": 0.8, "smoke": 0.8}) for i in range(10)]
    incidents, _ = run([*burning, *both])
    assert states(incidents) == [("fire", "opened"), ("fire", "updated")]
    assert "smoke_with_fire" in incidents[-1].reasons
    assert incidents[-1].witnesses[0].kinds == ("fire", "smoke")


def test_smoke_that_becomes_fire_is_upgraded_in_place():
    smoking = [seen(i, {"smoke": 0.9}) for i in range(5)]
    incidents, _ = run([*smoking, *fire(5, 8, 0.7), *quiet(13, 40)])
    assert states(incidents) == [("smoke", "opened"), ("fire", "updated"), ("fire", "closed")]
    assert len({i.id for i in incidents}) == 1
    assert "upgraded_to_fire" in incidents[1].reasons
    assert incidents[1].score == pytest.approx(0.7), "the score is of the fire"
    assert incidents[1].boxes[0].label == "fire"


def test_a_lamp_needs_more_than_a_flame():
    lamp = [seen(0.5 * i, {"fire": 0.62}) for i in range(5)]
    assert states(run(lamp)[0]) == [("fire", "opened")]
    book = rulebook(kinds={"fire": RULE.model_copy(update={"rigid_factor": 2})})
    incidents, outcomes = run([*lamp, *quiet(3, 20)], new_city(book))
    assert incidents == []
    assert reasons(outcomes) == [("fire", "rigid")]
    assert states(run(fire(0, 5, 0.62, 0.5), new_city(book))[0]) == [("fire", "opened")]


def test_masked_boxes_do_not_speak_and_smoke_over_all_does():
    mask = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
    city = new_city(rulebook([camera("a", masks=(mask,))]))
    incidents, outcomes = run(fire(0, 5), city)
    assert incidents == []
    assert reasons(outcomes) == [("fire", "masked")] * 5, "each box that would have agreed is counted"
    whole = [seen(10 + i, boxes=[("smoke", 0.9, (0.0, 0.0, 1.0, 1.0))]) for i in range(4)]
    assert states(run(whole, city)[0]) == [("smoke", "opened")]


def test_a_model_without_boxes_speaks_of_the_whole_picture():
    incidents, _ = run([seen(i, {"smoke": 0.9}, boxes=[]) for i in range(4)])
    assert incidents[0].boxes[0].box == (0, 0, 1, 1)


def test_quiet_hours_hold_back_and_say_so():
    always = Schedule(kind="fire", start="00:00", end="00:00", reason="test")
    incidents, outcomes = run([*fire(0, 5), *quiet(5, 20)], new_city(rulebook(quiet=(always,))))
    assert incidents == []
    assert reasons(outcomes) == [("fire", "quiet_hours")]
    assert not any(outcome.requests for outcome in outcomes[3:])


@pytest.mark.parametrize(
    ("observation", "reason"),
    [
        (seen(0, camera="nobody"), ("*", "unknown_camera")),
        (seen(0, {"flood": 0.9}), ("flood", "kind_disabled")),
        (seen(0, {"fire": 0.9}, quality=0.1), ("*", "poor_quality")),
    ],
)
def test_what_is_not_evidence_has_a_reason(observation, reason):
    book = rulebook(
        [camera("a", kinds=("fire",))], min_quality=0.2, kinds={"fire": RULE, "flood": KindRule(), "smoke": RULE}
    )
    assert reasons(run([observation], new_city(book))[1]) == [reason]


def test_duplicates_late_ones_and_broken_clocks():
    city = new_city(rulebook())
    run(fire(100, 2), city)
    assert reasons(run(fire(100, 2), city)[1]) == [("*", "duplicate")] * 2
    assert reasons(run([seen(50, {"fire": 0.9})], city)[1]) == [("*", "late")]
    ahead = seen(10_000, {"fire": 0.9})
    assert step(city, ahead, T0).reasons == [("*", "from_future")]
    assert step(city, ahead, ahead.captured_ms).reasons == []
    incidents, outcomes = run(fire(120, 4), city)
    assert states(incidents) == [("fire", "opened")], "a clock that was set back begins a new time line"
    assert reasons(outcomes) == []


def test_an_observation_that_comes_late_but_in_time_is_put_in_its_place():
    frames = fire(0, 5)
    incidents, _ = run([frames[0], frames[2], frames[1], frames[3]])
    assert states(incidents) == [("fire", "opened")]


def test_a_second_model_that_does_not_know_the_kind_does_not_speak_against_it():
    other = MODEL.model_copy(update={"name": "flood"})
    frames = []
    for observation in fire(0, 4):
        frames += [observation, observation.model_copy(update={"model": other, "scores": {"flood": 0.0}, "boxes": ()})]
    assert states(run(frames)[0]) == [("fire", "opened")]


def test_a_candidate_asks_for_a_burst_within_its_bounds():
    _, outcomes = run([*fire(0, 2), *quiet(2, 10), *fire(12, 2), *quiet(14, 10), *fire(24, 2)])
    asked = [request for outcome in outcomes for request in outcome.requests]
    assert [request.at_ms for request in asked] == [T0, T0 + 24_000]
    assert asked[0].reason == "verify fire"
    _, outcomes = run(fire(0, 2), new_city(rulebook(bursts_per_minute=0)))
    assert ("fire", "burst_budget") in reasons(outcomes)
    _, outcomes = run([o.model_copy(update={"cause": "burst"}) for o in fire(0, 2)])
    assert not any(outcome.requests for outcome in outcomes)


def test_a_silent_camera_closes_by_the_time_of_the_others():
    city = new_city(rulebook())
    run(fire(0, 10), city)
    run(quiet(10, 45, camera="c"), city)
    assert tick(city, T0 + 54_000).incidents == []
    run(quiet(55, 10, camera="c"), city)
    closed = tick(city, T0 + 64_000).incidents
    assert states(closed) == [("fire", "closed")]
    assert closed[0].closed_ms == T0 + 9_000 + 30_000
    assert "camera_silent" in closed[0].reasons
    assert tick(city, T0 + 64_000).incidents == []


def test_when_all_are_silent_incidents_stay_open_longer():
    city = new_city(rulebook())
    run(fire(0, 10), city)
    assert tick(city, T0 + 200_000).incidents == []
    assert states(tick(city, T0 + 400_000).incidents) == [("fire", "closed")]


def test_one_witness_quiet_and_one_silent_closes():
    city = new_city(rulebook())
    run(sorted([*fire(0, 10, camera="a"), *fire(0.5, 10, camera="b")], key=lambda o: o.captured_ms), city)
    incidents, _ = run(quiet(10, 90, camera="a"), city)
    assert incidents == []
    assert states(tick(city, T0 + 99_000).incidents) == [("fire", "closed")]


def test_what_is_always_there_is_held_back():
    city = new_city(rulebook(memory_after_s=100, kinds={"fire": RULE.model_copy(update={"min_evidence": 50})}))
    lamp = [seen(i, {"fire": 0.6}) for i in range(300)]
    _, outcomes = run(lamp, city)
    assert ("fire", "always_there") in reasons(outcomes[150:])
    assert not city.cameras["a"].tracks[0].window[-1].boxes


def test_an_incident_from_the_bus_goes_on():
    incidents, _ = run(fire(0, 5))
    city = new_city(rulebook())
    adopt(city, incidents[-1])
    later, _ = run([*fire(5, 20), *quiet(25, 40)], city)
    assert {i.id for i in later} == {incidents[0].id}
    assert [i.state for i in later] == ["updated", "updated", "closed"]
    assert later[0].revision == 1
    assert later[0].reasons == incidents[0].reasons


def test_a_closed_incident_from_the_bus_is_not_opened_by_what_it_was_made_of():
    observations = [*fire(0, 5), *quiet(5, 40)]
    incidents, _ = run(observations)
    city = new_city(rulebook())
    adopt(city, incidents[-1])
    again, outcomes = run(observations, city)
    assert again == []
    assert reasons(outcomes) == [("fire", "already_applied")]


def test_an_incident_of_a_camera_that_is_gone_is_closed_as_silent():
    incidents, _ = run(fire(0, 5))
    city = new_city(rulebook([camera("c")]))
    adopt(city, incidents[-1])
    run(quiet(5, 100, camera="c"), city)
    assert states(tick(city, T0 + 105_000).incidents) == [("fire", "closed")]


def test_an_incident_without_witnesses_is_understood():
    incidents, _ = run(fire(0, 5))
    city = new_city(rulebook())
    adopt(city, incidents[-1].model_copy(update={"witnesses": ()}))
    later, _ = run(quiet(5, 60), city)
    assert states(later) == [("fire", "closed")]


def test_boxes_of_a_record_are_bounded():
    many = [("fire", 0.9, (0.01 * i, 0.4, 0.01 * i + 0.3, 0.6)) for i in range(60)]
    incidents, _ = run([seen(i, boxes=many) for i in range(4)])
    assert len(incidents[0].boxes) <= 16
    assert BOX
