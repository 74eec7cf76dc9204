"""Input behind a URL: listed, looked at and read by fsspec (`mincer[remote]`)."""

# Strategy: a URL is a path like others, so nothing above this file knows of them but
# who opens a file and who looks for files. What has a URL is read by the worker itself,
# the range that it needs and no more, with credentials of the worker's own environment.
#
# Whether a file is the one that the job was planned with is told by its size, and by
# what its storage says of a version (an ETag, a time), which stands as a number in the
# place of a time.

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from mincer.errors import InputError, UsageError

__all__ = ["RemoteStream", "find_remote", "is_remote", "open_remote"]

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
#: So much is asked for at a time: less makes many requests, and a reader of lines
#: reads on to the end of its range anyway.
_BLOCK_BYTES = 4 << 20
_BUFFER_BYTES = 1 << 20
#: Files that were not named are skipped, as in folders.
_HIDDEN = (".", "_")


class Found(NamedTuple):
    """A file behind a URL: its size, and a number for its version."""

    url: str
    size_bytes: int
    version: int


def is_remote(path: str) -> bool:
    """True for s3://…, gs://…, memory://…: what no plain `open` opens."""
    return _URL.match(path) is not None


def find_remote(url: str) -> list[Found]:
    """The files that a URL means: itself, those below it, or those that match."""
    storage, path = _storage(url)
    with _told(url):
        if any(sign in path for sign in "*?["):
            paths = [one for one in storage.glob(path) if not storage.isdir(one)]
        elif storage.isdir(path):
            inside = path.rstrip("/") + "/"
            paths = [one for one in storage.find(path) if not _is_hidden(one, inside)]
        elif storage.exists(path):
            paths = [path]
        else:
            raise InputError(f"no such file or folder: {url}")
        if not paths:
            raise InputError(
                f"no file matches {url}",
                hint="Files whose names begin with . or _ are not taken.",
            )
        return [_found(storage, one) for one in sorted(paths)]


def _is_hidden(path: str, inside: str) -> bool:
    names = path.removeprefix(inside).split("/")
    return any(name.startswith(_HIDDEN) for name in names)


def _found(storage: Any, path: str) -> Found:
    info = storage.info(path)
    size = info.get("size")
    url = storage.unstrip_protocol(path)
    if size is None:
        raise InputError(
            f"nobody tells the size of {url}, so it cannot be read in pieces",
            hint="Bring it here first, or send it through a pipe: '-'.",
        )
    return Found(url, int(size), _version(info))


def _version(info: dict[str, Any]) -> int:
    """A number that changes with what the storage says of a version."""
    names = ("ETag", "etag", "md5Hash", "LastModified", "mtime", "updated", "created")
    said = [str(info[name]) for name in names if info.get(name) is not None]
    return int.from_bytes(hashlib.sha256("\n".join(said).encode()).digest()[:7], "big")


class Status(NamedTuple):
    """As much of `os.stat_result` as readers ask for."""

    st_size: int
    st_mtime_ns: int


class RemoteStream(io.BufferedReader):
    """A file behind a URL, opened for reading."""

    def __init__(self, raw: Any, status: Status) -> None:
        super().__init__(raw, _BUFFER_BYTES)
        self._status = status

    def status(self) -> Status:
        return self._status


class _Raw(io.RawIOBase):
    """What fsspec opened; what its storage raises is an `OSError` here."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with _as_os_error():
            data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        with _as_os_error():
            at: int = self._file.seek(offset, whence)
        return at

    def tell(self) -> int:
        at: int = self._file.tell()
        return at

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


def open_remote(url: str) -> RemoteStream:
    """Open the file behind a URL. Raises `OSError` as `open` does."""
    storage, path = _storage(url)
    with _as_os_error():
        info = storage.info(path)
        file = storage.open(path, "rb", block_size=_BLOCK_BYTES)
    return RemoteStream(_Raw(file), Status(int(info["size"]), _version(info)))


def _storage(url: str) -> tuple[Any, str]:
    """What fsspec has for a URL, and what the URL is called there."""
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise UsageError(
            f"{url} is a URL, and what reads those is not installed",
            hint='pip install "mincer[remote]"',
        ) from error
    try:
        storage, path = url_to_fs(url)
    except ImportError as error:
        raise UsageError(
            f"{url} cannot be read: {error}",
            hint="Install the package that fsspec names, here and on the workers.",
        ) from error
    except ValueError as error:
        raise UsageError(f"{url} cannot be read: {error}") from error
    return storage, path


@contextmanager
def _told(url: str) -> Iterator[None]:
    """What a storage raises is an error that names the URL."""
    try:
        yield
    except (InputError, UsageError):
        raise
    except Exception as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise InputError(f"cannot read {url}: {reason}") from error


@contextmanager
def _as_os_error() -> Iterator[None]:
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        raise OSError(f"{type(error).__name__}: {error}") from error
