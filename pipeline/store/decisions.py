"""Which decision of people may follow which: pure rules."""

from collections.abc import Mapping

from pipeline.store.tables import Decision

FINAL: frozenset[Decision] = frozenset({"done", "false_alarm"})
"""Decisions after which nobody has to act."""

IN_HAND: frozenset[Decision] = frozenset({"coordination", "disposition", "accepted"})
"""Decisions of somebody who is at work on it: Koordinasi, Disposisi, Proses."""

EVERY: frozenset[Decision] = frozenset({"waiting", *IN_HAND, *FINAL})
FOLLOWS: Mapping[Decision, frozenset[Decision]] = {decision: EVERY - {decision} for decision in EVERY}
"""What may follow a decision: every other one, since people err; each change is kept in the timeline."""


def refuse(current: Decision, expected: Decision, wanted: Decision) -> str | None:
    """Return why `wanted` may not be decided, or None.

    `expected` is the decision that the officer had on the screen: if somebody else decided meanwhile, nothing is
    overwritten.
    """
    if current != expected:
        return "decided_meanwhile"
    return None if wanted in FOLLOWS[current] else "already_so"
