"""The peers of the benchmark, and the environment that each of them runs in."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILD = ROOT / "build" / "bench-peers"

#: What each peer is asked to do; a program ends with status 3 at what it does not do.
WORKLOADS = ("tiny", "words", "words_blocks", "distinct", "sort", "group", "index")

#: The oldest Java that pyspark 4 runs on.
JAVA_MIN = 17
JAVA_PACKAGES = ("openjdk-17-jre-headless", "default-jre-headless")

#: What a Python function of the user is called with.
BY_LINE: Mapping[str, str] = {
    "tiny": "a line",
    "words": "a line",
    "words_blocks": "a block",
    "distinct": "a line",
    "sort": "a line",
    "group": "a line",
    "index": "a line",
}
#: The native engines see whole columns and call no Python function.
BY_COLUMN: Mapping[str, str] = {
    workload: "no Python function"
    for workload in WORKLOADS
    if workload != "words_blocks"
}


@dataclass(frozen=True)
class Peer:
    """One framework: how it is called, and what it is asked to do."""

    name: str
    label: str
    #: Runs no Python function of the user: shown as a bound, not raced.
    native: bool = False
    #: Workload → the form of the work, as the table says it.
    forms: Mapping[str, str] = field(default_factory=lambda: dict(BY_LINE))
    #: Runs on a Java that is not in its environment.
    java: bool = False


PEERS: tuple[Peer, ...] = (
    Peer("joblib", "joblib"),
    Peer("dask_bag", "dask.bag, processes"),
    Peer("dask_distributed", "dask distributed"),
    Peer("ray", "ray, tasks"),
    Peer("pyspark", "pyspark, RDD local[2]", java=True),
    Peer("mrjob", "mrjob, local"),
    Peer("polars", "polars", native=True, forms=dict(BY_COLUMN)),
    Peer("duckdb", "duckdb", native=True, forms=dict(BY_COLUMN)),
)


def peer(name: str) -> Peer:
    """The peer of that name; `KeyError` when there is none."""
    return {known.name: known for known in PEERS}[name]


def ready(name: str) -> Path | str:
    """The Python that runs this peer, or the reason (text) why it is left out.

    Makes the environment on first use and when the requirements or the Python
    changed. What failed is tried again at the next call: a reason is not kept.
    """
    reason = java_reason() if peer(name).java else None
    if reason is not None:
        return reason
    requirements = HERE / name / "requirements.txt"
    folder = BUILD / name
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    stamp = folder / "made-of.txt"
    wanted = stamp_text(requirements)
    if stamp.is_file() and stamp.read_text("utf-8") == wanted:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    try:
        venv.create(folder, with_pip=True, symlinks=os.name != "nt")
    except (subprocess.CalledProcessError, OSError) as error:
        return f"this Python makes no environment: {error}"
    install = [str(python), "-m", "pip", "install", "--quiet", "--no-input"]
    install += ["--disable-pip-version-check", "-r", str(requirements)]
    run = subprocess.run(install, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        return f"pip failed: {complaint(run.stderr + run.stdout)}"
    # The programs and the processes that a framework starts all find `benchmarks`.
    packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder)}))
    (packages / "benchmarks.pth").write_text(f"{ROOT}\n", "utf-8")
    stamp.write_text(wanted, "utf-8")
    return python


def stamp_text(requirements: Path) -> str:
    """What an environment was made of; another text means: make it again."""
    version = ".".join(map(str, sys.version_info[:3]))
    return f"# Python {version}, {ROOT}\n{requirements.read_text('utf-8')}"


def complaint(text: str) -> str:
    """The line of a program's output that says what was wrong.

    The last one, or the last that calls itself an error: pip adds hints.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("ERROR:", "E:"))]
    return (errors or lines or ["it said nothing"])[-1]


# --- Java, which pip cannot bring


def java_reason() -> str | None:
    """None when there is a Java to run on; otherwise why not, and what to install.

    On a machine of Debian's kind and as its root (a container, mostly) the package
    is installed, so that the table is whole without a manual step.
    """
    found = java_found()
    if found is not None and found >= JAVA_MIN:
        return None
    has = "no Java" if found is None else f"Java {found} only"
    tried = java_install()
    if tried is None:
        return None
    return (
        f"{has}: install Java {JAVA_MIN} or later "
        f"(Debian: apt-get install -y {JAVA_PACKAGES[0]}); {tried}"
    )


def java_found() -> int | None:
    """The major version of the Java that pyspark would start, None without one."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if java is None or not Path(java).exists():
        return None
    run = subprocess.run([java, "-version"], capture_output=True, text=True)
    return java_version(run.stderr + run.stdout)


def java_version(text: str) -> int | None:
    """The major version in what `java -version` writes: 17.0.15 → 17, 1.8.0 → 8."""
    match = re.search(r'version "(?:1\.)?(\d+)', text)
    return int(match[1]) if match else None


def java_install() -> str | None:
    """Install a Java when that is ours to do; None when done, otherwise why not."""
    apt = shutil.which("apt-get")
    if apt is None or not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "not root of a Debian, so nothing was installed"
    failed = ""
    for package in JAVA_PACKAGES:
        for words in (
            ["update"],
            ["install", "-y", "--no-install-recommends", package],
        ):
            run = subprocess.run(
                [apt, "-qq", *words],
                capture_output=True,
                text=True,
                check=False,
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            )
            failed = complaint(run.stderr + run.stdout)
        found = java_found()
        if found is not None and found >= JAVA_MIN:
            return None
    return f"apt-get failed: {failed}"
