"""The list of label corrections and what it does."""

from pathlib import Path

import numpy as np
import pytest

from scripts.detector.corrections import Correction, Labels, apply, read_corrections

LIST = Path(__file__).parents[2] / "scripts" / "label_fixes" / "corrections.csv"


def test_the_committed_list_is_readable() -> None:
    """Every row of the list has a known action and box."""
    fixes = read_corrections(LIST)
    assert len(fixes) > 50


def test_remove_takes_the_overlapping_label_of_that_class() -> None:
    """The other label stays."""
    labels = Labels(np.array([[0, 0, 0, 10, 10], [0, 50, 50, 60, 60]], np.float32))
    result = apply(labels, [Correction("remove", 0, (1, 0, 10, 10))], "a.jpg")
    assert result.boxes.tolist() == [[0, 50, 50, 60, 60]]


def test_remove_of_a_missing_label_names_the_picture() -> None:
    """A list that does not fit the labels is an error, not silence."""
    with pytest.raises(ValueError, match=r"a\.jpg"):
        apply(Labels(np.zeros((0, 5), np.float32)), [Correction("remove", 0, (0, 0, 5, 5))], "a.jpg")


def test_replace_add_ignore_and_flags() -> None:
    """Each action does its one thing."""
    labels = Labels(np.array([[0, 0, 0, 10, 10], [1, 0, 0, 20, 20]], np.float32))
    fixes = [
        Correction("replace", 0, (5, 5, 9, 9)),
        Correction("add", 1, (1, 1, 2, 2)),
        Correction("ignore", -1, (0, 0, 3, 3)),
        Correction("unlabelled_smoke", -1, ()),
        Correction("drop", -1, ()),
    ]
    result = apply(labels, fixes, "a.jpg")
    assert result.boxes.tolist() == [[1, 0, 0, 20, 20], [0, 5, 5, 9, 9], [1, 1, 1, 2, 2]]
    assert result.ignored == [[0, 0, 3, 3]]
    assert result.smoke_unlabelled
    assert result.dropped


def test_bad_rows_name_the_line(tmp_path: Path) -> None:
    """An unknown action or a short box is refused with file and line."""
    path = tmp_path / "list.csv"
    path.write_text("file,action,class,box,reason\na.jpg,remove,fire,1 2 3,why\n")
    with pytest.raises(ValueError, match=r"list\.csv:2"):
        read_corrections(path)
