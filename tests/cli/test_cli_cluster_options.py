"""The options that prove one's right, for whichever command has them."""

import click
import pytest

from mincer.cli.cluster_options import keys_option, needed_keys
from mincer.errors import UsageError
from mincer.net.keys import keys_of_password


def test_a_command_has_them_all():
    @click.command()
    @keys_option
    def command(**typed):
        """Does nothing."""

    names = {one.name for one in command.params}
    assert names == {"password", "ask_password", "key_file", "cluster"}


def test_what_was_typed_gives_the_keys():
    keys = needed_keys("a word", False, None, "other")
    assert keys.server == keys_of_password("a word", "other").server


def test_who_asks_for_it_cannot_have_typed_it():
    with pytest.raises(UsageError, match="goes with neither"):
        needed_keys("a word", True, None, None)
