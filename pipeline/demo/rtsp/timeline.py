"""What a stream shows at which second: an optional first programme, then another one looped or played once."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.demo.rtsp.media import AccessUnit, Media


@dataclass(frozen=True, slots=True)
class Due:
    """A picture with its place on the stream's endless time line, in seconds since the stream's second 0."""

    send_s: float
    show_s: float
    unit: AccessUnit


@dataclass(frozen=True, slots=True)
class Timeline:
    """`intro` (once, may be None), then `main`, again and again when `loop`."""

    main: Media
    intro: Media | None = None
    loop: bool = True

    @property
    def end_s(self) -> float | None:
        """The second at which the stream ends; None when it never does."""
        intro_s = self.intro.duration_s if self.intro else 0.0
        return None if self.loop else intro_s + self.main.duration_s

    def play(self, from_s: float = 0.0) -> Iterator[Due]:
        """Pictures from the keyframe nearest to second `from_s` on, in sending order."""
        for media, offset_s in self._rounds(from_s):
            start = _nearest_key(media, from_s - offset_s) if from_s > offset_s else 0
            for unit in media.units[start:]:
                yield Due(offset_s + unit.dts_s, offset_s + unit.pts_s, unit)

    def _rounds(self, from_s: float) -> Iterator[tuple[Media, float]]:
        """Programmes in order with the second each begins at; those that ended before `from_s` are left out."""
        offset_s = 0.0
        if self.intro:
            if from_s < self.intro.duration_s:
                yield self.intro, 0.0
            offset_s = self.intro.duration_s
        turn = max(0, int((from_s - offset_s) // self.main.duration_s)) if self.loop else 0
        if not self.loop and from_s >= offset_s + self.main.duration_s:
            return
        while True:
            yield self.main, offset_s + turn * self.main.duration_s
            if not self.loop:
                return
            turn += 1


def _nearest_key(media: Media, at_s: float) -> int:
    """Index of the keyframe nearest to `at_s`; the end of the file when the next round's first is nearer."""
    keys = [index for index, unit in enumerate(media.units) if unit.key]
    times = [media.units[index].dts_s for index in keys]
    before = max(0, bisect_right(times, at_s) - 1)
    after = before + 1
    next_s = times[after] if after < len(keys) else media.duration_s
    if at_s - times[before] <= next_s - at_s:
        return keys[before]
    return keys[after] if after < len(keys) else len(media.units)
