"""Outputs of maps in files, as children write them."""

from mincer.flow.partitioner import HashPartitioner
from mincer.flow.run import open_runs
from mincer.flow.spiller import Spiller
from mincer.store.disk import AppendFile, FileCache, Place, PlaceReader

PARTS = 3


def output_of(tmp_path, name, keys):
    """What a map has made, as a place."""
    file = AppendFile(str(tmp_path / name))
    file.begin()
    spiller = Spiller(file, HashPartitioner(PARTS))
    spiller.spill(list(keys), [1] * len(keys), grouped=False)
    spiller.close()
    place = file.commit()
    file.close()
    return place


def laid_out(outputs):
    """The bytes of each output."""
    return [
        b"".join(piece.reader.read(piece.offset, piece.size) for piece in output)
        for output in outputs
    ]


def keys_in(place, part):
    files = FileCache()
    first, last = HashPartitioner(PARTS).bounds(part)
    found = []
    for run in open_runs(PlaceReader(place, files), first, last):
        for block in run.blocks(0, last - first):
            found += block.keys
    files.close()
    return sorted(found)


def keys_in_bytes(tmp_path, outputs, part):
    found = []
    for data in outputs:
        path = tmp_path / "pulled-part"
        path.write_bytes(data)
        found += keys_in(Place(str(path), 0, len(data)), part)
    return found
