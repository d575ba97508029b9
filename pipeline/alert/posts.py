"""Whether somebody is reached in every kelurahan that has cameras: pure, checked at start and by `config check`.

A kelurahan is reached when an officer's account covers it, or a target or duty post that the configuration gives it -
a post only if somebody is there at every hour. As long as nothing of all that is set up, as at a first start, the
administrators are the post of the whole city. The feed and Web Push do not count: nobody has to be listening.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import structlog

from pipeline.alert.roster import local_time, on_duty
from pipeline.alert.rules import Rules, hears, rules_of
from pipeline.city.registry import Kelurahan, Registry
from pipeline.ops.duty import Post
from pipeline.ops.errors import ConfigError
from pipeline.ops.section import Kind
from pipeline.ops.settings import Settings
from pipeline.store.accounts import DUTY, Account, read_accounts
from pipeline.store.areas import serves

log = structlog.get_logger(__name__)

AHEAD = timedelta(days=14)
"""How far rosters are looked at, from now: two weeks have every weekday twice."""
MOST_CAMERAS = 3
"""As many are named in a message."""
OPEN_AIR = ("webpush:", "cap:feed")
"""Targets of which nobody knows whether anybody listens."""


@dataclass(frozen=True)
class Unreached:
    """A kelurahan with cameras whose incidents of some kinds reach nobody, and why, in one line."""

    kelurahan: Kelurahan
    cameras: tuple[str, ...]
    kinds: tuple[Kind, ...]
    why: str

    def __str__(self) -> str:
        """Say it as one line."""
        more = ", ..." if len(self.cameras) > MOST_CAMERAS else ""
        number = "1 camera" if len(self.cameras) == 1 else f"{len(self.cameras)} cameras"
        cameras = f"{number}: {', '.join(self.cameras[:MOST_CAMERAS])}{more}"
        place = f"{self.kelurahan.code} {self.kelurahan.name}"
        return f"kelurahan {place} ({cameras}) has no reachable post for {', '.join(self.kinds)}: {self.why}"


def unreached(rules: Rules, accounts: Sequence[Account], at_ms: int) -> list[Unreached]:
    """Return the kelurahan with cameras that nobody serves, by code.

    Args:
        rules: What routing goes by.
        accounts: Who may sign in and decide.
        at_ms: Now, epoch ms: rosters are looked at for two weeks from here.
    """
    look = _Look(rules, accounts, local_time(at_ms, rules.zone))
    return [found for found in map(look.at, sorted(look.cameras)) if found is not None]


def check_posts(rules: Rules, accounts: Sequence[Account], at_ms: int, *, again: bool = False) -> None:
    """Refuse a kelurahan that nobody serves, where the configuration asks for that.

    Args:
        rules: What routing goes by.
        accounts: Who may sign in and decide.
        at_ms: Now, epoch ms.
        again: A supervisor starts the stage, perhaps anew after a crash, and has checked when a person started it:
            then it is logged, as one locked account must not silence the whole city.

    Raises:
        ConfigError: One line for each such kelurahan, naming it.
    """
    missing = unreached(rules, accounts, at_ms) if rules.alert.duty.require_post else []
    if missing and again:
        log.error("posts.unreached", kelurahan=[str(one) for one in missing])
    elif missing:
        way = "add an officer (siaga people add), a target or a post, or set alert.duty.require_post: false"
        raise ConfigError("\n".join([*(f"alert.duty.require_post: {one}" for one in missing), way]))


def check_start(settings: Settings, registry: Registry, at_ms: int) -> list[Unreached] | None:
    """Check before anything runs that duty is configured soundly and reaches everybody.

    Returns:
        Whom nobody serves, where the configuration takes that; None when the database does not answer now, so that
        nothing can be said of accounts: the alert stage looks again once it does.

    Raises:
        ConfigError: Duty names what is not there, or a kelurahan has no reachable post; one line each.
    """
    rules = rules_of(settings, registry)
    accounts = read_accounts(settings)
    if accounts is None:
        return None
    check_posts(rules, accounts, at_ms)
    return unreached(rules, accounts, at_ms)


class _Look:
    """One look at the whole city."""

    def __init__(self, rules: Rules, accounts: Sequence[Account], local: datetime) -> None:
        self._rules, self._local = rules, local
        self._standing = [
            named for name, named in rules.named.items() if name not in rules.assigned and not name.startswith(OPEN_AIR)
        ]
        officers = [account for account in accounts if account.role == DUTY]
        nothing = not (officers or self._standing or rules.alert.duty.posts)
        self._accounts = list(accounts) if nothing else officers
        self._gaps: dict[tuple[str, ...], datetime | None] = {}
        self.cameras: dict[str, list[str]] = {}
        for camera in rules.registry.cameras.values():
            if camera.kinds:
                self.cameras.setdefault(camera.kelurahan, []).append(camera.id)

    def at(self, code: str) -> Unreached | None:
        """Return what is missing in one kelurahan; None when nothing is."""
        ward = self._rules.registry.kelurahan[code]
        if any(account.serves(code) for account in self._accounts):
            return None
        every = self._rules.registry.cameras
        watched = dict.fromkeys(kind for id_ in self.cameras[code] for kind in every[id_].kinds)
        bad = {kind: why for kind in watched if (why := self._missing(code, kind)) is not None}
        if not bad:
            return None
        return Unreached(ward, tuple(sorted(self.cameras[code])), tuple(bad), "; ".join(dict.fromkeys(bad.values())))

    def _missing(self, code: str, kind: Kind) -> str | None:
        """Return why incidents of a kind in a kelurahan reach nobody; None when they reach somebody."""
        if any(hears(named.reach, kind, code) for named in self._standing):
            return None
        posts = [post for post in self._rules.alert.duty.posts if self._served(post, code, kind)]
        if not posts:
            return "no officer's account, target or post serves it"
        names = tuple(post.name for post in posts)
        if names not in self._gaps:
            self._gaps[names] = self._first_gap(posts)
        gap = self._gaps[names]
        return None if gap is None else f"nobody of {', '.join(names)} is on duty at {gap:%Y-%m-%d %H:%M}"

    def _served(self, post: Post, code: str, kind: Kind) -> bool:
        """Say whether a post hears of a kind there from every camera, and can be told."""
        if not serves(post.kelurahan, code) or (post.kinds and kind not in post.kinds):
            return False
        cameras = [self._rules.registry.cameras[id_] for id_ in self.cameras[code]]
        if post.categories and any(set(post.categories).isdisjoint(camera.categories) for camera in cameras):
            return False
        targets = {
            *post.targets,
            *(target for shift in post.roster for target in shift.targets),
            *(target for one in post.on_call for target in one.targets),
        }
        named = self._rules.named
        return all(hears(named[target].reach, kind, code) for target in targets if target in named)

    def _first_gap(self, posts: Sequence[Post]) -> datetime | None:
        """Return the first instant of the days ahead at which nobody of the posts is on duty."""
        holidays = frozenset(self._rules.alert.duty.holidays)
        instants = sorted({self._local, *self._changes(posts)})
        return next((at for at in instants if not any(on_duty(post, at, holidays) for post in posts)), None)

    def _changes(self, posts: Sequence[Post]) -> Iterator[datetime]:
        """Yield the instants ahead at which somebody comes or goes: between two of them nothing changes."""
        day, end = self._local.date(), (self._local + AHEAD).date()
        clocks = {clock for post in posts for shift in post.roster for clock in (shift.start, shift.end)}
        while day <= end:
            for clock in {"00:00", *clocks}:
                at = _at(day, clock)
                if self._local <= at:
                    yield at
            day += timedelta(days=1)


def _at(day: date, clock: str) -> datetime:
    """Return a time of day, `HH:MM`, on a date."""
    return datetime.combine(day, time.fromisoformat(clock))
