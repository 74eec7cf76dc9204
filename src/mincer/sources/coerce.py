"""What may be given as `source`, turned into a source."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from mincer.errors import UsageError, preview
from mincer.sources.base import Source

__all__ = ["as_source"]


def as_source(obj: Any, tags: frozenset[str] | None = None) -> Source:
    """Return the source that `obj` means; raise `UsageError` when it means none.

    `tags`: the names of a job's mapfns, when it has a dict of them. Then `obj` is a
    dict with the same names, or sources that carry them as tags.
    """
    if tags is None:
        return _coerced(obj)
    if isinstance(obj, Mapping):
        _same_tags(frozenset(obj), tags)
        return _tagged(obj)
    source = _coerced(obj)
    _same_tags(_tags_of(source), tags)
    return source


def _coerced(obj: Any) -> Source:
    from mincer.sources.memory import ItemSource

    source = _ready_made(obj)
    if source is not None:
        return source
    if isinstance(obj, str | os.PathLike):
        return _text(obj)
    if isinstance(obj, list | tuple):
        return _of_list(obj)
    if isinstance(obj, dict) and obj and all(map(_is_source, obj.values())):
        raise UsageError(
            "a dict of sources needs a job with a dict of mapfns",
            hint='Job({"name": mapfn, …}, reducefn), with the same names; or give a '
            "list of the sources.",
        )
    if hasattr(obj, "__iter__") and not isinstance(obj, bytes | bytearray):
        return ItemSource(obj)
    raise UsageError(
        f"{preview(obj)}, of type {type(obj).__name__}, is no source",
        hint="Give a path, a list, a dict, an iterable of pairs, or one of "
        "mincer.sources.",
    )


def _ready_made(obj: Any) -> Source | None:
    """A source, or what says itself how it is one (the results of a job)."""
    if isinstance(obj, Source):
        return obj
    if _is_source(obj):
        source = obj.as_source()
        assert isinstance(source, Source)
        return source
    return None


def _is_source(obj: Any) -> bool:
    return isinstance(obj, Source) or callable(getattr(type(obj), "as_source", None))


def _text(paths: Any) -> Source:
    from mincer.sources.text_lines import TextSource

    return TextSource(paths)


def _of_list(items: list[Any] | tuple[Any, ...]) -> Source:
    from mincer.sources.memory import ItemSource
    from mincer.sources.union import UnionSource

    if items and all(isinstance(item, str | os.PathLike) for item in items):
        return _text(items)
    if not any(map(_is_source, items)):
        return ItemSource(items)
    for item in items:
        if not _is_source(item) and not isinstance(item, str | os.PathLike):
            raise UsageError(
                f"a list of sources holds {preview(item)}, "
                f"of type {type(item).__name__}",
                hint="Each item is a path or one of mincer.sources; put values into "
                "mincer.sources.items([…]).",
            )
    return UnionSource([_coerced(item) for item in items])


def _tagged(sources: Mapping[str, Any]) -> Source:
    from mincer.sources.union import TaggedSource, UnionSource

    return UnionSource(
        [TaggedSource(_coerced(source), tag) for tag, source in sources.items()]
    )


def _tags_of(source: Source) -> frozenset[str | None]:
    from mincer.sources.union import UnionSource

    if isinstance(source, UnionSource):
        return frozenset().union(*map(_tags_of, source.sources))
    return frozenset([source.tag])


def _same_tags(given: frozenset[Any], tags: frozenset[str]) -> None:
    missing = ", ".join(sorted(map(repr, tags - given)))
    extra = ", ".join(sorted(map(repr, given - tags)))
    if not missing and not extra:
        return
    parts = [f"no source for the mapfn {missing}"] if missing else []
    if extra == "None":
        parts.append("a source without a name")
    elif extra:
        parts.append(f"no mapfn for the source {extra}")
    raise UsageError(
        f"sources and mapfns do not match: {'; '.join(parts)}",
        hint="Give a dict with the names of the mapfns: "
        f"{{{', '.join(f'{tag!r}: …' for tag in sorted(tags))}}}",
    )
