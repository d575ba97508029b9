"""Leases and verdicts, on both databases."""

import threading
from collections import Counter

import pytest
import sqlalchemy as sa

from pipeline.store.database import Database
from pipeline.store.evidence import Evidence, record_evidence
from pipeline.store.incidents import apply_incident
from pipeline.store.review_tables import VerdictRow
from pipeline.store.reviews import Given, Rules, claim, give, pairs, progress, release, verdicts_of
from tests.store.making import T0, incident

ONCE = Rules(lease_ms=60_000, double_every=0)


def clips(database: Database, n: int, kelurahan: str = "31.71.01.1001") -> list[int]:
    """Write incidents with a clip each; return the clips' numbers."""
    made = []
    with database.session() as session:
        for number in range(n):
            record = incident(f"{kelurahan}-{number}", kelurahan=kelurahan)
            apply_incident(session, record, T0)
            kept = Evidence(record.id, record.camera, "clip", "ring", T0, T0 + 30_000)
            made.append(record_evidence(session, kept, b"clip", T0).id)
    return made


def take(database: Database, who: str, now: int = T0, want: int = 2, rules: Rules = ONCE) -> list[int]:
    return [item.clip.id for item in database.transact(lambda s: claim(s, who, None, rules, now, want))]


def say(database: Database, who: str, clip: int, token: str = "", **more: object) -> str:
    given = Given(token or f"{who}-{clip}", clip, "true", **more)  # type: ignore[arg-type]
    return database.transact(lambda s: give(s, who, given, T0))


def test_two_people_get_different_clips_and_a_reload_gives_the_same(database: Database) -> None:
    made = clips(database, 5)
    assert take(database, "ani") == made[:2]
    assert take(database, "budi") == made[2:4]
    assert take(database, "ani") == made[:2]
    assert take(database, "cici") == made[4:]
    assert take(database, "dedi") == []


def test_a_lease_ends(database: Database) -> None:
    made = clips(database, 2)
    take(database, "ani")
    assert take(database, "budi", T0 + 59_999) == []
    assert take(database, "budi", T0 + 60_000) == made
    assert take(database, "ani", T0 + 60_001) == []
    database.transact(lambda s: release(s, "budi"))
    assert take(database, "ani", T0 + 60_002) == made


def test_a_verdict_is_written_once_however_often_it_comes(database: Database) -> None:
    made = clips(database, 1)
    take(database, "ani")
    assert [say(database, "ani", made[0]) for _ in range(3)] == ["kept", "repeated", "repeated"]
    assert take(database, "ani") == take(database, "budi") == []
    assert say(database, "ani", made[0], "later", second=False) == "changed"
    assert say(database, "ani", 999) == "unknown_clip"


def test_a_verdict_after_the_lease_is_kept(database: Database) -> None:
    made = clips(database, 1)
    take(database, "ani")
    take(database, "budi", T0 + 60_000)
    assert say(database, "ani", made[0]) == "kept"
    assert say(database, "budi", made[0]) == "kept"
    with database.reading() as session:
        assert [row.reviewer for row in verdicts_of(session, ["31.71.01.1001-0"])["31.71.01.1001-0"]] == ["ani", "budi"]


def test_a_second_opinion_goes_to_somebody_else_and_comes_first(database: Database) -> None:
    made = clips(database, 4)
    take(database, "ani", want=4)
    say(database, "ani", made[2], second=True)
    database.transact(lambda s: release(s, "ani"))
    assert made[2] not in take(database, "ani", want=4)
    database.transact(lambda s: release(s, "ani"))
    assert take(database, "budi", want=1) == [made[2]]
    say(database, "budi", made[2])
    assert made[2] not in take(database, "cici", want=4)


def test_every_nth_clip_is_read_twice(database: Database) -> None:
    made = clips(database, 4)
    rules = Rules(60_000, 2)
    even = [number for number in made if number % 2 == 0]
    for number in take(database, "ani", want=9, rules=rules):
        say(database, "ani", number)
    assert take(database, "ani", want=9, rules=rules) == []
    assert take(database, "budi", want=9, rules=rules) == even
    for number in even:
        say(database, "budi", number)
    with database.reading() as session:
        assert pairs(session, None) == [("ani", "true", "budi", "true")] * 2
        assert pairs(session, ["31.74"]) == []


def test_areas_and_progress(database: Database) -> None:
    here, there = clips(database, 3), clips(database, 2, "31.74.01.1007")
    found = database.transact(lambda s: claim(s, "ani", ["31.74"], ONCE, T0, 9))
    assert [item.clip.id for item in found] == there
    say(database, "ani", there[0])
    with database.reading() as session:
        told = progress(session, "ani", ["31.74"], ONCE, T0)
        assert (told.mine_left, told.left, told.done) == (1, 1, 1)
        assert progress(session, "ani", None, ONCE, T0 + 1).left == len(here) + 1
        assert progress(session, "ani", [], ONCE, T0 + 1).left == 0


def test_people_at_once_never_see_the_same_clip(database: Database) -> None:
    made = clips(database, 40)
    shown: list[int] = []
    faults: list[str] = []
    on_screen: dict[int, str] = {}
    lock = threading.Lock()

    def review(who: str) -> None:
        while mine := take(database, who):
            with lock:
                faults.extend(f"{number} {who}" for number in mine if on_screen.setdefault(number, who) != who)
                shown.append(mine[0])
            threads = [threading.Thread(target=say, args=(database, who, mine[0])) for _ in range(2)]
            for thread in threads:  # the same verdict on two ways at once
                thread.start()
            for thread in threads:
                thread.join()

    reviewers = [threading.Thread(target=review, args=(f"orang-{number}",)) for number in range(5)]
    for reviewer in reviewers:
        reviewer.start()
    for reviewer in reviewers:
        reviewer.join(120)
    assert faults == []
    assert Counter(shown) == Counter(made)
    with database.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(VerdictRow)) == len(made)


@pytest.mark.parametrize("kind", ["still"])
def test_stills_are_not_reviewed(database: Database, kind: str) -> None:
    with database.session() as session:
        apply_incident(session, incident("i"), T0)
        still = record_evidence(session, Evidence("i", "cam-1", "still", "bus", T0, T0), b"x", T0).id
    assert take(database, "ani") == []
    assert say(database, "ani", still) == "unknown_clip"
