"""What the inbox, the incident page and the cameras say."""

import re
from collections.abc import Callable

from pipeline.bus.records import Witness
from pipeline.desk.words import decimal
from pipeline.ops.settings import Settings
from pipeline.store.tables import OutboxRow
from tests.desk.world import Visitor, World

Visit = Callable[[str], Visitor]


def test_empty_is_a_state_with_dignity(visit: Visit) -> None:
    text = visit("piket_gambir").get("/").text
    assert "Tidak ada kejadian." in text
    assert "2 kamera diawasi." in text
    assert "Menunggu 0" in text


def test_the_inbox_says_what_where_since_when_and_how_sure(world: World, visit: Visit) -> None:
    world.raise_incident()
    text = visit("piket_gambir").get("/").text
    for words in ("Kebakaran", "Jl. Medan Merdeka · depan stasiun", "Kel. Gambir", "berjalan", "tinggi", "SIMULASI"):
        assert words in text
    assert text.index("Jl. Medan Merdeka · depan stasiun</a>") < text.index("· cam-gambir-1"), "the place comes first"
    assert "terlihat 1 kamera" in text
    assert 'class="btn accept"' in text
    assert 'data-count="1"' in text
    assert 'data-sound="fire:' in text
    assert re.search(r'<time data-since="\d+" title="[^"]+">\d+:\d\d</time> berjalan', text)


def test_the_box_of_the_fire_is_drawn_and_people_are_not_boxed(world: World, visit: Visit) -> None:
    world.raise_incident()
    text = visit("piket_gambir").get("/").text
    assert 'x="410.0" y="340.0" width="180.0" height="350.0"' in text
    assert 'x="100.0"' not in text


def test_the_box_is_that_of_the_stills_own_frame(world: World, visit: Visit) -> None:
    record = world.raise_incident()
    payload = {"camera": record.camera, "frame": {"partition": 0, "offset": 1}, "boxes": [[0.2, 0.2, 0.3, 0.4]]}
    row = OutboxRow(
        incident_id=record.id, revision=0, notice="still", target="still:cam", channel="still", idempotency_key="k",
        payload=payload, state="sent", attempts=1, next_at_ms=0, created_ms=0,
    )  # fmt: skip
    with world.database.session() as session:
        session.add(row)
    text = visit("piket_gambir").get("/").text
    assert 'x="200.0" y="200.0" width="100.0" height="200.0"' in text
    assert 'x="410.0"' not in text


def test_what_ended_without_a_decision_still_waits(world: World, visit: Visit) -> None:
    record = world.raise_incident()
    now = world.clock()
    closed = {"revision": 1, "state": "closed", "closed_ms": now}
    world.raise_incident(1, first_seen_ms=record.first_seen_ms, opened_ms=record.opened_ms, **closed)
    text = visit("piket_gambir").get("/").text
    assert "tidak terlihat lagi sejak" in text
    assert "TERIMA" in text


def test_another_kelurahan_sees_nothing(world: World, visit: Visit) -> None:
    world.raise_incident()
    visitor = visit("piket_manggarai")
    assert "Tidak ada kejadian." in visitor.get("/").text
    assert "Jl. Medan" not in visitor.get("/kamera").text


def test_who_may_not_decide_sees_no_button_and_hears_nothing(world: World, visit: Visit) -> None:
    record = world.raise_incident()
    visitor = visit("satpol_pusat")
    text = visitor.get("/").text
    assert "TERIMA" not in text
    assert 'data-sound=""' in text
    assert "Menunggu keputusan petugas piket." in visitor.get(f"/kejadian/{record.id}").text


def test_the_incident_page_tells_the_seconds_and_the_story(world: World, visit: Visit) -> None:
    seen = (
        Witness(camera="cam-gambir-1", first_seen_ms=world.clock() - 41_000, score=0.9),
        Witness(camera="cam-gambir-2", first_seen_ms=world.clock() - 39_000, score=0.8),
    )
    record = world.raise_incident(witnesses=seen)
    visitor = visit("piket_gambir")
    page = visitor.get(f"/kejadian/{record.id}")
    assert "sedang dikirim" in page.text
    assert "Klip sedang dibuat" in page.text
    world.alerted(record, 3.14)
    text = visitor.get(f"/kejadian/{record.id}").text
    assert "Kamera → posko" in text
    assert "3,1 detik" in text
    threshold = decimal(world.settings.confirm.kinds["fire"].threshold, "id", 2)
    assert f"0,87 dari 1; ambang {threshold}" in text
    assert "Jl. Pejambon · simpang" in text
    assert "terlihat 2 kamera" in text
    assert "fire_smoke 1 (0123abcd)" in text
    assert "Luasnya berkedip 22 %" in text
    assert text.index("Pertama terlihat") < text.index("Kejadian dipastikan")


def test_the_threshold_is_that_of_the_camera(world: World) -> None:
    own = {"cam-gambir-1": ({"kind": "smoke", "threshold": 0.2}, {"kind": "fire", "threshold": 0.62})}
    world.settings = Settings(data_dir=world.settings.data_dir, desk={"port": 0}, confirm={"cameras": own})
    record = world.raise_incident()
    with world.serve() as url:
        visitor = Visitor(url)
        visitor.sign_in("bos")
        assert "ambang 0,62" in visitor.get(f"/kejadian/{record.id}").text


def test_a_picture_that_does_not_come_is_not_promised_for_ever(world: World, visit: Visit) -> None:
    record = world.raise_incident(still=False)
    visitor = visit("piket_gambir")
    assert "Gambar menyusul" in visitor.get("/").text
    world.clock.turned_ms += 200_000
    assert "Gambar tidak tersedia." in visitor.get("/").text
    assert "Klip tidak tersedia." in visitor.get(f"/kejadian/{record.id}").text


def test_a_clip_from_sampled_frames_says_so(world: World, visit: Visit) -> None:
    record = world.raise_incident()
    visitor = visit("piket_gambir")
    world.keep(record, "clip", b"0" * 100, "frames")
    assert "Klip dari bingkai tersampel" in visitor.get(f"/kejadian/{record.id}").text


def test_an_incident_of_an_unknown_camera_and_kelurahan_is_shown(world: World, visit: Visit) -> None:
    world.raise_incident(camera="hilang", kelurahan="31.75.01.1001", kind="brawl")
    text = visit("bos").get("/").text
    assert "hilang" in text
    assert "31.75.01.1001" in text
    assert "Tawuran" in text


def test_text_from_outside_is_escaped(world: World, visit: Visit) -> None:
    record = world.raise_incident(reasons=("<script>alert(1)</script>",))
    text = visit("piket_gambir").get(f"/kejadian/{record.id}").text
    assert "<script>alert" not in text
    assert "&lt;script&gt;" in text


def test_cameras_in_plain_words_the_broken_first_and_no_password(world: World, visit: Visit) -> None:
    world.camera("cam-gambir-2", "lost", "rtsp://admin:rahasia123@10.0.0.9/live: timed out")
    visitor = visit("piket_gambir")
    text = visitor.get("/kamera").text
    assert text.index("Putus sejak") < text.index("Hidup")
    assert "timed out" in text
    assert "rahasia123" not in text
    assert "admin" not in text
    assert "Kamera putus 1" in text
    assert "1 hidup dari 2" in text
    world.camera("cam-gambir-2", "frozen")
    assert "Gambar beku" in visitor.get("/kamera/isi").text
    assert "1 kamera sedang tidak terlihat." in visitor.get("/").text


def test_who_has_no_camera_is_told(visit: Visit) -> None:
    assert "Tidak ada kamera di wilayah Anda." in visit("tanpa_wilayah").get("/kamera").text


def test_the_top_line_names_the_area(visit: Visit) -> None:
    for name, where in {
        "piket_gambir": "Kel. Gambir",
        "piket_kecamatan": "Kec. Gambir",
        "satpol_selatan": "Kota Administrasi Jakarta Selatan",
        "bos": "Jakarta",
        "tanpa_wilayah": "0 wilayah",
    }.items():
        assert f">{where}</a>" in visit(name).get("/").text
