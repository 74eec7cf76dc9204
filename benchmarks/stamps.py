"""What a figure was measured on: which code, which machine, when."""

from __future__ import annotations

import datetime
import hashlib
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import psutil

__all__ = ["code_hash", "machine", "stamp"]


#: Folders that no run on one machine loads: what is built there makes no figure older.
_ELSEWHERE = ("compat", "net", "testing", "web", "wire")


def stamp(root: Path) -> dict[str, Any]:
    """What is kept with each figure."""
    return {
        "commit": _git(root, "rev-parse", "--short=12", "HEAD"),
        "dirty": bool(_git(root, "status", "--porcelain", "--", "src")),
        "code": code_hash(root),
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
    }


def code_hash(root: Path) -> str:
    """Of what runs on one machine, as it lies in src, committed or not: two trees with
    the same hash run the same code. (Not git's tree hash, which knows only what is
    committed.)
    """
    digest = hashlib.sha256()
    package = root / "src" / "mincer"
    for path in sorted(package.rglob("*.py")):
        if path.relative_to(package).parts[0] in _ELSEWHERE:
            continue
        digest.update(path.relative_to(root).as_posix().encode() + b"\0")
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def machine() -> str:
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    memory_gb = psutil.virtual_memory().total / 1e9
    return (
        f"{cores} cores, {_processor()}, {memory_gb:.0f} GB, "
        f"{platform.system()}, Python {platform.python_version()}"
    )


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass  # Not Linux: the system's own word is less exact.
    return platform.processor() or platform.machine()


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=root, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""  # An archive has no git; the hash of the code still says what ran.
    return done.stdout.strip()
