"""A city with known truth, to test the lab with: 200 cameras, a month, kinds of trouble as cameras have them.

What is drawn, and why:

- *Cameras differ.* How often something looks like fire at a camera is log-normal (a few cameras make most false
  alarms), and shared in part by the cameras of one category.
- *Scores hang together.* Within an episode the log-odds follow an autoregression of order 1 around a level of their
  own; what looks like fire keeps looking like it for a while. Durations are log-normal.
- *Night and weather.* Lamps and headlights: trouble is three times as frequent at night; on rainy days (two in seven,
  the same for the whole city) as well, and then lasts longer.
- *Events are rare*: a few a month in the whole city, of higher level, longer, at cameras drawn at random.

Between episodes scores are low and raise nothing at any threshold of the grid, so they are not drawn.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.ops.sections import KindRule
from pipeline.tune.episodes import Episode, delays_of

Floats = NDArray[np.float64]

CATEGORIES = ("rawan_kebakaran", "jalan", "rt_rw", "taman_24_jam")
DAY_S = 86_400
T0_MS = 1_760_000_000_000


@dataclass(frozen=True)
class City:
    """Cameras by their hidden rates: `per_day` false episodes, `level` their mean log-odds."""

    cameras: tuple[str, ...]
    categories: dict[str, str]
    per_day: Floats
    level: Floats


@dataclass(frozen=True)
class Drawn:
    """One episode as it was drawn: scores at one a second from `start_s` of the month on."""

    camera: str
    true: bool
    start_s: int
    scores: Floats


def draw_city(seed: int, cameras: int = 200) -> City:
    """Draw a city."""
    rng = np.random.default_rng(seed)
    names = tuple(f"cam-{number:03d}" for number in range(cameras))
    of = rng.integers(0, len(CATEGORIES), cameras)
    shared = rng.normal(0, 0.4, len(CATEGORIES))
    per_day = np.exp(rng.normal(np.log(0.8), 0.9, cameras) + shared[of])
    level = rng.normal(-0.9, 0.5, cameras) + 0.3 * shared[of]
    return City(names, {name: CATEGORIES[int(k)] for name, k in zip(names, of, strict=True)}, per_day, level)


def draw_month(city: City, seed: int, days: int = 30, events_per_camera: float = 0.5) -> Iterator[Drawn]:
    """Draw what a month shows."""
    rng = np.random.default_rng(seed)
    rainy = rng.random(days) < 2 / 7
    for number, camera in enumerate(city.cameras):
        for day in range(days):
            rain = 2.0 if rainy[day] else 1.0
            for _ in range(int(rng.poisson(city.per_day[number] * rain))):
                night = rng.random() < 0.75
                hour = (18 + 12 * rng.random()) % 24 if night else 6 + 12 * rng.random()
                seconds = int(np.clip(rng.lognormal(np.log(9 * rain), 0.8), 3, 240))
                level = rng.normal(city.level[number], 0.8)
                yield Drawn(camera, False, int(day * DAY_S + hour * 3600), series(rng, level, seconds))
        for _ in range(int(rng.poisson(events_per_camera))):
            seconds = int(np.clip(rng.lognormal(np.log(60), 0.6), 10, 400))
            start = int(rng.integers(0, days * DAY_S - 400))
            yield Drawn(camera, True, start, series(rng, rng.normal(1.6, 0.9), seconds))


def series(rng: np.random.Generator, level: float, seconds: int, memory: float = 0.8, spread: float = 0.9) -> Floats:
    """Return scores `[seconds]` of one episode: an autoregression of order 1 in log-odds around a level."""
    steps = rng.normal(0, spread * np.sqrt(1 - memory**2), seconds)
    odds = np.empty(seconds)
    at = rng.normal(0, spread)
    for second in range(seconds):
        at = memory * at + steps[second]
        odds[second] = level + at
    return np.asarray(1 / (1 + np.exp(-odds)))


def episodes_of(city: City, drawn: Iterable[Drawn], rule: KindRule) -> list[Episode]:
    """Return what thresholds make of a month."""
    months = list(drawn)
    times = [T0_MS + one.start_s * 1000 + 1000 * np.arange(len(one.scores)) for one in months]
    delays = delays_of([(at, one.scores) for at, one in zip(times, months, strict=True)], rule)
    return [
        Episode(
            one.camera,
            city.categories[one.camera],
            "fire",
            int(at[0]),
            int(at[-1]),
            "true" if one.true else "false",
            delay,
        )
        for one, at, delay in zip(months, times, delays, strict=True)
    ]
