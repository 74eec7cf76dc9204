"""The options that prove one's right, for whichever command has them."""

import click
import pytest

from mincer.cli.cluster_options import keys_option, needed_keys, taken_keys
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


def test_they_are_taken_out_of_all_that_was_typed():
    none = {"ask_password": False, "key_file": None, "cluster": None}
    typed = {"password": "a word", **none, "address": "there"}
    assert taken_keys(typed).server == keys_of_password("a word").server
    assert typed == {"address": "there"}


def test_what_is_wrong_about_them_is_told_with_its_exit_code(capsys):
    typed = {"password": "", "ask_password": False, "key_file": None, "cluster": None}
    assert taken_keys(typed) == 2
    assert "the password is empty" in capsys.readouterr().err
