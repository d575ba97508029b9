"""A world, and a desk served by the real server in front of it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.desk.world import Visitor, World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World.build(tmp_path)
    yield made
    made.database.close()


@pytest.fixture
def url(world: World) -> Iterator[str]:
    with world.serve() as address:
        yield address


@pytest.fixture
def visit(url: str) -> Iterator[Callable[[str], Visitor]]:
    """Sign somebody in."""
    visitors: list[Visitor] = []

    def make(name: str) -> Visitor:
        visitor = Visitor(url)
        visitors.append(visitor)
        if name:
            assert visitor.sign_in(name).status_code == 303
        return visitor

    yield make
    for visitor in visitors:
        visitor.close()
