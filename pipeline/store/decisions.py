"""Which decision of people may follow which: pure rules."""

from collections.abc import Mapping

from pipeline.store.tables import Decision

FINAL: frozenset[Decision] = frozenset({"done", "false_alarm"})
"""Decisions after which nobody has to act."""

FOLLOWS: Mapping[Decision, frozenset[Decision]] = {
    "waiting": frozenset({"accepted", "done", "false_alarm"}),
    "accepted": frozenset({"waiting", "done", "false_alarm"}),
    "done": frozenset({"waiting", "accepted", "false_alarm"}),
    "false_alarm": frozenset({"waiting", "accepted", "done"}),
}
"""What may follow a decision: every other one, since people err; each change is kept in the timeline."""


def refuse(current: Decision, expected: Decision, wanted: Decision) -> str | None:
    """Return why `wanted` may not be decided, or None.

    `expected` is the decision that the officer had on the screen: if somebody else decided meanwhile, nothing is
    overwritten.
    """
    if current != expected:
        return "decided_meanwhile"
    return None if wanted in FOLLOWS[current] else "already_so"
