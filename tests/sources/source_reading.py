"""What the tests of sources share: reading splits whole, with what every batch owes."""

import pickle

from mincer.flow.ports import BadRecord


class Folder:
    """A spool in one file."""

    def __init__(self, path):
        self.path = str(path / "spool")
        with open(self.path, "wb"):
            pass

    def append(self, data):
        with open(self.path, "ab") as file:
            offset = file.tell()
            file.write(data)
        return self.path, offset, len(data)


def read_split(split, skip=frozenset(), block_bytes=None):
    """(ordinal, key, value) of every record, after a journey by pickle."""
    split = pickle.loads(pickle.dumps(split))
    if block_bytes is not None:
        split.block_bytes = block_bytes
    found, last = [], -1
    for batch in split.read(frozenset(skip)):
        keys = list(batch.keys)
        assert len(keys) == len(batch.values) > 0
        assert batch.first > last
        last = batch.first + len(keys) - 1
        for index, key in enumerate(keys):
            where = batch.locate(index)
            if type(key) is int:
                assert where.offset == key
            found.append((batch.first + index, key, batch.values[index]))
    return found


def read(source, *, spool=None, split_bytes=None, block_bytes=None):
    """(key, value) of every record of a source."""
    source.check()
    return [
        (key, value)
        for split in source.plan(spool, split_bytes)
        for _, key, value in read_split(split, block_bytes=block_bytes)
    ]


def read_without_bad(split, block_bytes=None):
    """Read as a job with `skip_bad_records` does: the records, and the errors."""
    skip, errors = set(), []
    while True:
        try:
            return read_split(split, skip, block_bytes), errors
        except BadRecord as bad:
            ordinal, error = bad.args
        assert ordinal not in skip
        skip.add(ordinal)
        errors.append(error)


def lines_of_file(data):
    """(offset, line) of every line: slow and plain."""
    offset, found = 0, []
    while offset < len(data):
        end = data.find(b"\n", offset)
        if end < 0:
            found.append((offset, data[offset:]))
            break
        line = data[offset:end]
        found.append((offset, line.removesuffix(b"\r")))
        offset = end + 1
    return found


def text_lines_of_file(data):
    """The same as text; a mark is text, as for `open(path, encoding="utf-8")`."""
    return [(offset, line.decode()) for offset, line in lines_of_file(data)]
