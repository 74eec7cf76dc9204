"""`mincer keygen`: files that only their owner can read, and what to type next."""

import os
import stat

import pytest

from mincer.cli.main import main
from mincer.net.keys import read_key_file, read_public_file


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_key_for_a_cluster(folder, capsys):
    assert main(["keygen"]) == 0
    assert stat.S_IMODE(os.stat("mincer.key").st_mode) == 0o600
    assert set(read_key_file("mincer.key").roles) == {"worker", "driver", "observer"}
    assert "mincer serve 0.0.0.0 --key-file mincer.key" in capsys.readouterr().err


def test_a_key_is_not_overwritten(capsys):
    assert main(["keygen", "a.key"]) == 0
    assert main(["keygen", "a.key"]) == 2
    assert "a key is not overwritten" in capsys.readouterr().err


def test_a_key_for_one_worker(folder, capsys):
    main(["keygen"])
    assert main(["keygen", "--worker", "w", "--key-file", "mincer.key"]) == 0
    own, public = read_key_file("w.key"), read_public_file("allowed/w.pub")
    assert set(own.roles) == {"worker"}
    assert own.of_role("worker").public == public.public
    assert "--allowed allowed" in capsys.readouterr().err


def test_a_key_for_one_role_needs_that_of_the_cluster(capsys):
    assert main(["keygen", "--driver", "d"]) == 2
    told = capsys.readouterr().err
    assert "mincer keygen --driver NAME --key-file mincer.key" in told


def test_a_key_is_for_one_role(capsys):
    assert main(["keygen", "--driver", "d", "--worker", "w"]) == 2
    assert "a key is for one role" in capsys.readouterr().err
