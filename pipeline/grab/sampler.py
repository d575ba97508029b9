"""Packets in, sampled pictures out: the same for cameras, `siaga watch` and evaluation."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field

import structlog
from prometheus_client import Counter

from pipeline.bus.records import Cause
from pipeline.grab.activity import Activity
from pipeline.grab.bursts import BURSTS, Burst, BurstBudget, GopBuffer
from pipeline.grab.decode import Decoded, GopDecoder, Image, Scaler, encode_jpeg
from pipeline.grab.faults import SourceFaultError
from pipeline.grab.look import Look, look_at
from pipeline.grab.pictures import open_source
from pipeline.grab.rules import Due, SamplingRules
from pipeline.grab.source import Source, StreamInfo, Unit
from pipeline.ops.sections import GrabSection

log = structlog.get_logger(__name__)

PICTURES = Counter("siaga_grab_pictures_total", "Pictures sampled", ["cause"])
LOST_WANTED = Counter("siaga_grab_wanted_lost_total", "Pictures that were due and could not be decoded", ["cause"])
FULL_DECODE = Counter("siaga_grab_full_decode_total", "Streams found with keyframes rarer than the floor rate")
PATIENCE = 40
"""Packets that a wanted picture may take to come out of the decoder."""
BLIND_PACKETS = 250
"""Without any keyframe for so many packets, decoding begins anywhere (cameras with rolling intra refresh)."""


@dataclass(slots=True)
class Sample:
    """A sampled picture.

    `image` is BGR, height x width x 3, uint8, longest side at most `grab.longest_side`; `t_s` its second in the
    stream; `captured_ms` its wall time (live) or arrival; `burst` the id of the burst it belongs to, else empty.
    """

    image: Image
    t_s: float
    cause: Cause
    captured_ms: int
    look: Look
    burst: str = ""
    jpeg_quality: int = 85
    _jpeg: bytes | None = field(default=None, repr=False)

    @property
    def quality(self) -> float:
        """How much can be seen, 0..1."""
        return self.look.quality

    def jpeg(self) -> bytes:
        """Return the picture as JPEG; encoded once."""
        if self._jpeg is None:
            self._jpeg = encode_jpeg(self.image, self.jpeg_quality)
        return self._jpeg


@dataclass(slots=True)
class _Wanted:
    """A picture that is due and has not come out of the decoder yet."""

    due: Due
    patience: int = PATIENCE


class Sampler:
    """Samples one stream.

    Args:
        info: The stream.
        grab: Rates and sizes.
        budget: Grants bursts.
    """

    def __init__(self, info: StreamInfo, grab: GrabSection, budget: BurstBudget) -> None:
        self._info, self._grab, self._budget = info, grab, budget
        self._rules = SamplingRules.of(grab)
        self._activity = Activity()
        self._decoder = GopDecoder(info)
        self._gop = GopBuffer()
        self._scale = Scaler(grab.longest_side)
        self._wanted: _Wanted | None = None
        self._burst: Burst | None = None
        self._blind = 0

    @property
    def full_decode(self) -> bool:
        """True where keyframes are rarer than the floor rate and everything is decoded."""
        return self._rules.full_decode

    @property
    def key_interval_s(self) -> float | None:
        """Seconds between keyframes; None until two were seen."""
        return self._rules.key_interval_s

    def feed(self, unit: Unit) -> list[Sample]:
        """Take the next packet and return the pictures that are due by now, mostly none."""
        self._force_key(unit)
        was_full = self._rules.full_decode
        self._rules.see(unit.t_s, unit.key)
        if self._rules.full_decode and not was_full:
            FULL_DECODE.inc()
        self._activity.packet(unit.t_s, unit.size, unit.key)
        self._gop.add(unit)
        self._decoder.add(unit)
        samples = self._feed_burst(unit)
        self._choose(unit)
        return samples + self._collect(unit.key)

    def finish(self) -> list[Sample]:
        """Return what is still wanted after the last packet."""
        samples = self._feed_burst(None)
        return samples + self._collect(True)

    def request_burst(self, reason: str, burst_id: str = "") -> str | None:
        """Begin a burst around now.

        Args:
            reason: Who asks for what; logged.
            burst_id: Carried by the pictures; by default made of the stream second.

        Returns:
            The burst's id, or None when it is refused (counted with its reason): one is under way, no keyframe is
            within reach, or the budget is spent.
        """
        gop = self._gop.units()
        if gop:
            self._activity.suspect(gop[-1].t_s)  # also where the burst is refused: the gate is no place to save then
        refusal = "already" if self._burst else "no_keyframe" if not gop else ""
        if not refusal and not self._budget.take():
            refusal = "budget"
        BURSTS.labels(refusal or "granted").inc()
        if refusal:
            log.info("grab.burst_refused", reason=refusal, asked_for=reason)
            return None
        self._burst = Burst(burst_id or f"burst-{gop[-1].t_s:.3f}", self._info, gop, self._grab)
        return self._burst.id

    def _force_key(self, unit: Unit) -> None:
        """Take any packet for a keyframe on a stream that marks none."""
        self._blind = 0 if unit.key else self._blind + 1
        if self._blind == BLIND_PACKETS and not self._gop.units():
            unit.key = True

    def _choose(self, unit: Unit) -> None:
        if self._wanted is None:
            due = self._rules.due(unit.t_s, unit.key, self._activity.active(unit.t_s))
            if due is not None:
                self._wanted = _Wanted(due)
        else:
            self._wanted.patience -= 1
            if self._wanted.patience <= 0:
                LOST_WANTED.labels(self._wanted.due.cause).inc()
                self._wanted = None

    def _collect(self, drain: bool) -> list[Sample]:
        """Decode as far as needed for the wanted picture."""
        wanted = self._wanted
        if wanted is None:
            return []
        decoded = self._decoder.advance()
        hit = _first_from(decoded, wanted.due.from_s)
        if hit is None and drain:
            hit = _first_from(self._decoder.drain(), wanted.due.from_s)
        if hit is None:
            return []
        self._wanted = None
        return self._emit(hit, wanted.due.cause)

    def _emit(self, hit: Decoded, cause: Cause, burst: str = "") -> list[Sample]:
        unit, frame = hit
        image = self._scale(frame)
        if image is None:
            return []
        sample = Sample(image, unit.t_s, cause, unit.captured_ms, look_at(image), burst, self._grab.jpeg_quality)
        PICTURES.labels(cause).inc()
        if not burst:
            self._rules.emitted(unit.t_s, cause)
            self._activity.picture(unit.t_s, sample.look)
        return [sample]

    def _feed_burst(self, unit: Unit | None) -> list[Sample]:
        burst = self._burst
        if burst is None:
            return []
        samples = [s for item in burst.feed(unit) for s in self._emit(item, "burst", burst.id)]
        if burst.over:
            self._burst = None
        return samples


def _first_from(decoded: list[Decoded], t_s: float) -> Decoded | None:
    """Return the first picture shown at `t_s` or later."""
    return next((item for item in decoded if item[0].t_s >= t_s - 1e-6), None)


@dataclass(slots=True)
class _Position:
    """The stream second read so far, as the clock of the burst budget (ms)."""

    s: float = 0.0

    def __call__(self) -> int:
        return int(self.s * 1000)


class Sampling:
    """An iterator of samples over one file, folder or URL; see `sample_source`."""

    def __init__(self, source: Source, grab: GrabSection, start_s: float) -> None:
        self._source, self._start_s = source, start_s
        self._position = _Position()  # apart from this object: a cycle would keep decoders alive for long
        self._sampler = Sampler(source.info, grab, BurstBudget(grab.bursts_per_minute, self._position))
        self.info = source.info
        self.damage: str | None = None
        self._samples = self._run()

    @property
    def position_s(self) -> float:
        """The stream second read so far."""
        return self._position.s

    @property
    def full_decode(self) -> bool:
        """True where keyframes are rarer than the floor rate and everything is decoded."""
        return self._sampler.full_decode

    def __iter__(self) -> Iterator[Sample]:
        return self

    def __next__(self) -> Sample:
        return next(self._samples)

    def request_burst(self, reason: str) -> str | None:
        """Ask for a burst around the present second; see `Sampler.request_burst`."""
        return self._sampler.request_burst(reason)

    def close(self) -> None:
        """Release the source; it is also released at the end and when reading fails."""
        self._samples.close()
        self._source.close()

    def _run(self) -> Generator[Sample, None, None]:
        count = 0
        try:
            for unit in self._source.units():
                self._position.s = max(self._position.s, unit.t_s)
                for sample in self._sampler.feed(unit):
                    if sample.t_s >= self._start_s - 1e-6:
                        count += 1
                        yield sample
        except SourceFaultError as fault:
            if not count:
                raise
            self.damage = str(fault)
            log.warning("grab.source_damaged", reason=fault.reason, detail=str(fault), at_s=round(self._position.s, 1))
        finally:
            self._source.close()
        for sample in self._sampler.finish():
            if sample.t_s >= self._start_s - 1e-6:
                count += 1
                yield sample
        if not count and self._start_s <= 0:
            raise SourceFaultError("broken", "no picture in it can be decoded")


def sample_source(url: str, grab: GrabSection, *, start_s: float = 0.0) -> Sampling:
    """Read a file, folder or URL as fast as it can be read, sampled as a camera is.

    Args:
        url: What `open_source` takes.
        grab: Rates, sizes and timeouts.
        start_s: Begin at this second; `t_s` counts from the file's beginning all the same.

    Returns:
        An iterator of `Sample`, the same for the same file. Burst pictures may lie up to half a burst before the
        sample given out before them; all others come in order of time. `damage` says after the end why reading
        broke off, if it did.

    Raises:
        SourceFaultError: It cannot be opened, or (while iterating) no picture in it can be decoded.
    """
    return Sampling(open_source(url, grab, start_s=start_s), grab, start_s)
