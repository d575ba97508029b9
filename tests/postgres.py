"""A PostgreSQL server for tests: a cluster of its own in a temporary folder, one schema a test."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pipeline.bench.postgres import Cluster as Cluster
from pipeline.bench.postgres import binaries, served
from tests.shared import skip_or_fail


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A fresh server, removed at the end; skips (or fails under CI) where PostgreSQL is not installed."""
    programs = binaries()
    if programs is None:
        skip_or_fail("PostgreSQL is not installed (Debian: apt-get install postgresql)")
        raise AssertionError("unreachable")
    with served(programs) as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """One PostgreSQL server for all tests of a session."""
    with cluster() as server:
        yield server
