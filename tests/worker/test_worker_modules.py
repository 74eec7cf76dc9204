"""The user's modules travel as source: a project, a driver, a child elsewhere."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest

from mincer.errors import ShipError
from mincer.worker import modules
from mincer.worker.unpack import unpack

#: What every driver ends with: `mapfn` is what travels.
SEND = """
import json, pathlib, sys
from mincer.codec import functions
from mincer.worker import modules
data, reach = functions.dump_reaching(mapfn)
found = modules.collect_reach(reach)
out = pathlib.Path(sys.argv[-1])
out.joinpath("functions").write_bytes(data)
out.joinpath("modules.zip").write_bytes(found.data)
print(json.dumps([found.digest, found.names]))
"""

#: A child, in a folder where nothing of the project can be imported.
CHILD = """
import json, sys
from mincer.codec import functions
from mincer.worker.unpack import install
out, digest = sys.argv[1:]
install(out + "/modules.zip", digest, out + "/unpacked")
mapfn = functions.load(open(out + "/functions", "rb").read())
print(json.dumps(list(mapfn(None, 1))))
"""


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))


def run(folder: Path, *command: str) -> str:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def travel(
    tmp_path: Path, files: dict[str, str], *command: str
) -> tuple[list[str], object]:
    """Run the driver `command` in a project of `files`, then mapfn in a child.

    Return the names of the modules that travelled, and the pairs.
    """
    project, out = tmp_path / "project", tmp_path / "out"
    write(project, files)
    out.mkdir()
    digest, names = json.loads(run(project, *command, str(out)))
    # Whatever the child finds, it finds in what was sent.
    project.rename(tmp_path / "gone")
    return names, json.loads(run(out, "-c", CHILD, str(out), digest))


PACKAGE = {
    "pkg/__init__.py": "",
    "pkg/data/words.txt": "some words",
    "pkg/__pycache__/junk.txt": "",
    "pkg/.hidden": "",
    "pkg/.venv/pyvenv.cfg": "",
    "pkg/env/pyvenv.cfg": "",
    "pkg/env/lib.py": "",
    "pkg/one.py": """
        from pkg import two
        def call(n): return n if n == 0 else two.call(n - 1)
    """,
    "pkg/two.py": """
        from . import one
        def call(n): return one.call(n)
    """,
    "pkg/resources.py": """
        import importlib.resources, pathlib, pkgutil
        def texts():
            beside = pathlib.Path(__file__).parent / "data" / "words.txt"
            yield beside.read_text()
            resource = importlib.resources.files("pkg") / "data" / "words.txt"
            yield resource.read_text()
            yield pkgutil.get_data("pkg", "data/words.txt").decode()
    """,
    "pkg/sub/__init__.py": "from ..two import call",
    "pkg/lazy.py": """
        def late():
            from helper import double
            import other.deep.leaf as leaf
            return double(leaf.value)
    """,
    "helper.py": "def double(x): return 2 * x\n",
    "other/deep/leaf.py": "import far\nvalue = far.value",
    "far.py": "value = 21",
    "not_needed.py": "",
}


def test_a_script_and_all_that_it_reaches(tmp_path):
    script = """
        import pkg.resources
        from pkg import one as first
        from pkg.sub import call

        def mapfn(key, value):
            import pkg.lazy
            yield first.call(5), call(4)
            yield list(pkg.resources.texts()), pkg.lazy.late()
    """
    files = {**PACKAGE, "job.py": textwrap.dedent(script) + SEND}
    names, pairs = travel(tmp_path, files, "job.py")
    assert names == ["far", "helper", "other", "pkg"]
    assert pairs == [[0, 0], [["some words"] * 3, 42]]
    with zipfile.ZipFile(tmp_path / "out" / "modules.zip") as archive:
        inside = [one for one in archive.namelist() if one.startswith("pkg/")]
    assert inside == [
        "pkg/__init__.py",
        "pkg/data/words.txt",
        "pkg/lazy.py",
        "pkg/one.py",
        "pkg/resources.py",
        "pkg/sub/__init__.py",
        "pkg/two.py",
    ]


def test_a_module_of_a_package_run_by_name(tmp_path):
    job = """
        from . import two as at_top
        from .one import call

        def mapfn(key, value):
            from .lazy import late
            from . import sub
            yield call(3), late()
            yield at_top.call(1), sub.call(2)
    """
    files = {**PACKAGE, "pkg/job.py": textwrap.dedent(job) + SEND}
    names, pairs = travel(tmp_path, files, "-m", "pkg.job")
    assert names == ["far", "helper", "other", "pkg"]
    assert pairs == [[0, 42], [0, 0]]


def test_a_namespace_package_spread_over_the_path(tmp_path):
    script = """
        import sys
        sys.path[:0] = ["a", "b"]
        import space.left
        def mapfn(key, value):
            import space.right
            yield space.left.side(), space.right.side()
    """
    files = {
        "a/space/left.py": "def side(): return 'left'",
        "b/space/right.py": "def side(): return 'right'",
        "b/space/left.py": "raise ImportError('not the first on the path')",
        "job.py": textwrap.dedent(script) + SEND,
    }
    names, pairs = travel(tmp_path, files, "job.py")
    assert names == ["space"]
    assert pairs == [["left", "right"]]


def test_an_editable_install(tmp_path):
    """As setuptools makes them: a finder that knows where the package lies."""
    script = """
        import importlib.util, pathlib, sys
        class Finder:
            @staticmethod
            def find_spec(name, path=None, target=None):
                if name == "edited":
                    file = pathlib.Path("elsewhere/src/edited/__init__.py").resolve()
                    return importlib.util.spec_from_file_location(name, file)
        sys.meta_path.append(Finder)
        def mapfn(key, value):
            from edited.inner import answer
            yield answer, 1
    """
    files = {
        "elsewhere/src/edited/__init__.py": "",
        "elsewhere/src/edited/inner.py": "answer = 42",
        "job.py": textwrap.dedent(script) + SEND,
    }
    names, pairs = travel(tmp_path, files, "job.py")
    assert names == ["edited"]
    assert pairs == [[42, 1]]


def test_instances_of_a_users_module_keep_their_class(tmp_path):
    script = """
        import pickle, sys
        import shapes
        def mapfn(key, value):
            point = shapes.Point(1, 2)
            data = pickle.dumps(point)
            yield b"cloudpickle" in data, pickle.loads(data) == point
    """
    files = {
        "shapes.py": """
            from typing import NamedTuple
            class Point(NamedTuple):
                x: int
                y: int
        """,
        "job.py": textwrap.dedent(script) + SEND,
    }
    assert travel(tmp_path, files, "job.py") == (["shapes"], [[False, True]])


def test_a_job_file_whose_name_is_no_name(tmp_path):
    driver = """
        import sys
        from mincer.worker.jobfile import import_jobfile
        mapfn = import_jobfile("jobs/my-job.py").mapfn
    """
    files = {
        "jobs/my-job.py": """
            import beside
            def mapfn(key, value): yield beside.name, __name__
        """,
        "jobs/beside.py": "name = __name__",
        "drive.py": textwrap.dedent(driver) + SEND,
    }
    names, pairs = travel(tmp_path, files, "drive.py")
    assert names == ["beside", "jobfile_my_job"]
    assert pairs == [["beside", "jobfile_my_job"]]


def test_a_job_without_modules_of_its_own():
    found = modules.collect([len, json.dumps, sum, os.path.join, pytest.raises])
    assert found.names == ()
    assert found.digest == hashlib.sha256(found.data).hexdigest()


# In this process: a package that is imported here


@pytest.fixture
def imported(tmp_path, monkeypatch):
    """Write modules and import one; forgotten afterwards."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(tmp_path / "project")

    def write_and_import(files: dict[str, str], name: str) -> object:
        write(tmp_path / "project", files)
        return __import__(name, fromlist=["*"])

    yield write_and_import
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_equal_files_make_equal_bytes(tmp_path, imported):
    module = imported(
        {"tiny_a/__init__.py": "def f(): pass", "tiny_a/b.txt": "x"}, "tiny_a"
    )
    first = modules.collect([module.f])
    os.utime(tmp_path / "project" / "tiny_a" / "b.txt", (0, 0))
    assert modules.collect([module.f]) == first
    (tmp_path / "project" / "tiny_a" / "b.txt").write_text("y")
    assert modules.collect([module.f]).digest != first.digest


def test_programs_stay_programs_and_links_are_followed(tmp_path, imported):
    module = imported(
        {"tiny_b/__init__.py": "def f(): pass", "tiny_b/run.sh": "x"}, "tiny_b"
    )
    package = tmp_path / "project" / "tiny_b"
    (package / "run.sh").chmod(0o755)
    write(tmp_path, {"far/data.txt": "data"})
    (package / "linked").symlink_to(tmp_path / "far")
    (package / "circle").symlink_to(package)
    (package / "broken").symlink_to(tmp_path / "nowhere")
    found = modules.collect([module.f])
    unpacked = Path(unpack(found.data, found.digest, str(tmp_path / "out")))
    assert os.access(unpacked / "tiny_b" / "run.sh", os.X_OK)
    assert not os.access(unpacked / "tiny_b" / "__init__.py", os.X_OK)
    assert (unpacked / "tiny_b" / "linked" / "data.txt").read_text() == "data"
    assert not (unpacked / "tiny_b" / "circle").exists()


def test_too_much_beside_the_code(tmp_path, imported, monkeypatch):
    files = {"tiny_c/__init__.py": "def f(): pass", "tiny_c/huge.csv": "x" * 3000}
    module = imported(files, "tiny_c")
    monkeypatch.setattr(modules, "MODULES_BYTES_MAX", 2000)
    with pytest.raises(ShipError, match=r"(?s)The largest:\n +0\.0 MB .*huge\.csv"):
        modules.collect([module.f])


def test_a_file_that_cannot_be_read(tmp_path, imported, monkeypatch):
    module = imported({"tiny_d/__init__.py": "def f(): pass"}, "tiny_d")

    def refuse(self):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(
        ShipError, match=r"__init__\.py, part of a module .* Permission"
    ):
        modules.collect([module.f])
