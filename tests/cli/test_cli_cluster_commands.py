"""The words of the cluster's commands: what is handed on, what is refused."""

import pytest

from mincer.cli import cluster_commands
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
    for module in (cluster_commands.serve_command, cluster_commands.worker_command):
        monkeypatch.setattr(
            module, "execute", lambda options: done.append(options) or 7
        )
    return done


def test_a_worker_is_told_all(run):
    words = "worker there:9 -n 3 --memory 1GB --once --listen :9000-9100 -p aword"
    assert main([*words.split(), "--drain-timeout", "5"]) == 7
    (options,) = run
    assert (options.address, options.slots, options.memory) == ("there:9", 3, "1GB")
    assert (options.once, options.listen, options.drain_timeout) == (
        *(True, ":9000-9100", 5.0),
    )
    assert options.keys.server == keys_of_password("aword").server


def test_a_coordinator_is_told_all(run):
    words = ["serve", "0.0.0.0", "-p", "a word", "--cluster", "x", "--allowed", "dir"]
    assert main(words) == 7
    (options,) = run
    assert (options.address, options.allowed) == ("0.0.0.0", "dir")
    assert options.keys.server == keys_of_password("a word", "x").server


def test_without_a_secret_there_are_no_keys(run):
    assert main(["serve"]) == 7
    assert run[0].keys is None


def test_a_password_can_be_asked_for(run, monkeypatch):
    monkeypatch.setattr("click.prompt", lambda *_, **__: "typed in secret")
    assert main(["worker", "--ask-password"]) == 7
    assert run[0].keys.server == keys_of_password("typed in secret").server


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["worker", "-p", ""], "the password is empty"),
        (["worker", "--key-file", "none"], "cannot read the key file none"),
        (["serve", "-p", "a", "--key-file", "b"], "it can be one of them"),
        (["serve", "-p", "a", "--ask-password"], "goes with neither"),
        (["worker", "-n", "0"], "'-n'"),
    ],
)
def test_what_is_wrong_is_explained(words, told, run, capsys):
    assert main(words) == 2
    assert told in capsys.readouterr().err
    assert run == []
