"""Who is told of an incident, and why, as a sentence of its timeline: pure."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from pipeline.desk.i18n import mark
from pipeline.ops.duty import agency_key

TOLD: Final = mark("Yang dikabari: {targets}")
QUIET: Final = mark("Tidak dikabari, jam tenang: {targets}")
UNTOLD: Final = mark("Dinas yang tidak dikabari: {targets}")
WITH_WHY: Final = mark("{target} ({why})")
ROLE_WORDS: Final[dict[str, str]] = mark(
    {
        "post": "piket",
        "standing": "selalu",
        "on-call": "siaga panggilan",
        "agency": "tembusan",
        "neighbour": "tetangga",
        "level": "eskalasi",
    }
)
UNTOLD_WORDS: Final[dict[str, str]] = mark(
    {
        "no_target": "belum ada alamat",
        "not_served": "tidak melayani tempat ini",
        "on_forward": "hanya lewat disposisi",
    }
)


def routed_text(
    detail: Mapping[str, Any], t: Callable[..., str], target: Callable[[str], str], agencies: Mapping[str, str]
) -> str:
    """Return everybody who is told with the reason, then who is kept quiet, then which agencies are not told.

    Args:
        detail: What the timeline holds: `to`, `quiet` and `untold`, lists of lists that begin with a name.
        t: Translates a marked text.
        target: Says the name of a target in words.
        agencies: Marked names of the agencies by their keys.
    """
    parts = []
    told = [_why(target(str(name)), _role(rest, t), t) for name, *rest in detail.get("to", [])]
    if told:
        parts.append(t(TOLD, targets=", ".join(told)))
    quiet = [
        _why(target(str(name)), str(rest[-1]) if len(rest) > 1 else "", t) for name, *rest in detail.get("quiet", [])
    ]
    if quiet:
        parts.append(t(QUIET, targets=", ".join(quiet)))
    untold = []
    for name, *rest in detail.get("untold", []):
        known = agencies.get(agency_key(str(name)))
        word = UNTOLD_WORDS.get(str(rest[-1])) if rest else None
        untold.append(_why(t(known) if known else str(name), t(word) if word else "", t))
    if untold:
        parts.append(t(UNTOLD, targets=", ".join(untold)))
    return ". ".join(parts)


def _role(rest: list[Any], t: Callable[..., str]) -> str:
    """Return as what somebody is told and by what; lines of before 0006 have the reason alone and say nothing."""
    if len(rest) < 3:
        return ""
    word = ROLE_WORDS.get(str(rest[1]))
    return ": ".join(part for part in (t(word) if word else "", str(rest[2])) if part)


def _why(what: str, why: str, t: Callable[..., str]) -> str:
    """Return a name with the reason behind it, where there is one."""
    return t(WITH_WHY, target=what, why=why) if why else what
