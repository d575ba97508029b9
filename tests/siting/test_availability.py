"""How much of the time a camera was live, by hour of the day."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.siting.availability import HOUR_MS, Availability, availability, complete
from pipeline.store.camera_log import Span

MIDNIGHT = int(datetime(2026, 11, 1, 17, tzinfo=UTC).timestamp() * 1000)
"""Midnight in Jakarta."""


def test_hours_are_the_citys_and_only_live_counts() -> None:
    spans = [
        Span("a", "live", MIDNIGHT, MIDNIGHT + 3 * HOUR_MS),
        Span("a", "dark", MIDNIGHT + 3 * HOUR_MS, MIDNIGHT + 4 * HOUR_MS),
        Span("a", "live", MIDNIGHT + 4 * HOUR_MS, MIDNIGHT + 4 * HOUR_MS + HOUR_MS // 2),
        Span("a", "lost", MIDNIGHT + 4 * HOUR_MS + HOUR_MS // 2, MIDNIGHT + 5 * HOUR_MS),
    ]
    found = availability(spans, "Asia/Jakarta")["a"]
    assert found.shares[:5] == (1, 1, 1, 0, 0.5)
    assert found.shares[7] == pytest.approx(3.5 / 5), "an hour without a word is like the others"
    assert found.known_ms == 5 * HOUR_MS


STATES = st.tuples(st.sampled_from(["live", "dark", "silent"]), st.integers(1, 90 * HOUR_MS))


@given(st.lists(STATES, min_size=1, max_size=8))
def test_time_is_neither_lost_nor_made(parts: list[tuple[str, int]]) -> None:
    at, spans = MIDNIGHT, []
    for state, length in parts:
        spans.append(Span("a", state, at, at + length))
        at += length
    found = availability(spans, "Asia/Jakarta")["a"]
    assert found.known_ms == at - MIDNIGHT
    assert all(0 <= share <= 1 for share in found.shares)
    assert (found.mean == 0) == (not any(state == "live" for state, _ in parts))


def test_cameras_without_a_log_are_like_the_others() -> None:
    known = {"a": Availability((0.5,) * 24, 1)}
    assert complete(known, ["a", "b"])["b"] == Availability((0.5,) * 24)
    assert complete({}, ["b"])["b"].mean == 1
