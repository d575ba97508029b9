"""The state machine: (state, observation, now) -> decisions and reasons, without I/O and without a clock of its own.

For each camera and kind: sights gather in a window (`evidence`), a window that is enough opens an event or joins one
(`opening`), sights above the closing threshold keep it open, and quiet at every witness closes it (`closing`). The
state is changed in place for speed; the same observations in the same order give the same decisions, and after a
restart the windows of the last seconds and the incidents on the bus give the state back (`replay`).
"""

from pipeline.bus.records import Observation
from pipeline.confirm.camera import Track, Watched
from pipeline.confirm.closing import close_quiet, tick
from pipeline.confirm.event import Event
from pipeline.confirm.evidence import Sight, assess
from pipeline.confirm.look import look
from pipeline.confirm.opening import ask_burst, confirm
from pipeline.confirm.state import City, Outcome, adopt, new_city
from pipeline.confirm.verify import behaviour
from pipeline.confirm.wade import wade, water_of

DEPTH_EVERY_MS = 20_000
"""A change of depth is told at most this often, ms."""

__all__ = ["City", "Outcome", "adopt", "new_city", "step", "tick"]


def step(city: City, observation: Observation, now_ms: int, decide: bool = True) -> Outcome:
    """Take in one observation.

    Args:
        city: The state; it is changed in place.
        observation: What a model saw in one frame.
        now_ms: The time to write into decisions, epoch ms.
        decide: False folds the observation into the state without deciding anything (replay of what was decided).
    """
    outcome = Outcome()
    watched = city.watched(observation.camera)
    if watched is None:
        outcome.reasons.append(("*", "unknown_camera"))
        return outcome
    poor = observation.quality < city.book.section.min_quality
    refused = "poor_quality" if poor else watched.admit(observation, now_ms)
    if refused:
        outcome.reasons.append(("*", refused))
        return outcome
    if observation.captured_ms > city.newest_ms:
        city.newest_ms = observation.captured_ms
    for kind in watched.rules.disabled:
        if observation.scores.get(kind, 0.0) >= city.book.section.kinds[kind].threshold:
            outcome.reasons.append((kind, "kind_disabled"))
    events = False
    for track in watched.tracks:
        if _fold(city, watched, track, observation, outcome) and decide:
            _consider(city, watched, track, observation, now_ms, outcome)
        events = events or track.event is not None
    if events and decide:
        close_quiet(city, watched, now_ms, outcome)
    return outcome


def _fold(city: City, watched: Watched, track: Track, observation: Observation, outcome: Outcome) -> bool:
    """Add the observation's sight to a track; say whether there is something to decide.

    An observation that does not speak of the kind counts against it only when it is of the model that does.
    """
    kind, model = track.rule.kind, observation.model.name
    if kind in observation.scores:
        track.model = model
    elif track.model != model:
        return False
    sight, left_out = _sight(city, watched, track, observation)
    for reason in left_out:
        outcome.reasons.append((kind, reason))
    track.add(sight, watched.newest_ms)
    if track.event is not None and sight.score >= track.rule.close_threshold:
        track.event.see(observation.camera, kind, sight)
        return True
    if sight.boxes:
        track.agreed_ms = sight.ms
        return True
    if track.said and sight.ms - track.agreed_ms > track.rule.window_ms:
        outcome.reasons.append((kind, track.said))
        track.said = ""
    return False


def _sight(city: City, watched: Watched, track: Track, observation: Observation) -> tuple[Sight, tuple[str, ...]]:
    """Return what an observation says of a track's kind: of water against the normal street, of all else as it is."""
    if observation.water is None:
        return look(observation, watched.rules, track.rule, city.memory)
    return wade(observation, observation.water, watched.rules, track.rule, city.streets)


def _consider(
    city: City, watched: Watched, track: Track, observation: Observation, now_ms: int, outcome: Outcome
) -> None:
    """Decide on a track whose newest observation speaks for its kind."""
    if track.event is not None:
        _continue(track, track.event, observation, now_ms, outcome)
        return
    verdict, water = assess(track.window, track.rule), water_of(track.window)
    if verdict.reason and water is not None and water.rise >= track.rule.rise_per_minute:
        verdict = assess(track.window, track.rule.rising())
    shape = behaviour(verdict.boxes)
    reason = verdict.reason
    if not reason and shape.rigid and verdict.evidence < track.rule.rigid_factor * track.rule.min_evidence:
        reason = "rigid"
    if not reason and city.book.quiet(track.rule.kind, observation.camera, observation.captured_ms):
        reason = "quiet_hours"
    track.said = reason or track.said
    if reason and reason != "quiet_hours" and water is None:
        ask_burst(city, watched, track, observation, outcome)
    elif not reason:
        confirm(city, track, observation, verdict, shape, now_ms, outcome)


def _continue(track: Track, event: Event, observation: Observation, now_ms: int, outcome: Outcome) -> None:
    """Publish the state of an open event again when it is time to."""
    ms = observation.captured_ms
    water = water_of(track.window)
    deeper = water is not None and event.water is not None and water.depth != event.water.depth
    if ms - event.updated_ms >= (DEPTH_EVERY_MS if deeper else track.rule.update_every_ms):
        event.water = water or event.water
        if deeper and water is not None:
            event.explain(f"depth:{water.depth}")
        event.updated_ms = ms
        outcome.incidents.append(event.record("updated", now_ms))
