"""Which account a person of the city's provider is: bound by `issuer|sub`, never by a name that somebody may change."""

from sqlalchemy.orm import Session

from pipeline.desk.i18n import mark
from pipeline.desk.oidc_mapping import Identity
from pipeline.desk.people import valid_name
from pipeline.ops.desk_access import OidcSection
from pipeline.store import people
from pipeline.store.audit import audit
from pipeline.store.tables import UserRow

ACTOR = "sso"
UNKNOWN = mark("Akun {name} dikenal oleh {provider}, tetapi belum punya akses ke Siaga. Minta admin menambahkan Anda.")
TAKEN = mark("Nama {name} sudah dipakai akun lokal di Siaga. Minta admin mengubahnya menjadi akun {provider}.")
DISABLED = mark("Akun {name} dikunci. Hubungi admin.")
NO_ROLE = mark("Akun {name} tidak punya peran atau wilayah untuk Siaga di {provider}. Hubungi admin.")


class NoAccessError(Exception):
    """A known person without access; the text is of the catalogue, with `{name}` and `{provider}`."""


def admit(session: Session, section: OidcSection, identity: Identity, at_ms: int) -> UserRow:
    """Return the account of a person, bound, made or changed as the configuration says.

    An account that an admin made for single sign-on and that waits for its person is bound by name, once; from then on
    the subject alone counts. A local account is never taken over. Where rules are configured, they say role and areas
    at every sign-in: who has lost their group loses their access, and open sessions end.

    Raises:
        NoAccessError: They may not come in.
    """
    row = people.by_subject(session, identity.subject) or _bind(session, section, identity, at_ms)
    if row.disabled:
        raise NoAccessError(DISABLED)
    if section.rules:
        _follow(session, row, identity, at_ms)
    return row


def _bind(session: Session, section: OidcSection, identity: Identity, at_ms: int) -> UserRow:
    """Return the waiting account of this name, bound from now on, or a new one where that is configured."""
    row = people.get_user(session, identity.name) if valid_name(identity.name) else None
    if row is not None and people.waits_for_sso(row):
        row.subject = identity.subject
        audit(session, ACTOR, "person.bound", row.name, {"subject": identity.subject}, at_ms)
        return row
    if row is not None:
        raise NoAccessError(TAKEN)
    if not section.provision or not valid_name(identity.name):
        raise NoAccessError(UNKNOWN)
    if identity.grant is None:
        raise NoAccessError(NO_ROLE)
    made = people.add_user(
        session, identity.name, people.SSO_ONLY, identity.grant.role, identity.grant.areas, at_ms,
        subject=identity.subject,
    )  # fmt: skip
    if made is None:
        raise NoAccessError(TAKEN)
    detail = {"role": made.role, "areas": made.areas, "subject": identity.subject}
    audit(session, ACTOR, "person.added", made.name, detail, at_ms)
    return made


def _follow(session: Session, row: UserRow, identity: Identity, at_ms: int) -> None:
    """Give the account what the rules give; a change ends its open sessions."""
    grant = identity.grant
    if grant is None:
        people.end_sessions(session, row.name)
        raise NoAccessError(NO_ROLE)
    if (row.role, sorted(row.areas)) != (grant.role, list(grant.areas)):
        detail = {"role": [row.role, grant.role], "areas": [row.areas, list(grant.areas)]}
        row.role, row.areas = grant.role, list(grant.areas)
        people.end_sessions(session, row.name)
        audit(session, ACTOR, "person.changed", row.name, detail, at_ms)
