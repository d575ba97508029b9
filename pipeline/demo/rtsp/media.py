"""A video file made ready to be sent: every picture cut into RTP payloads once, shared by all clients."""

import base64
from dataclasses import dataclass
from pathlib import Path

from pipeline.demo.rtsp.nal import Codec, MediaError, RawUnit, is_parameter_set, open_units
from pipeline.demo.rtsp.rtp import PAYLOAD_TYPE, Payload, packetise

MAX_BYTES = 256 << 20
"""A file is held in memory; of a larger one only the beginning up to here is served."""


@dataclass(frozen=True, slots=True)
class AccessUnit:
    """One picture: when it is sent (`dts_s`) and shown (`pts_s`), in seconds from the start of the file."""

    dts_s: float
    pts_s: float
    key: bool
    payloads: tuple[Payload, ...]


@dataclass(frozen=True, slots=True)
class Media:
    """A whole file: pictures in decoding order, `duration_s` to the start of the next loop, VPS/SPS/PPS."""

    path: Path
    codec: Codec
    units: tuple[AccessUnit, ...]
    duration_s: float
    parameter_sets: tuple[bytes, ...]

    @classmethod
    def load(cls, path: Path, max_bytes: int = MAX_BYTES) -> "Media":
        """Read an H.264 or H.265 file; raises `MediaError` naming the file when it cannot be served.

        A file that breaks off in the middle is served up to there: that is what a truncated clip is.
        """
        codec, frame_s, raw = open_units(path)
        units: list[AccessUnit] = []
        sets: tuple[bytes, ...] = ()
        left = max_bytes
        try:
            for unit in raw:
                if not sets:
                    sets = tuple(nal for nal in unit.nals if is_parameter_set(codec, nal))
                units.append(_access_unit(codec, unit, sets))
                left -= sum(map(len, unit.nals))
                if left < 0:
                    break
        except MediaError:
            if not units:
                raise
        if not units or not sets:
            raise MediaError(f"{path}: no decodable picture in it")
        return cls(path, codec, tuple(units), units[-1].dts_s + frame_s, sets)

    def sdp(self, host: str) -> str:
        """The session description a client gets from DESCRIBE (RFC 4566), parameter sets included."""
        encoding = "H264" if self.codec == "h264" else "H265"
        lines = [
            "v=0",
            f"o=- 0 0 IN IP4 {host}",
            "s=siaga",
            "c=IN IP4 0.0.0.0",
            "t=0 0",
            "a=control:*",
            "a=range:npt=now-",
            f"m=video 0 RTP/AVP {PAYLOAD_TYPE}",
            f"a=rtpmap:{PAYLOAD_TYPE} {encoding}/90000",
            f"a=fmtp:{PAYLOAD_TYPE} {self._format()}",
            "a=control:trackID=0",
        ]
        return "\r\n".join(lines) + "\r\n"

    def _format(self) -> str:
        """Parameters of the payload format: RFC 6184 section 8.1, RFC 7798 section 7.1."""
        coded = [base64.b64encode(item).decode() for item in self.parameter_sets]
        if self.codec == "h264":
            profile = next(item for item in self.parameter_sets if item[0] & 0x1F == 7)[1:4].hex()
            return f"packetization-mode=1;profile-level-id={profile};sprop-parameter-sets={','.join(coded)}"
        names = {32: "sprop-vps", 33: "sprop-sps", 34: "sprop-pps"}
        pairs = zip(self.parameter_sets, coded, strict=True)
        return ";".join(f"{names[(item[0] >> 1) & 0x3F]}={text}" for item, text in pairs)


def _access_unit(codec: Codec, unit: RawUnit, sets: tuple[bytes, ...]) -> AccessUnit:
    """Packetise one picture; a keyframe always travels with its parameter sets, so any of them can be the first."""
    nals = unit.nals
    if unit.key and not any(is_parameter_set(codec, nal) for nal in nals):
        nals = [*sets, *nals]
    return AccessUnit(unit.dts_s, unit.pts_s, unit.key, packetise(codec, nals))
