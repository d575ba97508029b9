"""The timeline of an incident as sentences, and the reasons of the rules in words: pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pipeline.desk.i18n import mark
from pipeline.desk.words import DECISION_WORDS, FALSE_REASONS
from pipeline.store.timeline import Event

Translate = Callable[..., str]


@dataclass(frozen=True)
class Line:
    """A text of the catalogue and what fills it; `at_ms` is epoch ms, 0 where time means nothing."""

    text: str
    values: Mapping[str, object] = field(default_factory=dict)
    at_ms: int = 0


PLAIN: Final[dict[str, str]] = mark(
    {
        "opened": "Kejadian dipastikan",
        "updated": "Masih terlihat",
        "closed": "Tidak terlihat lagi",
        "reopened": "Terlihat lagi",
        "witness": "Juga terlihat di {camera}",
        "undelivered": "Kabar ke {target} tidak sampai: {reason}",
        "resent": "Kabar ke {target} dikirim ulang oleh {actor}",
        "evidence_failed": "Bukti dari {camera} gagal disimpan: {reason}",
        "delivered": "Kabar sampai di {target}",
    }
)
EVIDENCE: Final[dict[str, str]] = mark(
    {
        "still": "Gambar dari {camera} disimpan",
        "clip": "Klip dari {camera} disimpan",
    }
)
UNKNOWN: Final = mark("{what}")
SEEN: Final = mark("Pertama terlihat oleh {camera}")
ALERTED: Final = mark("Kabar pertama dikirim ke posko")
DECIDED: Final = mark("{decision} oleh {actor}")
DECIDED_WHY: Final = mark("{decision} ({reason}) oleh {actor}")
TAKEN_BACK: Final = mark("Keputusan dibatalkan oleh {actor}")
REASONS: Final[dict[str, str]] = mark(
    {
        "flicker": "Luasnya berkedip sebesar {value}",
        "growth": "Membesar atau mengecil sebesar {value}",
        "wander": "Bergeser sebesar {value}",
        "frames": "Terlihat pada {value} bingkai",
        "span_s": "Terlihat selama {value} detik",
        "span": "Terlihat selama {value} detik",
        "ratio": "Bagian bingkai yang sependapat: {value}",
        "evidence": "Bukti terkumpul: {value}",
        "score": "Skor tertinggi: {value}",
        "kind": "Jenis: {value}",
        "witness": "Saksi lain: {value}",
        "merged": "Digabung dengan {value}",
    }
)


def reason_line(reason: str) -> Line:
    """Return a reason of the rules (`code:value`) in words; an unknown code is shown as it is."""
    code, _, value = reason.partition(":")
    text = REASONS.get(code)
    return Line(text, {"value": value}) if text and value else Line(UNKNOWN, {"what": reason})


def event_line(event: Event, names: Mapping[str, str], t: Translate) -> Line:
    """Return one line of the timeline.

    Args:
        event: As stored.
        names: Camera names by id.
        t: Translates the words inside the sentence.
    """
    detail = {key: value for key, value in event.detail.items() if isinstance(value, str | int | float)}
    camera = str(detail.get("camera", ""))
    values: dict[str, object] = {"reason": "", "target": "", **detail, "camera": names.get(camera, camera)}
    values["actor"] = event.actor
    if event.what == "decided":
        return _decided(event, values, t)
    if event.what == "evidence":
        text = EVIDENCE.get(str(detail.get("kind")), UNKNOWN)
    else:
        text = PLAIN.get(event.what, UNKNOWN)
    return Line(text, {**values, "what": event.what.replace("_", " ")}, event.at_ms)


def _decided(event: Event, values: Mapping[str, object], t: Translate) -> Line:
    """Return the line of a decision; the note of a false alarm is one of the reasons of words.py."""
    decision = str(event.detail.get("to", ""))
    if event.detail.get("note") == "undo":
        return Line(TAKEN_BACK, values, event.at_ms)
    shown = {**values, "decision": t(DECISION_WORDS.get(decision, UNKNOWN), what=decision)}
    why = FALSE_REASONS.get(str(event.detail.get("note", "")))
    if decision == "false_alarm" and why:
        return Line(DECIDED_WHY, {**shown, "reason": t(why)}, event.at_ms)
    return Line(DECIDED, shown, event.at_ms)


def timeline(
    events: Sequence[Event],
    camera: str,
    first_seen_ms: int,
    alerted_ms: int | None,
    names: Mapping[str, str],
    t: Translate,
) -> list[Line]:
    """Return everything that happened to an incident, oldest first.

    That it was seen and that the first notice went out are columns of the incident, not events: they are put in.
    Updates that say nothing new are left out, since there is one every few seconds.
    """
    lines = [Line(SEEN, {"camera": names.get(camera, camera)}, first_seen_ms)]
    if alerted_ms is not None:
        lines.append(Line(ALERTED, {}, alerted_ms))
    lines += [event_line(event, names, t) for event in events if event.what != "updated"]
    return sorted(lines, key=lambda line: line.at_ms)
