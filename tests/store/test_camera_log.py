"""The log of camera states: every change once, gaps in which nobody watched, spans that add up."""

from pipeline.store.camera_log import KEPT_MS, SILENT_AFTER_MS, Span, spans
from pipeline.store.cameras import CameraState, save_state
from pipeline.store.database import Database
from tests.store.making import T0

MINUTE = 60_000


def told(database: Database, *states: tuple[str, int, int | None]) -> None:
    with database.session() as session:
        for name, since, last_frame in states:
            save_state(session, CameraState("cam-1", name, since, "", last_frame))


def read(database: Database, start: int, end: int) -> list[Span]:
    with database.reading() as session:
        return list(spans(session, start, end))


def test_a_state_that_is_told_again_is_logged_once(database: Database) -> None:
    told(database, ("live", T0, T0), ("live", T0, T0 + MINUTE), ("dark", T0 + MINUTE, T0 + MINUTE))
    assert read(database, T0, T0 + 3 * MINUTE) == [
        Span("cam-1", "live", T0, T0 + MINUTE), Span("cam-1", "dark", T0 + MINUTE, T0 + 3 * MINUTE)
    ]  # fmt: skip


def test_nobody_watched_while_the_grabber_was_off(database: Database) -> None:
    told(database, ("live", T0, T0 + MINUTE), ("live", T0 + 60 * MINUTE, T0 + 61 * MINUTE))
    found = read(database, T0, T0 + 61 * MINUTE)
    assert [(span.state, (span.end_ms - span.start_ms) // MINUTE) for span in found] == [
        ("live", 2), ("silent", 58), ("live", 1)
    ]  # fmt: skip


def test_a_camera_that_stands_as_live_but_tells_nothing_is_silent(database: Database) -> None:
    told(database, ("live", T0, T0 + MINUTE))
    silent, live = read(database, T0, T0 + 10 * MINUTE)
    assert live == Span("cam-1", "live", T0, T0 + MINUTE + SILENT_AFTER_MS)
    assert silent == Span("cam-1", "silent", T0 + MINUTE + SILENT_AFTER_MS, T0 + 10 * MINUTE)


def test_what_began_before_is_cut_and_the_time_before_is_unknown(database: Database) -> None:
    told(database, ("live", T0, T0 + 30 * MINUTE), ("lost", T0 + 30 * MINUTE, T0 + 30 * MINUTE))
    assert read(database, T0 - 10 * MINUTE, T0) == []
    assert read(database, T0 + 10 * MINUTE, T0 + 40 * MINUTE) == [
        Span("cam-1", "live", T0 + 10 * MINUTE, T0 + 30 * MINUTE),
        Span("cam-1", "lost", T0 + 30 * MINUTE, T0 + 40 * MINUTE),
    ]


def test_old_lines_go_at_the_next_change_of_their_camera(database: Database) -> None:
    later = T0 + KEPT_MS + MINUTE
    told(database, ("dark", T0, T0), ("lost", T0 + 2 * MINUTE, None), ("live", later, later))
    assert [span.state for span in read(database, T0, later + MINUTE)] == ["lost", "live"]
