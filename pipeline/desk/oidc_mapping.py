"""From the provider's claims to a person at the desk: who they are, and which role and areas the rules give. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.desk.areas import valid_area
from pipeline.desk.oidc import OidcError
from pipeline.ops.desk_access import OidcRule, OidcSection

MOST = 400
"""Characters of `issuer|sub` that the store keeps."""


@dataclass(frozen=True)
class Grant:
    """What the rules give: one role, at least one area."""

    role: str
    areas: tuple[str, ...]


@dataclass(frozen=True)
class Identity:
    """Who came back from the provider. `subject` is `issuer|sub`; `grant` is None where no rule holds."""

    subject: str
    name: str
    grant: Grant | None


def values_of(claims: Mapping[str, Any], path: str) -> list[str]:
    """Return the texts of a claim: itself, or its list; a dot goes inside (`realm_access.roles`)."""
    found: Any = claims.get(path)
    if found is None:
        found = claims
        for part in path.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    if isinstance(found, str):
        return [found]
    return [one for one in found if isinstance(one, str)] if isinstance(found, Sequence) else []


def _areas(rule: OidcRule, claims: Mapping[str, Any]) -> list[str]:
    """Return the areas of one rule; what a claim holds beside codes is left out."""
    named = values_of(claims, rule.area_claim) if rule.area_claim else []
    return [*rule.areas, *(code for code in named if valid_area(code) and code != "*")]


def grant_of(rules: Sequence[OidcRule], claims: Mapping[str, Any]) -> Grant | None:
    """Return what the rules give: the role of the first that holds, the areas of all that give this role."""
    holding = [rule for rule in rules if rule.value in values_of(claims, rule.claim)]
    if not holding:
        return None
    role = holding[0].role
    areas = {area for rule in holding if rule.role == role for area in _areas(rule, claims)}
    return Grant(role, tuple(sorted(areas))) if areas else None


def identify(section: OidcSection, claims: Mapping[str, Any]) -> Identity:
    """Say who somebody is.

    Raises:
        OidcError: The claims name nobody.
    """
    name, sub = claims.get(section.name_claim), claims.get("sub")
    if not isinstance(sub, str) or not sub or not isinstance(name, str) or not name.strip():
        raise OidcError(f"claims: no {section.name_claim} or no sub")
    subject = f"{section.issuer}|{sub}"
    if len(subject) > MOST or "\0" in subject:
        raise OidcError("claims: sub is too long")
    return Identity(subject, name.strip().lower().split("@")[0].replace("\0", ""), grant_of(section.rules, claims))
