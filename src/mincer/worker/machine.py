"""What this process may use of the machine: cores and memory, cgroups respected."""

# Strategy: a limit may stand on any group above the process (a systemd slice, a pod),
# so all of them are asked, in both versions of cgroups. Inside a container the paths of
# /proc/self/cgroup may be those of the host and lead nowhere: what cannot be read
# limits nothing, and the root that the container sees is its own group.

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import accumulate

from mincer.limits import MEMORY_BYTES_MIN

__all__ = [
    "PAGE_BYTES",
    "OwnSize",
    "cores",
    "give_back_memory",
    "keep_free_memory",
    "memory_per_slot",
    "pages_given",
    "resident_bytes",
    "usable_memory_bytes",
]

#: The unit in which the system gives memory.
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
#: A cgroup without a limit says a number near 2**63.
_NO_LIMIT = 1 << 60
_CGROUP = "/sys/fs/cgroup"
#: More than any of these files has.
_READ_BYTES = 1 << 16
_STATM_BYTES = 1 << 8
_OWN_GROUPS = "/proc/self/cgroup"

#: Of malloc.h, and the largest that glibc takes for the second.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_MMAP_THRESHOLD_MAX = 32 << 20


def cores() -> int:
    """How many cores this process may use: its affinity and its cgroup's quota."""
    if hasattr(os, "sched_getaffinity"):
        allowed = len(os.sched_getaffinity(0))
    else:
        allowed = os.cpu_count() or 1
    quota = _cpu_quota()
    return max(1, min(allowed, quota) if quota else allowed)


def _cpu_quota() -> int | None:
    quotas = []
    for folder in _groups("cpu"):
        words = _read(f"{folder}/cpu.max").split()
        if len(words) != 2:
            words = [
                _read(f"{folder}/cpu.cfs_quota_us").strip(),
                _read(f"{folder}/cpu.cfs_period_us").strip(),
            ]
        quota, period = (int(word) if word.isdigit() else 0 for word in words)
        if quota and period:
            quotas.append(-(-quota // period))
    return min(quotas, default=None)


def _groups(controller: str) -> Iterator[str]:
    """The folders of the groups that this process is in, the root first."""
    yield _CGROUP
    yield f"{_CGROUP}/{controller}"
    for line in _read(_OWN_GROUPS).splitlines():
        # "0::/own/path" in version 2, "4:cpu,cpuacct:/own/path" in version 1
        number, controllers, path = line.split(":", 2)
        if number == "0":
            root = _CGROUP
        elif controller in controllers.split(","):
            root = f"{_CGROUP}/{controller}"
        else:
            continue
        names = path.strip("/").split("/")
        if ".." not in names:  # a group outside of what this process may see
            yield from accumulate(names, "{}/{}".format, initial=root)


def usable_memory_bytes() -> int:
    """The memory of the machine, or of the cgroup when that has less."""
    sizes = [_physical_bytes()]
    for folder in _groups("memory"):
        for name in ("memory.max", "memory.limit_in_bytes"):
            word = _read(f"{folder}/{name}").strip()
            if word.isdigit() and int(word) < _NO_LIMIT:
                sizes.append(int(word))
    return min(sizes)


def _physical_bytes() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * PAGE_BYTES
    except (AttributeError, ValueError, OSError):
        return 4 << 30  # not to be known here: a small machine


def memory_per_slot(slots: int) -> int:
    """The default memory of a child: half of what there is, divided by the slots."""
    return max(MEMORY_BYTES_MIN, usable_memory_bytes() // 2 // slots)


def resident_bytes(pid: int | str = "self") -> int:
    """The resident memory of a process; 0 when it is gone, or cannot be known here."""
    words = _read(f"/proc/{pid}/statm").split()
    if words:
        return int(words[1]) * PAGE_BYTES
    if pid == "self" and os.name == "posix" and not os.path.exists("/proc/self"):
        import resource

        # macOS tells the peak, in bytes: a guard that is too careful, not too late.
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return 0


class OwnSize:
    """Tells the resident size of the process that it was made in, from a file that
    stays open: in a fifth of the time that `resident_bytes` takes.

    `private`: without memory that it shares with others, such as a store of objects.
    """

    def __init__(self, private: bool = False) -> None:
        self._private = private
        try:
            self._file = os.open("/proc/self/statm", os.O_RDONLY)
        except OSError:
            self._file = -1

    def __call__(self) -> int:
        if self._file < 0:
            return resident_bytes()
        words = os.pread(self._file, _STATM_BYTES, 0).split()
        shared = int(words[2]) if self._private else 0
        return (int(words[1]) - shared) * PAGE_BYTES

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def pages_given() -> int:
    """How many pages of memory the system has given to this process since its start; 0
    where that cannot be known."""
    try:
        import resource
    except ImportError:
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def give_back_memory() -> None:
    """Give free memory back to the system, where its C library keeps it: glibc has
    held half of a child's limit after a few attempts."""
    from mincer.libc import c_function

    trim = c_function("malloc_trim", "N")
    if trim is not None:
        trim(0)


def keep_free_memory(size_bytes: int) -> None:
    """Have the C library keep so much free memory, if it is glibc, and take large
    objects from it, too."""
    from mincer.libc import c_function

    set_option = c_function("mallopt", "ii")
    if set_option is not None:
        set_option(_M_TRIM_THRESHOLD, size_bytes)
        set_option(_M_MMAP_THRESHOLD, _MMAP_THRESHOLD_MAX)


def _read(path: str) -> str:
    try:
        file = os.open(path, os.O_RDONLY)  # a third of what `open` costs
    except OSError:
        return ""
    try:
        return os.read(file, _READ_BYTES).decode("ascii", "replace")
    except OSError:
        return ""
    finally:
        os.close(file)
