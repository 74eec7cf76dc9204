"""Files behind URLs (s3://…, gs://…, memory://…), opened by fsspec."""

# Strategy: a URL is a path like others, so nothing knows of them but who opens files,
# looks for them and writes them. Whoever reads or writes does so itself, with the
# credentials of his own environment: none travel with a job.
#
# Whether a file is the one that a job was planned with is told by its size, and by what
# its storage says of a version (an ETag, a time), which stands as a number in the place
# of a time.

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, NamedTuple

from mincer.errors import MincerError, UsageError

__all__ = [
    "Status",
    "absolute",
    "as_os_error",
    "as_path",
    "below",
    "is_remote",
    "local_path",
    "open_file",
    "remove_file",
    "size_of",
    "status_of_file",
    "status_of_info",
    "storage_of",
    "write_new",
]

#: Two letters at least: with one it is a disk of Windows.
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_FILE = "file://"
#: What `Path` makes of a URL.
_MANGLED = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/[^/]")
#: So much is asked for at a time: less makes many requests, and a reader of lines
#: reads on to the end of its range anyway.
_BLOCK_BYTES = 4 << 20
_BUFFER_BYTES = 1 << 20


# --- paths


def is_remote(path: str) -> bool:
    """True for s3://…, gs://…, memory://…: what no plain `open` opens."""
    return _URL.match(path) is not None and not path.startswith(_FILE)


def as_path(given: str | os.PathLike[str]) -> str:
    """What was given, as text; a URL that went through `Path` is refused."""
    path = os.fspath(given)
    if not isinstance(given, str) and _MANGLED.match(str(path)):
        raise UsageError(
            f"{path} was a URL before it was a Path, which takes // for /",
            hint=f"Give it as text:  {str(path).replace(':/', '://', 1)!r}",
        )
    return path


def local_path(path: str) -> str:
    """A path that is not remote, without a `file://` before it."""
    return path.removeprefix(_FILE)


def absolute(path: str) -> str:
    """The same place, named from the root on."""
    if not is_remote(path):
        return os.path.abspath(local_path(path))
    scheme, sign, rest = path.partition("://")
    return scheme + sign + rest.rstrip("/")


def below(folder: str, *names: str) -> str:
    """The path of what has this name in a folder, or behind a URL."""
    if is_remote(folder):
        return "/".join([folder, *names])
    return os.path.join(folder, *names)


# --- what is there


class Status(NamedTuple):
    """As much of `os.stat_result` as readers ask for."""

    st_size: int
    st_mtime_ns: int


def status_of_file(file: Any) -> Status | os.stat_result:
    """The size of an open file, and a number that another version has not."""
    if isinstance(file, _RemoteFile):
        return file.status
    return os.fstat(file.fileno())


def status_of_info(info: dict[str, Any]) -> Status:
    """The same of what a storage says of a file."""
    import hashlib

    names = ("ETag", "etag", "md5Hash", "LastModified", "mtime", "updated", "created")
    said = [str(info[name]) for name in names if info.get(name) is not None]
    digest = hashlib.sha256("\n".join(said).encode()).digest()
    return Status(int(info["size"]), int.from_bytes(digest[:7], "big"))


def size_of(path: str) -> int:
    """How many bytes the file of a path or URL has. Raises `OSError`."""
    if not is_remote(path):
        return os.path.getsize(path)
    storage, inside = storage_of(path)
    with as_os_error():
        storage.invalidate_cache()
        return int(storage.size(inside))


def open_file(path: str) -> BinaryIO:
    """Open the file of a path or URL for reading. Raises `OSError` as `open` does."""
    if not is_remote(path):
        return open(local_path(path), "rb")
    storage, inside = storage_of(path)
    with as_os_error():
        storage.invalidate_cache()  # it may have been written again
        info = storage.info(inside)
        file = storage.open(inside, "rb", block_size=_BLOCK_BYTES)
    return _RemoteFile(_Raw(file), status_of_info(info))


def write_new(path: str, data: bytes) -> None:
    """Make a small file; one that is there on a disk is not replaced."""
    if not is_remote(path):
        with open(path, "xb") as file:
            file.write(data)
        return
    storage, inside = storage_of(path)
    with as_os_error():
        storage.pipe_file(inside, data)


def remove_file(path: str) -> None:
    """Raises `OSError`."""
    if not is_remote(path):
        os.unlink(path)
        return
    storage, inside = storage_of(path)
    with as_os_error():
        storage.rm_file(inside)


class _RemoteFile(io.BufferedReader):
    """A file behind a URL, opened for reading."""

    def __init__(self, raw: Any, status: Status) -> None:
        super().__init__(raw, _BUFFER_BYTES)
        self.status = status


class _Raw(io.RawIOBase):
    """What fsspec opened; what its storage raises is an `OSError` here."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with as_os_error():
            data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        with as_os_error():
            self._file.seek(offset, whence)  # not all tell where they are
        return self.tell()

    def tell(self) -> int:
        return int(self._file.tell())

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


# --- fsspec


def storage_of(url: str) -> tuple[Any, str]:
    """What fsspec has for a URL, and what the URL is called there."""
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise UsageError(
            f"{url} is a URL, and what opens those is not installed",
            hint='pip install "mincer[remote]"',
        ) from error
    try:
        storage, path = url_to_fs(url)
    except ImportError as error:
        raise UsageError(
            f"{url} cannot be opened: {error}",
            hint="Install the package that fsspec names, here and on the workers.",
        ) from error
    except ValueError as error:
        raise UsageError(f"{url} cannot be opened: {error}") from error
    except Exception as error:  # some connect at once, or want to be told more
        reason = f"{type(error).__name__}: {error}"
        raise UsageError(f"{url} cannot be opened: {reason}") from error
    return storage, path


@contextmanager
def as_os_error() -> Iterator[None]:
    """What a storage raises, of whatever class, is an `OSError`."""
    try:
        yield
    except (OSError, MincerError):
        raise
    except Exception as error:
        raise OSError(f"{type(error).__name__}: {error}") from error
