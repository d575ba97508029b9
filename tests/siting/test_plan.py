"""The plan: it keeps floors and budget, its explanations add up, its errors are clear."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.ops.errors import ConfigError
from pipeline.siting.document import plan_document
from pipeline.siting.money import Budget
from pipeline.siting.plan import Ask, Plan, make_plan
from pipeline.siting.problem import MICRO
from pipeline.siting.state import state_of
from tests.siting.world import poles, study

COUNT = Budget(8, money=False)


def check_sums(plan: Plan) -> None:
    """Every number of the explanations adds up to the objective, to the last millionth."""
    marginals = sum(reason.marginal for reason in plan.reasons) + sum(loss for _, loss in plan.losses)
    assert marginals == plan.solution.value
    for reason in plan.reasons:
        assert sum(reason.groups.values()) == reason.marginal
        assert 0 <= reason.alone <= reason.marginal
    sites = {reason.facility for reason in plan.reasons}
    assert sites == set(plan.solution.sites)
    state = state_of(plan.built.problem, plan.solution.sites, plan.solution.moved, plan.solution.freed)
    assert state.value == plan.solution.value
    assert state.spent == plan.solution.spent <= plan.built.problem.budget


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    budget=st.one_of(
        st.integers(6, 20).map(lambda n: Budget(n, money=False)),
        st.integers(250, 900).map(lambda n: Budget(n * 10**6, money=True)),
    ),
    floors=st.sampled_from([{}, {"31.74": 2}, {"kota": 1, "31.01": 0}]),
    moves=st.integers(0, 3),
    exact=st.booleans(),
)
def test_explanations_add_up_whatever_is_asked(
    seed: int, budget: Budget, floors: dict[str, int], moves: int, exact: bool
) -> None:
    here = study(seed)
    ask = Ask(
        budget,
        "exact" if exact else "greedy",
        floors,
        moves=moves,
        listed=poles(here, seed),
        curve=(),
        sensitivity=False,
    )
    plan = make_plan(here, ask)
    check_sums(plan)
    for floor in plan.built.problem.floors:
        assert len(floor.members & set(plan.solution.sites)) >= floor.least
    assert len(plan.solution.freed) <= moves
    assert len(plan.solution.moved) <= len(plan.solution.freed)
    assert plan.solution.value <= plan.solution.bound
    for displaced in plan.rejected.values():
        if displaced is not None and displaced.change is not None and exact:
            assert displaced.change <= 0, "a request that would have made the plan better was left out"


def test_exact_is_never_worse_than_greedy_and_moves_never_hurt() -> None:
    here = study(5)
    ask = Ask(COUNT, "greedy", listed=poles(here), curve=(), sensitivity=False)
    greedy = make_plan(here, ask).solution
    exact = make_plan(here, replace(ask, method="exact")).solution
    moving = make_plan(here, replace(ask, method="exact", moves=3)).solution
    assert greedy.value <= exact.value == exact.bound <= moving.value


def test_the_document_tells_sites_requests_and_curve() -> None:
    here = study(3)
    told = plan_document(here, make_plan(here, Ask(COUNT, listed=poles(here))), "Rencana", "sari")
    assert sum(site["marginal_micro"] for site in told["sites"]) == told["value_micro"]
    assert [site["order"] for site in told["sites"]] == list(range(1, len(told["sites"]) + 1))
    chosen = {ref for site in told["sites"] for ref in site["requests"]}
    for request in told["requests"]:
        assert (request["status"] == "dipilih") == (request["ref"] in chosen)
        if request["status"] == "tidak_terpilih":
            gone = sum(one["loss_micro"] for one in request["displaced"])
            assert request["change_micro"] == request["gain_micro"] - gone
    values = [point["value_micro"] for point in told["curve"]]
    assert values == sorted(values)
    assert told["after"] == pytest.approx(told["coverage"]["seen"] + told["value_micro"] / MICRO)
    assert all(0 <= s["kept"] <= 1 and 0 < s["worth"] <= 1 for s in told["sensitivity"])
    assert len(told["sensitivity"]) >= 10


def test_what_if_a_site_is_forced_in_or_out() -> None:
    here = study(4)
    ask = Ask(COUNT, listed=poles(here), curve=(), sensitivity=False)
    free = make_plan(here, ask)
    best = free.candidates[free.reasons[0].facility].id
    worst = next(c.id for j, c in enumerate(free.candidates) if j not in free.solution.sites)
    forced = make_plan(here, replace(ask, force_in=(worst,), force_out=(best,)))
    ids = {forced.candidates[j].id for j in forced.solution.sites}
    assert worst in ids
    assert best not in ids
    assert forced.solution.value < free.solution.value
    check_sums(forced)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"requests": False, "listed": ()}, "tidak ada calon lokasi"),
        ({"budget": Budget(1_000_000, money=True)}, "tidak cukup untuk satu lokasi"),
        ({"floors": {"kota": 3}}, "jumlah minimum tidak dapat dipenuhi: .*Seribu"),
        ({"floors": {"31.74": 9}}, "anggaran 8 kamera tidak cukup"),
        ({"floors": {"99.99": 1}}, "bukan kode wilayah"),
        ({"floors": {"kota": -1}}, "kurang dari nol"),
        ({"force_in": ("nowhere",)}, "'nowhere' tidak dikenal"),
        ({"force_in": ("tiang-1",), "force_out": ("tiang-1",)}, "sekaligus"),
        ({"moves": 1, "movable": ("cam-999",)}, "'cam-999' tidak ada"),
        ({"force_in": tuple(f"tiang-{n}" for n in range(9))}, "tidak cukup"),
    ],
)
def test_what_cannot_be_planned_is_one_clear_line(changes: dict[str, object], message: str) -> None:
    here = study(6)
    ask = replace(Ask(COUNT, listed=poles(here)), **changes)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=message) as told:
        make_plan(here, ask)
    assert "\n" not in str(told.value)


def test_two_candidates_of_one_name_are_refused() -> None:
    here = study(6)
    twice = poles(here)[:1] * 2
    with pytest.raises(ConfigError, match="dua kali"):
        make_plan(here, Ask(COUNT, listed=twice))


def test_a_grid_covers_what_is_needed() -> None:
    here = study(7)
    plan = make_plan(here, Ask(Budget(5, money=False), requests=False, grid=True, curve=(), sensitivity=False))
    assert plan.solution.value > 0
    check_sums(plan)
    order = [reason.marginal for reason in plan.reasons]
    assert all(a >= b for a, b in pairwise(order))
