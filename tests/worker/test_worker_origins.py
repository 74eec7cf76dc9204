"""Whose a module is, and where it lies, without importing anything."""

from __future__ import annotations

import sys
import zipfile
from types import ModuleType

import pytest

from mincer.errors import ShipError
from mincer.worker.origins import find


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "name",
    [
        *(
            "os",
            "sys",
            "json.decoder",
            "collections.abc",
            "encodings",
            "_socket",
            "this",
        ),
        *("pytest", "cloudpickle", "_pytest.fixtures", "msgspec"),
        *("mincer", "mincer.codec.functions", "__main__"),
        *("no_such_module", "os.no_such_module", "no.such.module", "pytest.no_such"),
    ],
)
def test_not_the_users(name):
    assert find(name) is None


def test_a_file_and_a_package(project):
    (project / "own_single.py").write_text("raise SystemExit('was imported')")
    (project / "own_package" / "sub").mkdir(parents=True)
    (project / "own_package" / "__init__.py").write_text("raise SystemExit(1)")
    (project / "own_package" / "sub" / "leaf.py").write_text("import os")
    single = find("own_single")
    assert (single.file, single.package) == (project / "own_single.py", "")
    assert list(single.files()) == ["own_single.py"]
    package = find("own_package")
    assert (package.folders, package.package) == (
        (project / "own_package",),
        "own_package",
    )
    assert list(package.files()) == [
        "own_package/__init__.py",
        "own_package/sub/leaf.py",
    ]
    leaf = find("own_package.sub.leaf")
    assert leaf.package == "own_package.sub"
    assert leaf.code().co_names == ("os",)
    assert find("own_package.sub").file is None
    assert not {"own_single", "own_package"} & set(sys.modules)


@pytest.mark.parametrize("source", ["def f(:", "\0", "# coding: no-such-codec\n"])
def test_what_does_not_compile_is_left_to_the_import(project, source):
    (project / "own_broken.py").write_text(source)
    assert find("own_broken").code() is None


def test_warnings_of_the_compiler_are_for_the_import(project):
    (project / "own_warned.py").write_text("x = 1 is 1")
    assert find("own_warned").code() is not None


def test_a_link_in_site_packages_is_an_editable_install(project, monkeypatch):
    (project / "source" / "own_edited").mkdir(parents=True)
    (project / "source" / "own_edited" / "__init__.py").write_text("")
    site = project / "site-packages"
    (site / "own_installed").mkdir(parents=True)
    (site / "own_installed" / "__init__.py").write_text("")
    (site / "own_edited").symlink_to(project / "source" / "own_edited")
    monkeypatch.syspath_prepend(site)
    assert find("own_edited") is not None
    assert find("own_installed") is None


def test_a_package_that_extends_its_path(project):
    for folder in ("a", "b"):
        (project / folder / "own_spread").mkdir(parents=True)
    (project / "a" / "own_spread" / "__init__.py").write_text("")
    (project / "b" / "own_spread" / "far.py").write_text("")
    sys.path.insert(0, str(project / "a"))
    import own_spread

    own_spread.__path__.append(str(project / "b" / "own_spread"))
    try:
        assert list(find("own_spread").files()) == [
            "own_spread/__init__.py",
            "own_spread/far.py",
        ]
        assert find("own_spread.far") is not None
    finally:
        del sys.modules["own_spread"]
        sys.path.remove(str(project / "a"))


def test_a_module_made_by_hand(project, monkeypatch):
    module = ModuleType("own_made")
    monkeypatch.setitem(sys.modules, "own_made", module)
    assert find("own_made") is None
    file = project / "some.where.py"
    file.write_text("")
    module.__file__ = str(file)
    assert find("own_made").files() == {"own_made.py": file}


def test_a_package_in_an_archive(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "lib.zip", "w") as archive:
        archive.writestr("own_zipped.py", "")
    monkeypatch.syspath_prepend(tmp_path / "lib.zip")
    with pytest.raises(ShipError, match=r"own_zipped comes from .* no file of its own"):
        find("own_zipped")


def test_a_name_of_pythons_own(project, monkeypatch):
    (project / "this.py").write_text("")
    with pytest.raises(
        ShipError, match=r"this\.py has the name of one of Python's own"
    ):
        find("this")
