"""Frames of the Kafka protocol: which requests are understood, in which versions, and how they are read and answered.

Encoding and decoding of the bodies is kafka-python's (`kafka.protocol`); headers are read here, without a copy.
"""

import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kafka.protocol.metadata import ApiVersionsResponse

from pipeline.bus.embedded.errors import ProtocolError

if TYPE_CHECKING:
    from pipeline.bus.embedded.connection import Connection

API_VERSIONS_KEY = 18
PRODUCE_KEY = 0
REQUEST_HEAD = struct.Struct(">hhih")
RESPONSE_HEAD = struct.Struct(">ii")
DECODE_ERRORS = (
    ValueError,
    struct.error,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    MemoryError,
    EOFError,
)

Handler = Callable[["Connection", Any, int], Awaitable[Any]]


@dataclass(frozen=True)
class Api:
    """One kind of request: kafka-python's classes for it, the versions answered, and its handler."""

    request: Any
    response: Any
    lowest: int
    highest: int
    handler: Handler

    @property
    def key(self) -> int:
        """The protocol's number of this kind of request."""
        return int(self.request.API_KEY)

    @property
    def name(self) -> str:
        """Name for metrics and logs, such as `Fetch`."""
        return str(self.request.__name__).removesuffix("Request")


@dataclass(frozen=True)
class Request:
    """A decoded request: `body` is kafka-python's request object."""

    api: Api
    version: int
    correlation: int
    client_id: str
    body: Any


class UnsupportedVersionError(Exception):
    """An ApiVersions request of a version too new: answered with version 0 so that the client can step down."""

    def __init__(self, correlation: int) -> None:
        super().__init__("unsupported version of ApiVersions")
        self.correlation = correlation


def decode(frame: bytes, apis: dict[int, Api]) -> Request:
    """Read one request frame (without its length).

    Raises:
        ProtocolError: `short_header`, `unknown_api`, `unknown_version` or `undecodable`.
        UnsupportedVersionError: see there.
    """
    if len(frame) < REQUEST_HEAD.size:
        raise ProtocolError("short_header")
    key, version, correlation, client_length = REQUEST_HEAD.unpack_from(frame)
    api = apis.get(key)
    if api is None:
        raise ProtocolError("unknown_api")
    if not api.lowest <= version <= api.highest:
        if key == API_VERSIONS_KEY:
            raise UnsupportedVersionError(correlation)
        raise ProtocolError("unknown_version")
    at = REQUEST_HEAD.size + max(0, client_length)
    if client_length < -1 or at > len(frame):
        raise ProtocolError("short_header")
    try:
        client_id = frame[REQUEST_HEAD.size : at].decode("utf-8")
        if api.request.flexible_version_q(version):
            at = _skip_tags(frame, at)
        body = api.request.decode(memoryview(frame)[at:], version=version)
    except DECODE_ERRORS as error:
        raise ProtocolError("undecodable") from error
    return Request(api, version, correlation, client_id, body)


def _skip_tags(frame: bytes, at: int) -> int:
    """Step over the tagged fields of a flexible request header."""
    count, at = _varint(frame, at)
    for _ in range(count):
        _, at = _varint(frame, at)
        size, at = _varint(frame, at)
        at += size
    return at


def _varint(frame: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = frame[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 28:
            raise ValueError("varint of more than five bytes")


def encode(api: Api, version: int, correlation: int, response: Any) -> list[bytes]:
    """Return the buffers of one response frame: length, header and body."""
    body = response.encode(version=version)
    tags = b"\0" if api.response.flexible_version_q(version) and api.key != API_VERSIONS_KEY else b""
    return [RESPONSE_HEAD.pack(4 + len(tags) + len(body), correlation) + tags, body]


def unsupported_version(correlation: int, apis: dict[int, Api], code: int) -> list[bytes]:
    """The answer to an ApiVersions request that is too new: version 0, with the versions that are understood."""
    body = ApiVersionsResponse(error_code=code, api_keys=api_keys(apis), version=0).encode(version=0)
    return [RESPONSE_HEAD.pack(4 + len(body), correlation), body]


def api_keys(apis: dict[int, Api]) -> list[Any]:
    """What an ApiVersions response lists."""
    return [
        ApiVersionsResponse.ApiVersion(api_key=api.key, min_version=api.lowest, max_version=api.highest)
        for api in apis.values()
    ]
