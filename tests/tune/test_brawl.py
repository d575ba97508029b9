"""`siaga eval brawl`: which bursts of a clip are scored, and what the figures say."""

from pathlib import Path

import pytest

from pipeline.ops.errors import ConfigError
from pipeline.tune.brawl import Clip, Judged, evaluate_brawl, figures, read_clips, starts
from tests.shared import REPO


def test_bursts_reach_the_end() -> None:
    assert starts(2.0) == [0.0]
    assert starts(1.0) == [0.0]
    assert starts(4.6) == [0.0, 1.0, 2.0, pytest.approx(2.65)]


def test_figures() -> None:
    def judged(fight: bool, score: float) -> Judged:
        return Judged(Clip(Path("a"), fight, "val", 1), score)

    got = figures([judged(True, 0.9), judged(True, 0.4), judged(False, 0.2), judged(False, 0.1)])
    assert got == {"n": 4, "auc": 1.0, "accuracy": 0.75, "recall_at_fpr_5pct": 1.0}


def test_a_wrong_split_is_named(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text("file,label,split,fold\na.mp4,fight,train,1\n")
    with pytest.raises(ConfigError, match="no clip of split nowhere"):
        read_clips(tmp_path, "nowhere")


@pytest.mark.timeout(120)
def test_other_scenes(tmp_path: Path, shared_data: Path) -> None:
    got = evaluate_brawl(shared_data / "data" / "brawl", "val", REPO / "models" / "brawl", tmp_path / "brawl.json")
    assert list(got) == ["n", "auc", "accuracy", "recall_at_fpr_5pct", "ms_per_burst", "folds"]
    assert got["auc"] >= 0.91  # .928
    assert got["recall_at_fpr_5pct"] >= 0.68  # .735
