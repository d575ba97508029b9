"""Quiet rules: hours in which a kind disturbs nobody. Pure; the desk is never kept quiet."""

from collections.abc import Sequence, Set
from datetime import date, datetime

from pipeline.alert.roster import hours_on
from pipeline.ops.duty import FIRE_CONFIRMED, QuietRule
from pipeline.ops.section import Kind
from pipeline.store.areas import serves

REASON = "quiet"
"""How silences by these rules are counted."""


def quiet_rules(
    rules: Sequence[QuietRule], kind: Kind, place: str, categories: Set[str], local: datetime, holidays: Set[date]
) -> list[QuietRule]:
    """Return the rules that keep an incident quiet at an instant.

    Args:
        rules: All rules.
        kind: Kind of the incident.
        place: Kelurahan that it is in.
        categories: Categories of the cameras that see it.
        local: The city's time, without zone.
        holidays: Dates that are holidays.
    """
    return [rule for rule in rules if _about(rule, kind, place, categories) and hours_on([rule], local, holidays)]


def silenced(rules: Sequence[QuietRule], target: str) -> QuietRule | None:
    """Return the rule that keeps a target from being told; None when it is told."""
    return next((rule for rule in rules if not rule.targets or target in rule.targets), None)


def _about(rule: QuietRule, kind: Kind, place: str, categories: Set[str]) -> bool:
    """Say whether a rule is about such incidents; one without the confirmation never is about fire."""
    if kind not in rule.kinds or (kind == "fire" and rule.confirm != FIRE_CONFIRMED):
        return False
    return serves(rule.kelurahan, place) and (not rule.categories or not categories.isdisjoint(rule.categories))
