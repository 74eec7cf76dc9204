"""Keys: what a secret gives, and files that only their owner can read."""

import os
import stat

import pytest

from mincer.errors import UsageError
from mincer.net import keys as k

SECRET = bytes(range(32))
PINNED_SERVER = b"^KFmlG6jHzawKCfO9b[Aer+NEVUy$ak{oN@E#Pe1"
PINNED_PASSWORD = b"psdnt3]A6r[?Z:#-vK<0STBoWd^4>Kk6ac57h8Jc"


def test_a_secret_gives_a_pair_for_each_role_and_always_the_same():
    keys = k.Keys.of_secret(SECRET)
    again = k.Keys.of_secret(SECRET)
    other = k.Keys.of_secret(bytes(32))
    pairs = [keys.coordinator, *keys.roles.values()]
    assert len({pair.secret for pair in pairs}) == len({p.public for p in pairs}) == 4
    assert keys.roles == again.roles
    assert keys.server == again.server == keys.coordinator.public
    assert not {p.public for p in pairs} & {p.public for p in other.roles.values()}


def test_the_keys_of_a_secret_are_pinned():
    """Another version must find the same, or its processes cannot join."""
    keys = k.Keys.of_secret(SECRET)
    assert keys.server == PINNED_SERVER
    assert k.keys_of_password("a word").server == PINNED_PASSWORD


def test_a_secret_has_its_length():
    with pytest.raises(ValueError, match="has 32 bytes, not 31"):
        k.Keys.of_secret(bytes(31))


def test_a_password_gives_keys_of_its_cluster():
    keys = k.keys_of_password("a word")
    assert keys.server == k.keys_of_password("a word").server
    assert keys.server != k.keys_of_password("a word", "other").server
    assert keys.server != k.keys_of_password("another").server


def test_an_empty_password_is_refused():
    with pytest.raises(UsageError, match="is empty"):
        k.keys_of_password("")


def test_weak_passwords_are_known():
    assert k.is_weak("secret")
    assert k.is_weak("aaaaaaaaaaaaaaaa")
    assert not k.is_weak("correct horse battery staple")
    assert not k.is_weak(k.join_token())


def test_tokens_are_new_each_time():
    tokens = {k.join_token() for _ in range(50)}
    assert len(tokens) == 50
    assert all(len(token) == 23 for token in tokens)


def test_a_key_file_is_its_owners_alone_and_holds_a_new_secret(tmp_path):
    paths = [str(tmp_path / name) for name in "ab"]
    for path in paths:
        k.make_key_file(path)
    assert stat.S_IMODE(os.stat(paths[0]).st_mode) == 0o600
    one, two = map(k.read_key_file, paths)
    assert one.server != two.server
    assert one.server == k.read_key_file(paths[0]).server
    with pytest.raises(UsageError, match="exists already"):
        k.make_key_file(paths[0])


def test_a_key_file_that_others_can_read_is_refused(tmp_path):
    path = str(tmp_path / "a.key")
    k.make_key_file(path)
    os.chmod(path, 0o640)
    with pytest.raises(UsageError, match="others than you can read") as told:
        k.read_key_file(path)
    assert "chmod 600" in told.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "",
        "anything",
        "mincer key 1\n",
        "mincer key 1\nsecret zz\n",
        "mincer key 1\nsecret 00\n",
        "mincer key 1\nrole emperor\nsecret " + "00" * 32 + "\ncoordinator 00\n",
        "é" * 10,
    ],
)
def test_what_is_no_key_file_is_refused(tmp_path, text):
    path = tmp_path / "a.key"
    path.write_text(text, "utf-8")
    path.chmod(0o600)
    with pytest.raises(UsageError, match="is not a key file"):
        k.read_key_file(str(path))
    with pytest.raises(UsageError, match="is not a key file"):
        k.read_public_file(str(path))


def test_a_key_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UsageError, match="No such file"):
        k.read_key_file(str(tmp_path / "a.key"))
    with pytest.raises(UsageError, match="cannot write"):
        k.make_key_file(str(tmp_path / "no folder" / "a.key"))


def test_a_file_for_a_role_gives_that_role_and_nothing_more(tmp_path):
    keys = k.Keys.of_secret(SECRET)
    path, public_path = str(tmp_path / "w.key"), str(tmp_path / "w.pub")
    k.make_role_file(path, public_path, keys, "worker", "w")
    own, public = k.read_key_file(path), k.read_public_file(public_path)
    assert own.server == keys.server
    assert own.coordinator is None
    assert own.of_role("worker").public == public.public
    assert (public.role, public.name) == ("worker", "w")
    assert public.public != keys.of_role("worker").public
    with pytest.raises(
        UsageError, match="is for the role worker, not for the role driver"
    ):
        own.of_role("driver")
    with pytest.raises(UsageError, match="this is one of a single role"):
        own.named("worker", "other")


def test_names_have_keys_of_their_own():
    keys = k.Keys.of_secret(SECRET)
    named = [keys.named("worker", "a"), keys.named("worker", "b")]
    named.append(keys.named("driver", "a"))
    assert len({pair.public for pair in named}) == 3


def test_a_fresh_pair_is_new():
    assert k.KeyPair.fresh() != k.KeyPair.fresh()
