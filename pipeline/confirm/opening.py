"""Opening: a confirmed window opens an event, joins the one that it belongs to, or asks for a closer look."""

from pipeline.bus.records import Observation, Request, Water
from pipeline.confirm.camera import Track, Watched
from pipeline.confirm.event import Event, incident_id
from pipeline.confirm.evidence import Verdict
from pipeline.confirm.rules import outranks
from pipeline.confirm.state import City, Outcome
from pipeline.confirm.verify import Behaviour
from pipeline.confirm.wade import water_of
from pipeline.ops.sections import Kind

MINUTE_MS = 60_000


def ask_burst(city: City, watched: Watched, track: Track, observation: Observation, outcome: Outcome) -> None:
    """Ask the grabber for a burst of a candidate, within the bounds per camera and city."""
    ms, section = observation.captured_ms, city.book.section
    if observation.cause == "burst" or ms - watched.asked_ms < section.burst_every_s * 1000:
        return
    while city.asked and ms - city.asked[0] > MINUTE_MS:
        city.asked.popleft()
    if len(city.asked) >= section.bursts_per_minute:
        outcome.reasons.append((track.rule.kind, "burst_budget"))
        return
    watched.asked_ms = ms
    city.asked.append(ms)
    outcome.requests.append(
        Request(
            camera=observation.camera,
            trace=observation.trace,
            at_ms=ms,
            kind="burst",
            reason=f"verify {track.rule.kind}",
        )
    )


def confirm(
    city: City,
    track: Track,
    observation: Observation,
    verdict: Verdict,
    shape: Behaviour,
    now_ms: int,
    outcome: Outcome,
) -> None:
    """Open an event on a confirmed window, or take its camera and kind into the event that it belongs to.

    It opens at the newest frame of the window: pictures of a burst may come after pictures that were taken later.
    """
    rule, camera, ms = track.rule, observation.camera, track.window[-1].ms
    event = city.board.find(camera, city.book.siblings(camera), rule.kind, verdict.first_ms, ms, rule.cooldown_ms)
    if event is not None and _was_applied(event, camera, rule.kind, ms):
        track.said = "already_applied"
        return
    track.said = ""
    if event is None:
        event = _open(city, track, observation, verdict)
        codes: tuple[str, ...] = (*_figures(verdict), *(shape.reasons() if rule.rigid_factor > 1 else ()))
        event.water = water_of(track.window)
        codes += _wet(event.water)
    else:
        codes = _join(city, track, event, camera, verdict, ms)
    track.event = event
    for sight in track.window:
        if sight.ms >= verdict.first_ms:
            event.see(camera, rule.kind, sight)
    if codes:
        event.explain(*codes)
        event.updated_ms = max(event.updated_ms, ms)
        outcome.incidents.append(event.record("updated" if event.revision >= 0 else "opened", now_ms))


def _was_applied(event: Event, camera: str, kind: Kind, ms: int) -> bool:
    """Say whether an event took this in before it closed; a witness that comes late from its partition is new."""
    seen = event.seen.get(camera)
    return event.closed_ms is not None and ms <= event.closed_ms and seen is not None and kind in seen.last


def _open(city: City, track: Track, observation: Observation, verdict: Verdict) -> Event:
    """Make the event that a confirmed window opens."""
    camera, kind, ms = observation.camera, track.rule.kind, track.window[-1].ms
    rules = city.book.of(camera)
    event = Event(
        id=incident_id(camera, kind, ms),
        kind=kind,
        camera=camera,
        kelurahan=rules.kelurahan if rules else "",
        trace=observation.trace,
        model=observation.model,
        first_seen_ms=verdict.first_ms,
        opened_ms=ms,
        updated_ms=ms,
    )
    event.admit(camera, kind, verdict.first_ms, ms)
    city.board.add(event)
    return event


def _join(city: City, track: Track, event: Event, camera: str, verdict: Verdict, ms: int) -> tuple[str, ...]:
    """Take a camera and kind into an event; return what is new about it, nothing when all was known."""
    kind, codes = track.rule.kind, []
    if event.closed_ms is not None:
        event.closed_ms = None
        city.board.moved(event)
        codes.append("reopened")
        for other in city.tracks(event):
            other.event = other.event or event
    new_camera, new_kind = event.admit(camera, kind, verdict.first_ms, ms)
    if new_camera:
        city.board.witness(event, camera)
        codes.append(f"joined:{camera}")
    if outranks(kind, event.kind):
        codes.append(f"upgraded_to_{kind}")
        event.upgrade(kind)
    elif new_kind and kind != event.kind:
        codes.append(f"{kind}_with_{event.kind}")
    return tuple(codes)


def _wet(water: Water | None) -> tuple[str, ...]:
    """Return what is known of the water as reasons."""
    if water is None:
        return ()
    gauge = () if water.level_cm is None else (f"level_cm:{water.level_cm:.0f}", f"siaga:{water.siaga}")
    return (*gauge, f"water_share:{water.share:.2f}", f"water_rise:{water.rise:+.3f}", f"depth:{water.depth}")


def _figures(verdict: Verdict) -> tuple[str, ...]:
    """Return the figures of a verdict as reasons, `code:value`."""
    return (
        f"frames:{verdict.frames}",
        f"span_s:{verdict.span_ms / 1000:.1f}",
        f"evidence:{verdict.evidence:.1f}",
        f"agreement:{verdict.ratio:.2f}",
    )
