"""Single sign-on by OpenID Connect: authorization code with PKCE, state and nonce; every doubt is a refusal.

The provider's answer is believed only if its id token is signed by one of its published keys with an allowed algorithm,
is for this client, from this issuer, not over, and carries the nonce of this very sign-in (OpenID Connect Core,
3.1.3.7).
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import httpx
from authlib.oauth2.claims import BaseClaims
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from pipeline.ops.desk_access import OidcSection, is_safe_address

LEEWAY_S = 60
MAX_ANSWER = 256 * 1024
BACK = "/masuk/kembali"
"""The one path that the provider sends people back to."""


class OidcError(Exception):
    """A sign-in that is not believed; the text is for the log and the audit, not for the visitor."""


class ProviderAwayError(OidcError):
    """The provider does not answer, or its answer is none: local accounts still work."""


@dataclass(frozen=True)
class Provider:
    """Where the provider answers, as its discovery document says; `end` is empty where it ends no sessions."""

    issuer: str
    authorize: str
    token: str
    jwks: str
    end: str
    in_form: bool
    """Whether the client's secret goes into the form, because the provider takes no basic authentication."""


@dataclass(frozen=True)
class Secrets:
    """What one sign-in is bound to: the redirect address, and the PKCE verifier and nonce that nobody else knows."""

    back: str
    verifier: str
    nonce: str


def _fetch(client: httpx.Client, method: str, url: str, **options: Any) -> dict[str, Any]:
    """Return a JSON object of the provider; redirects are not followed.

    Raises:
        ProviderAwayError: It does not answer, answers with an error, too much, or something else.
    """
    try:
        with client.stream(method, url, **options) as answer:
            body = b""
            for part in answer.iter_bytes():
                body += part
                if len(body) > MAX_ANSWER:
                    raise ProviderAwayError(f"{url}: answer too long")
        if answer.status_code != 200:
            raise ProviderAwayError(f"{url}: answered {answer.status_code}")
        found = httpx.Response(200, content=body).json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise ProviderAwayError(f"{url}: {type(error).__name__}") from error
    if not isinstance(found, dict):
        raise ProviderAwayError(f"{url}: not a JSON object")
    return found


def discover(section: OidcSection, client: httpx.Client) -> Provider:
    """Read the discovery document.

    Raises:
        ProviderAwayError: It cannot be read.
        OidcError: It lacks an address, names one that is not safe, or is of another issuer.
    """
    found = _fetch(client, "GET", section.issuer.rstrip("/") + "/.well-known/openid-configuration")
    if found.get("issuer") != section.issuer:
        raise OidcError(f"discovery: issuer is {found.get('issuer')!r}, not the configured one")
    addresses = {name: str(found.get(name) or "") for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
    for name, address in addresses.items():
        if not is_safe_address(address):
            raise OidcError(f"discovery: {name} is no https address")
    end = str(found.get("end_session_endpoint") or "")
    methods = found.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    authorize, token, jwks = addresses.values()
    in_form = "client_secret_basic" not in methods
    return Provider(section.issuer, authorize, token, jwks, end if is_safe_address(end) else "", in_form)


def way_there(section: OidcSection, provider: Provider, state: str, secrets: Secrets) -> str:
    """Return the address at the provider that a sign-in begins with."""
    uri: str = prepare_grant_uri(
        provider.authorize, section.client_id, "code", redirect_uri=secrets.back, scope=" ".join(section.scopes),
        state=state, nonce=secrets.nonce, code_challenge=create_s256_code_challenge(secrets.verifier),
        code_challenge_method="S256",
    )  # fmt: skip
    return uri


def way_out(section: OidcSection, provider: Provider, public_url: str) -> str:
    """Return the address that ends the session at the provider; empty where there is none (RP-Initiated Logout 1.0)."""
    if not provider.end:
        return ""
    query = urlencode({"client_id": section.client_id, "post_logout_redirect_uri": f"{public_url}/masuk"})
    return f"{provider.end}{'&' if '?' in provider.end else '?'}{query}"


def redeem(section: OidcSection, provider: Provider, client: httpx.Client, code: str, secrets: Secrets) -> str:
    """Exchange the code for the id token.

    Raises:
        ProviderAwayError: The provider refuses or does not answer.
        OidcError: The client's secret is not set, or the answer has no id token.
    """
    name = section.client_secret.removeprefix("env:")
    secret = os.environ.get(name, "")
    if not secret:
        raise OidcError(f"desk.oidc.client_secret: environment variable {name} is not set")
    form = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": secrets.back,
        "code_verifier": secrets.verifier,
    }  # fmt: skip
    options: dict[str, Any] = {"data": form}
    if provider.in_form:
        form.update(client_id=section.client_id, client_secret=secret)
    else:  # both parts are form-encoded before they are joined (RFC 6749, 2.3.1)
        options["auth"] = httpx.BasicAuth(quote(section.client_id, safe=""), quote(secret, safe=""))
    token = _fetch(client, "POST", provider.token, **options).get("id_token")
    if not isinstance(token, str):
        raise OidcError("token: no id_token in the answer")
    return token


def believe(section: OidcSection, keys: Mapping[str, Any], token: str, nonce: str, now_s: float) -> dict[str, Any]:
    """Return the claims of an id token that holds in every respect. Pure.

    Raises:
        OidcError: Names what does not hold.
    """
    try:
        decoded = jwt.decode(token, KeySet.import_key_set({"keys": list(keys["keys"])}), list(section.algorithms))
        wanted = {"iss": section.issuer, "aud": section.client_id}
        options = {name: {"essential": True, "value": value} for name, value in wanted.items()}
        claims: BaseClaims = CodeIDToken(
            decoded.claims, decoded.header, options, {"nonce": nonce, "client_id": section.client_id}
        )
        claims.validate(now=int(now_s), leeway=LEEWAY_S)
    except (JoseError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise OidcError(f"id token: {error or type(error).__name__}") from error
    return dict(decoded.claims)


def come_back(section: OidcSection, code: str, secrets: Secrets, now_s: float) -> dict[str, Any]:
    """Turn the code of a sign-in that came back into believed claims. Blocks for three answers of the provider.

    Raises:
        ProviderAwayError: The provider does not answer.
        OidcError: Says what is not believed.
    """
    with open_client(section) as client:
        provider = discover(section, client)
        token = redeem(section, provider, client, code, secrets)
        keys = _fetch(client, "GET", provider.jwks)
    return believe(section, keys, token, secrets.nonce, now_s)


def open_client(section: OidcSection) -> httpx.Client:
    """Return a client for the way to the provider: no redirects, patience as configured."""
    return httpx.Client(timeout=section.timeout_s, follow_redirects=False, headers={"accept": "application/json"})
