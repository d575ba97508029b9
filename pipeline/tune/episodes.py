"""Episodes: stretches in which a camera's scores of a kind rose, and from which threshold each raises an incident.

A threshold is judged by what it raises. For most of a month nothing is to be seen, and nothing there depends on any
threshold; what depends on it are the episodes. The rules are monotone in the threshold (`confirm.evidence`): what one
threshold raises, every lower one raises no later. So each episode is looked at once for all thresholds.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.bus.records import Observation
from pipeline.city.registry import Camera, Registry
from pipeline.confirm.machine import new_city, step
from pipeline.confirm.rules import Rulebook
from pipeline.ops.sections import CameraRule, Kind, KindRule
from pipeline.ops.settings import Settings
from pipeline.tune.compare import Truth

Floats = NDArray[np.float64]

GRID: Floats = np.round(np.arange(0.20, 0.981, 0.02), 2)
"""Thresholds that are looked at."""
FLOOR = 0.1
"""A score below this is no part of an episode."""
GAP_MS = 150_000
"""Scores that rise again within this time are of the same episode: the incident would be the same one."""


@dataclass(frozen=True)
class Episode:
    """A stretch of one camera and kind: what it was, and what thresholds make of it.

    `highest` is its highest score; `judged` is False where nobody saw it and its truth is only likely. `delays_s` holds
    for each threshold of `GRID` the seconds from the first score to the incident, NaN where none is raised.
    """

    camera: str
    category: str
    kind: Kind
    start_ms: int
    end_ms: int
    truth: Truth
    delays_s: Floats
    highest: float = 0.0
    judged: bool = True


def delays_of(series: Sequence[tuple[NDArray[np.int64], Floats]], rule: KindRule, grid: Floats = GRID) -> list[Floats]:
    """Return when each threshold would raise an incident of things that stay at their place, s after the first score.

    It is `evidence.assess` for a single box that does not move and frames at least `UNIT_MS` apart, for many series and
    all thresholds at once; a test holds both together.

    Args:
        series: Capture times (epoch ms, rising) and scores 0..1, `[N]` each.
        rule: The rule; its threshold is replaced by each of the grid.
        grid: `[T]` thresholds.

    Returns:
        For each series `[T]` seconds, NaN where nothing is raised.
    """
    if not series:
        return []
    times = np.concatenate([one[0] for one in series])
    owner = np.repeat(np.arange(len(series)), [len(one[0]) for one in series])
    odds, base = _log_odds(np.concatenate([one[1] for one in series])), _log_odds(grid)
    agree = np.concatenate([one[1] for one in series])[None] >= grid[:, None]
    weight = np.where(agree, np.maximum(0, odds[None] - base[:, None]), 0)
    raised = _raised(times, owner, agree, weight, rule)
    ends = np.cumsum([len(one[0]) for one in series])
    found = []
    for (own, _), end in zip(series, ends, strict=True):
        part = raised[:, end - len(own) : end]
        first = part.argmax(1)
        found.append(np.where(part.any(1), (own[first] - own[0]) / 1000, np.nan))
    return found


def _log_odds(scores: Floats) -> Floats:
    """Return log-odds of scores, clipped as the rules clip them."""
    clipped = np.clip(scores, 0.001, 0.999)
    return np.asarray(np.log(clipped / (1 - clipped)))


def _raised(
    times: NDArray[np.int64],
    owner: NDArray[np.intp],
    agree: NDArray[np.bool_],
    weight: Floats,
    rule: KindRule,
) -> NDArray[np.bool_]:
    """Say for each threshold and frame whether some stretch that ends with it is enough, `[T, N]`."""
    raised = np.zeros_like(agree)
    frames, evidence = np.zeros(agree.shape), np.zeros(agree.shape)
    for back in range(len(times)):
        before = np.arange(len(times)) - back
        span = times - times[before.clip(0)]
        within = (before >= 0) & (owner[before.clip(0)] == owner) & (span <= rule.window_s * 1000)
        if not within.any():
            break
        source, here = before[within], np.flatnonzero(within)
        speaks = agree[:, source]
        frames[:, here] += speaks
        evidence[:, here] += weight[:, source]
        told, sure, long_ms = frames[:, here], evidence[:, here], span[within]
        plain = (told >= rule.min_frames) & (long_ms >= rule.min_span_s * 1000) & (sure >= rule.min_evidence)
        strong = (told >= rule.strong_frames) & (long_ms >= rule.strong_span_s * 1000)
        strong &= sure >= max(rule.strong_evidence, rule.min_evidence)
        raised[:, here] |= speaks & (told / (back + 1) >= rule.min_ratio) & (plain | strong)
    return raised & agree


def delays_by_machine(
    observations: Sequence[Observation], settings: Settings, camera: Camera, kind: Kind, grid: Floats = GRID
) -> Floats:
    """Return the same for recorded observations of one camera, by the confirm machine itself; as `delays_of`.

    The highest threshold that raises an incident is found by halving; below it every fourth one is replayed and those
    between take over the delay of the next higher one, which is never earlier.
    """
    delays = np.full(len(grid), np.nan)
    if not observations:
        return delays
    first = min(one.captured_ms for one in observations)

    def opened(index: int) -> float:
        at = _opened_ms(observations, settings, camera, kind, float(grid[index]))
        return float("nan") if at is None else (at - first) / 1000

    low, high = -1, len(grid)
    while high - low > 1:
        middle = (low + high) // 2
        said = opened(middle)
        if np.isnan(said):
            high = middle
        else:
            low, delays[middle] = middle, said
    for index in range(low, -1, -1):
        if np.isnan(delays[index]):
            delays[index] = opened(index) if (low - index) % 4 == 0 else delays[index + 1]
    return delays


def _opened_ms(
    observations: Iterable[Observation], settings: Settings, camera: Camera, kind: Kind, threshold: float
) -> int | None:
    """Return when the machine opens an incident of a kind at a threshold, None where it does not."""
    rule = CameraRule(kind=kind, threshold=threshold)
    confirm = settings.confirm.model_copy(update={"cameras": {camera.id: (rule,)}, "quiet": ()})
    alone = replace(camera, kinds=(kind,))
    city = new_city(Rulebook(settings.model_copy(update={"confirm": confirm}), Registry({camera.id: alone}, {})))
    for observation in observations:
        for incident in step(city, observation, observation.captured_ms).incidents:
            return incident.opened_ms
    return None


def stretches(observations: Iterable[Observation], kind: Kind) -> list[list[Observation]]:
    """Cut one camera's observations (by time) into stretches in which a kind's score rose above `FLOOR`.

    What lies between two rises of one stretch belongs to it; the quiet around stretches is left out.
    """
    found: list[list[Observation]] = []
    tail: list[Observation] = []
    last_ms = None
    for one in observations:
        if one.scores.get(kind, 0.0) >= FLOOR:
            if last_ms is None or one.captured_ms - last_ms > GAP_MS:
                found.append([])
            else:
                found[-1] += tail
            tail = []
            found[-1].append(one)
            last_ms = one.captured_ms
        elif found and last_ms is not None and one.captured_ms - last_ms <= GAP_MS and kind in one.scores:
            tail.append(one)
    return found
