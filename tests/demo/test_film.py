"""Programmes as files: encoded as asked, made once, never half."""

import os
import time
from pathlib import Path

import av
import numpy as np
import pytest

from pipeline.demo.scenes import film
from pipeline.demo.scenes.catalog import CAMERAS, FIRE_CAMERA, PROGRAMME_S
from pipeline.demo.scenes.optics import HEIGHT, WIDTH
from pipeline.demo.scenes.traffic import LOOP_S


def test_each_camera_has_a_quiet_programme_and_one_an_event() -> None:
    listed = film.programmes()
    assert [p.camera for p in listed if p.event] == [FIRE_CAMERA]
    assert sorted(p.camera for p in listed if not p.event) == sorted(camera.name for camera in CAMERAS)
    assert listed[0].seconds == PROGRAMME_S
    assert {p.seconds for p in listed[1:]} == {LOOP_S}


def test_a_film_is_made_once_with_a_keyframe_each_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    pictures = [rng.integers(0, 80, (HEIGHT, WIDTH, 3), np.uint8) for _ in range(2)]
    monkeypatch.setattr(film, "frames", lambda programme: (pictures[index % 2] for index in range(30)))
    programme = film.Programme("pasar", event=False)
    path = film.make(programme, tmp_path)
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        assert container.streams.video[0].codec_context.name == "h264"
    assert [index for index, packet in enumerate(packets) if packet.is_keyframe] == [0, 12, 24]
    assert len(packets) == 30
    monkeypatch.setattr(film, "frames", None)
    assert film.make(programme, tmp_path) == path
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_film_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(programme: film.Programme) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(film, "frames", broken)
    with pytest.raises(OSError, match="no space"):
        film.make(film.Programme("pasar", event=False), tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_drafts_of_killed_processes_are_swept_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / film.cache_key()
    folder.mkdir()
    for name, age_s in ((".old.mp4", film.STALE_S + 60), (".fresh.mp4", 0)):
        (folder / name).touch()
        os.utime(folder / name, (time.time() - age_s,) * 2)
    monkeypatch.setattr(film, "frames", lambda programme: iter([np.zeros((HEIGHT, WIDTH, 3), np.uint8)]))
    film.make(film.Programme("pasar", event=False), tmp_path)
    assert sorted(path.name for path in folder.iterdir()) == [".fresh.mp4", "pasar.quiet.mp4"]
