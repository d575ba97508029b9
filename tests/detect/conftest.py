"""Fixtures of the detect tests."""

from pathlib import Path

import pytest

from tests.detect.models import brightness_yolox, write_model


@pytest.fixture
def bright_model(tmp_path: Path) -> Path:
    """A model folder: fire where it is bright, one person always."""
    return write_model(tmp_path / "bright", brightness_yolox(), name="bright")
