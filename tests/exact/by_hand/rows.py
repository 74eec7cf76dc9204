"""The canonical bytes of pairs, written down a second time, without mincer."""

import hashlib


def row(key, value):
    return sized(b"str!" + key.encode()) + sized(canonical(value))


def canonical(value):
    if isinstance(value, (list, tuple)):
        name = type(value).__name__.encode()
        return name + b"!" + b"".join(sized(canonical(one)) for one in value)
    if isinstance(value, str):
        return b"str!" + value.encode()
    return f"{type(value).__name__}!{value!r}".encode()


def sized(data):
    return b"%d:%b" % (len(data), data)


def digest(pairs, ordered=False):
    rows = [row(key, value) for key, value in pairs]
    if not ordered:
        rows.sort()
    whole = hashlib.sha256()
    for one in rows:
        whole.update(one)
    return whole.hexdigest()
