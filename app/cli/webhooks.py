"""`tally webhooks`: endpoints that are sent what happens, and what became of each event."""

from typing import Annotated

import typer

from app.cli.shared.console import stderr
from app.cli.shared.reading import DEFAULT_CONFIG, ConfigOption, reading, show, table
from app.cli.shared.unsealing import with_vault
from app.webhooks import deliveries as sent
from app.webhooks import endpoints as registry
from app.webhooks.events import EVENT_TYPES

_MOST = 1_000

webhooks = typer.Typer(help="Endpoints that are sent what happens.", no_args_is_help=True)

EndpointId = Annotated[str, typer.Argument(metavar="ENDPOINT", help="An endpoint's id.")]


@webhooks.command("list")
def list_(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Show the endpoints.

    Example:

      tally webhooks list --config bank.toml
    """
    made = table("endpoint", "url", "events")
    with reading(config) as engine, engine.connect() as connection:
        for one in registry.endpoints(connection):
            made.add_row(one.id, one.url, ", ".join(one.events))
    show(made)


@webhooks.command()
def register(
    url: Annotated[str, typer.Argument(help="https://… of the system that takes them.")],
    config: ConfigOption = DEFAULT_CONFIG,
    event: Annotated[
        list[str] | None, typer.Option(metavar="TYPE", help="May be repeated; else all.")
    ] = None,
) -> None:
    """Register an endpoint and print its secret, this once.

    Example:

      tally webhooks register https://treasury.bank.example/hooks --config bank.toml
    """
    with with_vault(config) as (bank, engine), engine.begin() as connection:
        endpoint, secret = registry.register(
            connection, url, event or EVENT_TYPES, development=bank.development
        )
    stderr.print(f"endpoint {endpoint.id}; its secret is shown this once:")
    typer.echo(secret)


@webhooks.command()
def rotate(endpoint: EndpointId, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Give an endpoint another secret and print it, this once; for a day both sign.

    Example:

      tally webhooks rotate 0123456789ab --config bank.toml
    """
    with with_vault(config) as (_, engine), engine.begin() as connection:
        _, secret = registry.rotate(connection, endpoint)
    typer.echo(secret)


@webhooks.command()
def remove(endpoint: EndpointId, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Send an endpoint nothing more.

    Example:

      tally webhooks remove 0123456789ab --config bank.toml
    """
    with reading(config) as engine, engine.begin() as connection:
        registry.remove(connection, endpoint)


@webhooks.command()
def deliveries(
    config: ConfigOption = DEFAULT_CONFIG,
    dead: Annotated[bool, typer.Option("--dead", help="Those alone that were given up.")] = False,
) -> None:
    """Show what became of each event, the newest first.

    Example:

      tally webhooks deliveries --dead --config bank.toml
    """
    made = table("delivery", "event", "endpoint", "state", "last fault", numbers=("attempts",))
    with reading(config) as engine, engine.connect() as connection:
        state: sent.DeliveryState | None = "dead" if dead else None
        for one in sent.listed_deliveries(connection, state=state, limit=_MOST):
            made.add_row(
                str(one.number),
                one.type,
                one.endpoint,
                one.state,
                one.fault or "",
                f"{one.attempts:,}",
            )
    show(made)


@webhooks.command()
def replay(endpoint: EndpointId, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Send all of an endpoint's events again that were given up, under the ids that they had.

    Example:

      tally webhooks replay 0123456789ab --config bank.toml
    """
    with reading(config) as engine, engine.begin() as connection:
        registry.one_endpoint(connection, endpoint)
        replayed = sent.replay(connection, endpoint=endpoint)
    stderr.print(f"{replayed:,} deliveries wait again")
