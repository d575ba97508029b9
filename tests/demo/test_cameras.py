"""The camera server of `siaga run --demo` and `--videos`: registry, films on demand, broken clips, any codec."""

import csv
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import pytest

from pipeline.city.registry import Camera, load_registry
from pipeline.demo import cameras
from pipeline.demo.cameras import build_demo, cache_folder, serve, serve_folder
from pipeline.demo.clips import find_clips, transcode
from pipeline.demo.errors import DemoError
from pipeline.demo.registry import COLUMNS, clip_rows, registered_port, simulated_rows, slug, write_registry
from pipeline.demo.rtsp import serve_in_thread
from pipeline.demo.scenes import film
from pipeline.demo.scenes.catalog import CAMERAS, FIRE_CAMERA
from pipeline.ops.sections import CitySection
from pipeline.ops.settings import Settings
from tests.demo.clips import make_clip
from tests.demo.reading import brightness, opened, packets
from tests.shared import REPO
from tests.waiting import wait_for


def read_registry(path: Path) -> dict[str, Camera]:
    city = CitySection(cameras=str(path), kelurahan=str(REPO / "configs" / "kelurahan.csv"))
    return dict(load_registry(Settings(city=city)).cameras)


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """A cache that holds a short film for every programme, so that none is drawn."""
    cache = tmp_path / "cache"
    folder = cache / film.cache_key()
    folder.mkdir(parents=True)
    for programme in film.programmes():
        make_clip(folder / programme.file, level=180 if programme.event else 0)
    return cache


@contextmanager
def serving(folder: Path, videos: Path | None, cache: Path) -> Iterator[dict[str, Camera]]:
    """The server in a thread; gives the registry it wrote."""
    stop = threading.Event()
    thread = threading.Thread(target=serve, args=(folder, videos, stop, cache))
    thread.start()
    try:
        wait_for((folder / "cameras.csv").exists, what="cameras.csv")
        yield read_registry(folder / "cameras.csv")
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


def can_open(url: str) -> bool:
    try:
        with opened(url):
            return True
    except av.error.FFmpegError:
        return False


def test_six_simulated_cameras_are_registered_at_real_kelurahan(films: Path, tmp_path: Path) -> None:
    streams = build_demo(tmp_path / "demo", 8554, films)
    found = read_registry(tmp_path / "demo" / "cameras.csv")
    assert set(found) == set(streams) == {camera.name for camera in CAMERAS}
    assert len({camera.kelurahan for camera in found.values()}) == 6
    for camera in found.values():
        assert camera.url == f"rtsp://127.0.0.1:8554/{camera.id}"
        assert camera.name.startswith("SIMULASI ")
        assert camera.kinds == ("fire", "smoke")
        assert streams[camera.id].loop
    assert [name for name, stream in streams.items() if stream.intro] == [FIRE_CAMERA]


def test_the_demo_serves_all_cameras_and_the_event_once(films: Path, tmp_path: Path) -> None:
    with serving(tmp_path / "demo", None, films) as found:
        for camera in found.values():
            wait_for(lambda url=camera.url: can_open(url), what=camera.id)
        values = brightness(found[FIRE_CAMERA].url, 120)
        assert values[0] > 150 or min(values) < 150
        assert max(brightness(found["pasar"].url, 20)) < 150


def test_the_event_waits_for_its_first_spectator_and_is_not_repeated(films: Path, tmp_path: Path) -> None:
    streams = build_demo(tmp_path / "demo", 8554, films)
    with serve_in_thread(streams) as server:
        values = brightness(server.url(FIRE_CAMERA), 120)
        assert min(values[:45]) > 150
        assert max(values[45:]) < 150
        assert max(brightness(server.url(FIRE_CAMERA), 10)) < 150


def test_a_folder_of_clips_of_any_codec_is_served(tmp_path: Path) -> None:
    videos = tmp_path / "videos"
    videos.mkdir()
    make_clip(videos / "satu.mp4")
    make_clip(videos / "dua.avi", codec="mpeg4")
    make_clip(videos / "tiga.mkv", codec="libx265")
    (videos / "rusak.mp4").write_bytes(b"bukan video")
    (videos / "catatan.txt").write_text("bukan klip")
    with serving(tmp_path / "demo", videos, tmp_path / "cache") as found:
        assert set(found) == {"satu", "dua", "tiga", "rusak"}
        for name, codec in (("satu", "h264"), ("dua", "h264"), ("tiga", "hevc")):
            wait_for(lambda url=found[name].url: can_open(url), what=name)
            with opened(found[name].url) as container:
                assert container.streams.video[0].codec_context.name == codec
                assert len(packets(container, 5)) == 5
        assert not can_open(found["rusak"].url)
    kept = list((tmp_path / "cache" / "clips").iterdir())
    assert len(kept) == 1
    with serving(tmp_path / "demo2", videos, tmp_path / "cache") as found:
        wait_for(lambda: can_open(found["dua"].url), what="the kept clip")
    assert list((tmp_path / "cache" / "clips").iterdir()) == kept


@pytest.mark.parametrize("kind", ["missing", "empty"])
def test_a_folder_without_clips_is_told(kind: str, tmp_path: Path) -> None:
    videos = tmp_path / "kosong"
    if kind == "empty":
        videos.mkdir()
    with pytest.raises(DemoError, match="kosong"):
        serve_folder(tmp_path / "demo", videos, threading.Event(), tmp_path / "cache")


def test_transcoding_names_the_file_and_leaves_nothing(tmp_path: Path) -> None:
    bad = tmp_path / "rusak.avi"
    bad.write_bytes(b"RIFF" + b"\0" * 500)
    with pytest.raises(DemoError, match=r"rusak\.avi"):
        transcode(bad, tmp_path / "out" / "x.mp4")
    assert not (tmp_path / "out").exists()


def test_clips_get_distinct_ids_and_places(tmp_path: Path) -> None:
    names = ["a b.mp4", "a-b.avi", "a_b.mkv", "ä.mp4", "...mp4", *(f"k{index}.mp4" for index in range(10))]
    rows = clip_rows([tmp_path / name for name in names])
    assert len({row.id for row in rows}) == len(rows)
    assert len({(row.lat, row.lng) for row in rows}) == len(rows)
    assert slug("Jl. Ragunan (2)") == "Jl.-Ragunan-2"
    path = write_registry(tmp_path / "cameras.csv", [*rows, *simulated_rows()], "127.0.0.1", 1)
    assert len(read_registry(path)) == len(rows) + 6
    with path.open() as file:
        assert tuple(next(csv.reader(file))) == COLUMNS


def test_find_clips_sorts_and_ignores_other_files(tmp_path: Path) -> None:
    for name in ("b.MP4", "a.mkv", "c.txt"):
        (tmp_path / name).touch()
    assert [path.name for path in find_clips(tmp_path)] == ["a.mkv", "b.MP4"]


def test_cache_folder_can_be_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SIAGA_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path / "siaga"
    monkeypatch.delenv("SIAGA_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_folder() == Path.home() / ".cache" / "siaga"
    assert cameras.REGISTRY == "cameras.csv"


def test_a_server_that_comes_back_is_found_where_it_was(films: Path, tmp_path: Path) -> None:
    with serving(tmp_path / "demo", None, films) as found:
        first = found["pasar"].url
    with serving(tmp_path / "demo", None, films) as found:
        wait_for(lambda: can_open(first), what="the old address")
        assert found["pasar"].url == first


@pytest.mark.parametrize("text", ["", "id,url\n", "id,url\na,rtsp://x:abc/a\n"])
def test_an_unreadable_registry_gives_no_port(text: str, tmp_path: Path) -> None:
    (tmp_path / "cameras.csv").write_text(text)
    assert registered_port(tmp_path / "cameras.csv") == 0


def test_stopping_while_films_are_made_ends_at_once_and_leaves_no_film(tmp_path: Path) -> None:
    with serving(tmp_path / "demo", None, tmp_path / "cache"):
        wait_for(lambda: list((tmp_path / "cache").glob("*/.*.mp4")), what="a film being made")
    assert not list((tmp_path / "cache").glob("*/[!.]*.mp4"))
