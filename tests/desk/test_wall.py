"""The wall: what needs eyes first, states in plain words, own areas only."""

from collections.abc import Callable

from tests.desk.world import Visitor, World


def test_what_needs_eyes_comes_first(world: World, visit: Callable[[str], Visitor]) -> None:
    visitor = visit("bos")
    world.camera("cam-manggarai", "frozen", "same picture")
    text = visitor.get("/dinding").text
    assert text.index("cam-manggarai/gambar") < text.index("cam-gambir-1/gambar")
    assert "Gambar beku sejak" in text
    record = world.raise_incident(camera="cam-gambir-2")
    text = visitor.get("/dinding/isi").text
    assert text.index("cam-gambir-2/gambar") < text.index("cam-manggarai/gambar") < text.index("cam-gambir-1/gambar")
    assert f"/kejadian/{record.id}" in text
    assert "rahasia" not in text


def test_only_own_cameras(world: World, visit: Callable[[str], Visitor]) -> None:
    text = visit("piket_manggarai").get("/dinding").text
    assert "cam-manggarai" in text
    assert "cam-gambir" not in text
    assert "Tidak ada kamera di wilayah Anda." in visit("tanpa_wilayah").get("/dinding").text
