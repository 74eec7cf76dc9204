"""Options that the commands of a cluster share: what proves that one belongs to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mincer.cli.failure import exit_code, show
from mincer.errors import MincerError, UsageError

if TYPE_CHECKING:
    from mincer.net.keys import Keys

__all__ = ["asked_password", "keys_option", "needed_keys", "taken_keys"]

_Command = TypeVar("_Command", bound=Callable[..., Any])


def keys_option(command: _Command) -> _Command:
    """`-p`, `--ask-password`, `--key-file` and `--cluster`."""
    for option in reversed(
        (
            click.option(
                "-p",
                "--password",
                metavar="WORD",
                help="What all of the cluster know. Others on this machine can see it "
                "here; MINCER_PASSWORD and --ask-password hide it.",
            ),
            click.option("--ask-password", is_flag=True, help="Ask for the password."),
            click.option(
                "--key-file", metavar="FILE", help="In place of one (mincer keygen)."
            ),
            click.option(
                "--cluster",
                metavar="NAME",
                help="Of several with the same password, which.",
            ),
        )
    ):
        command = option(command)
    return command


def needed_keys(
    password: str | None,
    ask_password: bool,
    key_file: str | None,
    cluster: str | None,
) -> Keys | None:
    """The keys that these options mean; None when none was given or set."""
    from mincer.net.settings import keys_of

    if ask_password:
        password = asked_password(password, key_file)
    return keys_of(password, key_file, cluster)


def asked_password(password: str | None, key_file: str | None) -> str:
    """Ask for the password, if none of these was given."""
    if password is not None or key_file is not None:
        raise UsageError("--ask-password goes with neither -p nor --key-file")
    word: str = click.prompt("password", hide_input=True, err=True)
    return word


def taken_keys(typed: dict[str, Any]) -> Any:
    """Take these options out of all that was typed; return the keys that they mean, or
    the exit code when they are wrong, which is told."""
    names = ("password", "ask_password", "key_file", "cluster")
    given = [typed.pop(name) for name in names]
    try:
        return needed_keys(*given)
    except MincerError as error:
        show(error, verbose=False)
        return exit_code(error)
