"""The story of one night at the desk, in a browser."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.bus.records import Detection
from tests.browser.conftest import clip
from tests.desk.world import MANGGARAI, World

SitDown = Callable[..., Any]
SMOKE = (Detection(label="smoke", score=0.6, box=(0.1, 0.1, 0.3, 0.4)),)


def waits(page: Any, words: str) -> None:
    page.wait_for_function("words => document.body.innerText.includes(words)", arg=words)


def test_a_fire_appears_without_reloading_and_another_kelurahan_sees_nothing(world: World, sit_down: SitDown) -> None:
    here, there = sit_down("piket_gambir"), sit_down("piket_manggarai")
    waits(here, "Tidak ada kejadian.")
    assert here.title() == "Siaga · Gambir"
    here.evaluate("window.sameDocument = true")
    world.raise_incident()
    here.wait_for_selector("article.fire .btn.accept")
    assert here.evaluate("window.sameDocument")
    waits(here, "Jl. Medan Merdeka · depan stasiun")
    here.wait_for_function("() => document.title.startsWith('(1) ')")
    here.wait_for_function("() => document.querySelector('link[rel=icon]').href.startsWith('data:image/png')")
    here.wait_for_function("() => document.querySelector('.still img').naturalWidth === 640")
    assert here.locator("svg.boxes rect.over").count() == 1
    assert here.locator(".btn.accept").bounding_box()["height"] >= 56
    world.raise_incident(2, kelurahan=MANGGARAI, camera="cam-manggarai", kind="smoke", boxes=SMOKE)
    there.wait_for_selector("article.smoke")
    assert there.locator("article").count() == 1


def test_time_runs(world: World, sit_down: SitDown) -> None:
    world.raise_incident()
    page = sit_down("piket_gambir")
    before = page.locator("time[data-since]").first.inner_text()
    page.wait_for_function("was => document.querySelector('time[data-since]').textContent !== was", arg=before)
    assert re.fullmatch(r"\d:\d\d", before)


def test_accept_on_one_desk_is_seen_on_the_other_and_undone(world: World, sit_down: SitDown) -> None:
    world.raise_incident()
    mine, other = sit_down("piket_gambir"), sit_down("rekan_gambir")
    mine.click(".btn.accept")
    mine.wait_for_selector("#toast .note")
    waits(mine, "Sedang ditangani")
    other.wait_for_selector("article[data-decision=accepted]")
    waits(other, "piket_gambir")
    waits(other, "Menunggu 0")
    mine.click("#toast button")
    other.wait_for_selector("article[data-decision=waiting]")


def test_a_false_alarm_with_its_reason_by_keyboard_alone(world: World, sit_down: SitDown) -> None:
    record = world.raise_incident()
    page = sit_down("piket_gambir")
    page.focus(f"#not-{record.id} summary")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.value") == "uap"
    page.keyboard.press("Enter")
    page.wait_for_selector("article[data-decision=false_alarm]")
    waits(page, "Bukan kejadian")
    waits(page, "Menunggu 0")


def test_the_second_officer_is_told(world: World, sit_down: SitDown) -> None:
    world.raise_incident()
    slow, quick = sit_down("rekan_gambir"), sit_down("piket_gambir")
    slow.route("**/isi", lambda route: route.abort())  # this desk does not learn of it in time
    quick.click(".btn.accept")
    quick.wait_for_selector("article[data-decision=accepted]")
    slow.click(".btn.accept")
    waits(slow, "Sudah diputuskan: Proses oleh piket_gambir")


def test_an_open_menu_and_the_focus_survive_an_update(world: World, sit_down: SitDown) -> None:
    record = world.raise_incident()
    page = sit_down("piket_gambir")
    page.click(f"#not-{record.id} summary")
    world.raise_incident(1, revision=1, state="updated", score=0.97, first_seen_ms=record.first_seen_ms)
    world.raise_incident(2, kind="smoke", boxes=SMOKE)
    page.wait_for_selector("article.smoke")
    assert page.evaluate("id => document.getElementById(id).open", f"not-{record.id}")
    assert page.evaluate("document.activeElement.id") == f"why-{record.id}"


def test_the_clip_appears_by_itself_plays_and_is_not_stopped_by_news(world: World, sit_down: SitDown) -> None:
    record = world.raise_incident()
    page = sit_down("piket_gambir")
    page.click("article .still")
    page.wait_for_selector("main.incident")
    waits(page, "Klip sedang dibuat")
    world.keep(record, "clip", clip(), "ring")
    page.wait_for_function("() => document.querySelector('video')?.currentTime > 0.3")
    page.evaluate("window.theVideo = document.querySelector('video')")
    world.alerted(record, 3.1)
    world.raise_incident(1, revision=1, state="updated", score=0.97, first_seen_ms=record.first_seen_ms)
    waits(page, "3,1 detik")
    assert page.evaluate("window.theVideo.isConnected && !window.theVideo.paused")
    page.evaluate("theVideo.loop = false; theVideo.currentTime = 2")
    page.wait_for_function("() => theVideo.currentTime >= 2 && !theVideo.seeking")


def test_sound_needs_one_tap_says_so_rings_per_kind_and_has_a_switch(world: World, sit_down: SitDown) -> None:
    first = sit_down("piket_gambir")
    page = first.context.new_page()  # opened by its address: the browser has seen no tap on this page yet
    page.goto(first.url)
    page.wait_for_selector("#mute:not([hidden])")
    page.click("#mute button")
    page.wait_for_selector("#mute", state="hidden")
    world.raise_incident()
    page.wait_for_function("() => Number(document.documentElement.dataset.rung) >= 1")
    page.wait_for_function("() => Number(document.documentElement.dataset.rung) >= 2")
    page.click("#sound")
    assert page.get_attribute("#sound", "aria-pressed") == "false"
    rung = page.evaluate("document.documentElement.dataset.rung")
    page.evaluate("siaga.sound.round()")
    assert page.evaluate("document.documentElement.dataset.rung") == rung
    page.click("#sound")
    page.evaluate("siaga.sound.round()")
    assert page.evaluate("document.documentElement.dataset.rung") != rung
    page.click(".btn.accept")
    page.wait_for_function("() => document.querySelector('[data-sound]').dataset.sound === ''")


def test_tones_differ_by_kind_and_really_sound(sit_down: SitDown) -> None:
    page = sit_down("piket_gambir")
    page.click("h2")
    loudness = """async kind => {
      await siaga.sound.wake();
      const real = siaga.sound.context;
      const tape = new OfflineAudioContext(1, 44100, 44100);
      siaga.sound.context = tape;
      siaga.sound.play(kind, true);
      siaga.sound.context = real;
      const data = (await tape.startRendering()).getChannelData(0);
      return [data.reduce((sum, v) => sum + v * v, 0), data.filter((v, i) => i && v * data[i - 1] < 0).length];
    }"""
    heard = {kind: page.evaluate(loudness, kind) for kind in ("fire", "smoke", "flood", "brawl")}
    assert all(energy > 50 for energy, _ in heard.values())
    assert len({crossings for _, crossings in heard.values()}) == 4


def test_a_lost_connection_says_so_keeps_the_decision_and_sends_it_later(world: World, sit_down: SitDown) -> None:
    record = world.raise_incident()
    page = sit_down("piket_gambir")
    page.context.set_offline(True)
    page.wait_for_selector("#lost:not([hidden])")
    waits(page, "Sambungan terputus sejak")
    page.click(".btn.accept")
    waits(page, "Keputusan disimpan di sini")
    page.context.set_offline(False)
    page.wait_for_selector("article[data-decision=accepted]")
    page.wait_for_selector("#lost", state="hidden")
    with world.database.reading() as session:
        from pipeline.store.incidents import get

        row = get(session, record.id)
        assert row is not None
        assert row.decision == "accepted"


def test_a_camera_that_breaks_is_seen_live(world: World, sit_down: SitDown) -> None:
    page = sit_down("piket_gambir")
    page.goto(page.url + "kamera")
    waits(page, "2 hidup dari 2")
    world.camera("cam-gambir-2", "covered", "no picture content")
    waits(page, "Tertutup sejak")
    waits(page, "Kamera putus 1")


def test_without_scripts_the_desk_still_decides(world: World, sit_down: SitDown) -> None:
    world.raise_incident()
    page = sit_down("piket_gambir", java_script_enabled=False)
    page.click(".btn.accept")
    page.wait_for_selector("article[data-decision=accepted]")


@pytest.mark.parametrize("language", ["id", "en"])
@pytest.mark.parametrize(("width", "height"), [(360, 740), (1920, 1080)])
def test_it_fits(world: World, sit_down: SitDown, tmp_path: Path, language: str, width: int, height: int) -> None:
    record = world.raise_incident()
    world.raise_incident(2, kind="smoke", camera="cam-gambir-2", boxes=SMOKE, score=0.6)
    world.alerted(record, 3.1)
    page = sit_down("piket_gambir", width, height)
    if language == "en":
        page.click(".menu summary")
        page.click("text=English")
        waits(page, "ACCEPT")
    for path in ("/", f"/kejadian/{record.id}", "/kamera", "/sandi"):
        page.goto(re.sub(r"(?<=\d)/.*", path, page.url))
        page.wait_for_load_state("networkidle") if path == "/sandi" else page.wait_for_selector("#main")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        too_small = page.evaluate(
            """[...document.querySelectorAll('button, summary, .tool, .count')]
               .filter(el => el.offsetHeight && el.offsetHeight < 30).map(el => el.outerHTML.slice(0, 80))"""
        )
        assert too_small == [], path


def test_all_that_a_page_loads_is_small(world: World, sit_down: SitDown) -> None:
    world.raise_incident()
    sizes: dict[str, int] = {}
    page = sit_down("piket_gambir")
    page.on("response", lambda answer: sizes.update({answer.url: len(answer.body())})
            if "/media/" not in answer.url and "/arus" not in answer.url else None)  # fmt: skip
    page.reload()
    page.wait_for_selector("article")
    assert 10_000 < sum(sizes.values()) < 150_000


def test_the_sound_is_heard_at_the_meter_and_grows_after_thirty_seconds(world: World, sit_down: SitDown) -> None:
    page = sit_down("piket_gambir")
    page.click("h2")
    page.wait_for_function("() => siaga.sound.context?.state === 'running'")
    world.raise_incident(first_seen_ms=world.clock(), opened_ms=world.clock(), updated_ms=world.clock())
    page.wait_for_selector("article.fire")
    heard = """() => {
      const meter = siaga.sound.meter;
      if (!meter) return false;
      const wave = new Float32Array(meter.fftSize);
      meter.getFloatTimeDomainData(wave);
      return Math.max(...wave.map(Math.abs)) > 0.05;
    }"""
    page.wait_for_function(heard, polling=20)
    assert page.evaluate("document.documentElement.dataset.loud") == "false"
    world.clock.turned_ms += 31_000
    page.reload()
    page.click("h2")
    page.wait_for_function("() => document.documentElement.dataset.loud === 'true'")
    page.wait_for_function(heard, polling=20)


def test_the_inbox_by_its_keys(world: World, sit_down: SitDown) -> None:
    world.raise_incident()
    world.raise_incident(2, kind="smoke", camera="cam-gambir-2", boxes=SMOKE, score=0.6)
    page = sit_down("piket_gambir")
    page.wait_for_selector("article.smoke")
    kinds = page.locator("#list article").evaluate_all("all => all.map(el => el.classList[1])")
    assert kinds == ["fire", "smoke"]
    page.keyboard.press("j")
    page.keyboard.press("n")
    page.keyboard.type("pintu belakang")
    page.keyboard.press("Escape")
    page.reload()
    kept = "() => document.querySelector(`textarea[data-note='kejadian-1']`).value === 'pintu belakang'"
    page.wait_for_function(kept)
    page.focus("#card-kejadian-1 .place a")
    page.keyboard.press("f")
    assert page.evaluate("document.activeElement.value") == "damkar"
    page.keyboard.press("Enter")
    page.wait_for_selector("#card-kejadian-1[data-decision=disposition]")
    page.keyboard.press("?")
    page.wait_for_selector("#keys[open]")
    waits(page, "Kejadian berikut")
    page.keyboard.press("Escape")
    assert page.evaluate("localStorage.getItem('siaga.note.kejadian-1')") is None


def test_every_action_is_large_enough_for_a_thumb(world: World, sit_down: SitDown) -> None:
    world.raise_incident()
    page = sit_down("piket_gambir")
    page.wait_for_selector(".btn.accept")
    heights = page.locator(".acts .btn:visible").evaluate_all("all => all.map(el => el.offsetHeight)")
    assert len(heights) >= 5
    assert min(heights) >= 56


def test_a_clip_is_stepped_frame_by_frame(world: World, sit_down: SitDown) -> None:
    record = world.raise_incident()
    world.keep(record, "clip", clip(), "ring")
    page = sit_down("piket_gambir")
    page.click("article .still")
    page.wait_for_function(
        "() => Math.abs(siaga.frameOf?.get(document.querySelector('video[data-clip]')) - 0.1) < 0.01"
    )
    page.click("[data-frame='1']")
    at = "document.querySelector('video[data-clip]').currentTime"
    before = page.evaluate(at)
    page.keyboard.press(",")
    assert abs(before - page.evaluate(at) - 0.1) < 0.02


def test_a_link_to_evidence_that_ended_is_renewed_by_the_open_page(world: World, sit_down: SitDown) -> None:
    world.raise_incident()
    page = sit_down("piket_gambir")
    page.wait_for_function("() => document.querySelector('.still img').naturalWidth === 640")
    good = page.get_attribute(".still img", "src")
    page.evaluate("src => document.querySelector('.still img').src = src", "/media/1?t=1.1.ended")
    page.wait_for_function("src => document.querySelector('.still img').getAttribute('src') === src", arg=good)
    page.wait_for_function("() => document.querySelector('.still img').naturalWidth === 640")
