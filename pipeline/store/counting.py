"""Counting what a transaction did once it is committed: one that is rolled back and run again counts once."""

import sqlalchemy as sa
from prometheus_client import Counter
from sqlalchemy.orm import Session


def count_on_commit(session: Session, counter: Counter, number: int = 1) -> None:
    """Add to a counter (with its labels) when this session's transaction is committed; never if it is not."""
    if number:
        sa.event.listen(session, "after_commit", lambda _: counter.inc(number), once=True)
