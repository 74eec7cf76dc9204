"""Keys: from one secret to the key pairs of all roles, and the files that hold them."""

# Strategy: nothing is invented. CurveZMQ proves who is at both ends and encrypts; here
# it is only decided which Curve25519 keys there are. One secret gives the coordinator's
# pair and one for each role, by a keyed hash (BLAKE2b), so that whoever has the secret
# knows the coordinator's public key, and the coordinator knows theirs. A file for one
# role holds that role's secret and the coordinator's public key, and nothing from which
# the others could be computed.

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from typing import NamedTuple

import zmq
from zmq.utils import z85

from mincer.errors import UsageError
from mincer.wire.greetings import ROLES

__all__ = [
    "KeyPair",
    "Keys",
    "PublicKey",
    "is_weak",
    "join_token",
    "keys_of_password",
    "make_key_file",
    "make_role_file",
    "others_may_write",
    "read_key_file",
    "read_public_file",
]

_COORDINATOR = "coordinator"
_SECRET_BYTES = 32
_HEAD = "mincer key 1"
_PUBLIC_HEAD = "mincer public key 1"
#: Of scrypt: 32 MB, and a tenth of a second or so (RFC 7914; the memory is said again,
#: with room).
_SCRYPT_N, _SCRYPT_R = 2**15, 8
_SCRYPT_BYTES_MAX = 2 * 128 * _SCRYPT_N * _SCRYPT_R
_WEAK_CHARS_MAX = 11


class KeyPair(NamedTuple):
    """A Curve25519 key pair, as ZeroMQ writes it (Z85, 40 characters)."""

    public: bytes
    secret: bytes

    @classmethod
    def fresh(cls) -> KeyPair:
        """One that nobody has had before."""
        return cls(*zmq.curve_keypair())

    @classmethod
    def of(cls, seed: bytes) -> KeyPair:
        """The one that these 32 bytes are the secret of."""
        secret = z85.encode(seed)
        return cls(zmq.curve_public(secret), secret)


class PublicKey(NamedTuple):
    """A key of the allow-list: who has its secret may be this."""

    public: bytes
    role: str
    name: str


class Keys:
    """What one process knows: the coordinator's public key, and key pairs of roles.

    `coordinator`: the coordinator's own pair, if this process may be one.
    """

    def __init__(
        self,
        server: bytes,
        roles: dict[str, KeyPair],
        coordinator: KeyPair | None = None,
        secret: bytes = b"",
    ) -> None:
        self.server = server
        self.roles = roles
        self.coordinator = coordinator
        #: They are of a password that can be guessed.
        self.are_weak = False
        self._secret = secret

    @classmethod
    def of_secret(cls, secret: bytes) -> Keys:
        """All of them, from the one secret."""
        if len(secret) != _SECRET_BYTES:
            raise ValueError(f"a secret has {_SECRET_BYTES} bytes, not {len(secret)}")
        coordinator = KeyPair.of(_derived(secret, _COORDINATOR))
        roles = {role: KeyPair.of(_derived(secret, role)) for role in ROLES}
        return cls(coordinator.public, roles, coordinator, secret)

    def of_role(self, role: str) -> KeyPair:
        """The pair with which a process of this role enrols."""
        pair = self.roles.get(role)
        if pair is None:
            has = " and ".join(sorted(self.roles))
            raise UsageError(
                f"this key file is for the role {has}, not for the role {role}",
                hint=f"Make one on the coordinator:  mincer keygen --{role} NAME",
            )
        return pair

    def named(self, role: str, name: str) -> KeyPair:
        """The pair for one process of a role, to be told apart from all others."""
        if not self._secret:
            raise UsageError(
                "keys for others are made from the key file of the cluster, and this "
                "is one of a single role"
            )
        return KeyPair.of(_derived(self._secret, f"{role}/{name}"))


def _derived(secret: bytes, what: str) -> bytes:
    name = f"mincer/1/{what}".encode()
    return hashlib.blake2b(name, key=secret, digest_size=32).digest()


def keys_of_password(password: str, cluster: str = "default") -> Keys:
    """The keys that a password gives (scrypt); slow, so that guessing is.

    Raises:
        UsageError: it is empty.
    """
    if not password:
        raise UsageError(
            "the password is empty, and everybody could join",
            hint="Leave it out: a fresh token is made then, and shown.",
        )
    secret = hashlib.scrypt(
        password.encode(),
        salt=f"mincer/1/{cluster}".encode(),
        n=_SCRYPT_N,
        r=_SCRYPT_R,
        p=1,
        maxmem=_SCRYPT_BYTES_MAX,
        dklen=_SECRET_BYTES,
    )
    keys = Keys.of_secret(secret)
    keys.are_weak = is_weak(password)
    return keys


def is_weak(password: str) -> bool:
    """True for one that can be guessed by who has recorded a single greeting."""
    return (
        len(password) <= _WEAK_CHARS_MAX or len(set(password)) <= _WEAK_CHARS_MAX // 2
    )


def join_token() -> str:
    """A password that nobody can guess, made to be typed: 100 random bits."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    groups = ["".join(secrets.choice(letters) for _ in range(5)) for _ in range(4)]
    return "-".join(groups)


# --- files


def make_key_file(path: str) -> None:
    """Write 32 random bytes to a new file that nobody else can read."""
    _write(path, [_HEAD, f"secret {secrets.token_hex(_SECRET_BYTES)}"])


def make_role_file(
    path: str, public_path: str, keys: Keys, role: str, name: str
) -> None:
    """Write the key file for one process of a role, and its public half for the
    coordinator's allow-list."""
    pair = keys.named(role, name)
    _write(
        path,
        [
            _HEAD,
            f"role {role}",
            f"name {name}",
            f"secret {z85.decode(pair.secret).hex()}",
            f"coordinator {z85.decode(keys.server).hex()}",
        ],
    )
    public = z85.decode(pair.public).hex()
    lines = [_PUBLIC_HEAD, f"role {role}", f"name {name}", f"public {public}"]
    _write(public_path, lines)


def read_key_file(path: str) -> Keys:
    """The keys in a file.

    Raises:
        UsageError: it cannot be read, others can read it, or it is no key file.
    """
    fields = _read(path, _HEAD, private=True)
    try:
        secret = bytes.fromhex(fields["secret"])
        if "role" not in fields:
            return Keys.of_secret(secret)
        server = z85.encode(bytes.fromhex(fields["coordinator"]))
        if fields["role"] not in ROLES or len(server) != 40:
            raise ValueError
        return Keys(server, {fields["role"]: KeyPair.of(secret)})
    except (KeyError, ValueError) as error:
        raise _no_key_file(path) from error


def read_public_file(path: str) -> PublicKey:
    """The public key in a file of the allow-list; errors as `read_key_file`."""
    fields = _read(path, _PUBLIC_HEAD, private=False)
    try:
        public = z85.encode(bytes.fromhex(fields["public"]))
        if fields["role"] not in ROLES or len(public) != 40:
            raise ValueError
        return PublicKey(public, fields["role"], fields["name"])
    except (KeyError, ValueError) as error:
        raise _no_key_file(path) from error


def _write(path: str, lines: list[str]) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    try:
        descriptor = os.open(path, flags, 0o600)
    except FileExistsError as error:
        raise UsageError(
            f"{path} exists already, and a key is not overwritten",
            hint="Choose another name, or remove it yourself.",
        ) from error
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
    with open(descriptor, "w", encoding="ascii") as file:
        file.write("\n".join(lines) + "\n")


def others_may_write(mode: int) -> bool:
    """True when everybody on this machine may change the file or folder of this mode;
    the modes of Windows do not tell."""
    return os.name != "nt" and bool(mode & stat.S_IWOTH)


def _read(path: str, head: str, *, private: bool) -> dict[str, str]:
    try:
        with open(path, encoding="ascii") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(4096)
    except UnicodeDecodeError as error:
        raise _no_key_file(path) from error
    except OSError as error:
        raise UsageError(
            f"cannot read the key file {path}: {error.strerror}"
        ) from error
    if private and os.name != "nt" and stat.S_IMODE(mode) & 0o077:
        raise UsageError(
            f"others than you can read the key file {path}",
            hint=f"chmod 600 {path}   (and make a new key, if somebody may have)",
        )
    if others_may_write(mode):
        raise UsageError(f"others than you can write to {path}: chmod o-w {path}")
    lines = text.splitlines()
    if not lines or lines[0] != head:
        raise _no_key_file(path)
    pairs = (line.partition(" ") for line in lines[1:])
    return {name: value for name, _, value in pairs}


def _no_key_file(path: str) -> UsageError:
    return UsageError(
        f"{path} is not a key file of mincer",
        hint="One is made with:  mincer keygen FILE",
    )
