"""What a driver keeps on its disk: written once, read by place."""

import pickle

from mincer.codec.blocks import encode_pairs
from mincer.runners.stored import Spool, StoredPart
from mincer.sources.base import Extent
from mincer.sources.copies import Copy, using
from mincer.store.disk import Place


def test_a_spool_tells_where_each_batch_lies(tmp_path):
    spool = Spool(str(tmp_path / "spool"))
    places = [spool.append(data) for data in (b"abc", b"", b"de")]
    spool.close()
    assert [place[1:] for place in places] == [(0, 3), (3, 0), (3, 2)]
    assert (tmp_path / "spool").read_bytes() == b"abcde"


def part(tmp_path):
    data = encode_pairs(["a", "b"], [1, 2])
    path = tmp_path / "part"
    path.write_bytes(b"before" + data + b"behind")
    return StoredPart(Place(str(path), 6, len(data)))


def test_a_part_is_read_where_it_lies(tmp_path):
    stored = part(tmp_path)
    assert list(stored()) == list(stored()) == [(["a", "b"], [1, 2])]
    assert list(pickle.loads(pickle.dumps(stored))()) == list(stored())


def test_an_empty_part_needs_no_file():
    assert list(StoredPart(Place("not there", 0, 0))()) == []


def test_a_part_is_read_from_its_copy(tmp_path):
    stored = part(tmp_path)
    path, start, length = stored.place
    (extent,) = stored.stored_at()
    assert extent == Extent(path, start, start + length, start + length, -1)
    (tmp_path / "part").rename(tmp_path / "copy")
    with using({path: Copy(str(tmp_path / "copy"))}):
        assert list(stored()) == [(["a", "b"], [1, 2])]
