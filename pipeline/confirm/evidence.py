"""Sequential evidence: does the window of the last seconds, as it stands, say that something is there?

A *sight* is one frame's word on one kind. Sights whose boxes may show the same thing form a chain back in time. Each
agreeing sight speaks with its log-odds above the threshold's (a sequential probability ratio test after Wald, with a
sliding window in place of a lower bound), but frames that lie closer than `UNIT_MS` say mostly the same again: what
counts is the time covered, so that sixteen frames of a two-second burst weigh as much as four seconds apart would.

Every sight of the stretch that does not agree, or shows something elsewhere, counts against its persistence.

The verdict is a pure function of the window. It never falls when a score rises: more agreeing frames can lengthen a
chain and raise its evidence, and nothing is subtracted.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from pipeline.bus.records import FrameRef, Water
from pipeline.confirm.rules import Rule, log_odds
from pipeline.confirm.spatial import Box, linked

UNIT_MS = 500
"""Time that one sight speaks for, ms."""
SLOT_MS = 100
SLOTS = UNIT_MS // SLOT_MS
CHAIN_BOXES = 24
"""How many of a chain's latest boxes an older frame is compared with."""
SEEDS = 3
"""How many boxes of the newest frame may each begin a chain."""

ScoredBox = tuple[float, Box]
"""A score 0..1 and its box."""


@dataclass(slots=True)
class Sight:
    """One frame's word on one kind; never changed after it is made (not frozen: one is made per observation and kind).

    `boxes` are those at or above the threshold, best first; none = the frame does not agree.
    """

    ms: int
    score: float
    boxes: tuple[ScoredBox, ...]
    trace: str
    frame: FrameRef
    water: Water | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a window says. `reason` is why it is not enough, empty when it is; evidence in nats, times in ms.

    `ratio` is the share of agreeing sights among all of the stretch.
    """

    reason: str
    frames: int
    span_ms: int
    evidence: float
    ratio: float
    first_ms: int
    boxes: tuple[Box, ...]

    @property
    def enough(self) -> bool:
        """Whether the window confirms the kind."""
        return not self.reason


NOTHING = Verdict("nothing_seen", 0, 0, 0.0, 0.0, 0, ())


class _Chain:
    """A chain of linked sights, grown from the newest backwards."""

    __slots__ = ("boxes", "evidence", "first_ms", "frames", "path", "slots")

    def __init__(self) -> None:
        self.boxes: list[Box] = []
        self.path: list[Box] = []
        self.slots: dict[int, float] = {}
        self.evidence = 0.0
        self.frames = 0
        self.first_ms = 0

    def take(self, sight: Sight, boxes: Sequence[ScoredBox], base: float) -> None:
        """Add a sight by the boxes of it that link to the chain."""
        self.frames += 1
        self.first_ms = sight.ms
        self.boxes.extend(box for _, box in boxes)
        self.path.append(boxes[0][1])
        weight = max(0.0, log_odds(boxes[0][0]) - base) / SLOTS
        last = sight.ms // SLOT_MS
        for slot in range(last - SLOTS + 1, last + 1):
            before = self.slots.get(slot, 0.0)
            if weight > before:
                self.slots[slot] = weight
                self.evidence += weight - before

    def links(self, sight: Sight, min_iou: float) -> list[ScoredBox]:
        """Return the boxes of an older sight that may show what the chain shows, best first."""
        recent = self.boxes[-CHAIN_BOXES:]
        return [scored for scored in sight.boxes if any(linked(scored[1], box, min_iou) for box in reversed(recent))]


def _shortfall(rule: Rule, frames: int, span_ms: int, evidence: float, ratio: float) -> str:
    """Return what a chain lacks, or an empty string."""
    if ratio < rule.min_ratio:
        return "not_persistent"
    if frames >= rule.strong_frames and span_ms >= rule.strong_span_ms and evidence >= rule.strong_evidence:
        return ""
    if frames < rule.min_frames:
        return "too_few_frames"
    if span_ms < rule.min_span_ms:
        return "too_short"
    return "" if evidence >= rule.min_evidence else "weak_evidence"


def _follow(seed: ScoredBox, newest: Sight, older: Iterable[Sight], rule: Rule) -> Verdict:
    """Grow a chain from one box of the newest sight; return its longest stretch that is enough, or what it lacks."""
    chain = _Chain()
    chain.take(newest, (seed,), rule.base)
    total, agreeing, enough, lack = 1, 1, None, NOTHING
    for sight in (newest, *older):
        if sight is not newest:
            total += 1
            agreeing += bool(sight.boxes)
            found = chain.links(sight, rule.min_iou) if sight.boxes else []
            if not found:
                continue
            chain.take(sight, found, rule.base)
        span, ratio = newest.ms - chain.first_ms, chain.frames / total
        reason = _shortfall(rule, chain.frames, span, chain.evidence, ratio)
        said = Verdict(reason, chain.frames, span, chain.evidence, ratio, chain.first_ms, tuple(chain.path))
        enough, lack = (said, lack) if not reason else (enough, said)
    if enough is not None:
        return enough
    scattered = lack.reason == "too_few_frames" and agreeing >= rule.min_frames
    return Verdict("scattered", *_figures(lack)) if scattered else lack


def _figures(verdict: Verdict) -> tuple[int, int, float, float, int, tuple[Box, ...]]:
    """Return all of a verdict but its reason."""
    return verdict.frames, verdict.span_ms, verdict.evidence, verdict.ratio, verdict.first_ms, verdict.boxes


def assess(window: Sequence[Sight], rule: Rule) -> Verdict:
    """Say whether the sights of a window (oldest first, the newest deciding) confirm the rule's kind.

    Returns:
        The longest stretch that is enough, or the strongest chain with what it lacks: `too_few_frames`, `too_short`,
        `weak_evidence`, `not_persistent`, `scattered`; `nothing_seen` when the newest sight does not agree.
    """
    if not window or not window[-1].boxes:
        return NOTHING
    newest = window[-1]
    oldest_ms = newest.ms - rule.window_ms
    older = [sight for sight in islice(reversed(window), 1, None) if sight.ms >= oldest_ms]
    best = NOTHING
    for seed in newest.boxes[:SEEDS]:
        said = _follow(seed, newest, older, rule)
        if (said.enough, said.evidence) > (best.enough, best.evidence) or best is NOTHING:
            best = said
    return best
