"""A node's configuration: a bank's TOML file, or one that names several of them, its channels.

Everything in a file is relative to its folder.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from app.domain.errors import ConfigFault


class _Api(BaseModel):
    model_config = ConfigDict(extra="forbid")
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8700


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


class _Validator(BaseModel):
    model_config = ConfigDict(extra="forbid")
    control: Annotated[list[str], BeforeValidator(_listed), Field(min_length=1)]
    engine: Path | None = None


_CHANNELS = "channels"
_Shape = TypeVar("_Shape", bound=BaseModel)
_SchemaName = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]{0,62}$")]
_Endpoint = Annotated[str, Field(pattern=r"^https?://")]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(min_length=1, max_length=64)]
    development: bool = False
    keys: Path
    database_url: str
    database_schema: _SchemaName | None = None
    manifest: Path
    rpc: Annotated[list[_Endpoint], BeforeValidator(_listed), Field(min_length=1)]
    rpc_ca: Path | None = None
    rpc_cert: Path | None = None
    rpc_key: Path | None = None
    inbox: Path
    min_free_disk_mb: Annotated[int, Field(ge=0)] = 512
    api: _Api = _Api()
    validator: _Validator | None = None

    @model_validator(mode="after")
    def _certificate_and_key_go_together(self) -> Self:
        if (self.rpc_cert is None) != (self.rpc_key is None):
            raise ValueError("rpc_cert and rpc_key go together")
        return self


@dataclass(frozen=True, slots=True)
class BankConfig:
    """`database_url` names the schema too, where a PostgreSQL database holds several
    (`database_schema` in the file).

    `inbox` is watched: a file `FACILITY/name.csv` in it is taken in as a feed.

    `rpc`: the chain's endpoints, the preferred one (the bank's own) first. Where they are https,
    `rpc_ca` is the authority that signed their certificates (none: those that the system trusts),
    `rpc_cert` and `rpc_key` are what this node shows to them.

    `development` allows development keys and an open page on loopback. A node with less free disk
    than `min_free_disk_bytes` says that it is not ready.

    `validator_control`: where the bank's own chain nodes, if they seal blocks, take its votes on
    validators (`app.chain.validators`); `validator_engine`: the program that carries them there,
    where the chain's engine needs one.
    """

    path: Path
    name: str
    development: bool
    keys: Path
    database_url: str
    manifest: Path
    rpc: tuple[str, ...]
    rpc_ca: Path | None
    rpc_cert: Path | None
    rpc_key: Path | None
    inbox: Path
    min_free_disk_bytes: int
    host: str
    port: int
    validator_control: tuple[str, ...]
    validator_engine: Path | None


_ChannelName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]


class _Channel(BaseModel):
    model_config = ConfigDict(extra="forbid")
    config: Path


class _NodeFile(BaseModel):
    model_config = ConfigDict(extra="forbid")
    database_url: str = "sqlite:///node-keys.db"
    database_schema: _SchemaName | None = None
    api: _Api = _Api()
    channels: Annotated[dict[_ChannelName, _Channel], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """A node of several channels, each with the configuration that it would have alone.

    `database_url`: where the node's own API keys are. A channel's own host and port are not used.
    """

    path: Path
    database_url: str
    host: str
    port: int
    channels: dict[str, BankConfig]


def load_node(path: Path) -> BankConfig | NodeConfig:
    """Read and check what a node is started with: a `bank.toml`, or a file that lists channels.

    Raises ConfigFault, of the channels' files too.
    """
    table = _read(path)
    if _CHANNELS not in table:
        return _bank(table, path)
    parsed = _checked(_NodeFile, table, path)
    base = path.resolve().parent
    return NodeConfig(
        path=path.resolve(),
        database_url=_database_url(parsed, base, path),
        host=parsed.api.host,
        port=parsed.api.port,
        channels={name: load_config(base / one.config) for name, one in parsed.channels.items()},
    )


def load_config(path: Path) -> BankConfig:
    """Read and check `bank.toml`. Raises ConfigFault."""
    table = _read(path)
    if _CHANNELS in table:
        raise ConfigFault(
            "is a node's file, and this is done for one channel",
            where=str(path),
            remedy="Give the bank.toml of one of the channels that it lists",
        )
    return _bank(table, path)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except OSError as fault:
        raise ConfigFault(
            f"cannot be read ({fault.strerror})",
            where=str(path),
            remedy="Give the path of the bank's bank.toml",
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise ConfigFault(f"not TOML: {fault}", where=str(path)) from None


def _checked(shape: type[_Shape], table: dict[str, Any], path: Path) -> _Shape:
    try:
        return shape.model_validate(table)
    except ValidationError as faults:
        lines = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
            for fault in faults.errors(include_url=False, include_input=False)
        )
        raise ConfigFault(lines, where=str(path)) from None


def _bank(table: dict[str, Any], path: Path) -> BankConfig:
    parsed = _checked(_File, table, path)
    validator = parsed.validator
    base = path.resolve().parent
    return BankConfig(
        path=path.resolve(),
        name=parsed.name,
        development=parsed.development,
        keys=base / parsed.keys,
        database_url=_database_url(parsed, base, path),
        manifest=base / parsed.manifest,
        rpc=tuple(dict.fromkeys(parsed.rpc)),
        rpc_ca=_existing(base, "rpc_ca", parsed.rpc_ca, path),
        rpc_cert=_existing(base, "rpc_cert", parsed.rpc_cert, path),
        rpc_key=_existing(base, "rpc_key", parsed.rpc_key, path),
        inbox=base / parsed.inbox,
        min_free_disk_bytes=parsed.min_free_disk_mb * 1024 * 1024,
        host=parsed.api.host,
        port=parsed.api.port,
        validator_control=tuple(validator.control) if validator else (),
        validator_engine=base / validator.engine if validator and validator.engine else None,
    )


def _existing(base: Path, key: str, given: Path | None, config: Path) -> Path | None:
    """A file that must be there: a library would name neither it nor the key that names it."""
    if given is None:
        return None
    if not (base / given).is_file():
        raise ConfigFault(
            f"{key}: there is no file {base / given}",
            where=str(config),
            remedy="`tally network certificates` makes a network's certificates anew",
        )
    return base / given


def _database_url(parsed: _File | _NodeFile, base: Path, config: Path) -> str:
    """The whole address: an SQLite file's absolute path, a PostgreSQL's schema as libpq has it."""
    url = parsed.database_url
    prefix = "sqlite:///"
    if url.startswith(prefix) and not url.startswith(prefix + "/"):
        url = f"{prefix}{base / url.removeprefix(prefix)}"
    if parsed.database_schema is None:
        return url
    if not url.startswith("postgresql") or "search_path" in url:
        raise ConfigFault(
            "database_schema: it goes with a PostgreSQL database_url that names no search_path",
            where=str(config),
            remedy="Leave database_schema out, or the search_path",
        )
    return _with_schema(url, parsed.database_schema, config)


def _with_schema(url: str, schema: str, config: Path) -> str:
    try:
        address = make_url(url)
    except ArgumentError:
        raise ConfigFault("database_url: it cannot be read", where=str(config)) from None
    options = f"{address.query.get('options', '')} -csearch_path={schema}".strip()
    named = address.update_query_dict({"options": options})
    return named.render_as_string(hide_password=False)
