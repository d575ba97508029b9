"""Keys of the desk's sign-in: how long it lasts, single sign-on at the city's provider, the audit's anchors."""

from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from pipeline.ops.alert_targets import Area, SecretName
from pipeline.ops.section import Seconds, Section

DeskRole = Literal["piket", "satpol", "engineer", "planner", "auditor", "admin"]
_LOCAL = ("localhost", "127.0.0.1", "::1")


def is_safe_address(url: str) -> bool:
    """Say whether an address may carry sign-ins: https, or http to this very machine."""
    parts = urlsplit(url)
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL))


class OidcRule(Section):
    """Whoever has `value` in `claim` gets this role and these areas."""

    claim: str = Field("groups", description="Claim of the id token, dots go inside: `realm_access.roles`")
    value: str = Field(description="Text that the claim is, or that is in its list")
    role: DeskRole = Field(description="Role at the desk")
    areas: tuple[Area | Literal["*"], ...] = Field((), description="Codes of kelurahan, kecamatan, kota, or '*'")
    area_claim: str = Field("", description="Claim whose texts are codes of areas too, besides `areas`; '' = none")


class OidcSection(Section):
    """Single sign-on at the city's OpenID Connect provider. Without an issuer there is none."""

    issuer: str = Field("", description="The provider's issuer address, https; empty = no single sign-on")
    client_id: str = Field("siaga", min_length=1, description="What the provider knows the desk as")
    client_secret: SecretName = Field("env:SIAGA_OIDC_SECRET", description="Where the client's secret is")
    name: str = Field("SSO", min_length=1, max_length=40, description="The provider's name on the button")
    scopes: tuple[str, ...] = Field(("openid", "profile"), description="What is asked for; `openid` must be in it")
    algorithms: tuple[Literal["RS256", "PS256", "ES256", "EdDSA"], ...] = Field(
        ("RS256", "ES256"), min_length=1, description="Signatures of the provider that are believed"
    )
    name_claim: str = Field("preferred_username", description="Claim that is the person's name at the desk")
    rules: tuple[OidcRule, ...] = Field(
        (), description="Who gets which role and areas; the first rule that holds names the role. None: the admin says"
    )
    provision: bool = Field(False, description="Make an account for whom a rule holds; false: an admin adds people")
    timeout_s: Seconds = Field(5, description="Patience for each of the provider's answers")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        """Refuse what could not work or would not be safe."""
        if self.issuer and not is_safe_address(self.issuer):
            raise ValueError("issuer: must be an https address (http only to this machine)")
        if "openid" not in self.scopes:
            raise ValueError("scopes: `openid` is missing")
        if self.provision and not self.rules:
            raise ValueError("provision: needs rules that say who may come in")
        for rule in self.rules:
            if not rule.areas and not rule.area_claim:
                raise ValueError(f"rules: {rule.value!r} gives no area: set `areas` or `area_claim`")
        return self


class DeskAccess(Section):
    """What the desk's section holds on signing in."""

    session_idle_minutes: float = Field(60, gt=0, description="A sign-in with no page open for this long is over")
    public_url: str = Field(
        "", pattern=r"^(https?://[^/\s?#@]+)?$", description="Where people reach the desk, for the provider's way back"
    )
    oidc: OidcSection = Field(OidcSection(), description="Single sign-on at the city's provider")
    audit_anchor: str = Field(
        "audit.anchors", description="File (relative to the data folder) that keeps the audit's head; empty = none"
    )
    audit_anchor_every_s: Seconds = Field(300, description="The head is kept this often while the audit grows")
    audit_key: SecretName = Field(
        "env:SIAGA_AUDIT_KEY", description="Key that kept heads are signed with, if it is set"
    )

    @model_validator(mode="after")
    def _way_back(self) -> Self:
        """Refuse single sign-on without an address to come back to: it is never taken from a request."""
        if self.oidc.issuer and not is_safe_address(self.public_url):
            raise ValueError("public_url: single sign-on needs the desk's https address (http only on this machine)")
        return self
