"""What every folder of an output does: cases for those on disks and behind URLs."""

import pytest

from mincer.errors import MincerError, OutputError

ASIDE = "_mincer-0123"


class FolderCases:
    """Derive a class with a fixture `folder`: a `Folder` where nothing is yet."""

    def test_a_folder_is_made_and_removed(self, folder):
        assert folder.names() == set()
        folder.check("out")
        folder.make(ASIDE)
        folder.make(ASIDE)  # two that begin at once
        assert folder.names() == {ASIDE}
        folder.remove(ASIDE)
        folder.remove(ASIDE)
        folder.unmake()
        assert folder.names() == set()

    def test_small_files_are_written_and_read(self, folder):
        folder.make(ASIDE)
        with pytest.raises(FileNotFoundError):
            folder.read("a")
        folder.write("a", b"one")
        folder.write(f"{ASIDE}/b", b"")
        assert folder.names() == {ASIDE, "a"}
        assert folder.read("a") == b"one"
        assert folder.sizes_bytes(["a", f"{ASIDE}/b"]) == [3, 0]
        assert folder.sizes_bytes([]) == []
        with pytest.raises(FileNotFoundError):
            folder.sizes_bytes(["c"])

    def test_a_part_is_taken_once_it_is_whole(self, folder):
        folder.make(ASIDE)
        attempt, committed = f"{ASIDE}/attempt-0", f"{ASIDE}/committed-0"
        part = folder.open_part(attempt, "out", "lines")
        part.write([None], ["x" * 10])
        assert not folder.has_part(attempt, 11)
        assert folder.take(attempt, committed) is None
        assert part.close().size_bytes == 11
        assert folder.has_part(attempt, 11)
        assert not folder.has_part(attempt, 12)
        taken = folder.take(attempt, committed)
        assert folder.take(attempt, committed) == taken
        assert folder.sizes_bytes([taken]) == [11]

    def test_a_part_that_is_given_up_is_gone(self, folder):
        folder.make(ASIDE)
        attempt = f"{ASIDE}/attempt-0"
        part = folder.open_part(attempt, "out", "lines")
        part.write([None], ["x"])
        part.abort()
        part.abort()
        assert folder.take(attempt, f"{ASIDE}/committed-0") is None

    def test_nobody_begins_a_part_when_all_is_over(self, folder):
        folder.make(ASIDE)
        late = folder.open_part(f"{ASIDE}/attempt-1", "out", "lines")
        folder.remove(ASIDE)
        with pytest.raises(OutputError, match="cannot write to out"):
            folder.open_part(f"{ASIDE}/attempt-0", "out", "lines")
        with pytest.raises(MincerError):
            late.close()
        late.abort()

    def test_files_are_moved_and_moved_back(self, folder):
        folder.make(ASIDE)
        moves = [(f"{ASIDE}/{n}", f"part-{n}") for n in range(5)]
        for source, _ in moves:
            folder.write(source, source.encode())
        folder.move(moves)
        folder.sync()
        assert folder.names() == {ASIDE, *(target for _, target in moves)}
        assert folder.read("part-3") == f"{ASIDE}/3".encode()
        folder.move_back(moves)
        assert folder.names() == {ASIDE}
        assert folder.read(f"{ASIDE}/3") == f"{ASIDE}/3".encode()

    def test_a_move_that_went_some_of_its_way_is_undone(self, folder):
        folder.make(ASIDE)
        moves = [(f"{ASIDE}/{n}", f"part-{n}") for n in range(5)]
        for source, _ in moves:
            folder.write(source, source.encode())
        folder.move(moves[:2])
        folder.move_back(moves)
        assert folder.names() == {ASIDE}
        for source, _ in moves:
            assert folder.read(source) == source.encode()
