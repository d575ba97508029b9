"""RTSP 1.0 requests and responses as values (RFC 2326), and Basic credentials (RFC 7617)."""

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

MAX_HEADER_BYTES = 16 << 10
MAX_BODY_BYTES = 64 << 10
REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    455: "Method Not Valid in This State",
    461: "Unsupported Transport",
}


class BadRequestError(ValueError):
    """What came in is no RTSP request; the connection it came on is closed."""


@dataclass(frozen=True, slots=True)
class Request:
    """Method, URL and headers (names in lower case); a body is read and ignored."""

    method: str
    url: str
    headers: Mapping[str, str]

    @property
    def name(self) -> str:
        """The stream asked for: the path of the URL without the track's suffix, percent-decoded."""
        path = urlsplit(self.url).path.strip("/")
        return unquote(path.removesuffix("trackID=0").rstrip("/"))

    @property
    def body_bytes(self) -> int:
        """Announced length of the body; `BadRequestError` when it is no sensible number."""
        text = self.headers.get("content-length", "0")
        if not (text.isascii() and text.isdigit()) or int(text[:9]) > MAX_BODY_BYTES or len(text) > 9:
            raise BadRequestError(f"Content-Length {text[:20]!r}")
        return int(text)


def parse_request(head: bytes) -> Request:
    """Parse request line and headers; raises `BadRequestError` on anything else."""
    lines = head.decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3 or not words[2].startswith("RTSP/1."):
        raise BadRequestError(f"request line {lines[0][:60]!r}")
    headers = {}
    for line in lines[1:]:
        key, colon, value = line.partition(":")
        if colon:
            headers[key.strip().lower()] = value.strip()
    try:
        urlsplit(words[1])
    except ValueError as error:
        raise BadRequestError(f"URL {words[1][:60]!r}") from error
    return Request(words[0], words[1], headers)


def response(code: int, request: Request | None, headers: Mapping[str, str], body: str = "") -> bytes:
    """A response with the request's CSeq."""
    lines = [f"RTSP/1.0 {code} {REASONS[code]}"]
    if request:
        lines.append(f"CSeq: {request.headers.get('cseq', '0')}")
    lines.extend(f"{key}: {value}" for key, value in headers.items())
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode("latin-1", "replace")


def authorised(request: Request, user: str | None, password: str | None) -> bool:
    """True when the stream has no user, or the request carries its user and password (Basic)."""
    if user is None:
        return True
    scheme, _, coded = request.headers.get("authorization", "").partition(" ")
    try:
        given = base64.b64decode(coded, validate=True)
    except (binascii.Error, ValueError):
        return False
    return scheme.lower() == "basic" and hmac.compare_digest(given, f"{user}:{password or ''}".encode())
