"""Keys of the desk's sign-in: how long it lasts, single sign-on at the city's provider, the audit's anchor."""

from typing import Literal

from pydantic import Field

from pipeline.ops.alert_targets import SecretName
from pipeline.ops.section import Seconds, Section


class OidcSection(Section):
    """Single sign-on at the city's OpenID Connect provider. Without an issuer there is none."""

    issuer: str = Field("", pattern=r"^(https?://\S+)?$", description="The provider's issuer address; empty = off")
    client_id: str = Field("siaga", description="What the provider knows the desk as")
    client_secret: SecretName = Field("env:SIAGA_OIDC_SECRET", description="Where the client's secret is")
    name: str = Field("SSO", max_length=40, description="The provider's name on the button")
    scopes: tuple[str, ...] = Field(("openid", "profile"), description="What is asked for; `openid` must be in it")
    algorithms: tuple[Literal["RS256", "PS256", "ES256", "EdDSA"], ...] = Field(
        ("RS256", "ES256"), min_length=1, description="Signatures of the provider that are believed"
    )
    name_claim: str = Field("preferred_username", description="Claim of the id token that is the person's name here")
    role_claim: str = Field("groups", description="Claim (text or list) whose values `roles` maps")
    roles: dict[str, Literal["piket", "satpol", "engineer", "admin"]] = Field(
        default_factory=dict, description="Role by value of the role claim; exactly one role must come out"
    )
    area_claim: str = Field("groups", description="Claim (text or list) whose values `areas` maps")
    areas: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="Codes (or '*') by value of the area claim; one at least must come out"
    )
    timeout_s: Seconds = Field(5, description="Patience for the provider's answers")


class DeskAccess(Section):
    """What the desk's section holds on signing in."""

    session_idle_minutes: float = Field(60, gt=0, description="A sign-in with no page open for this long is over")
    public_url: str = Field(
        "", pattern=r"^(https?://[^/\s]+)?$", description="Where people reach the desk, for the provider's way back"
    )
    oidc: OidcSection = Field(OidcSection(), description="Single sign-on at the city's provider")
    audit_anchor: str = Field(
        "", description="File (relative to the data folder) that gets the audit's head each hour; empty = none"
    )
