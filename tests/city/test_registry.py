"""The camera registry: every row is checked, every problem named by file, line and column."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.city.geo import distance_m
from pipeline.city.registry import Camera, Registry, load_kelurahan, load_registry
from pipeline.ops.errors import ConfigError
from pipeline.ops.settings import Settings
from tests.shared import REPO

HEADER = "id,name,url,kelurahan,lat,lng,categories,owner,kinds,masks,public\n"
GOOD = (
    "cam-1,Jl. Saharjo,rtsp://u:secret@10.0.0.1/1,31.74.01.1001,-6.2,106.85,"
    "rawan_kebakaran;jalan,Satpol PP,fire;smoke,,ya\n"
)


def load(tmp_path: Path, text: str | bytes) -> Registry:
    file = tmp_path / "cameras.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    (tmp_path / "kelurahan.csv").write_bytes((REPO / "configs" / "kelurahan.csv").read_bytes())
    return load_registry(Settings(base=tmp_path))


def test_all_kelurahan_of_jakarta_are_there() -> None:
    kelurahan = load_kelurahan(REPO / "configs" / "kelurahan.csv")
    assert len(kelurahan) == 267
    assert {item.kota for item in kelurahan.values()} == {
        "Kabupaten Administrasi Kepulauan Seribu",
        "Kota Administrasi Jakarta Barat",
        "Kota Administrasi Jakarta Pusat",
        "Kota Administrasi Jakarta Selatan",
        "Kota Administrasi Jakarta Timur",
        "Kota Administrasi Jakarta Utara",
    }
    assert all(-6.5 < item.lat < -5 and 106 < item.lng < 107.1 for item in kelurahan.values())


def test_the_example_registry_is_good() -> None:
    registry = load_registry(Settings(base=REPO / "configs"))
    assert registry.cameras


def test_a_good_row(tmp_path: Path) -> None:
    camera = load(tmp_path, HEADER + GOOD).cameras["cam-1"]
    assert camera.kinds == ("fire", "smoke")
    assert camera.categories == ("rawan_kebakaran", "jalan")
    assert camera.public
    assert "secret" not in repr(camera)


def test_masks_and_relative_files(tmp_path: Path) -> None:
    row = 'c,,clips/a.mp4,31.74.01.1001,-6.2,106.85,,,,"[[[0,0],[0.5,0],[0.5,0.5]]]",\n'
    camera = load(tmp_path, HEADER + row).cameras["c"]
    assert camera.masks == (((0.0, 0.0), (0.5, 0.0), (0.5, 0.5)),)
    assert camera.url == str(tmp_path / "clips" / "a.mp4")
    assert camera.name == "c"
    assert camera.kinds == ("fire", "smoke", "flood")


@pytest.mark.parametrize(
    ("old", "new", "column"),
    [
        ("cam-1", "", "id"),
        ("cam-1", "a b", "id"),
        ("rtsp://u:secret@10.0.0.1/1", "", "url"),
        ("rtsp://", "gopher://", "url"),
        ("31.74.01.1001", "31.99.01.1001", "kelurahan"),
        ("-6.2", "south", "lat"),
        ("106.85", "400", "lng"),
        ("rawan_kebakaran", "rawan_ufo", "categories"),
        ("fire;smoke", "fire;ufo", "kinds"),
        (",,ya", ",[[1]],ya", "masks"),
        (",,ya", ',"[[[0,0],[2,0],[1,1]]]",ya', "masks"),
        (",,ya", ',"[[[0,0],[1,1]]]",ya', "masks"),
        (",,ya", ",,maybe", "public"),
    ],
)
def test_a_wrong_cell_is_named(tmp_path: Path, old: str, new: str, column: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, HEADER + GOOD.replace(old, new, 1))
    assert f"cameras.csv:2: {column}: " in str(caught.value)
    assert "secret" not in str(caught.value)


def test_doubles_missing_columns_and_too_many_cells(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cameras\.csv:3: id: cam-1 stands twice"):
        load(tmp_path, HEADER + GOOD + GOOD)
    with pytest.raises(ConfigError, match=r"cameras\.csv:1: missing column url"):
        load(tmp_path, HEADER.replace("url,", "") + GOOD)
    with pytest.raises(ConfigError, match=r"cameras\.csv:2: more cells"):
        load(tmp_path, HEADER + GOOD.strip() + ",x,y\n")
    with pytest.raises(ConfigError, match="UTF-8"):
        load(tmp_path, HEADER.encode() + b"\xff\xfe\n")
    with pytest.raises(ConfigError, match=r"nothing\.csv: cannot be read"):
        load_kelurahan(tmp_path / "nothing.csv")


def test_many_problems_are_told_at_once_but_not_without_end(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, HEADER + "".join(GOOD.replace("cam-1", f"c{i}").replace("-6.2", "x") for i in range(80)))
    lines = str(caught.value).splitlines()
    assert len(lines) == 51
    assert lines[-1].endswith("and 30 more")


@given(st.binary(max_size=200))
def test_no_bytes_bring_anything_but_a_clear_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    try:
        load(tmp_path_factory.mktemp("fuzz"), HEADER.encode() + content)
    except ConfigError as error:
        assert "cameras.csv" in str(error)


def test_one_place_is_what_stands_within_the_radius() -> None:
    def camera(name: str, lng: float) -> Camera:
        return Camera(name, name, "rtsp://x/1", "31.74.01.1001", -6.2, lng)

    cameras = {c.id: c for c in (camera("far", 106.87), camera("b", 106.8504), camera("a", 106.85))}
    registry = Registry(cameras, {}, 75)
    assert [c.id for c in registry.same_place("a")] == ["a", "b"]
    assert [c.id for c in registry.same_place("far")] == ["far"]


def test_distances() -> None:
    assert distance_m(0, 0, 0, 1) == pytest.approx(111_195, rel=1e-3)
    assert distance_m(-6.2, 106.8, -6.2, 106.8) == 0


@pytest.mark.parametrize(
    ("cells", "view"),
    [
        ("120,90,80", (120, 90, 80)),
        (",,", (None, None, None)),
        (",,45", (None, None, 45)),
        (",360,45", (None, 360, 45)),
    ],
)
def test_the_view_may_be_told(tmp_path: Path, cells: str, view: tuple[float | None, ...]) -> None:
    text = HEADER.strip() + ",bearing,angle,range_m\n" + GOOD.strip() + f",{cells}\n"
    camera = load(tmp_path, text).cameras["cam-1"]
    assert (camera.bearing, camera.angle, camera.range_m) == view


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ("400,90,80", "bearing: 400.0"),
        ("90,,80", "angle: is empty"),
        (",90,80", "bearing: is empty"),
        ("1,2,x", "range_m"),
    ],
)
def test_a_view_that_cannot_be_is_refused(tmp_path: Path, cells: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        load(tmp_path, HEADER.strip() + ",bearing,angle,range_m\n" + GOOD.strip() + f",{cells}\n")
