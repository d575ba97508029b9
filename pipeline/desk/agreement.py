"""How far two people agree beyond chance: Cohen's kappa (J. Cohen, 1960), pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.desk.i18n import mark
from pipeline.store.reviews import Pair

AGREEMENT_WORDS: Final[dict[int, str]] = mark({0: "lemah", 1: "cukup", 2: "sedang", 3: "kuat", 4: "hampir sempurna"})
"""Words of Landis and Koch (1977) by fifths of the scale above zero."""


@dataclass(frozen=True)
class Agreement:
    """Two people on `n` clips: the share of equal verdicts 0..1, and kappa -1..1 (None: not defined)."""

    one: str
    other: str
    n: int
    same: float
    kappa: float | None

    @property
    def word(self) -> str:
        """Kappa in a word; empty where it is not defined."""
        if self.kappa is None:
            return ""
        return AGREEMENT_WORDS[max(0, min(4, int(self.kappa * 5)))]


def cohen_kappa(verdicts: Sequence[tuple[str, str]]) -> float | None:
    """Return kappa = (observed - expected) / (1 - expected) of pairs of verdicts.

    None without pairs, and where both always say the same one thing: chance alone would then agree fully.
    """
    n = len(verdicts)
    if not n:
        return None
    observed = sum(a == b for a, b in verdicts) / n
    ones, others = Counter(a for a, _ in verdicts), Counter(b for _, b in verdicts)
    expected = sum(ones[word] * others[word] for word in ones) / (n * n)
    return None if expected == 1 else (observed - expected) / (1 - expected)


def agreements(pairs: Iterable[Pair]) -> list[Agreement]:
    """Return the agreement of every two people who judged the same clips, those with most clips in common first."""
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for one, said, other, too in pairs:
        if one <= other:
            found.setdefault((one, other), []).append((said, too))
        else:
            found.setdefault((other, one), []).append((too, said))
    made = [_agreement(one, other, said) for (one, other), said in found.items()]
    return sorted(made, key=lambda item: (-item.n, item.one, item.other))


def _agreement(one: str, other: str, said: Sequence[tuple[str, str]]) -> Agreement:
    """Measure two people."""
    return Agreement(one, other, len(said), sum(a == b for a, b in said) / len(said), cohen_kappa(said))
