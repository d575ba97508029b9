"""From a budget to thresholds: a simulated city with known truth, fifty times."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.ops.errors import ConfigError
from pipeline.ops.settings import Settings
from pipeline.tune.advice import advice_of, effect_of, place, wilson
from pipeline.tune.curve import count, curve
from pipeline.tune.episodes import GRID, Episode
from pipeline.tune.gather import Gathered
from pipeline.tune.simulated import City, draw_city, draw_month, episodes_of
from pipeline.tune.suggest import first_within, parse_budget, posterior, suggest
from tests.confirm.world import fire, quiet
from tests.tune.replaying import archive, configured

RULE = Settings().confirm.kinds["smoke"]
SEEDS = 50
BUDGET = 1.0


def months(seed: int, cameras: int = 200) -> tuple[City, list[Episode], list[Episode], dict[str, float]]:
    """A city, the month it is tuned on, the month that follows, and the weeks of each camera."""
    city = draw_city(seed, cameras)
    weeks = dict.fromkeys(city.cameras, 30 / 7)
    first, second = (episodes_of(city, draw_month(city, 1000 * (1 + k) + seed), RULE) for k in range(2))
    return city, first, second, weeks


@pytest.mark.timeout(900)
def test_the_budget_is_met_and_recall_is_near_the_best_possible() -> None:
    met, lost = 0, []
    for seed in range(SEEDS):
        city, tuned, after, weeks = months(seed)
        chosen = {one.camera: one.threshold for one in suggest(tuned, weeks, city.categories, BUDGET)}
        given = effect_of(after, weeks, chosen)
        counts = count(after, weeks)
        rates = np.array([counts.false[i, place(chosen[c])] / weeks[c] for i, c in enumerate(counts.cameras)])
        draws = np.random.default_rng(seed).choice(rates, (400, len(rates))).mean(1)
        met += bool(np.quantile(draws, 0.05) <= BUDGET)
        # The oracle knows the month to come: the lowest threshold of each camera that keeps to the budget in it.
        oracle = {
            c: float(GRID[first_within(counts.false[i] / weeks[c], BUDGET)]) for i, c in enumerate(counts.cameras)
        }
        best = effect_of(after, weeks, oracle)
        assert given.recall is not None
        assert best.recall is not None
        lost.append(best.recall - given.recall)
    print(f"budget met in {met} of {SEEDS} seeds; recall {100 * np.mean(lost):.2f} points below the oracle's")
    assert met >= 0.9 * SEEDS
    assert np.mean(lost) <= 0.03


def test_a_camera_with_little_data_borrows_and_one_with_much_speaks_for_itself() -> None:
    _, tuned, _, weeks = months(3, 40)
    counts = count(tuned, weeks)
    few = {camera: (0.05 if camera == "cam-000" else own) for camera, own in weeks.items()}
    _, own = posterior(counts, range(40))
    short = count([one for one in tuned if one.camera != "cam-000"], few)
    _, borrowed = posterior(short, range(40))
    index = place(0.5)
    assert borrowed[0, index] < 0.2 < own[0, index]


def test_a_smaller_budget_never_lowers_a_threshold() -> None:
    city, tuned, _, weeks = months(1, 40)
    generous, strict = (suggest(tuned, weeks, city.categories, budget) for budget in (2.0, 0.2))
    assert all(a.threshold <= b.threshold for a, b in zip(generous, strict, strict=True))
    assert any(a.threshold < b.threshold for a, b in zip(generous, strict, strict=True))


def test_the_curve_falls_and_its_interval_is_wide_where_little_is_known() -> None:
    _, tuned, _, weeks = months(2, 60)
    points = curve(tuned, weeks)
    assert all(a.false_per_week >= b.false_per_week for a, b in pairwise(points))
    assert all(p.false_low <= p.false_per_week <= p.false_high for p in points)
    events = [one for one in tuned if one.truth == "true"]
    some = curve([*events[:3], *(one for one in tuned if one.truth == "false")], weeks)
    wide, narrow = some[10], points[10]
    assert wide.recall_high is not None
    assert wide.recall_low is not None
    assert narrow.recall_high is not None
    assert narrow.recall_low is not None
    assert wide.recall_high - wide.recall_low >= narrow.recall_high - narrow.recall_low
    none = curve([one for one in tuned if one.truth == "false"], weeks)
    assert none[0].recall is None


def test_twelve_verdicts_pretend_nothing() -> None:
    low, high = wilson(12, 12)
    assert high == pytest.approx(1.0)
    assert low < 0.85


@pytest.mark.parametrize(("text", "rate"), [("1/camera/week", 1), ("0.5/camera/day", 3.5), ("3/kamera/bulan", 0.7)])
def test_a_budget(text: str, rate: float) -> None:
    assert parse_budget(text) == pytest.approx(rate)


@pytest.mark.parametrize("text", ["", "1", "one/camera/week", "1/camera/year", "-1/camera/week"])
def test_no_budget(text: str) -> None:
    with pytest.raises(ConfigError, match="--budget"):
        parse_budget(text)


def test_nothing_recorded_is_one_clear_error() -> None:
    with pytest.raises(ConfigError, match="nothing was recorded"):
        advice_of(Settings(), Gathered("fire"), 1.0)


def test_the_command_reads_the_archive(tmp_path: Path) -> None:
    config = configured(tmp_path)
    seen = [*quiet(0, 30), *fire(30, 20, 0.6), *quiet(50, 300)]
    archive(tmp_path / "data" / "archive", seen)
    out = tmp_path / "advice.json"
    told = CliRunner().invoke(
        app,
        ["tune", "suggest", "--budget", "1/camera/week", "--from", "2025-10-09T15:53", "--to", "2025-10-09T16:00",
         "--config", str(config), "--data", str(tmp_path / "data"), "--json", str(out)],
    )  # fmt: skip
    assert told.exit_code == 0, told.output
    advice = json.loads(out.read_text())
    assert advice["episodes"] == 1
    assert advice["before"]["recall"] is None
    assert "not known: no true incident" in told.stdout
    assert [one["camera"] for one in advice["thresholds"]] == ["a"]
    assert advice["after"]["false_per_week"] <= advice["before"]["false_per_week"]


def test_curve_and_drift_read_the_archive_too(tmp_path: Path) -> None:
    config = configured(tmp_path)
    archive(tmp_path / "data" / "archive", [*quiet(0, 30), *fire(30, 20, 0.6), *quiet(50, 300)])
    common = ["--from", "2025-10-09T15:53", "--to", "2025-10-09T16:00", "--config", str(config),
              "--data", str(tmp_path / "data")]  # fmt: skip
    told = CliRunner().invoke(app, ["tune", "curve", *common])
    assert told.exit_code == 0, told.output
    document = json.loads(told.stdout)
    assert len(document["curve"]) == len(GRID)
    assert document["calibration"]["judged"] == 0
    assert document["curve"][0]["recall"] is None
    told = CliRunner().invoke(app, ["tune", "drift", "--at", "2025-10-09T15:55", *common])
    assert told.exit_code == 0, told.output
    assert "too little to tell" in told.stdout
    wrong = CliRunner().invoke(app, ["tune", "curve", "--kind", "rain", *common])
    assert "no rules for it" in str(wrong.exception)
