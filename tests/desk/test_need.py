from dataclasses import dataclass
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pipeline.desk.need import by_need, urgency


@dataclass(frozen=True)
class Item:
    kind: str = "fire"
    sure: str = "tinggi"
    closed_ms: int | None = None
    first_seen_ms: int = 1_000


def test_what_burns_comes_before_what_is_over_and_before_what_smokes() -> None:
    over, smoke, fire = Item(closed_ms=5), Item("smoke"), Item()
    assert by_need([over, smoke, fire]) == [fire, smoke, over]


def test_the_surer_first_then_who_waited_longest() -> None:
    late, early, low = Item(first_seen_ms=9), Item(first_seen_ms=3), Item(sure="rendah", first_seen_ms=1)
    assert by_need([low, late, early]) == [early, late, low]


@given(st.lists(st.builds(Item, st.sampled_from(["fire", "smoke", "flood", "brawl", "new"]),
                          st.sampled_from(["tinggi", "sedang", "rendah"]), st.none() | st.integers(0, 9),
                          st.integers(0, 9))))  # fmt: skip
def test_nothing_is_lost_or_out_of_order(items: list[Item]) -> None:
    ordered = by_need(items)
    assert sorted(map(repr, ordered)) == sorted(map(repr, items))
    assert all(urgency(one) <= urgency(next_) for one, next_ in pairwise(ordered))
