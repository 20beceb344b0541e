"""People, their sessions, API keys, and what waits for another administrator."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from app.people.directory import ListedPerson, State
from app.people.person import Person
from app.people.roles import RIGHTS, ROLES, Right, Role
from app.presentation.common import Model


class CodeIn(Model):
    """What gives power over money asks for the second factor again."""

    code: str = Field(
        min_length=1,
        max_length=64,
        description="Six digits of the administrator's authenticator, or a recovery code.",
    )


class PersonIn(CodeIn):
    name: str = Field(max_length=64, pattern=r"^[^\x00]*$", examples=["wang.fang"])
    display_name: str = Field(max_length=200, pattern=r"^[^\x00]*$", examples=["Wang Fang"])
    roles: list[Role] = Field(max_length=len(ROLES))


class RolesIn(CodeIn):
    roles: list[Role] = Field(max_length=len(ROLES))


KeyRole = Literal["feeds", "read", "metrics", "admin"]


class KeyIn(Model):
    name: str = Field(
        min_length=1, max_length=100, pattern=r"^[^\x00]*$", examples=["core banking"]
    )
    role: KeyRole


class KeyOut(Model):
    id: str
    name: str
    role: KeyRole
    created_at: datetime
    revoked_at: datetime | None


class NewKeyOut(KeyOut):
    key: str = Field(description="Shown this once; it is kept as a hash only.")


class KeysOut(Model):
    items: list[KeyOut]


class KeyAskIn(KeyIn, CodeIn):
    """An API key that a person asks for."""


class ListedPersonOut(Model):
    id: str
    name: str = Field(description="What is typed to sign in.")
    display_name: str
    roles: list[Role]
    state: State
    has_second_factor: bool
    development: bool
    created_at: datetime
    last_seen_at: datetime | None = Field(description="Of the sessions that are open.")


class PeopleOut(Model):
    items: list[ListedPersonOut]


class SessionOut(Model):
    """An open session; never its token."""

    id: str
    name: str
    display_name: str
    address: str
    agent: str
    began_at: datetime
    last_seen_at: datetime
    ends_at: datetime


class SessionsOut(Model):
    items: list[SessionOut]


class SignedInOut(Model):
    """Whose session it is."""

    id: str
    name: str
    display_name: str
    roles: list[Role]
    rights: list[Right]
    csrf: str = Field(description="Sent as `X-CSRF-Token` with whatever changes something.")


class MadeOut(Model):
    """What came of a change of people or keys. Codes and keys are shown this once.

    A person enrols with `code`, or with two: the `first_code` of who asked and the `second_code` of
    who confirmed.
    """

    waiting: int | None = Field(
        None, description="The request that another administrator confirms; null: it is done."
    )
    name: str | None = None
    code: str | None = None
    first_code: str | None = None
    second_code: str | None = None
    key: str | None = None


class AdministrationRequestOut(Model):
    """What one administrator has asked for and another confirms or refuses."""

    number: int
    act: Literal["person.add", "person.roles", "person.enrolment", "person.enable", "key.create"]
    name: str = Field(description="Of the person, or of the key.")
    display_name: str
    roles: list[str] = Field(description="Those to be given; of a key its one.")
    before: list[str] = Field(description="The roles that the person had.")
    asked_by: str
    asked_at: datetime
    expires_at: datetime


class AdministrationRequestsOut(Model):
    items: list[AdministrationRequestOut]


class AuditRowOut(Model):
    """One row; its hash takes in the one before."""

    number: int
    at: datetime
    actor: str
    act: str
    subject: str
    outcome: str
    address: str
    details: dict[str, object]
    hash: str


class AuditOut(Model):
    """One page, newest first. Give `next` as `cursor` for the following one; null on the last."""

    items: list[AuditRowOut]
    next: str | None


def listed_person_out(one: ListedPerson) -> ListedPersonOut:
    person = one.person
    return ListedPersonOut.of(
        one,
        id=person.id,
        name=person.name,
        display_name=person.display_name,
        roles=sorted(person.roles, key=ROLES.index),
    )


def signed_in_out(person: Person, csrf: str) -> SignedInOut:
    return SignedInOut.of(
        person,
        roles=sorted(person.roles, key=ROLES.index),
        rights=[right for right in RIGHTS if person.may(right)],
        csrf=csrf,
    )
