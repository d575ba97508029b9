"""Keep passwords out of every message: a URL as it may be logged, and texts that may hold one."""

import re
from urllib.parse import urlsplit, urlunsplit

_USERINFO = re.compile(r"(?<=://)[^/\s?#]*@")
_SECRET_QUERY = re.compile(r"(?i)([?&](?:pass\w*|pwd|token|key|secret|auth|user\w*)=)[^&\s#]+")


def redact_url(url: str) -> str:
    """Return `url` without user name, password and secret query values; safe to log and show."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rsplit("@", 1)[-1]
        plain = urlunsplit((parts.scheme, host, parts.path, parts.query, "")) if parts.scheme else url
    except ValueError:
        plain = url
    return redact_text(plain)


def redact_text(text: str) -> str:
    """Return `text` with the credentials of every URL in it removed (library errors quote the URL they were given)."""
    return _SECRET_QUERY.sub(r"\1***", _USERINFO.sub("", text))
