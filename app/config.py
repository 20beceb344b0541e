"""A node's configuration: a bank's TOML file, or one that names several of them, its channels.

Everything in a file is relative to its folder.
"""

import tomllib
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from app.domain.errors import ConfigFault

_SQLITE = "sqlite:///"


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _once(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


def _beside(path: Path, info: ValidationInfo) -> Path:
    """A path that is relative to the file's folder; the file is the context of its validation."""
    return Path(str(info.context)).resolve().parent / path


def _existing(path: Path, info: ValidationInfo) -> Path:
    """A file that must be there: a library would name neither it nor the key that names it."""
    if not path.is_file():
        raise ConfigFault(
            f"{info.field_name}: there is no file {path}",
            where=str(info.context),
            remedy="`tally network certificates` makes a network's certificates anew",
        )
    return path


def _with_openid(scopes: tuple[str, ...]) -> tuple[str, ...]:
    if "openid" not in scopes:
        raise ValueError("openid is one of them")
    return scopes


def _database_url(url: str, info: ValidationInfo) -> str:
    """The whole address: an SQLite file's absolute path, a PostgreSQL's schema as libpq has it."""
    if url.startswith(_SQLITE) and not url.startswith(_SQLITE + "/"):
        url = f"{_SQLITE}{_beside(Path(url.removeprefix(_SQLITE)), info)}"
    schema = info.data.get("database_schema")
    if schema is None:
        return url
    if not url.startswith("postgresql") or "search_path" in url:
        raise ConfigFault(
            "database_schema: it goes with a PostgreSQL database_url that names no search_path",
            where=str(info.context),
            remedy="Leave database_schema out, or the search_path",
        )
    try:
        address = make_url(url)
    except ArgumentError:
        raise ConfigFault("database_url: it cannot be read", where=str(info.context)) from None
    options = f"{address.query.get('options', '')} -csearch_path={schema}".strip()
    named = address.update_query_dict({"options": options})
    return named.render_as_string(hide_password=False)


_Path = Annotated[Path, Field(strict=False), AfterValidator(_beside)]
_ExistingPath = Annotated[_Path, AfterValidator(_existing)]
_Texts = Annotated[tuple[str, ...], Field(strict=False, min_length=1), BeforeValidator(_listed)]
_Endpoint = Annotated[str, Field(pattern=r"^https?://")]
_Endpoints = Annotated[
    tuple[_Endpoint, ...],
    Field(strict=False, min_length=1),
    BeforeValidator(_listed),
    AfterValidator(_once),
]
_Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(ip_network)]
_SchemaName = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]{0,62}$")]
_DatabaseUrl = Annotated[str, AfterValidator(_database_url), Field(repr=False)]
_ChannelName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _ConfigFile(_Table):
    _path: Path = PrivateAttr()

    def model_post_init(self, context: Path) -> None:
        self._path = context.resolve()

    @property
    def path(self) -> Path:
        """The file itself."""
        return self._path


class Api(_Table):
    """Where the API and the page are served; port 0: any free one."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8700


class Approver(_Table):
    """The approver key with which this node signs what its people have prepared and signed on the
    page or by REST: its keystore file, and the file of its passphrase. Without it the node signs
    nothing of the kind, and the `tally` commands do."""

    keystore: _Path
    passphrase: _Path


class ReportSchedule(_Table):
    """What this node writes by itself of each facility once a business date has ended: which
    reports, in which formats, how many hours after the cut-off, into which folder."""

    folder: _Path
    names: _Texts
    formats: _Texts = ("xlsx",)
    hours_after_cut_off: Annotated[int, Field(ge=0, le=240)] = 1


class SessionLengths(_Table):
    """When a person's session ends: after so many minutes without a request, and after so many
    hours in all."""

    idle_minutes: Annotated[int, Field(ge=5, le=240)] = 60
    hours: Annotated[int, Field(ge=1, le=24)] = 12


class OpenIdProvider(_Table):
    """The bank's OpenID provider, at which people sign in besides those with a password here.

    `client_secret`: the file that holds it. `redirect_uri`: this node's public address, then
    `/login/oidc/callback`, as it is registered there. `groups_claim` of the ID token lists the
    groups of a person, and `roles` says what each group gives here. `ca`: who signed the
    provider's certificate, where the system does not trust it.
    """

    issuer: Annotated[str, Field(pattern=r"^https?://[^?#\s]+$")]
    client_id: Annotated[str, Field(min_length=1, max_length=255)]
    client_secret: _ExistingPath
    redirect_uri: Annotated[str, Field(pattern=r"^https?://[^?#\s]+/login/oidc/callback$")]
    scopes: Annotated[_Texts, AfterValidator(_with_openid)] = ("openid", "profile")
    groups_claim: Annotated[str, Field(min_length=1)] = "groups"
    roles: Annotated[dict[str, _Texts], Field(min_length=1)]
    ca: _ExistingPath | None = None


class Mail(_Table):
    """The server that takes this node's mails. `security`: TLS from the first byte, `starttls`, or
    `none` (a development node alone). `password_file`: its first line; `ca`: the authority that
    signed the server's certificate (none: those that the system trusts). Mails go to addresses of
    `domains` alone; `page` is where this node's pages are found, for the link in a mail."""

    host: Annotated[str, Field(min_length=1)]
    port: Annotated[int, Field(ge=1, le=65535)] = 465
    security: Literal["tls", "starttls", "none"] = "tls"
    sender: Annotated[str, Field(pattern=r"^[^@\s<>]+@[^@\s<>]+$")]
    domains: _Texts
    user: str = ""
    password_file: _ExistingPath | None = None
    ca: _ExistingPath | None = None
    page: Annotated[str, Field(pattern=r"^(https?://[^\s]+)?$")] = ""


class Webhooks(_Table):
    """Where webhooks may go besides public addresses: `networks` of this bank, as 10.2.0.0/16.
    `ca`: the authority that signed the endpoints' certificates (none: those that the system
    trusts)."""

    networks: Annotated[tuple[_Network, ...], Field(strict=False)] = ()
    ca: _ExistingPath | None = None


class OwnValidators(_Table):
    """The bank's own chain nodes, if they seal blocks.

    `control`: where they take its votes on validators (`app.chain.validators`); `engine`: the
    program that carries them there, where the chain's engine needs one.
    """

    control: _Texts
    engine: _Path | None = None


class BankConfig(_ConfigFile):
    """A bank's node on one channel: its `bank.toml`. All paths are whole.

    `database_url` names the schema too, where a PostgreSQL database holds several
    (`database_schema`). `archive` is where `tally archive` writes; with
    `archive_after_days` the node does it by itself, month by month, so many days after their last
    business date. `inbox` is watched: a file
    `FACILITY/name.csv` in it is taken in as a feed.

    `rpc`: the chain's endpoints, the preferred one (the bank's own) first. Where they are https,
    `rpc_ca` is the authority that signed their certificates (none: those that the system trusts),
    `rpc_cert` and `rpc_key` are what this node shows to them.

    `development` allows development keys and an open page on loopback. A node with less free disk
    than `min_free_disk_mb` (MiB) says that it is not ready.
    """

    name: Annotated[str, Field(min_length=1, max_length=64)]
    development: bool = False
    keys: _Path
    database_schema: _SchemaName | None = None
    database_url: _DatabaseUrl
    manifest: _Path
    rpc: _Endpoints
    rpc_ca: _ExistingPath | None = None
    rpc_cert: _ExistingPath | None = None
    rpc_key: _ExistingPath | None = None
    inbox: _Path
    archive: Annotated[_Path, Field(validate_default=True)] = Path("archive")
    archive_after_days: Annotated[int | None, Field(ge=1, le=3650)] = None
    min_free_disk_mb: Annotated[int, Field(ge=0)] = 512
    api: Api = Api()
    approver: Approver | None = None
    validator: OwnValidators | None = None
    reports: ReportSchedule | None = None
    sessions: SessionLengths = SessionLengths()
    oidc: OpenIdProvider | None = None
    mail: Mail | None = None
    webhooks: Webhooks = Webhooks()

    @model_validator(mode="after")
    def _tokens_travel_encrypted(self) -> Self:
        if self.oidc is not None and not self.development:
            for address in (self.oidc.issuer, self.oidc.redirect_uri):
                if not address.startswith("https://"):
                    raise ValueError(f"oidc: {address} is not https")
        return self

    @model_validator(mode="after")
    def _mails_are_not_sent_in_clear(self) -> Self:
        if self.mail and self.mail.security == "none" and not self.development:
            raise ValueError("[mail] security: `none` is for development nodes alone")
        return self

    @model_validator(mode="after")
    def _certificate_and_key_go_together(self) -> Self:
        if (self.rpc_cert is None) != (self.rpc_key is None):
            raise ValueError("rpc_cert and rpc_key go together")
        return self

    @property
    def min_free_disk_bytes(self) -> int:
        return self.min_free_disk_mb * 1024 * 1024


class _Channel(_Table):
    config: _Path


def _channel(table: object, info: ValidationInfo) -> BankConfig:
    return load_config(_Channel.model_validate(table, context=info.context).config)


class NodeConfig(_ConfigFile):
    """A node of several channels, each with the configuration that it would have alone.

    `database_url`: where the node's own API keys are. A channel's own host and port are not used.
    """

    database_schema: _SchemaName | None = None
    database_url: Annotated[_DatabaseUrl, Field(validate_default=True)] = "sqlite:///node-keys.db"
    api: Api = Api()
    channels: Annotated[
        dict[_ChannelName, Annotated[BankConfig, BeforeValidator(_channel)]], Field(min_length=1)
    ]


_CHANNELS = "channels"
_Shape = TypeVar("_Shape", bound=_ConfigFile)


def load_node(path: Path) -> BankConfig | NodeConfig:
    """Read and check what a node is started with: a `bank.toml`, or a file that lists channels.

    Raises ConfigFault, of the channels' files too.
    """
    table = _read(path)
    if _CHANNELS in table:
        return _checked(NodeConfig, table, path)
    return _checked(BankConfig, table, path)


def load_config(path: Path) -> BankConfig:
    """Read and check `bank.toml`. Raises ConfigFault."""
    table = _read(path)
    if _CHANNELS in table:
        raise ConfigFault(
            "is a node's file, and this is done for one channel",
            where=str(path),
            remedy="Give the bank.toml of one of the channels that it lists",
        )
    return _checked(BankConfig, table, path)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except OSError as fault:
        raise ConfigFault(
            f"cannot be read ({fault.strerror})",
            where=str(path),
            remedy="Give the path of the bank's bank.toml as --config, or in TALLY_CONFIG",
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise ConfigFault(f"not TOML: {fault}", where=str(path)) from None


def _checked(shape: type[_Shape], table: dict[str, Any], path: Path) -> _Shape:
    try:
        return shape.model_validate(table, context=path)
    except ValidationError as faults:
        lines = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
            for fault in faults.errors(include_url=False, include_input=False)
        )
        raise ConfigFault(lines, where=str(path)) from None
