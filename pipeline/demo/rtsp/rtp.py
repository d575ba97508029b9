"""RTP packets of H.264 (RFC 6184) and H.265 (RFC 7798), and the RTCP reports beside them (RFC 3550)."""

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.demo.rtsp.nal import Codec

CLOCK_HZ = 90_000
PAYLOAD_TYPE = 96
MAX_PAYLOAD = 1400
"""Bytes of one RTP payload; with all headers it stays below the 1,500 of an Ethernet frame."""
NTP_EPOCH_S = 2_208_988_800

Payload = tuple[bool, bytes]
"""Marker bit (last packet of a picture) and payload."""


def packetise(codec: Codec, nals: Iterable[bytes]) -> tuple[Payload, ...]:
    """Cut one picture's NAL units into RTP payloads; the last one carries the marker."""
    fragment = _fragment_h264 if codec == "h264" else _fragment_hevc
    parts: list[bytes] = []
    for nal in nals:
        parts.extend([nal] if len(nal) <= MAX_PAYLOAD else fragment(nal))
    return tuple((index == len(parts) - 1, part) for index, part in enumerate(parts))


def _fragment_h264(nal: bytes) -> list[bytes]:
    """FU-A fragments, RFC 6184 section 5.8."""
    indicator, kind = (nal[0] & 0xE0) | 28, nal[0] & 0x1F
    return _fragments(bytes([indicator]), kind, nal[1:])


def _fragment_hevc(nal: bytes) -> list[bytes]:
    """Fragmentation units, RFC 7798 section 4.4.3: type 49 in the two-byte header, layer and TID kept."""
    kind = (nal[0] >> 1) & 0x3F
    header = bytes([(nal[0] & 0x81) | (49 << 1), nal[1]])
    return _fragments(header, kind, nal[2:])


def _fragments(header: bytes, kind: int, body: bytes) -> list[bytes]:
    """Fragments of `body`: header, then start bit, end bit and NAL type in one byte, then data."""
    step = MAX_PAYLOAD - len(header) - 1
    out = []
    for at in range(0, len(body), step):
        flags = (0x80 if at == 0 else 0) | (0x40 if at + step >= len(body) else 0)
        out.append(header + bytes([flags | kind]) + body[at : at + step])
    return out


@dataclass(slots=True)
class RtpSender:
    """Sequence numbers, timestamps and counts of one RTP stream to one client."""

    ssrc: int
    sequence: int
    base: int
    packets: int = 0
    octets: int = 0

    def timestamp(self, stream_s: float) -> int:
        """RTP timestamp (90 kHz, modulo 2**32) of a moment of the stream in seconds."""
        return (self.base + round(stream_s * CLOCK_HZ)) & 0xFFFFFFFF

    def packet(self, stream_s: float, marker: bool, payload: bytes) -> bytes:
        """One RTP packet."""
        second = PAYLOAD_TYPE | (0x80 if marker else 0)
        header = struct.pack(">BBHII", 0x80, second, self.sequence, self.timestamp(stream_s), self.ssrc)
        self.sequence = (self.sequence + 1) & 0xFFFF
        self.packets = (self.packets + 1) & 0xFFFFFFFF
        self.octets = (self.octets + len(payload)) & 0xFFFFFFFF
        return header + payload

    def report(self, stream_s: float, wall_s: float) -> bytes:
        """RTCP sender report: ties the stream's moment `stream_s` to the wall clock `wall_s` (epoch seconds)."""
        seconds = int(wall_s)
        fraction = int((wall_s - seconds) * (1 << 32)) & 0xFFFFFFFF
        sender = struct.pack(
            ">BBHIIIIII",
            0x80,
            200,
            6,
            self.ssrc,
            (seconds + NTP_EPOCH_S) & 0xFFFFFFFF,
            fraction,
            self.timestamp(stream_s),
            self.packets,
            self.octets,
        )
        # A compound packet must carry a CNAME (RFC 3550 section 6.1); strict readers drop one without.
        name = b"siaga"
        item = bytes([1, len(name)]) + name
        item += bytes(4 - len(item) % 4)
        return sender + struct.pack(">BBHI", 0x81, 202, 1 + len(item) // 4, self.ssrc) + item

    def bye(self) -> bytes:
        """RTCP BYE: the stream has ended on purpose."""
        return struct.pack(">BBHI", 0x81, 203, 1, self.ssrc)
