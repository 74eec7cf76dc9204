"""A job file is imported as a module, and what is wrong with it is told."""

from __future__ import annotations

import sys

import pytest

from mincer.errors import UsageError
from mincer.worker.jobfile import import_jobfile


@pytest.fixture(autouse=True)
def kept(monkeypatch, tmp_path):
    """What an import changes in this process is undone."""
    monkeypatch.setattr("sys.path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


def refused(given: str) -> UsageError:
    with pytest.raises(UsageError) as caught:
        import_jobfile(given)
    return caught.value


def test_a_file_becomes_a_module_with_its_folder_on_the_path(tmp_path):
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "wc_beside.py").write_text("x = 5")
    (tmp_path / "jobs" / "wc_job.py").write_text(
        "import wc_beside\nran = False\nif __name__ == '__main__':\n    ran = True\n"
    )
    module = import_jobfile("jobs/wc_job.py")
    assert module.__name__ == "wc_job"
    assert module.wc_beside.x == 5
    assert module.ran is False
    assert sys.modules["wc_job"] is module
    assert sys.path[0] == str(tmp_path / "jobs")
    assert import_jobfile(tmp_path / "jobs" / "wc_job.py") is module


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("my-job.py", "jobfile_my_job"),
        ("2024.01 job.py", "jobfile_2024_01_job"),
        ("json.py", "jobfile_json"),
        ("pytest.py", "jobfile_pytest"),
        ("click.py", "jobfile_click"),
        ("mincer.py", "jobfile_mincer"),
        ("class_.py", "class_"),
    ],
)
def test_a_stem_that_hides_a_module_or_is_no_name(tmp_path, file, name):
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / file).write_text("x = 1")
    assert import_jobfile(f"jobs/{file}").__name__ == name


def test_two_files_of_one_name(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same_job.py").write_text(f"x = {folder!r}")
    assert import_jobfile("one/same_job.py").x == "one"
    assert import_jobfile("two/same_job.py").x == "two"
    (tmp_path / "three").mkdir()
    (tmp_path / "three" / "same_job.py").write_text("x = 'three'")
    assert import_jobfile("three/same_job.py").x == "three"


def test_a_file_beside_a_folder_of_its_name(tmp_path):
    (tmp_path / "both_job").mkdir()
    (tmp_path / "both_job.py").write_text("x = 1")
    assert import_jobfile("both_job.py").__name__ == "both_job"


def test_a_module_by_name(tmp_path):
    (tmp_path / "job_package").mkdir()
    (tmp_path / "job_package" / "__init__.py").write_text("")
    (tmp_path / "job_package" / "inner.py").write_text("from . import beside")
    (tmp_path / "job_package" / "beside.py").write_text("")
    module = import_jobfile("job_package.inner")
    assert module.__name__ == "job_package.inner"


def test_errors_of_the_file_show_the_users_frames(tmp_path):
    (tmp_path / "fails_job.py").write_text("def f():\n    1 / 0\nf()\n")
    error = refused("fails_job.py")
    assert error.what == "fails_job.py raised ZeroDivisionError while it was imported"
    assert 'fails_job.py", line 3, in <module>' in error.user_traceback
    assert "importlib" not in error.user_traceback
    assert "jobfile.py" not in error.user_traceback
    assert "fails_job" not in sys.modules
    assert "ZeroDivisionError" in refused("fails_job").what


def test_a_syntax_error_shows_its_line(tmp_path):
    (tmp_path / "wrong_job.py").write_text("x = 1\ndef f(:\n")
    error = refused("wrong_job.py")
    assert 'wrong_job.py", line 2' in error.user_traceback
    assert "SyntaxError" in error.user_traceback


def test_a_file_that_ends_the_program(tmp_path):
    (tmp_path / "exits_job.py").write_text("import sys\nsys.exit(3)\n")
    assert "if __name__" in refused("exits_job.py").hint


def test_a_missing_library_is_not_a_missing_job(tmp_path):
    (tmp_path / "needs_job.py").write_text("import no_such_library\n")
    assert "ModuleNotFoundError" in refused("needs_job.py").what
    assert "no_such_library" in refused("needs_job").user_traceback


def test_a_file_inside_a_package_should_be_a_module(tmp_path):
    (tmp_path / "job_pkg" / "deep").mkdir(parents=True)
    (tmp_path / "job_pkg" / "__init__.py").write_text("")
    (tmp_path / "job_pkg" / "deep" / "__init__.py").write_text("")
    (tmp_path / "job_pkg" / "deep" / "inner_job.py").write_text("from . import x")
    hint = refused("job_pkg/deep/inner_job.py").hint
    assert (
        hint
        == f"Give it as a module, from {tmp_path}:  mincer run job_pkg.deep.inner_job"
    )
    (tmp_path / "loose").mkdir()
    (tmp_path / "loose" / "inner_job.py").write_text("from . import x")
    assert refused("loose/inner_job.py").hint.endswith("mincer run loose.inner_job")


def test_what_is_missing_names_what_is_near(tmp_path):
    (tmp_path / "wordcount.py").write_text("")
    assert refused("wordcuont.py").hint == "Did you mean wordcount.py?"
    assert refused("wordcuont").hint == "Did you mean wordcount.py?"
    assert refused("nowhere/job.py").hint is None
    assert (
        refused("no.such.module").what
        == "there is no job file or module no.such.module"
    )
    assert refused("zebra.py").hint is None


def test_what_is_no_job_file(tmp_path):
    (tmp_path / "books").mkdir()
    (tmp_path / "book.txt").write_text("")
    assert "is a folder" in refused("books").what
    assert "job file comes first" in refused("book.txt").hint
