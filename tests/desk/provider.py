"""A real OpenID Connect provider over HTTP, with knobs to make it lie, fail or hang. Signs with its own RSA key."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

CLIENT, SECRET = "siaga", "rahasia klien: 100% & panjang"
KEY = RSAKey.generate_key(2048, {"kid": "kota-1", "use": "sig", "alg": "RS256"})
STRANGER = RSAKey.generate_key(2048, {"kid": "kota-1", "use": "sig", "alg": "RS256"})
"""Another key under the same name: what a forger would sign with."""
BARE = RSAKey.import_key(
    {name: value for name, value in KEY.as_dict(private=True).items() if name not in ("alg", "use")}
)
"""The provider's key, ready to sign by any algorithm."""
PUBLISHED = OctKey.import_key({"kty": "oct", "k": str(KEY.as_dict(private=False)["n"])})
"""The public modulus used as a password, for those who believe any algorithm that a token names."""


@dataclass
class Provider:
    """The provider: `claims` is who signs in; the rest makes single answers wrong."""

    issuer: str = ""
    claims: dict[str, Any] = field(default_factory=lambda: {"sub": "u-1", "preferred_username": "budi"})
    wrong: dict[str, Any] = field(default_factory=dict)
    """Claims that replace the right ones in the id token (None: left out)."""
    key: RSAKey | OctKey = field(default_factory=lambda: KEY)
    algorithm: str = "RS256"
    broken: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    """Answers by path instead of the real ones."""
    discovery: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """Return the discovery document."""
        places = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "jwks",
                  "end_session_endpoint": "logout"}  # fmt: skip
        return {"issuer": self.issuer, **{k: f"{self.issuer}/{v}" for k, v in places.items()}, **self.discovery}

    def authorize(self, query: dict[str, str]) -> str:
        """Sign the person in and return where the browser is sent."""
        code = f"kode-{len(self.codes)}"
        self.codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state'], 'iss': self.issuer})}"

    def redeem(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """Give out tokens for a code, once, to the client that proves itself and the verifier."""
        given = base64.b64decode(authorization.removeprefix("Basic ")).decode() if authorization else ""
        name, _, secret = given.partition(":")
        query = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (unquote(name), unquote(secret)) != (CLIENT, SECRET) and (
            form.get("client_id"), form.get("client_secret")
        ) != (CLIENT, SECRET):  # fmt: skip
            return 401, {"error": "invalid_client"}
        if query is None or query["code_challenge"] != challenge or query["redirect_uri"] != form["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": self.id_token(query["nonce"])}

    def id_token(self, nonce: str) -> str:
        """Return the signed id token."""
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "exp": now + 300, "iat": now, "nonce": nonce, **self.claims}
        claims = {name: value for name, value in {**claims, **self.wrong}.items() if value is not None}
        header = {"alg": self.algorithm, "kid": "kota-1"}
        if self.algorithm == "none":
            parts = (json.dumps(part).encode() for part in (header, claims))
            return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."
        return str(jwt.encode(header, claims, self.key, [self.algorithm]))

    def answer(self, method: str, url: str, body: bytes, authorization: str) -> tuple[int, bytes, str]:
        """Return status, body, and where to go instead (empty: nowhere)."""
        parts = urlsplit(url)
        path = parts.path.removeprefix(urlsplit(self.issuer).path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.asked.append(f"{method} {path}")
        if path in self.broken:
            return *self.broken[path], ""
        if path == "/.well-known/openid-configuration":
            return 200, json.dumps(self.document()).encode(), ""
        if path == "/jwks":
            return 200, json.dumps({"keys": [KEY.as_dict(private=False)]}).encode(), ""
        if path == "/authorize":
            return 302, b"", self.authorize(query)
        if path == "/token" and method == "POST":
            form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
            status, said = self.redeem(form, authorization)
            return status, json.dumps(said).encode(), ""
        return (200, b"keluar", "") if path == "/logout" else (404, b"", "")


@contextmanager
def serving() -> Iterator[Provider]:
    """Serve a provider on a free port."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            status, answer, to = provider.answer(self.command, self.path, body, self.headers.get("authorization") or "")
            self.send_response(status)
            if to:
                self.send_header("location", to)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = _serve  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.issuer = f"http://127.0.0.1:{server.server_address[1]}/realms/kota"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
