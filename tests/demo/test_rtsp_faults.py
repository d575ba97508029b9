"""What a test can ask of a stream, and what a client can throw at the server."""

import asyncio
import base64
import contextlib
import socket
from pathlib import Path

import av
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.demo.rtsp import Media, MediaError, RtspServer, ServerThread, Stream
from pipeline.demo.rtsp.request import BadRequestError, authorised, parse_request
from pipeline.demo.rtsp.stream import LiveStream
from tests.demo.clips import make_clip
from tests.demo.reading import opened, packets


def talk(port: int, data: bytes) -> bytes:
    """Send `data`, say nothing more, and read until the server closes the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        received = b""
        try:
            while more := connection.recv(65536):
                received += more
        except ConnectionResetError:
            pass
        return received


def request(line: str, **headers: str) -> bytes:
    lines = [f"{line} RTSP/1.0", "CSeq: 7", *(f"{key}: {value}" for key, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def test_stall_keeps_the_connection_and_resume_goes_on(served: ServerThread) -> None:
    with opened(served.url("h264"), timeout_s=1) as container:
        packets(container, 5)
        served.stall("h264")
        with pytest.raises(av.error.FFmpegError):
            packets(container, 1000)
    served.resume("h264")
    with opened(served.url("h264")) as container:
        assert len(packets(container, 5)) == 5


def test_kick_drops_the_clients_of_one_stream_only(served: ServerThread) -> None:
    with opened(served.url("h264")) as dropped, opened(served.url("hevc")) as kept:
        packets(dropped, 3)
        packets(kept, 3)
        served.kick("h264")
        taken = 0
        with contextlib.suppress(av.error.FFmpegError):
            taken = len(packets(dropped, 1000))
        assert taken < 1000
        assert len(packets(kept, 30)) == 30


def test_removed_stream_is_gone_and_may_come_back(served: ServerThread, clips: dict[str, Path]) -> None:
    served.remove("h264")
    with pytest.raises(av.error.HTTPNotFoundError), opened(served.url("h264")):
        pass
    served.add("h264", Stream(clips["h264"]))
    with opened(served.url("h264")) as container:
        assert len(packets(container, 3)) == 3


def test_stream_over_by_the_servers_clock_is_not_found(tmp_path: Path) -> None:
    moment = [0.0]
    live = LiveStream(Stream(make_clip(tmp_path / "x.mp4", frames=30), loop=False), now=lambda: moment[0])
    assert not live.ended
    moment[0] = 1.5
    assert live.ended


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00" * 1000,
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"A" * 100_000,
        b"DESCRIBE rtsp://[bad RTSP/1.0\r\n\r\n",
        b"OPTIONS * RTSP/1.0\r\nContent-Length: -5\r\n\r\n",
        b"OPTIONS * RTSP/1.0\r\nContent-Length: 99999999999999\r\n\r\n",
        b"$\x00\xff",
        b"",
    ],
)
def test_garbage_closes_that_connection_only(served: ServerThread, garbage: bytes) -> None:
    with opened(served.url("h264")) as container:
        packets(container, 2)
        talk(served.port, garbage)
        assert len(packets(container, 10)) == 10


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_any_bytes_are_a_request_or_a_bad_request(data: bytes) -> None:
    try:
        parsed = parse_request(data)
    except BadRequestError:
        return
    assert isinstance(parsed.name, str)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (request("OPTIONS *"), b"200"),
        (request("DESCRIBE rtsp://x/h264"), b"200"),
        (request("DESCRIBE rtsp://x/h264/?a=1"), b"200"),
        (request("DESCRIBE rtsp://x/tidak-ada"), b"404"),
        (request("DESCRIBE rtsp://x/locked", Authorization="Basic ???"), b"401"),
        (request("RECORD rtsp://x/h264"), b"405"),
        (request("PLAY rtsp://x/h264"), b"455"),
        (request("SETUP rtsp://x/h264/trackID=0", Transport="RTP/AVP;multicast"), b"461"),
        (request("SETUP rtsp://x/h264/trackID=0", Transport="RTP/AVP/TCP;interleaved=999-1000"), b"461"),
        (request("SETUP rtsp://x/h264/trackID=0", Transport="RTP/AVP;unicast;client_port=70000-70001"), b"461"),
        (request("SETUP rtsp://x/h264/trackID=0", Transport="RTP/AVP/TCP;interleaved=0-1"), b"200"),
        (request("SETUP rtsp://x/h264/trackID=0", Transport="RTP/AVP/TCP"), b"200"),
        (request("GET_PARAMETER rtsp://x/h264"), b"200"),
        (request("TEARDOWN rtsp://x/h264"), b"200"),
        (b"\r\n" + request("OPTIONS *"), b"200"),
        (b"$\x01\x00\x02ab" + request("OPTIONS *"), b"200"),
        (b"nonsense\r\n\r\n", b"400"),
    ],
)
def test_answers(served: ServerThread, data: bytes, status: bytes) -> None:
    answer = talk(served.port, data)
    assert answer.startswith(b"RTSP/1.0 " + status)
    if status != b"400":
        assert b"CSeq: 7\r\n" in answer


def test_basic_credentials() -> None:
    good = "Basic " + base64.b64encode(b"siaga:x").decode()
    asked = parse_request(request("DESCRIBE rtsp://x/y", Authorization=good).removesuffix(b"\r\n\r\n"))
    assert authorised(asked, "siaga", "x")
    assert not authorised(asked, "siaga", "y")
    assert authorised(asked, None, None)


@pytest.mark.parametrize("kind", ["missing", "text", "mpeg4", "empty"])
def test_unservable_files_are_named(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"{kind}.mp4"
    if kind == "text":
        path.write_text("bukan video")
    elif kind == "mpeg4":
        make_clip(path, codec="mpeg4")
    elif kind == "empty":
        path.touch()
    with pytest.raises(MediaError, match=rf"{kind}\.mp4"):
        Media.load(path)


def test_truncated_file_is_served_up_to_there(tmp_path: Path) -> None:
    whole = make_clip(tmp_path / "whole.ts")
    cut = tmp_path / "cut.ts"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    assert 10 < len(Media.load(cut).units) < 45


def test_of_a_large_file_the_beginning_is_served(clips: dict[str, Path]) -> None:
    assert len(Media.load(clips["h264"], max_bytes=2000).units) < 45


async def test_server_on_asyncio_counts_and_drops_its_clients(clips: dict[str, Path]) -> None:
    async with RtspServer({"satu": clips["h264"]}) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(request("OPTIONS *"))
        assert (await reader.readline()).startswith(b"RTSP/1.0 200")
        assert server.clients == 1
        assert server.names == ["satu"]
    assert server.clients == 0
    writer.close()
