"""The public names, and that they cost nothing before they are used."""

import subprocess
import sys
from importlib.util import find_spec
from types import ModuleType

from mincer import sources

HEAVY = (
    "msgspec", "cloudpickle", "zstandard", "csv", "json", "gzip", "bz2", "lzma", "glob",
    "mincer.sources.pieces",
)  # fmt: skip


def test_public_names():
    for name in sources.__all__:
        assert getattr(sources, name).__doc__


def test_importing_is_cheap():
    code = (
        "import sys, mincer.sources; "
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "[]"


def test_no_module_takes_the_name_of_a_function():
    # What importing `mincer.sources.output` does to its package.
    sources.output = ModuleType("mincer.sources.output")
    for name in ("blocks", "csv", "files", "items", "jsonl", "output", "text"):
        assert callable(getattr(sources, name))
        assert name == "output" or find_spec(f"mincer.sources.{name}") is None
