"""Groups of commands whose modules are imported when one of their commands is called.

The libraries behind some commands take a second to load, which no other command should wait for.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from app.cli.shared.help_texts import with_flowing_help


def commands_of(modules: Mapping[str, str]) -> type[TyperGroup]:
    """For `typer.Typer(cls=...)`: a group that besides its own has these commands (by name, the
    module of each), whose functions are called like them."""

    class LazyGroup(TyperGroup):
        def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
            return [*self.commands, *(name for name in modules if name not in self.commands)]

        def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]
            if cmd_name in modules and cmd_name not in self.commands:
                self.add_command(loaded(modules[cmd_name], cmd_name), cmd_name)
            return super().get_command(ctx, cmd_name)

    return LazyGroup


def loaded(module: str, name: str) -> Any:
    """The command (or group) of a module, by the name of its function with `_` for `-`."""
    found: typer.Typer | Callable[..., None] = getattr(
        import_module(module), name.replace("-", "_")
    )
    if not isinstance(found, typer.Typer):
        single = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
        single.command(name)(found)
        found = single
    return with_flowing_help(get_command(found))
