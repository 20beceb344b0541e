"""The tables of people: who they are, their second factors, their sessions."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from app.db.metadata import metadata
from app.db.types import Sealed

people = Table(
    "people",
    metadata,
    Column("id", String(12), primary_key=True),
    Column("name", String(64), nullable=False, unique=True, comment="to sign in; never used again"),
    Column("display_name", Text, nullable=False),
    Column("password_hash", Text, comment="argon2id; null until the person has enrolled"),
    Column("totp_secret", Sealed(), comment="sealed with the bank's storage key"),
    Column("totp_last_step", BigInteger, comment="of the newest code that was used"),
    Column("development", Boolean, nullable=False, comment="known password; development only"),
    Column("created_at", String(32), nullable=False, comment="UTC"),
    Column("disabled_at", String(32), comment="UTC; null while the person may sign in"),
    Column("language", String(16), comment="BCP 47; null: what the browser prefers"),
)

person_roles = Table(
    "person_roles",
    metadata,
    Column("person", ForeignKey("people.id"), primary_key=True),
    Column("role", String(16), primary_key=True),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("code_hash", LargeBinary(32), primary_key=True),
    Column("person", ForeignKey("people.id"), nullable=False, index=True),
    Column("used_at", String(32), comment="UTC; null while it opens"),
)

enrolments = Table(
    "enrolments",
    metadata,
    Column("code_hash", LargeBinary(32), primary_key=True),
    Column("person", ForeignKey("people.id"), nullable=False, unique=True),
    Column("totp_secret", Sealed(), nullable=False, comment="sealed; the person's to be"),
    Column("made_at", String(32), nullable=False, comment="UTC"),
    Column("expires_at", String(32), nullable=False, comment="UTC"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", String(12), primary_key=True, comment="in lists; opens nothing"),
    Column("token_hash", LargeBinary(32), nullable=False, unique=True, comment="SHA-256"),
    Column("person", ForeignKey("people.id"), nullable=False, index=True),
    Column("address", String(64), nullable=False, comment="where it was begun from"),
    Column("agent", Text, nullable=False, comment="what the browser calls itself"),
    Column("began_at", String(32), nullable=False, comment="UTC"),
    Column("last_seen_at", String(32), nullable=False, comment="UTC, to a minute"),
    Column("ends_at", String(32), nullable=False, comment="UTC; whatever happens"),
    Column(
        "provider_session",
        LargeBinary(32),
        index=True,
        comment="hash of the OpenID provider's own session, where it names one",
    ),
    Column(
        "code_hash",
        LargeBinary(32),
        comment="of the code for the command line that was made in it and waits",
    ),
    Column("code_ends_at", String(32), comment="UTC; null where no code waits"),
    Column(
        "begun_with",
        LargeBinary(32),
        comment="hash of the code that it began with; that code, come again, ends it",
    ),
)

external_identities = Table(
    "external_identities",
    metadata,
    Column("person", ForeignKey("people.id"), primary_key=True),
    Column("issuer", Text, nullable=False, comment="the OpenID provider"),
    Column("subject", String(255), nullable=False, comment="who it is to the provider, for ever"),
    UniqueConstraint("issuer", "subject"),
)

used_logout_tokens = Table(
    "used_logout_tokens",
    metadata,
    Column("token_hash", LargeBinary(32), primary_key=True, comment="of issuer and jti"),
    Column("used_at", String(32), nullable=False, index=True, comment="UTC"),
)

failed_attempts = Table(
    "failed_attempts",
    metadata,
    Column("key_hash", LargeBinary(32), primary_key=True, comment="of a name or an address"),
    Column("failures", Integer, nullable=False),
    Column("last_at", String(32), nullable=False, index=True, comment="UTC"),
)

last_looks = Table(
    "last_looks",
    metadata,
    Column("person", ForeignKey("people.id"), primary_key=True),
    Column(
        "figures", Text, nullable=False, comment="what the positions showed: JSON, name to text"
    ),
    Column("seen_at", String(32), nullable=False, comment="UTC"),
)

sign_in_origins = Table(
    "sign_in_origins",
    metadata,
    Column("key_hash", LargeBinary(32), primary_key=True, comment="of a name and an address"),
    Column("last_at", String(32), nullable=False, index=True, comment="UTC: signed in from there"),
)
