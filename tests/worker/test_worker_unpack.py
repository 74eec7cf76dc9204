"""Modules unpacked and made importable: once, by whoever is first, and nowhere else."""

import hashlib
import io
import os
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mincer.errors import SegmentError, ShipError
from mincer.worker.unpack import install, unpack


def packed(files: dict[str, str]) -> tuple[bytes, str]:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o644 << 16
            archive.writestr(info, text)
    data = buffer.getvalue()
    return data, hashlib.sha256(data).hexdigest()


@pytest.fixture
def path_kept(monkeypatch):
    monkeypatch.setattr("sys.path", list(sys.path))


@pytest.mark.usefixtures("path_kept")
def test_install_puts_the_modules_first_and_may_be_repeated(tmp_path):
    data, digest = packed({"mod_first.py": "x = 1"})
    folder = install(data, digest, str(tmp_path))
    assert sys.path[0] == folder
    length = len(sys.path)
    # The zip is not needed again.
    assert install(str(tmp_path / "no.zip"), digest, str(tmp_path)) == folder
    assert len(sys.path) == length


@pytest.mark.parametrize(
    "name", ["../out.py", "/out.py", "a/../../out.py", "mod/../../../out.py"]
)
def test_nothing_is_unpacked_outside(tmp_path, name):
    data, digest = packed({"fine.py": "", name: ""})
    folder = tmp_path / "a" / "b"
    with pytest.raises(SegmentError, match="hold a file of name"):
        install(data, digest, str(folder))
    assert list(folder.iterdir()) == []
    assert not list(tmp_path.glob("**/out.py"))


def test_damaged_bytes_are_found(tmp_path):
    data, digest = packed({"fine.py": ""})
    with pytest.raises(SegmentError, match="damaged"):
        install(data[:-1], digest, str(tmp_path))
    for bad in ("", "../" + digest[3:], "x"):
        with pytest.raises(SegmentError, match="no digest"):
            install(data, bad, str(tmp_path))


@pytest.mark.usefixtures("path_kept")
def test_a_name_that_is_taken_in_the_worker(tmp_path):
    data, digest = packed({"pytest/__init__.py": ""})
    with pytest.raises(ShipError, match="module pytest cannot be imported"):
        install(data, digest, str(tmp_path))
    assert str(tmp_path / digest) not in sys.path


@pytest.mark.usefixtures("path_kept")
def test_a_namespace_may_be_shared_with_installed_packages(tmp_path, monkeypatch):
    here = tmp_path / "here" / "spread_out"
    here.mkdir(parents=True)
    (here / "a.py").write_text("x = 1")
    monkeypatch.syspath_prepend(tmp_path / "here")
    import spread_out.a

    data, digest = packed({"spread_out/b.py": "x = 2"})
    install(data, digest, str(tmp_path))
    import spread_out.b

    assert (spread_out.a.x, spread_out.b.x) == (1, 2)
    for name in ("spread_out", "spread_out.a", "spread_out.b"):
        del sys.modules[name]


def test_many_at_once(tmp_path):
    data, digest = packed({f"pkg/m{i}.py": "x" * 100 for i in range(50)})

    def modules_in(_: int) -> int:
        return len(list(Path(unpack(data, digest, str(tmp_path))).rglob("*.py")))

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(modules_in, range(24))) == {50}
    assert [one.name for one in tmp_path.iterdir()] == [digest]


def test_a_disk_that_fails_is_told(tmp_path, monkeypatch):
    data, digest = packed({"fine.py": ""})

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "chmod", full)
    with pytest.raises(OSError, match="No space left"):
        install(data, digest, str(tmp_path))
    assert list(tmp_path.iterdir()) == []
