"""Read a stream as the grabber does: by PyAV."""

from collections.abc import Iterator
from contextlib import contextmanager

import av
from av.container import InputContainer
from av.packet import Packet


@contextmanager
def opened(url: str, transport: str = "tcp", timeout_s: float = 5) -> Iterator[InputContainer]:
    with av.open(url, options={"rtsp_transport": transport}, timeout=timeout_s) as container:
        yield container


def packets(container: InputContainer, count: int) -> list[Packet]:
    """The next `count` packets, fewer at the end of the stream."""
    taken: list[Packet] = []
    for packet in container.demux(video=0):
        if packet.size:
            taken.append(packet)
        if len(taken) == count:
            break
    return taken


def brightness(url: str, frames: int, transport: str = "tcp") -> list[float]:
    """Mean luma (0..255) of the next frames."""
    values: list[float] = []
    with opened(url, transport) as container:
        for frame in container.decode(video=0):
            values.append(float(frame.to_ndarray(format="gray").mean()))
            if len(values) == frames:
                break
    return values
