"""A CAP 1.2 document: its parts as checked values, and its XML (OASIS CAP-v1.2, section 3.2)."""

import re
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from lxml import etree

from pipeline.alert.cap.terms import (
    CapError,
    Category,
    Certainty,
    MsgType,
    Response,
    Severity,
    Status,
    Term,
    Urgency,
    term,
)

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
GEOCODE = "KEMENDAGRI"
"""`valueName` of the official code of a kelurahan."""
_NAME = re.compile(r"[^\s,<&]+")

Ring = tuple[tuple[float, float], ...]
"""A closed polygon of (lat, lng) in degrees, WGS 84: at least four points, the last equal to the first."""


@dataclass(frozen=True)
class Area:
    """Where: a code, and polygons or a circle (lat, lng in degrees, radius in km)."""

    name: str
    code: str = ""
    polygons: tuple[Ring, ...] = ()
    circle: tuple[float, float, float] | None = None

    def __post_init__(self) -> None:
        for ring in self.polygons:
            if len(ring) < 4 or ring[0] != ring[-1]:
                raise CapError(f"polygon: of {self.name or self.code} is not closed or has less than four points")


@dataclass(frozen=True)
class Info:
    """One language of a document."""

    language: str
    event: str
    categories: tuple[Category, ...]
    responses: tuple[Response, ...]
    urgency: Urgency
    severity: Severity
    certainty: Certainty
    headline: str
    description: str
    instruction: str = ""

    def __post_init__(self) -> None:
        for kind, value in ((Urgency, self.urgency), (Severity, self.severity), (Certainty, self.certainty)):
            term(kind, value)
        for category in self.categories:
            term(Category, category)
        for response in self.responses:
            term(Response, response)
        if not self.categories:
            raise CapError("category: there is none")


@dataclass(frozen=True)
class Reference:
    """An earlier document of the same event."""

    sender: str
    identifier: str
    sent_ms: int


@dataclass(frozen=True)
class Document:
    """A whole document; times are epoch ms.

    Raises:
        CapError: A value is not one that CAP knows, or an update or cancel refers to nothing.
    """

    identifier: str
    sender: str
    sender_name: str
    sent_ms: int
    expires_ms: int
    onset_ms: int
    status: Status
    msg_type: MsgType
    scope: str
    restriction: str
    infos: tuple[Info, ...]
    areas: tuple[Area, ...]
    references: tuple[Reference, ...] = ()
    incidents: tuple[str, ...] = ()
    note: str = ""

    def __post_init__(self) -> None:
        term(Status, self.status)
        term(MsgType, self.msg_type)
        for name in ("identifier", "sender"):
            if not _NAME.fullmatch(getattr(self, name)):
                raise CapError(f"{name}: {getattr(self, name)!r} is empty or holds a space, ',', '<' or '&'")
        if self.scope not in ("Public", "Restricted", "Private"):
            raise CapError(f"scope: {self.scope!r} is not one of Public, Restricted, Private")
        if self.msg_type is not MsgType.ALERT and not self.references:
            raise CapError(f"references: a document of type {self.msg_type.value} needs an earlier one")


def when(at_ms: int, zone: ZoneInfo) -> str:
    """Return a time as CAP writes it, `2026-11-24T17:31:05+07:00`: whole seconds, never `Z`."""
    return datetime.fromtimestamp(at_ms // 1000, zone).isoformat(timespec="seconds")


def _text(parent: etree._Element, name: str, value: str | Term) -> None:
    """Add an element with a text; an empty text adds none."""
    text = str(value.value) if isinstance(value, Term) else value
    if text:
        etree.SubElement(parent, f"{{{NAMESPACE}}}{name}").text = text


def _pair(parent: etree._Element, element: str, name: str, value: str) -> None:
    """Add a named value, such as a geocode."""
    made = etree.SubElement(parent, f"{{{NAMESPACE}}}{element}")
    _text(made, "valueName", name)
    _text(made, "value", value)


def render(document: Document, zone: ZoneInfo) -> bytes:
    """Return a document's XML, UTF-8, in the order of elements that the schema asks for."""
    root = etree.Element(f"{{{NAMESPACE}}}alert", nsmap={None: NAMESPACE})
    restricted = document.restriction if document.scope == "Restricted" else ""
    for name, value in (
        ("identifier", document.identifier),
        ("sender", document.sender),
        ("sent", when(document.sent_ms, zone)),
        ("status", document.status),
        ("msgType", document.msg_type),
        ("source", document.sender_name),
        ("scope", document.scope),
        ("restriction", restricted),
        ("note", document.note),
        ("references", " ".join(_reference(one, zone) for one in document.references)),
        ("incidents", " ".join(document.incidents)),
    ):
        _text(root, name, value)
    for info in document.infos:
        _info(root, info, document, zone)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def _reference(one: Reference, zone: ZoneInfo) -> str:
    """Return a reference: sender, identifier and time, as that document holds them."""
    return f"{one.sender},{one.identifier},{when(one.sent_ms, zone)}"


def _info(root: etree._Element, info: Info, document: Document, zone: ZoneInfo) -> None:
    """Add one language."""
    made = etree.SubElement(root, f"{{{NAMESPACE}}}info")
    _text(made, "language", info.language)
    for category in info.categories:
        _text(made, "category", category)
    _text(made, "event", info.event)
    for response in info.responses:
        _text(made, "responseType", response)
    for name, value in (
        ("urgency", info.urgency),
        ("severity", info.severity),
        ("certainty", info.certainty),
        ("effective", when(document.sent_ms, zone)),
        ("onset", when(document.onset_ms, zone)),
        ("expires", when(document.expires_ms, zone)),
        ("senderName", document.sender_name),
        ("headline", info.headline),
        ("description", info.description),
        ("instruction", info.instruction),
    ):
        _text(made, name, value)
    for area in document.areas:
        _area(made, area)


def _area(info: etree._Element, area: Area) -> None:
    """Add where it is."""
    made = etree.SubElement(info, f"{{{NAMESPACE}}}area")
    _text(made, "areaDesc", area.name or area.code or "-")
    for ring in area.polygons:
        _text(made, "polygon", " ".join(f"{lat:.6f},{lng:.6f}" for lat, lng in ring))
    if area.circle is not None:
        lat, lng, radius_km = area.circle
        _text(made, "circle", f"{lat:.6f},{lng:.6f} {radius_km:.3f}")
    if area.code:
        _pair(made, "geocode", GEOCODE, area.code)
