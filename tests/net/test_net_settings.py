"""Settings: what is typed, the environment, the files, the default, in this order."""

import os

import pytest

from mincer.errors import UsageError
from mincer.net import settings
from mincer.net.keys import keys_of_password, make_key_file, read_key_file
from mincer.net.settings import PORT, address_of, home, is_secret_set, keys_of


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.startswith("MINCER_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    settings._read.cache_clear()
    yield
    settings._read.cache_clear()


def users_file(tmp_path, text):
    folder = tmp_path / "config" / "mincer"
    folder.mkdir(parents=True)
    (folder / "mincer.toml").write_text(text)


@pytest.mark.parametrize(
    ("typed", "host", "port"),
    [
        (None, "127.0.0.1", PORT),
        ("there", "there", PORT),
        ("there:9000", "there", 9000),
        (":9000", "127.0.0.1", 9000),
        ("0.0.0.0:0", "0.0.0.0", 0),
        ("[::1]:9000", "::1", 9000),
        ("[::1]", "::1", PORT),
        ("fe80::1", "fe80::1", PORT),
    ],
)
def test_an_address_is_read(typed, host, port):
    assert address_of(typed) == (host, port)


@pytest.mark.parametrize("typed", ["there:many", "there:65536", "there:-1"])
def test_an_address_without_a_port_is_refused(typed):
    with pytest.raises(UsageError, match="has no port"):
        address_of(typed)


def test_an_address_is_shown_as_it_is_typed():
    assert str(address_of("there:1")) == "there:1"
    assert str(address_of("[::1]:1")) == "[::1]:1"


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [
        ("127.0.0.1", True),
        ("localhost", True),
        ("::1", True),
        ("10.0.0.1", False),
        ("127.0.0.1.example.org", False),
    ],
)
def test_loopback_is_known(host, is_loopback):
    assert settings.Address(host, 1).is_loopback == is_loopback


def test_what_is_typed_goes_before_all_else(monkeypatch, tmp_path):
    users_file(tmp_path, 'address = "of.the.user"')
    assert address_of(None).host == "of.the.user"
    (tmp_path / "mincer.toml").write_text('address = "of.the.folder:1"')
    settings._read.cache_clear()
    assert address_of(None) == ("of.the.folder", 1)
    monkeypatch.setenv("MINCER_ADDRESS", "of.the.environment:2")
    assert address_of(None) == ("of.the.environment", 2)
    assert address_of("typed:3") == ("typed", 3)


def test_keys_come_from_a_password_or_a_file(monkeypatch, tmp_path):
    assert keys_of() is None
    make_key_file(str(tmp_path / "a.key"))
    of_file = read_key_file(str(tmp_path / "a.key"))
    assert keys_of("a word").server == keys_of_password("a word").server
    assert keys_of(key_file=tmp_path / "a.key").server == of_file.server
    monkeypatch.setenv("MINCER_PASSWORD", "of the environment")
    assert keys_of().server == keys_of_password("of the environment").server
    monkeypatch.setenv("MINCER_KEY_FILE", str(tmp_path / "a.key"))
    assert keys_of().server == of_file.server
    assert keys_of("typed").server == keys_of_password("typed").server
    with pytest.raises(UsageError, match="it can be one of them"):
        keys_of("a word", tmp_path / "a.key")


def test_a_cluster_has_keys_of_its_own(monkeypatch):
    default, other = keys_of("a word"), keys_of("a word", cluster="other")
    assert default.server != other.server
    monkeypatch.setenv("MINCER_CLUSTER", "other")
    assert keys_of("a word").server == other.server


def test_a_named_key_file_that_cannot_be_read_is_no_silent_fall_back(monkeypatch):
    monkeypatch.setenv("MINCER_PASSWORD", "a word")
    monkeypatch.setenv("MINCER_KEY_FILE", "not there")
    with pytest.raises(UsageError, match="cannot read the key file not there"):
        keys_of()


@pytest.mark.parametrize(
    ("text", "said"),
    [("adress = 'x'", "'adress', which nobody reads"), ("= x", "cannot read")],
)
def test_a_file_that_says_something_else_is_refused(tmp_path, text, said):
    (tmp_path / "mincer.toml").write_text(text)
    with pytest.raises(UsageError, match=said):
        address_of(None)


def test_the_name_of_loopback_is_the_address_that_is_listened_at():
    assert address_of("localhost") == address_of(None)
    assert address_of("localhost:9") == ("127.0.0.1", 9)


def test_it_is_known_if_a_secret_was_set(monkeypatch):
    assert not is_secret_set()
    monkeypatch.setenv("MINCER_KEY_FILE", "a.key")
    assert is_secret_set()
    monkeypatch.delenv("MINCER_KEY_FILE")
    monkeypatch.setenv("MINCER_PASSWORD", "a word")
    assert is_secret_set()


def test_the_users_own_folder_can_be_moved(monkeypatch, tmp_path):
    assert home() == tmp_path / "config" / "mincer"
    monkeypatch.setenv("MINCER_HOME", "/elsewhere")
    assert str(home()) == "/elsewhere"
