"""The terms of CAP 1.2 as types, and which of them each kind of incident gets."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from pipeline.alert.content import Phase
from pipeline.ops.errors import SiagaError


class CapError(SiagaError):
    """A document would not be CAP 1.2; the message names the element and its value."""


class Term(Enum):
    """Base of the terms; the value is what stands in a document."""


class Status(Term):
    """Whether a document is real."""

    ACTUAL = "Actual"
    EXERCISE = "Exercise"
    TEST = "Test"


class MsgType(Term):
    """What a document does to earlier ones."""

    ALERT = "Alert"
    UPDATE = "Update"
    CANCEL = "Cancel"


class Category(Term):
    """What it is about."""

    FIRE = "Fire"
    MET = "Met"
    SAFETY = "Safety"
    SECURITY = "Security"
    OTHER = "Other"


class Response(Term):
    """What its receiver should do."""

    ASSESS = "Assess"
    MONITOR = "Monitor"
    ALL_CLEAR = "AllClear"
    NONE = "None"


class Urgency(Term):
    """How soon."""

    IMMEDIATE = "Immediate"
    EXPECTED = "Expected"
    FUTURE = "Future"
    PAST = "Past"
    UNKNOWN = "Unknown"


class Severity(Term):
    """How bad."""

    EXTREME = "Extreme"
    SEVERE = "Severe"
    MODERATE = "Moderate"
    MINOR = "Minor"
    UNKNOWN = "Unknown"


class Certainty(Term):
    """How sure."""

    OBSERVED = "Observed"
    LIKELY = "Likely"
    POSSIBLE = "Possible"
    UNLIKELY = "Unlikely"
    UNKNOWN = "Unknown"


T = TypeVar("T", bound=Term)


def term(kind: type[T], value: object) -> T:
    """Return `value` as a term.

    Raises:
        CapError: It is none; the message names the element, the value and what it may be.
    """
    if isinstance(value, kind):
        return value
    found = next((one for one in kind if one.value == value), None)
    if found is None:
        known = ", ".join(str(one.value) for one in kind)
        raise CapError(f"{kind.__name__.lower()}: {value!r} is not one of {known}")
    return found


@dataclass(frozen=True)
class Grade:
    """How a kind of incident is graded."""

    categories: tuple[Category, ...]
    severity: Severity
    urgency: Urgency
    certainty: Certainty


GRADES: Mapping[str, Grade] = {
    "fire": Grade((Category.FIRE, Category.SAFETY), Severity.SEVERE, Urgency.IMMEDIATE, Certainty.LIKELY),
    "smoke": Grade((Category.FIRE,), Severity.MODERATE, Urgency.IMMEDIATE, Certainty.POSSIBLE),
    "flood": Grade((Category.MET, Category.SAFETY), Severity.SEVERE, Urgency.EXPECTED, Certainty.LIKELY),
    "brawl": Grade((Category.SECURITY,), Severity.SEVERE, Urgency.IMMEDIATE, Certainty.LIKELY),
}
DEPTHS: Mapping[str, Severity] = {
    "ankle": Severity.MODERATE,
    "knee": Severity.SEVERE,
    "wheel": Severity.EXTREME,
}
"""How bad water of a depth is."""
UNGRADED = Grade((Category.OTHER,), Severity.UNKNOWN, Urgency.UNKNOWN, Certainty.UNKNOWN)


def grade(kind: str, phase: Phase, witnesses: int, depth: str = "") -> Grade:
    """Return the grade of an incident: by kind and depth; two cameras make it observed; what is over is past, minor."""
    base = GRADES.get(kind, UNGRADED)
    if phase is Phase.CLEAR:
        return Grade(base.categories, Severity.MINOR, Urgency.PAST, Certainty.OBSERVED)
    if phase is Phase.CANCEL:
        return Grade(base.categories, Severity.UNKNOWN, Urgency.PAST, Certainty.UNLIKELY)
    certainty = Certainty.OBSERVED if witnesses > 1 and base is not UNGRADED else base.certainty
    return Grade(base.categories, DEPTHS.get(depth, base.severity), base.urgency, certainty)
