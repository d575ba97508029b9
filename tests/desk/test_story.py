from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.desk.i18n import translate
from pipeline.desk.story import Reader, reason_line, timeline
from pipeline.store.timeline import Event


def reader(language: Any = "id") -> Reader:
    names = {"cam-1": "Jl. Satu"}
    return Reader(language, lambda text, **v: translate(language, text, **v), names, {"31.71.01.1001": "Gambir"})


def say(*events: tuple[str, dict[str, Any]], language: Any = "id") -> list[str]:
    rows = [Event(n, "k", "", 1000 + n, "budi", what, detail) for n, (what, detail) in enumerate(events)]
    return [translate(language, line.text, **line.values) for line in timeline(rows, "cam-1", 500, reader(language))]


def test_a_whole_story() -> None:
    assert say(
        ("opened", {"camera": "cam-1", "score": 0.9}),
        ("routed", {"to": [["desk:31.71.01.1001", "why"], ["webhook:bpbd", "why"]]}),
        ("delivered", {"target": "desk:31.71.01.1001", "notice": "opened"}),
        ("alerted", {"seconds": 3.12, "target": "desk:31.71.01.1001"}),
        ("updated", {"score": 0.9}),
        ("delivered", {"target": "webhook:bpbd", "notice": "updated"}),
        ("evidence", {"kind": "clip", "camera": "cam-1"}),
        ("witness", {"camera": "cam-9"}),
        ("decided", {"from": "waiting", "to": "accepted", "note": ""}),
        ("decided", {"from": "accepted", "to": "waiting", "note": "undo"}),
        ("decided", {"from": "waiting", "to": "false_alarm", "note": "uap"}),
        ("decided", {"from": "false_alarm", "to": "waiting", "note": "", "undo": True}),
        ("decided", {"from": "waiting", "to": "false_alarm", "note": "dapur", "reason": "uap"}),
        ("forwarded", {"agency": "damkar", "note": "", "how": "copy"}),
        ("seen", {}),
    ) == [
        "Pertama terlihat oleh Jl. Satu",
        "Kejadian dipastikan",
        "Yang dikabari: meja Gambir, webhook bpbd",
        "Kabar sampai di meja Gambir",
        "Kabar pertama sampai, 3,1 detik setelah terlihat",
        "Klip dari Jl. Satu disimpan",
        "Juga terlihat di cam-9",
        "Proses oleh budi",
        "Keputusan dibatalkan oleh budi",
        "Bukan kejadian (Uap) oleh budi",
        "Keputusan dibatalkan oleh budi",
        "Bukan kejadian (Uap) oleh budi. Catatan: dapur",
        "Diteruskan ke Damkar oleh budi; kabar dikirim langsung",
        "Dilihat oleh budi",
    ]


def test_routes_say_why_each_is_told_and_who_is_not() -> None:
    detail = {
        "to": [
            ["desk:31.71.01.1001", "kelurahan of camera cam-1", "post", ""],
            ["telegram:budi", "post posko, shift malam", "post", "posko, malam 23:00-07:00"],
            ["webhook:damkar", "copy for Damkar", "agency", "Damkar"],
            ["desk:31.71.01.1002", "neighbour", "neighbour", "40 m"],
        ],
        "quiet": [["telegram:ani", "quiet rule sampah", "bakar sampah, 16:00-18:00"]],
        "untold": [["BPBD", "no target configured", "no_target"], ["Karang Taruna", "whatever", "on_forward"]],
    }
    assert say(("routed", detail))[1] == (
        "Yang dikabari: meja Gambir (piket), telegram budi (piket: posko, malam 23:00-07:00), "
        "webhook damkar (tembusan: Damkar), meja 31.71.01.1002 (tetangga: 40 m). "
        "Tidak dikabari, jam tenang: telegram ani (bakar sampah, 16:00-18:00). "
        "Dinas yang tidak dikabari: BPBD (belum ada alamat), Karang Taruna (hanya lewat disposisi)"
    )
    assert say(("routed", {"to": [], "quiet": detail["quiet"]}), language="en")[1] == (
        "Not told, quiet hours: telegram ani (bakar sampah, 16:00-18:00)"
    )


def test_an_unknown_event_is_shown_as_it_is() -> None:
    assert say(("something_new", {}))[1] == "something new"


def test_braces_in_a_detail_are_text() -> None:
    assert say(("undelivered", {"target": "webhook:x", "reason": "{0} {boom}"}))[1].endswith("{0} {boom}")


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("frames:7", "Terlihat pada 7 bingkai"),
        ("span_s:2.5", "Terlihat selama 2,5 detik sebelum dilaporkan"),
        ("agreement:0.80", "80 % bingkai sependapat"),
        ("growth:+0.10", "Membesar 11 %"),
        ("growth:-0.10", "Mengecil 10 %"),
        ("joined:cam-1", "Juga terlihat oleh Jl. Satu"),
        ("upgraded_to_fire", "Sekarang Kebakaran, sebelumnya kejadian yang lebih ringan"),
        ("smoke_with_fire", "Asap terlihat bersama Kebakaran"),
        ("quiet", "Ditutup: tidak terlihat lagi"),
        ("brand_new:1", "brand_new:1"),
    ],
)
def test_reasons_in_words(reason: str, text: str) -> None:
    line = reason_line(reason, reader())
    assert translate("id", line.text, **line.values) == text


@given(st.text(max_size=60))
def test_any_reason_can_be_shown(reason: str) -> None:
    line = reason_line(reason, reader())
    assert isinstance(translate("id", line.text, **line.values), str)
