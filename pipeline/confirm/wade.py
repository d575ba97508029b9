"""What one observation of water says of a flood: the change against the street as it normally is."""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from statistics import median
from typing import Any

from pipeline.bus.records import Depth, Observation, Water
from pipeline.bus.wetness import Wetness, bounds, pack, unpack
from pipeline.city.gauge import LevelLine
from pipeline.confirm.evidence import Sight
from pipeline.confirm.gauge import read_level
from pipeline.confirm.rules import CameraRules, Rule, log_odds
from pipeline.confirm.spatial import WHOLE
from pipeline.confirm.street import Streets, newly_wet

DRY = 0.2
"""A score that a dry street may have: what a camera normally scores above it is taken off."""
YOUNG = 0.9
"""Score that a frame needs while its camera's street is not known yet."""
GRAVE: Mapping[int, float] = {1: 0.99, 2: 0.97}
"""Score that the gauge alone gives, by Siaga: the line is drawn where it counts, whatever the street looks like."""
RISEN = 0.25
"""Where so much of the normally dry street is wet, the score speaks as it is, whatever is normal there."""
RECENT = 5
"""Sights whose depths are compared: the one named most often counts."""
MINUTE_MS = 60_000


def wade(
    observation: Observation, water: Water, rules: CameraRules, rule: Rule, streets: Streets
) -> tuple[Sight, tuple[str, ...]]:
    """Return the sight, and why a frame that scored enough does not speak (`normal_here`, `street_not_known_yet`).

    The score is lowered by what this camera normally scores, unless much of the street that normally is dry is wet now;
    the share counts only cells that normally are dry. Frames that do not agree, and slowly those that do, are learned.
    """
    ms, raw = observation.captured_ms, observation.scores.get(rule.kind, 0.0)
    reference = streets.of(observation.camera, water)
    cells = unpack(water.cells)
    wet, share = newly_wet(cells, reference, rules.road)
    score = _against(raw, reference.level) if reference.settled and share < RISEN else raw
    needed = rule.threshold if reference.settled else max(rule.threshold, YOUNG)
    gauge = _gauge(rules.level_line, cells)
    score = max(score, GRAVE.get(gauge.get("siaga", 4), 0.0))
    agrees = score >= needed
    if streets.learning:
        reference.learn(cells, log_odds(raw), ms, agrees)
    said = water.model_copy(update={"share": round(share, 4), "cells": pack(wet), **gauge})
    box = bounds(wet) or WHOLE
    sight = Sight(ms, score, ((score, box),) if agrees else (), observation.trace, observation.frame, said)
    if agrees or raw < rule.threshold:
        return sight, ()
    return sight, ("normal_here" if reference.settled else "street_not_known_yet",)


def _gauge(line: LevelLine | None, cells: Wetness) -> dict[str, Any]:
    """Return the height and alert level that a camera's gauge shows; nothing without a gauge or below its lower end."""
    level = read_level(line, cells) if line is not None else None
    if line is None or level is None:
        return {}
    return {"level_cm": round(level, 1), "siaga": line.grade(level)}


def _against(score: float, level: float) -> float:
    """Return a score without what the camera normally scores above a dry street."""
    extra = max(0.0, level - log_odds(DRY))
    return 1 / (1 + math.exp(extra - log_odds(score)))


def rise_of(sights: Iterable[Sight]) -> float:
    """Return how fast the share grows, a minute."""
    return _slope([(sight.ms / MINUTE_MS, sight.water.share) for sight in sights if sight.water is not None])


def level_rise_of(sights: Iterable[Sight]) -> float:
    """Return how fast the level at the gauge rises, cm a minute; 0 where it was not read."""
    return _slope(
        [
            (sight.ms / MINUTE_MS, sight.water.level_cm)
            for sight in sights
            if sight.water is not None and sight.water.level_cm is not None
        ]
    )


def _slope(points: Sequence[tuple[float, float]]) -> float:
    """Return the median of the slopes between all pairs (Theil 1950, Sen 1968)."""
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in combinations(points, 2) if b[0] > a[0]]
    return median(slopes) if slopes else 0.0


def water_of(window: Sequence[Sight]) -> Water | None:
    """Return the water of the newest sight, with the depth that most of the latest sights name and the rise."""
    wet = [sight for sight in window if sight.water is not None]
    if not wet or wet[-1].water is None:
        return None
    depths: list[Depth] = [sight.water.depth for sight in wet[-RECENT:] if sight.water and sight.boxes]
    depth = max(reversed(depths), key=depths.count) if depths else wet[-1].water.depth
    rises = {"rise": round(max(-100, min(100, rise_of(wet))), 4), "level_rise": round(level_rise_of(wet), 2)}
    return wet[-1].water.model_copy(update={"depth": depth, **rises})
