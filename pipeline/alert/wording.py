"""What a notice says to people: title, text and one short line, in Bahasa Indonesia or English."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from pipeline.alert.content import Content, Phase, clean
from pipeline.ops.alert_targets import Speech

SHORT = 160
"""Characters of one SMS."""
LINE = 94
"""Characters of one line of a digest: 40 lines and their numbers fit into one message of Telegram (4096)."""
KINDS: Mapping[str, Mapping[Speech, str]] = {
    "fire": {"id": "Kebakaran", "en": "Fire"},
    "smoke": {"id": "Asap", "en": "Smoke"},
    "flood": {"id": "Banjir", "en": "Flooding"},
    "brawl": {"id": "Tawuran", "en": "Brawl"},
}
OTHER: Mapping[Speech, str] = {"id": "Kejadian", "en": "Incident"}
TEST: Mapping[Speech, str] = {"id": "LATIHAN / UJI COBA, BUKAN KEJADIAN", "en": "DRILL / TEST, NOT A REAL INCIDENT"}
TITLES: Mapping[Phase, Mapping[Speech, str]] = {
    Phase.ALERT: {"id": "{kind}: {camera}", "en": "{kind}: {camera}"},
    Phase.UPDATE: {"id": "{kind} (perkembangan): {camera}", "en": "{kind} (update): {camera}"},
    Phase.CLEAR: {"id": "{kind} tidak terlihat lagi: {camera}", "en": "{kind} no longer seen: {camera}"},
    Phase.CANCEL: {"id": "DIBATALKAN, bukan kejadian: {camera}", "en": "CANCELLED, not an incident: {camera}"},
    Phase.TEST: {"id": "Uji coba: {camera}", "en": "Test: {camera}"},
    Phase.DIGEST: {"id": "{n} kejadian dalam waktu singkat", "en": "{n} incidents within a short time"},
}
DRILL: Mapping[Speech, str] = {"id": "Latihan: {camera}", "en": "Drill: {camera}"}
"""The title of a drill; a test has that of its phase."""
ESCALATED: Mapping[Speech, str] = {"id": "BELUM ADA YANG MENERIMA. ", "en": "NOBODY HAS ACCEPTED YET. "}
DEPTHS: Mapping[str, Mapping[Speech, str]] = {
    "ankle": {"id": "setinggi mata kaki", "en": "ankle deep"},
    "knee": {"id": "setinggi lutut", "en": "knee deep"},
    "wheel": {"id": "setinggi roda atau lebih", "en": "up to the wheels or deeper"},
}
LINES: Mapping[str, Mapping[Speech, str]] = {
    "sent": {"id": "Dikirim {at}", "en": "Sent {at}"},
    "drill": {
        "id": "Terima latihan ini di Siaga, seperti kejadian sungguhan.",
        "en": "Accept this drill in Siaga, as you would a real incident.",
    },
    "depth": {"id": "Air {depth}", "en": "Water {depth}"},
    "level": {"id": "Tinggi air {cm} cm, Siaga {siaga}", "en": "Water level {cm} cm, Siaga {siaga}"},
    "share": {"id": "menutupi {share} % jalan", "en": "over {share} % of the street"},
    "seen": {"id": "Terlihat {at}", "en": "Seen {at}"},
    "score": {"id": "keyakinan {score} %", "en": "confidence {score} %"},
    "cameras": {"id": "Dilihat {n} kamera", "en": "Seen by {n} cameras"},
    "forwarded": {"id": "Diteruskan oleh {by}", "en": "Forwarded by {by}"},
    "asked": {"id": "Sudah ditanya, tidak ada yang menerima: {whom}", "en": "Asked before, nobody accepted: {whom}"},
    "waited": {"id": "{name} ({n} detik)", "en": "{name} ({n} s)"},
    "decided": {"id": "sudah ditangani", "en": "in hand already"},
    "told_before": {"id": "sudah dikabarkan", "en": "told before"},
    "part": {"id": " (bagian {n} dari {of})", "en": " (part {n} of {of})"},
    "number": {"id": "Nomor {id}", "en": "Number {id}"},
}


@dataclass(frozen=True)
class Words:
    """A notice in one language. `title` and `short` are single lines; `text` has several, without the title."""

    title: str
    text: str
    short: str


def kind_word(kind: str, speech: Speech) -> str:
    """Return what a kind is called."""
    return KINDS.get(kind, OTHER)[speech]


def words(content: Content, speech: Speech, zone: ZoneInfo) -> Words:
    """Return a notice in words; times are told in `zone`."""
    mark = f"{TEST[speech]}. " if content.is_test else ""
    mark += ESCALATED[speech] if content.notice == "escalated" else ""
    subject = content.camera or content.kelurahan or content.code or content.incident
    titles = DRILL if content.notice == "drill" else TITLES[content.phase]
    title = titles[speech].format(kind=kind_word(content.kind, speech), camera=subject, n=len(content.listed))
    if content.part[1] > 1:
        title += LINES["part"][speech].format(n=content.part[0], of=content.part[1])
    lines = _digest(content, speech, zone) if content.listed else _lines(content, speech, zone)
    told = f"SIAGA {mark}{title}. {_short(content, speech, zone)}"
    return Words(mark + title, "\n".join(lines), clean(told, SHORT))


def clock(at_ms: int | None, zone: ZoneInfo) -> str:
    """Return day and time in the city, such as `24-11-2026 17.31.05 WIB`; empty when unknown."""
    return "" if at_ms is None else datetime.fromtimestamp(at_ms / 1000, zone).strftime("%d-%m-%Y %H.%M.%S %Z")


def _lines(content: Content, speech: Speech, zone: ZoneInfo) -> list[str]:
    """Return the lines of one incident."""
    when = LINES["sent" if content.phase is Phase.TEST else "seen"][speech]
    said = [when.format(at=clock(content.first_seen_ms, zone))] if content.first_seen_ms else []
    if content.score is not None:
        said.append(LINES["score"][speech].format(score=round(100 * content.score)))
    lines = [content.where, _water(content, speech), ", ".join(said)]
    if content.cameras > 1:
        lines.append(LINES["cameras"][speech].format(n=content.cameras))
    if content.forwarded:
        lines.append(LINES["forwarded"][speech].format(by=content.forwarded))
    if content.notice == "drill":
        lines.append(LINES["drill"][speech])
    if content.asked:
        whom = ", ".join(LINES["waited"][speech].format(name=name, n=seconds) for name, seconds in content.asked)
        lines.append(LINES["asked"][speech].format(whom=whom))
    lines.append(LINES["number"][speech].format(id=content.incident))
    return [line for line in lines if line]


def _water(content: Content, speech: Speech) -> str:
    """Return how deep and how wide water stands, empty where nothing is known of it."""
    said = []
    if content.level_cm is not None and content.siaga is not None:
        said.append(LINES["level"][speech].format(cm=round(content.level_cm), siaga=content.siaga))
    if content.depth in DEPTHS:
        said.append(LINES["depth"][speech].format(depth=DEPTHS[content.depth][speech]))
    if content.share is not None:
        said.append(LINES["share"][speech].format(share=round(100 * content.share)))
    return ", ".join(said)


def _digest(content: Content, speech: Speech, zone: ZoneInfo) -> list[str]:
    """Return one line for each incident of a digest: none is left out, so each is short."""
    return [f"{number}. {_listed(one, speech, zone)}" for number, one in enumerate(content.listed, 1)]


def _listed(one: Content, speech: Speech, zone: ZoneInfo) -> str:
    """Return one incident of a digest: what is to be known at once stands first, and is never cut."""
    at = "" if one.first_seen_ms is None else f" {datetime.fromtimestamp(one.first_seen_ms / 1000, zone):%H.%M}"
    marks = [LINES[name][speech] for name in ("decided", "told_before") if getattr(one, name)]
    told = f" ({', '.join(marks)})" if marks else ""
    before = ESCALATED[speech] if one.notice == "escalated" and not one.decided else ""
    head, where = (
        f"{before}{kind_word(one.kind, speech)}{at}: ",
        ", ".join(part for part in (one.camera, one.kelurahan) if part),
    )
    return f"{head}{clean(where or one.incident, max(20, LINE - len(head) - len(told)))}{told}"


def _short(content: Content, speech: Speech, zone: ZoneInfo) -> str:
    """Return what follows the title in a short text."""
    if content.listed:
        return "; ".join(f"{kind_word(one.kind, speech)} {one.camera}" for one in content.listed)
    return " ".join(part for part in (content.kelurahan, clock(content.first_seen_ms, zone)) if part)
