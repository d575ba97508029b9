"""Reviewed pictures become a data set that the evaluation and training read."""

from pathlib import Path

import pytest

from pipeline.ops.errors import ConfigError
from pipeline.store.incidents import decide
from pipeline.store.reviews import Given, give
from pipeline.store.tables import EvidenceRow
from pipeline.tune.detector_data import read_samples
from pipeline.tune.export import Exported, export_verdicts
from tests.desk.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.build(tmp_path / "data")


def judged(world: World, number: int, verdict: str | None) -> str:
    """An incident with a still and a clip, and what a reviewer said of it."""
    record = world.raise_incident(number)
    world.keep(record, "clip", b"clip")
    with world.database.session() as session:
        clips = session.query(EvidenceRow).filter_by(incident_id=record.id, kind="clip")
        if verdict is not None:
            give(session, "satpol", Given(f"t{number}", clips.one().id, verdict), world.clock())  # type: ignore[arg-type]
    return record.id


def test_true_ones_have_boxes_false_ones_are_negatives_and_the_rest_is_counted(world: World, tmp_path: Path) -> None:
    true, false = judged(world, 1, "true"), judged(world, 2, "false")
    judged(world, 3, "unsure")
    decided = judged(world, 4, None)
    with world.database.session() as session:
        decide(session, decided, "false_alarm", expected="waiting", actor="piket", at_ms=1, reason="lampu")
    done = export_verdicts(world.database, world.evidence, tmp_path / "out")
    assert done == Exported(1, 1, {"unsure": 1, "unknown": 1})
    samples = {sample.file.split("_")[0]: sample for sample in read_samples(tmp_path / "out", "reviewed")}
    assert set(samples) == {true, false}
    assert [one.label for one in samples[true].truths] == ["fire"]
    assert samples[true].truths[0].box == pytest.approx((0.41, 0.34, 0.59, 0.69), abs=1e-4)
    assert not samples[false].positive
    assert "names: [fire, smoke, person]" in (tmp_path / "out" / "data.yaml").read_text()
    with_decisions = export_verdicts(world.database, world.evidence, tmp_path / "more", reviewed_only=False)
    assert with_decisions == Exported(1, 2, {"unsure": 1})


def test_a_still_that_is_gone_costs_no_other_picture(world: World, tmp_path: Path) -> None:
    judged(world, 1, "true")
    judged(world, 2, "false")
    with world.database.reading() as session:
        key = session.query(EvidenceRow).filter_by(kind="still").first().key
    world.evidence.delete(key)
    assert export_verdicts(world.database, world.evidence, tmp_path / "out").left_out == {"still_gone": 1}


def test_nothing_reviewed_and_a_full_folder_are_one_clear_error(world: World, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no picture has a verdict yet"):
        export_verdicts(world.database, world.evidence, tmp_path / "out")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("x")
    with pytest.raises(ConfigError, match="is not empty"):
        export_verdicts(world.database, world.evidence, tmp_path / "full")
