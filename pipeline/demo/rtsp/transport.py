"""The way RTP travels to one client: inside the RTSP connection, or as UDP datagrams."""

import asyncio
import re
import socket
import struct
from typing import Protocol


class Transport(Protocol):
    """Carries RTP (media) and RTCP (control) packets to one client."""

    async def media(self, packets: list[bytes]) -> None:
        """Send one picture's packets; waits while the client is behind."""

    def control(self, packet: bytes) -> None:
        """Send one RTCP packet."""

    def close(self) -> None:
        """Release what was opened for this client."""


class TcpTransport:
    """Interleaved binary data, RFC 2326 section 10.12; a slow client makes only its own sender wait."""

    def __init__(self, writer: asyncio.StreamWriter, channel: int) -> None:
        self._writer = writer
        self.channel = channel

    @property
    def answer(self) -> str:
        """Value of the Transport header in the answer to SETUP."""
        return f"RTP/AVP/TCP;unicast;interleaved={self.channel}-{self.channel + 1}"

    async def media(self, packets: list[bytes]) -> None:
        """Send one picture's packets in a single write."""
        self._writer.write(b"".join(_interleaved(self.channel, packet) for packet in packets))
        await self._writer.drain()

    def control(self, packet: bytes) -> None:
        """Send one RTCP packet on the odd channel."""
        self._writer.write(_interleaved(self.channel + 1, packet))

    def close(self) -> None:
        """Nothing of its own to release: the connection belongs to the session."""


class UdpTransport:
    """Datagrams to the client's pair of ports; what the network drops stays lost, as with any camera."""

    def __init__(self, host: str, client: str, port: int) -> None:
        self._sockets: list[socket.socket] = []
        family = socket.AF_INET6 if ":" in client else socket.AF_INET
        self._targets = [(client, port), (client, port + 1)]
        self.client_port = port
        try:
            for _ in range(2):
                one = socket.socket(family, socket.SOCK_DGRAM)
                self._sockets.append(one)
                one.bind((host, 0))
                one.setblocking(False)
        except OSError:
            self.close()
            raise

    @property
    def answer(self) -> str:
        """Value of the Transport header in the answer to SETUP."""
        server = "-".join(str(one.getsockname()[1]) for one in self._sockets)
        return f"RTP/AVP;unicast;client_port={self.client_port}-{self.client_port + 1};server_port={server}"

    async def media(self, packets: list[bytes]) -> None:
        """Send one picture's packets; every 16 the loop gets a turn, so that a keyframe is no single burst."""
        for index, packet in enumerate(packets):
            self._send(0, packet)
            if index % 16 == 15:
                await asyncio.sleep(0)

    def control(self, packet: bytes) -> None:
        """Send one RTCP packet to the client's odd port."""
        self._send(1, packet)

    def _send(self, which: int, packet: bytes) -> None:
        try:
            self._sockets[which].sendto(packet, self._targets[which])
        except (BlockingIOError, ConnectionError):
            return  # A full buffer or a client that is gone: datagrams promise nothing.

    def close(self) -> None:
        """Close both sockets."""
        for one in self._sockets:
            one.close()


def choose(header: str, writer: asyncio.StreamWriter, host: str) -> TcpTransport | UdpTransport | None:
    """The transport a SETUP asks for; None when there is none of its kinds here (multicast, odd ports)."""
    for offer in header.split(","):
        if "multicast" in offer:
            continue
        if "TCP" in offer or "interleaved" in offer:
            match = re.search(r"interleaved=(\d{1,3})", offer)
            channel = int(match.group(1)) if match else 0
            return TcpTransport(writer, channel) if channel < 255 else None
        match = re.search(r"client_port=(\d{1,5})", offer)
        if match and 0 < int(match.group(1)) < 65535:
            return UdpTransport(host, writer.get_extra_info("peername")[0], int(match.group(1)))
    return None


def _interleaved(channel: int, packet: bytes) -> bytes:
    return struct.pack(">cBH", b"$", channel, len(packet)) + packet
