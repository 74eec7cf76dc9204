"""What is loaded: by `import mincer`, by a trivial `mincer run`, and in a child.

Each module costs every run 0.2 to 3 ms, and what it imports in turn comes on top. When
a list here does not hold after a change of yours, see first whether the new module can
be imported where it is used (`python -X importtime` shows its cost). If every job needs
it, add it: the next reader sees what a start consists of. What is gone from a list was
a gain.
"""

import subprocess
import sys

import pytest

#: Of Python's own modules, what costs more than half a millisecond, or brings it.
HEAVY = """
argparse ast asyncio concurrent ctypes dataclasses datetime decimal difflib dis email
gettext glob hashlib http inspect json locale logging multiprocessing pathlib pickle
platform random shutil socket ssl statistics subprocess tempfile threading tokenize
typing unittest urllib uuid xml zipfile
"""

#: Of those, what a run may load. Versions of Python differ: it need not.
HEAVY_OF_BOTH = """
ast dis hashlib inspect json pathlib pickle platform random shutil socket tempfile
threading tokenize typing urllib uuid zipfile
"""
HEAVY_OF_DRIVER = HEAVY_OF_BOTH + "dataclasses logging"  # cloudpickle's
HEAVY_OF_CHILD = HEAVY_OF_BOTH + "datetime decimal"  # msgspec's

#: Our modules that both load.
BOTH = """
: api arguments calls context errors ids job limits order structs urls values
codec: blocks columns fields formats functions imports keys lines manifest tracebacks
core: events
flow: part ports run sampler sorter
runners: base
sinks: base encoder files folder local_folder part_file told
sources: base compressed copies encoding file_source input_file paths pieces splits
sources: spooled stdin text_lines
store: disk
worker: commits fork_server machine orders page pipes unpack
"""
#: What the driver loads beside them.
DRIVER = """
cli: failure figures jobfile main printer progress run signals summary words
sinks: asked
codec: pickler
core: active_job attempts commands coordinator lineage median plan policy roster
core: snapshot task
runners.local: account job loop progress runner
runners: account packing report results stored
sources: coerce memory union
store: folder
worker: handoff hands jobfile modules origins pool slots sudden
"""
#: What a child loads beside them.
CHILD = """
flow: budget combiner cursor fetcher grouper mapper merger overflow partitioner ranges
flow: reducer reduction spiller stages tally unread weigher
worker: attempt child loaded nursery reserve
"""
JOB = """
import sys
import mincer

def mapfn(key, line):
    yield list(sys.modules), None

job = mincer.Job(mapfn)
"""

RUN = """
import sys
before = set(sys.modules)
sys.argv = "mincer run job.py input -o out -w 1 -q".split()
from mincer.cli.main import main
assert main() == 0
print(*set(sys.modules) - before)
"""


def listed(text):
    """The modules that a list names: `core: plan task` is `mincer.core.plan` and …"""
    names = {"mincer"}
    for line in text.strip().splitlines():
        folder, _, modules = line.rpartition(":")
        home = f"mincer.{folder}".rstrip(".")
        names |= {home, *(f"{home}.{name}" for name in modules.split())}
    return names


def sorts(modules):
    """Ours; those of third parties; and the heavy ones of Python's own."""
    ours = {name for name in modules if name.partition(".")[0] == "mincer"}
    tops = {name.partition(".")[0] for name in modules} - {"mincer"}
    others = {top for top in tops - sys.stdlib_module_names if "sysconfig" not in top}
    return ours, others, tops & set(HEAVY.split())


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """The modules of a driver and of its child, without those of bare Python."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "job.py").write_text(JOB, "utf-8")
    (folder / "input").write_text("one line\n", "utf-8")

    def told(code):
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=folder,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return set(done.stdout.split()) - {"job"}

    bare = told("import sys; print(*sys.modules)")
    driver = told(RUN) - bare
    (part,) = (folder / "out").glob("part-*")
    child = set(
        part.read_text("utf-8").translate(str.maketrans('[]",', "    ")).split()
    )
    return sorts(driver), sorts(child - bare - {"job", "null"})


def test_bare_import():
    code = "import sys; b = set(sys.modules); import mincer; print(*set(sys.modules)-b)"
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True
    )
    ours, others, heavy = sorts(set(done.stdout.split()))
    assert ours == {"mincer", "mincer.context"}
    assert not others | heavy


@pytest.mark.parametrize(
    ("side", "expected", "third_parties", "heavy_allowed"),
    [
        (0, BOTH + DRIVER, {"cloudpickle"}, HEAVY_OF_DRIVER),
        (1, BOTH + CHILD, {"msgspec"}, HEAVY_OF_CHILD),
    ],
    ids=["driver", "child"],
)
def test_a_trivial_run(loaded, side, expected, third_parties, heavy_allowed):
    ours, others, heavy = loaded[side]
    assert ours == listed(expected), "see the top of this file"
    # msgspec takes this where it is installed.
    assert others - {"typing_extensions"} == third_parties
    assert heavy <= set(heavy_allowed.split())
