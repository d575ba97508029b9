"""Broken clips are broken as they say, and the server serves what is left of them."""

from pathlib import Path

import numpy as np

from pipeline.demo import faults
from pipeline.demo.rtsp import Media, MediaError, serve_in_thread
from pipeline.demo.scenes.optics import HEIGHT, WIDTH
from tests.demo.clips import make_clip
from tests.demo.reading import brightness


def test_truncated_and_damaged_copies_differ_as_asked(tmp_path: Path) -> None:
    whole = make_clip(tmp_path / "whole.ts")
    size = whole.stat().st_size
    assert faults.truncate(whole, tmp_path / "half.ts").stat().st_size == size // 2
    hurt = faults.damage(whole, tmp_path / "hurt.ts", seed=3)
    assert hurt.read_bytes() == faults.damage(whole, tmp_path / "again.ts", seed=3).read_bytes()
    assert hurt.read_bytes()[: faults.HEADER_BYTES] == whole.read_bytes()[: faults.HEADER_BYTES]
    assert hurt.read_bytes() != whole.read_bytes()


def test_damaged_clips_are_served_or_refused_by_name_and_never_stop_the_server(tmp_path: Path) -> None:
    whole = make_clip(tmp_path / "whole.mp4")
    for seed in range(30):
        hurt = faults.damage(whole, tmp_path / f"hurt{seed}.mp4", bytes_hit=300, seed=seed)
        try:
            assert Media.load(hurt).units
        except MediaError as error:
            assert hurt.name in str(error)


def test_frozen_dark_and_covered_films_look_so(tmp_path: Path) -> None:
    picture = np.random.default_rng(1).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
    films = {
        "frozen": faults.frozen(tmp_path / "frozen.mp4", picture, 1),
        "dark": faults.dark(tmp_path / "dark.mp4", 1),
        "covered": faults.covered(tmp_path / "covered.mp4", 1),
    }
    with serve_in_thread(films, clock="client", loop=False) as server:
        values = {name: brightness(server.url(name), 12) for name in films}
    assert max(values["dark"]) < 25
    assert 80 < min(values["covered"]) < 115
    assert max(values["frozen"]) - min(values["frozen"]) < 3
