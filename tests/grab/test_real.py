"""Real clips through the sampler: floor kept, nothing called blind."""

from itertools import pairwise
from pathlib import Path

import pytest

from pipeline.grab.sampler import sample_source
from pipeline.grab.sight import Sight
from pipeline.ops.sections import GrabSection

FOLDERS = ("fire_smoke/clips", "brawl/hard_negatives_long", "flood/clips")


@pytest.mark.parametrize("folder", FOLDERS)
def test_real_clips(shared_data: Path, folder: str) -> None:
    grab = GrabSection()
    paths = sorted((shared_data / "data" / folder).glob("*.mp4"))
    assert paths
    for path in paths:
        sight, floors = Sight.of(grab), []
        for sample in sample_source(str(path), grab):
            if sample.cause == "floor":
                floors.append(sample.t_s)
                assert sight.judge(sample.look, round(sample.t_s * 1000)) is None, f"{path.name} at {sample.t_s}"
            assert max(sample.image.shape) <= grab.longest_side
        assert all(b - a <= 1.3 for a, b in pairwise(floors)), path.name
