"""Several sources as one, and a source under another tag."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mincer.sources.base import Source, Split, Spool
from mincer.sources.splits import split_size

__all__ = ["TaggedSource", "UnionSource"]


class UnionSource(Source):
    """The splits of some sources, one source after another; each keeps its tag."""

    def __init__(self, sources: Sequence[Source]) -> None:
        super().__init__()
        self.sources = tuple(sources)

    def check(self) -> None:
        for source in self.sources:
            source.check()

    @property
    def size_bytes(self) -> int | None:
        sizes = self._sizes()
        return sum(sizes) if len(sizes) == len(self.sources) else None

    def _sizes(self) -> list[int]:
        """The sizes that are known."""
        sizes = (source.size_bytes for source in self.sources)
        return [size for size in sizes if size is not None]

    def plan(
        self, spool: Spool | None = None, split_bytes: int | None = None
    ) -> Iterator[Split]:
        if split_bytes is None:
            # Of the whole: two sources of a GiB are an input of 2 GiB.
            split_bytes = split_size(sum(self._sizes()))
        for source in self.sources:
            yield from source.plan(spool, split_bytes)

    def describe(self) -> str:
        return ", ".join(source.describe() for source in self.sources)


class TaggedSource(Source):
    """A source whose splits get another tag; the source itself stays as it is, since
    it is the user's and may be read by other jobs."""

    def __init__(self, source: Source, tag: str) -> None:
        super().__init__(tag=tag)
        self.source = source

    def check(self) -> None:
        self.source.check()

    @property
    def size_bytes(self) -> int | None:
        return self.source.size_bytes

    def plan(
        self, spool: Spool | None = None, split_bytes: int | None = None
    ) -> Iterator[Split]:
        for split in self.source.plan(spool, split_bytes):
            split.tag = self.tag
            yield split

    def describe(self) -> str:
        return f"{self.tag}: {self.source.describe()}"
