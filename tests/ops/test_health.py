"""A stage is well when its input moves and its output follows."""

from pipeline.ops.health import Progress, StageHealth


class Hand:
    """A clock moved by hand, epoch ms."""

    def __init__(self) -> None:
        self.ms = 1_000_000

    def __call__(self) -> int:
        return self.ms


def progress(clock: Hand) -> Progress:
    return Progress("detect", "detect-0", 15, clock)


def test_nothing_to_do_is_well() -> None:
    clock = Hand()
    stage = progress(clock)
    clock.ms += 60_000
    stage.waiting(0)
    assert stage.health().ok


def test_waiting_input_and_no_output_is_not() -> None:
    clock = Hand()
    stage = progress(clock)
    stage.waiting(7)
    clock.ms += 16_000
    stage.waiting(9)
    health = stage.health()
    assert not health.ok
    assert health.reason == "9 records wait, nothing came out for 16 s"
    stage.moved()
    assert stage.health().ok


def test_trouble_shows_after_the_patience_is_over_and_goes_with_the_next_output() -> None:
    clock = Hand()
    stage = progress(clock)
    stage.trouble("database is down")
    stage.waiting(0)
    assert stage.health().ok
    clock.ms += 16_000
    stage.waiting(0)
    assert stage.health().reason == "database is down"
    assert not stage.health().ok
    stage.moved()
    assert stage.health().ok


def test_reports_are_spaced() -> None:
    clock = Hand()
    stage = progress(clock)
    told: list[StageHealth] = []
    for _ in range(5):
        stage.tell(told.append)
        clock.ms += 1000
    assert [health.at_ms for health in told] == [1_000_000, 1_002_000, 1_004_000]
