"""The answer to a budget: a threshold for each camera, and what all together cost and bring, before and after."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.ops.errors import ConfigError
from pipeline.ops.sections import Kind
from pipeline.ops.settings import Settings
from pipeline.tune.curve import count
from pipeline.tune.episodes import GRID, Episode
from pipeline.tune.gather import Gathered
from pipeline.tune.suggest import Suggestion, suggest

WIDE = 1.64
"""Standard deviations of a 90 % interval."""


@dataclass(frozen=True)
class Effect:
    """What thresholds give: false alarms a camera-week, recall with a 90 % interval (Wilson 1927), median delay, s."""

    false_per_week: float
    recall: float | None
    recall_low: float | None
    recall_high: float | None
    delay_s: float | None


@dataclass(frozen=True)
class Advice:
    """Thresholds for a kind within a budget (false alarms a camera-week), and what they are expected to change."""

    kind: Kind
    budget_per_week: float
    camera_weeks: float
    episodes: int
    events: int
    before: Effect
    after: Effect
    thresholds: tuple[Suggestion, ...]

    def lines(self) -> Iterator[str]:
        """Yield the advice for people."""
        yield (
            f"{self.kind}: {self.budget_per_week:g} false alarms a camera and week at most; "
            f"{self.camera_weeks:.1f} camera-weeks, {self.episodes} episodes, {self.events} of them true"
        )
        for name, effect in (("now", self.before), ("then", self.after)):
            yield f"  {name:5} {effect.false_per_week:6.2f} false alarms a camera-week, recall {_recall(effect)}"
        for one in self.thresholds:
            yield (
                f"  {one.camera:24} {one.threshold:.2f}  expected {one.expected_per_week:.2f} a week"
                f"  (own data {one.own:.0%}, the rest from {one.category or 'all cameras without a category'})"
            )


def _recall(effect: Effect) -> str:
    """Return recall in words: without a true event nothing is pretended."""
    if effect.recall is None or effect.recall_low is None or effect.recall_high is None:
        return "not known: no true incident within the span"
    delay = "" if effect.delay_s is None else f", median delay {effect.delay_s:.1f} s"
    return f"{effect.recall:.0%} ({effect.recall_low:.0%} to {effect.recall_high:.0%}){delay}"


def advice_of(settings: Settings, found: Gathered, budget: float) -> Advice:
    """Return thresholds from episodes.

    Raises:
        ConfigError: No camera was watched.
    """
    if not found.weeks:
        raise ConfigError("nothing was recorded within this span: is the archive on, and since when?")
    suggested = suggest(found.episodes, found.weeks, found.categories, budget)
    live = settings.confirm.kinds[found.kind].threshold
    own = {
        camera: rule.threshold
        for camera, rules in settings.confirm.cameras.items()
        for rule in rules
        if rule.kind == found.kind and rule.threshold is not None
    }
    before = {camera: own.get(camera, live) for camera in found.weeks}
    after = {one.camera: one.threshold for one in suggested}
    return Advice(
        found.kind,
        budget,
        sum(found.weeks.values()),
        len(found.episodes),
        sum(one.truth == "true" for one in found.episodes),
        effect_of(found.episodes, found.weeks, before),
        effect_of(found.episodes, found.weeks, after),
        tuple(suggested),
    )


def effect_of(episodes: Sequence[Episode], weeks: dict[str, float], thresholds: dict[str, float]) -> Effect:
    """Return what thresholds by camera give on episodes."""
    counts = count(episodes, weeks)
    index = [place(thresholds[camera]) for camera in counts.cameras]
    false = sum(counts.false[row, column] for row, column in enumerate(index))
    true = sum(counts.true[row, column] for row, column in enumerate(index))
    events, whole = counts.events.sum(), counts.weeks.sum()
    delays = [
        float(one.delays_s[place(thresholds[one.camera])])
        for one in episodes
        if one.truth == "true" and one.camera in thresholds
    ]
    known = [delay for delay in delays if not np.isnan(delay)]
    low, high = wilson(float(true), float(events)) if events else (None, None)
    return Effect(
        float(false / whole) if whole else 0.0,
        float(true / events) if events else None,
        low,
        high,
        float(np.median(known)) if known else None,
    )


def place(threshold: float) -> int:
    """Return where a threshold lies in the grid: the first that is not below it."""
    return min(len(GRID) - 1, int(np.searchsorted(GRID, threshold - 1e-9)))


def wilson(hits: float, of: float) -> tuple[float, float]:
    """Return the 90 % interval of a share (Wilson 1927): wide where little is known."""
    share, square = hits / of, WIDE**2
    middle = (share + square / (2 * of)) / (1 + square / of)
    half = WIDE * np.sqrt(share * (1 - share) / of + square / (4 * of**2)) / (1 + square / of)
    return float(max(0.0, middle - half)), float(min(1.0, middle + half))
