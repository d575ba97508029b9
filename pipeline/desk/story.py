"""The timeline of an incident as sentences, and the reasons of the rules in words: pure."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pipeline.desk.finding import VERDICT_WORDS
from pipeline.desk.flooding import DEPTH_WORDS
from pipeline.desk.i18n import mark
from pipeline.desk.routed import routed_text
from pipeline.desk.words import AGENCIES, DECISION_WORDS, FALSE_REASONS, KIND_WORDS, decimal
from pipeline.store.timeline import Event


@dataclass(frozen=True)
class Line:
    """A text of the catalogue and what fills it; `at_ms` is epoch ms, 0 where time means nothing."""

    text: str
    values: Mapping[str, object] = field(default_factory=dict)
    at_ms: int = 0


@dataclass(frozen=True)
class Reader:
    """Who reads: their language, how a text is translated for them, and the names of cameras and kelurahan by id."""

    language: str
    t: Callable[..., str]
    cameras: Mapping[str, str]
    wards: Mapping[str, str]

    def target(self, name: str) -> str:
        """Return `desk:31.71.01.1001` or `webhook:bpbd` in words."""
        channel, _, address = name.partition(":")
        if channel == "desk":
            return self.t(DESK_OF, name=self.wards.get(address, address))
        return name.replace(":", " ")


UNKNOWN: Final = mark("{what}")
DESK_OF: Final = mark("meja {name}")
SEEN: Final = mark("Pertama terlihat oleh {camera}")
DECIDED: Final = mark("{decision} oleh {actor}")
DECIDED_WHY: Final = mark("{decision} ({reason}) oleh {actor}")
WITH_NOTE: Final = mark("{said}. Catatan: {note}")
FORWARDED: Final[dict[str, str]] = mark(
    {
        "copy": "Diteruskan ke {agency} oleh {actor}; kabar dikirim langsung",
        "phone": "Diteruskan ke {agency} oleh {actor} lewat telepon",
    }
)
REVIEWED: Final = mark("Klip dinilai {verdict} oleh {actor}")
REVIEWED_SECOND: Final = mark("Klip dinilai {verdict} oleh {actor}; pendapat kedua diminta")
PROVIDED: Final = mark("Kabar untuk {target} diterima penyedia")
TAKEN_BACK: Final = mark("Keputusan dibatalkan oleh {actor}")
GROWS: Final = mark("Membesar {value} %")
SHRINKS: Final = mark("Mengecil {value} %")
UPGRADED: Final = mark("Sekarang {kind}, sebelumnya kejadian yang lebih ringan")
ALSO: Final = mark("{other} terlihat bersama {kind}")
PLAIN: Final[dict[str, str]] = mark(
    {
        "opened": "Kejadian dipastikan",
        "closed": "Tidak terlihat lagi",
        "seen": "Dilihat oleh {actor}",
        "arrived": "Kabar tampil pada {actor} ({target})",
        "acknowledged": "Diakui oleh {actor}",
        "reopened": "Terlihat lagi",
        "witness": "Juga terlihat di {camera}",
        "alerted": "Kabar pertama sampai, {seconds} detik setelah terlihat",
        "delivered": "Kabar sampai di {target}",
        "delivery_failed": "Kabar ke {target} gagal, dicoba lagi: {reason}",
        "undelivered": "Kabar ke {target} tidak sampai: {reason}",
        "resent": "Kabar ke {target} dikirim ulang oleh {actor}",
        "forward_cancelled": "Terusan dibatalkan sebelum terkirim ke {targets}",
        "forward_stands": "Terusan sudah terkirim ke {targets}: kabari sendiri bahwa dibatalkan",
        "escalated": "Naik ke {name}: {asked_name} tidak menerima dalam {seconds} detik",
        "unanswered": "Tidak ada yang menerima, juga {asked_name} tidak dalam {seconds} detik",
        "digested": "Kabar ke {target} masuk ringkasan {n} kejadian",
        "delivered_digest": "Ringkasan kejadian sampai di {target}",
        "still_missing": "Gambar tidak bisa diambil: {reason}",
        "evidence_failed": "Bukti dari {camera} gagal disimpan: {reason}",
        "evidence_removed": "Bukti dari {camera} dihapus: {reason}",
    }
)
EVIDENCE: Final[dict[str, str]] = mark(
    {
        "still": "Gambar dari {camera} disimpan",
        "clip": "Klip dari {camera} disimpan",
    }
)
REASONS: Final[dict[str, str]] = mark(
    {
        "frames": "Terlihat pada {value} bingkai",
        "span_s": "Terlihat selama {value} detik sebelum dilaporkan",
        "evidence": "Bukti terkumpul: {value}",
        "agreement": "{value} % bingkai sependapat",
        "flicker": "Luasnya berkedip {value} %",
        "wander": "Bergeser {value} % dari ukurannya",
        "joined": "Juga terlihat oleh {value}",
        "water_share": "Air menutupi {value} % jalan yang biasanya kering",
        "water_rise": "Luas air berubah {value} % jalan per menit",
        "depth": "Air {value}",
        "level_cm": "Tinggi air {value} cm",
        "siaga": "Siaga {value}",
        "reopened": "Terlihat lagi setelah hilang",
        "quiet": "Ditutup: tidak terlihat lagi",
        "camera_silent": "Ditutup: kamera tidak mengirim gambar lagi",
    }
)
SHARES: Final = frozenset({"agreement", "flicker", "wander", "water_share", "water_rise"})
NOT_TOLD: Final = frozenset({"updated"})
"""One every few seconds, and says nothing that the top of the page does not."""


def reason_line(reason: str, reader: Reader) -> Line:
    """Return a reason of the rules (`code` or `code:value`) in words; an unknown one is shown as it is."""
    code, _, value = reason.partition(":")
    if code == "growth" and _is_number(value):
        share = math.expm1(float(value)) * 100
        return Line(GROWS if share >= 0 else SHRINKS, {"value": decimal(abs(share), reader.language, 0)})
    if code.startswith("upgraded_to_"):
        return Line(UPGRADED, {"kind": _kind(code.removeprefix("upgraded_to_"), reader)})
    other, together, kind = code.partition("_with_")
    if together:
        return Line(ALSO, {"other": _kind(other, reader), "kind": _kind(kind, reader)})
    if code not in REASONS:
        return Line(UNKNOWN, {"what": reason})
    return Line(REASONS[code], {"value": _value(code, value, reader)})


def _is_number(text: str) -> bool:
    """Say whether a text is a plain number."""
    return text.lstrip("+-").replace(".", "", 1).isdigit()


def _value(code: str, value: str, reader: Reader) -> str:
    """Return the value of a reason as people write it: a share as percent, a camera by its name."""
    if code == "joined":
        return reader.cameras.get(value, value)
    if code == "depth":
        return reader.t(DEPTH_WORDS.get(value, UNKNOWN), what=value)
    if not _is_number(value):
        return value
    if code in SHARES:
        return decimal(float(value) * 100, reader.language, 0)
    return decimal(float(value), reader.language, 1 if "." in value else 0)


def _kind(kind: str, reader: Reader) -> str:
    """Return a kind in the reader's words."""
    return reader.t(KIND_WORDS.get(kind, UNKNOWN), what=kind)


def event_line(event: Event, reader: Reader) -> Line:
    """Return one event of the timeline as a sentence."""
    plain = {key: value for key, value in event.detail.items() if isinstance(value, str | int | float)}
    camera = str(plain.get("camera", ""))
    values: dict[str, object] = {"reason": "", **plain, "actor": event.actor, "what": event.what.replace("_", " ")}
    values["camera"] = reader.cameras.get(camera, camera)
    values["target"] = reader.target(str(plain.get("target", "")))
    if event.what == "decided":
        return _decided(event, values, reader)
    if event.what == "forwarded":
        return _forwarded(event, values, reader)
    if event.what == "reviewed":
        said = str(plain.get("verdict", ""))
        values["verdict"] = reader.t(VERDICT_WORDS.get(said, UNKNOWN), what=said)
        return Line(REVIEWED_SECOND if plain.get("second") else REVIEWED, values, event.at_ms)
    if event.what == "routed":
        return Line(UNKNOWN, {"what": routed_text(event.detail, reader.t, reader.target, AGENCIES)}, event.at_ms)
    if event.what in ("forward_cancelled", "forward_stands"):
        values["targets"] = ", ".join(reader.target(str(target)) for target in event.detail.get("targets", []))
    if event.what == "alerted":
        values["seconds"] = decimal(float(event.detail.get("seconds", 0)), reader.language)
    if event.what == "delivered" and _receipt(event) == "accepted":
        return Line(PROVIDED, values, event.at_ms)
    if event.what == "evidence":
        return Line(EVIDENCE.get(str(plain.get("kind")), UNKNOWN), values, event.at_ms)
    by_digest = event.what == "delivered" and plain.get("notice") == "digest"
    return Line(PLAIN.get("delivered_digest" if by_digest else event.what, UNKNOWN), values, event.at_ms)


def _receipt(event: Event) -> str:
    """Return what a delivery's target said: `accepted` by a provider, or `delivered`."""
    receipt = event.detail.get("receipt")
    return str(receipt.get("receipt", "")) if isinstance(receipt, dict) else ""


def _decided(event: Event, values: Mapping[str, object], reader: Reader) -> Line:
    """Return the line of a decision; the note of a false alarm is one of the reasons of words.py."""
    decision = str(event.detail.get("to", ""))
    if event.detail.get("undo") or event.detail.get("note") == "undo":
        return Line(TAKEN_BACK, values, event.at_ms)
    shown = {**values, "decision": reader.t(DECISION_WORDS.get(decision, UNKNOWN), what=decision)}
    note = str(event.detail.get("note", ""))
    reason = str(event.detail.get("reason") or note)  # before 0005 the reason stood in the note
    why = FALSE_REASONS.get(reason) if decision == "false_alarm" else None
    line = Line(DECIDED_WHY if why else DECIDED, {**shown, "reason": reader.t(why) if why else ""}, event.at_ms)
    return _noted(line, "" if note == reason and why else note, reader)


def _forwarded(event: Event, values: Mapping[str, object], reader: Reader) -> Line:
    """Return the line of a forward: to whom, by whom and how."""
    agency = str(event.detail.get("agency", ""))
    shown = {**values, "agency": reader.t(AGENCIES.get(agency, UNKNOWN), what=agency)}
    line = Line(FORWARDED.get(str(event.detail.get("how")), FORWARDED["phone"]), shown, event.at_ms)
    return _noted(line, str(event.detail.get("note", "")), reader)


def _noted(line: Line, note: str, reader: Reader) -> Line:
    """Return a line with the officer's note behind it, where there is one."""
    if not note:
        return line
    return Line(WITH_NOTE, {"said": reader.t(line.text, **line.values), "note": note}, line.at_ms)


def worth_telling(event: Event) -> bool:
    """Say whether an event belongs into the timeline: updates, and that they were delivered, do not."""
    return event.what not in NOT_TOLD and not (event.what == "delivered" and event.detail.get("notice") == "updated")


def timeline(events: Sequence[Event], camera: str, first_seen_ms: int, reader: Reader) -> list[Line]:
    """Return everything that happened to an incident, oldest first, from when `camera` first saw it (epoch ms)."""
    first = Line(SEEN, {"camera": reader.cameras.get(camera, camera)}, first_seen_ms)
    lines = [first, *(event_line(event, reader) for event in events if worth_telling(event))]
    return sorted(lines, key=lambda line: line.at_ms)
