"""What one observation says of one kind at one camera, after masks and memory took out what must not speak."""

from pipeline.bus.records import Observation
from pipeline.confirm.evidence import ScoredBox, Sight
from pipeline.confirm.memory import Memory
from pipeline.confirm.rules import CameraRules, Rule
from pipeline.confirm.spatial import WHOLE, masked


def look(observation: Observation, rules: CameraRules, rule: Rule, memory: Memory) -> tuple[Sight, tuple[str, ...]]:
    """Return the sight and why boxes that would have agreed were left out (`masked`, `always_there`).

    A model that gives a score without a box speaks of the whole picture.
    """
    ms = observation.captured_ms
    score = observation.scores.get(rule.kind, 0.0)
    if score < rule.close_threshold:
        return Sight(ms, score, (), observation.trace, observation.frame), ()
    boxes: list[ScoredBox] = [
        (found.score, found.box)
        for found in observation.boxes
        if found.label == rule.kind and found.score >= rule.close_threshold
    ] or [(score, WHOLE)]
    kept: list[ScoredBox] = []
    left_out: list[str] = []
    for scored in boxes:
        reason = _held_back(scored, observation, rules, rule, memory)
        if not reason:
            kept.append(scored)
        elif scored[0] >= rule.threshold:
            left_out.append(reason)
    kept.sort(reverse=True)
    agreeing = tuple(scored for scored in kept if scored[0] >= rule.threshold)
    return Sight(ms, kept[0][0] if kept else 0.0, agreeing, observation.trace, observation.frame), tuple(left_out)


def _held_back(scored: ScoredBox, observation: Observation, rules: CameraRules, rule: Rule, memory: Memory) -> str:
    """Return why a box must not speak, or an empty string."""
    score, box = scored
    if masked(box, rules.masks):
        return "masked"
    if memory.always_there(observation.camera, rule.kind, score, box, observation.captured_ms):
        return "always_there"
    return ""
