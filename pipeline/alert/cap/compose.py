"""From a notice to its CAP document: pure, from the content, the settings and the documents that went before."""

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from pipeline.alert.cap.areas import Boundaries, area_of
from pipeline.alert.cap.document import Area, Document, Info, Reference
from pipeline.alert.cap.terms import MsgType, Response, Status, grade
from pipeline.alert.content import Content, Phase
from pipeline.alert.wording import kind_word, words
from pipeline.ops.alert_targets import CapSection, Speech

LANGUAGES: Mapping[Speech, str] = {"id": "id-ID", "en": "en-US"}
RESPONSES: Mapping[Phase, Response] = {Phase.CLEAR: Response.ALL_CLEAR, Phase.CANCEL: Response.NONE}
"""What to do; any other phase asks to go and look."""
INSTRUCTIONS: Mapping[Speech, str] = {
    "id": "Periksa gambar di Siaga, lalu terima kejadian ini atau nyatakan bukan kejadian.",
    "en": "Look at the picture in Siaga, then accept this incident or say that it is none.",
}


@dataclass(frozen=True)
class Composer:
    """Makes documents: who speaks, the boundaries that are known, and the city's time zone."""

    section: CapSection
    boundaries: Boundaries
    zone: ZoneInfo

    def compose(self, content: Content, identifier: str, sent_ms: int, earlier: tuple[Reference, ...]) -> Document:
        """Return the document of a notice.

        Args:
            content: What is told.
            identifier: Unique for this sender.
            sent_ms: Now, epoch ms.
            earlier: The documents of the same incident that were made before, oldest first.

        Raises:
            CapError: It would not be CAP.
        """
        section = self.section
        told = content.listed or (content,)
        areas: dict[object, Area] = {}
        for one in told:
            area = area_of(one, self.boundaries, section.radius_m)
            areas.setdefault((area.code, area.circle) if area.code or area.circle else area.name, area)
        return Document(
            identifier=identifier,
            sender=section.sender,
            sender_name=section.sender_name,
            sent_ms=sent_ms,
            expires_ms=sent_ms + int(section.expires_s * 1000),
            onset_ms=content.first_seen_ms or sent_ms,
            status=_status(content),
            msg_type=_msg_type(content.phase, bool(earlier)),
            scope=section.scope,
            restriction=section.restriction,
            infos=tuple(self._info(content, speech) for speech in LANGUAGES),
            areas=tuple(areas.values()),
            references=earlier,
            incidents=tuple(_token(one.incident) for one in told if one.incident),
            note=words(content, "id", self.zone).title if content.phase is Phase.CANCEL or content.is_test else "",
        )

    def _info(self, content: Content, speech: Speech) -> Info:
        """Return one language."""
        said = words(content, speech, self.zone)
        # A digest is graded by the first of its incidents; each has a document of its own besides.
        kind = content.listed[0].kind if content.listed else content.kind
        graded = grade(kind, content.phase, content.cameras, content.depth)
        response = RESPONSES.get(content.phase, Response.ASSESS)
        return Info(
            language=LANGUAGES[speech],
            event=kind_word(kind, speech),
            categories=graded.categories,
            responses=(response,),
            urgency=graded.urgency,
            severity=graded.severity,
            certainty=graded.certainty,
            headline=said.title,
            description=said.text,
            instruction=INSTRUCTIONS[speech] if response is Response.ASSESS else "",
        )


def _status(content: Content) -> Status:
    """Return whether it is real."""
    if not content.is_test:
        return Status.ACTUAL
    return Status.EXERCISE if content.notice == "drill" else Status.TEST


def _msg_type(phase: Phase, has_earlier: bool) -> MsgType:
    """Return what it does; an update to nothing is an alert, so that no reader lacks the beginning."""
    if not has_earlier:
        return MsgType.ALERT
    return MsgType.CANCEL if phase is Phase.CANCEL else MsgType.UPDATE


def _token(text: str) -> str:
    """Return an incident's number as one word."""
    return text.replace(" ", "_")
