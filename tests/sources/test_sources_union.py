"""Sources one after another, and under another tag."""

from source_reading import read

from mincer import sources
from mincer.sources.union import TaggedSource, UnionSource


def test_one_after_another(tmp_path):
    (tmp_path / "a").write_text("file\n")
    union = UnionSource(
        [sources.items([1], tag="n"), sources.text(tmp_path / "a", tag="t")]
    )
    assert read(union) == [(0, 1), (0, "file")]
    assert [split.tag for split in union.plan()] == ["n", "t"]
    assert union.size_bytes is None
    assert union.describe() == f"items of a list, {tmp_path / 'a'}"


def test_splits_by_the_size_of_all(tmp_path):
    (tmp_path / "a").write_bytes(b"1234567\n" * 100_000)
    one = sources.text(tmp_path)
    union = UnionSource([one, sources.text(tmp_path)])
    union.check()
    assert union.size_bytes == 1_600_000
    assert len(list(one.plan())) == 4
    assert len(list(union.plan())) == 4
    assert len(list(union.plan(None, 100_000))) == 16


def test_another_tag_leaves_the_source_alone(tmp_path):
    (tmp_path / "a").write_text("file\n")
    source = sources.text(tmp_path / "a", tag="mine")
    tagged = TaggedSource(source, "other")
    tagged.check()
    assert [split.tag for split in tagged.plan()] == ["other"]
    assert [split.tag for split in source.plan()] == ["mine"]
    assert tagged.size_bytes == 5
    assert tagged.describe() == f"other: {tmp_path / 'a'}"
