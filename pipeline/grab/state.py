"""The state of a camera as a pure machine: connecting, live, frozen, dark, covered, lost; its clock is handed in.

Whoever reads `reason` gets a stable code: `opening`, `ok`, `same_picture`, `black`, `no_detail`, or the reason of a
fault (`refused`, `timeout`, `unauthorised`, `not_found`, `unreachable`, `ended`, `no_video`, `broken`, `too_large`,
`unsupported`, `internal`, `stuck`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from pipeline.grab.look import Look
from pipeline.grab.sight import Blindness, Sight
from pipeline.ops.clock import Clock
from pipeline.ops.sections import GrabSection

StateName = Literal["connecting", "live", "frozen", "dark", "covered", "lost"]
STATES: tuple[StateName, ...] = ("connecting", "live", "frozen", "dark", "covered", "lost")
_WHY: dict[Blindness, str] = {"frozen": "same_picture", "dark": "black", "covered": "no_detail"}


@dataclass(frozen=True)
class CameraState:
    """What is said of a camera. Times are UTC epoch ms; `detail` holds plain words and numbers for a person."""

    camera: str
    state: StateName
    since_ms: int
    reason: str
    last_frame_ms: int | None = None
    detail: Mapping[str, float | int | str] = field(default_factory=dict)


class CameraMachine:
    """Follows one camera.

    Args:
        camera: Its id.
        grab: How long a picture may be the same, black or covered.
        clock: Time now, UTC epoch ms.
    """

    def __init__(self, camera: str, grab: GrabSection, clock: Clock) -> None:
        self._clock = clock
        self._grab = grab
        self._sight = Sight.of(grab)
        self.state = CameraState(camera, "connecting", clock(), "opening")

    def _to(self, name: StateName, reason: str, detail: Mapping[str, float | int | str]) -> None:
        since = self.state.since_ms if name == self.state.state else self._clock()
        self.state = replace(self.state, state=name, since_ms=since, reason=reason, detail=dict(detail))

    def lost(self, reason: str, text: str) -> None:
        """The source could not be opened or broke off; `text` says it in words, without credentials.

        It stays lost, through all attempts, until a picture arrives.
        """
        self._sight = Sight.of(self._grab)
        self._to("lost", reason, {"text": text})

    def looked(self, look: Look, captured_ms: int, detail: Mapping[str, float | int | str]) -> None:
        """A floor picture arrived that was captured at `captured_ms`; `detail` describes the stream."""
        blind = self._sight.judge(look, captured_ms)
        self._to(blind or "live", _WHY[blind] if blind else "ok", detail)
        self.seen(captured_ms)

    def seen(self, captured_ms: int) -> None:
        """Any picture arrived."""
        self.state = replace(self.state, last_frame_ms=max(captured_ms, self.state.last_frame_ms or 0))
