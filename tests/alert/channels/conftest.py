"""A store for each test."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.alert.channels.making import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Callable[..., Store]]:
    """Make a store with these settings of the alert section."""
    made: list[Store] = []

    def make(**alert: Any) -> Store:
        made.append(Store(tmp_path, **alert))
        return made[-1]

    yield make
    for one in made:
        one.database.close()
