"""The words of the commands that ask: what is handed on, what is refused."""

import pytest

from mincer.cli import desk
from mincer.cli.main import main
from mincer.net.keys import keys_of_password


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in ("MINCER_PASSWORD", "MINCER_KEY_FILE", "MINCER_ADDRESS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def run(monkeypatch):
    """What each command was told to do."""
    done = []
    monkeypatch.setattr(desk, "execute", lambda options: done.append(options) or 7)
    return done


@pytest.mark.parametrize(
    ("words", "job"),
    [
        (["status"], None),
        (["jobs"], None),
        (["jobs", "3f2a"], "3f2a"),
        (["workers"], None),
        (["cancel", "3f2a"], "3f2a"),
    ],
)
def test_each_is_told_all(run, words, job):
    options = ["--address", "there:9", "-p", "a word", "--cluster", "x", "--json", "-v"]
    assert main([*words, *options]) == 7
    (told,) = run
    assert (told.what, told.job, told.address) == (words[0], job, "there:9")
    assert (told.json, told.verbose) == (True, True)
    assert told.keys.server == keys_of_password("a word", "x").server


def test_what_is_not_typed_is_left_open(run):
    assert main(["status"]) == 7
    assert (run[0].keys, run[0].address, run[0].json) == (None, None, False)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["cancel"], "Missing argument"),
        (["status", "there:9"], "unexpected extra argument"),
        (["jobs", "-p", ""], "the password is empty"),
        (["workers", "--key-file", "none"], "cannot read the key file none"),
    ],
)
def test_what_is_wrong_is_explained(words, told, run, capsys):
    assert main(words) == 2
    assert told in capsys.readouterr().err
    assert run == []


@pytest.mark.parametrize("word", ["status", "jobs", "workers", "cancel"])
def test_help_tells_the_exit_codes(word, capsys):
    assert main([word, "--help"]) == 0
    told = capsys.readouterr().out
    assert "Exit codes: 0" in told
    assert "4 refused" in told
