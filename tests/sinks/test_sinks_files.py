"""Part files in a folder: the suite for each format, and what only files can do."""

import errno
import json
import os
import pickle
import platform
from zlib import crc32

import pytest

import mincer
from mincer.codec.formats import FORMATS
from mincer.errors import Bug, InputError, OutputError, UsageError
from mincer.sinks import FileSink
from mincer.testing import SinkSuite

JOB = "ab" * 16
REPORT = {"job": JOB, "name": "words", "started_at": 12.5, "counters": {"bad": 2}}


def tree(folder):
    """Every file below the folder and what it holds."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


class FileSinkCases(SinkSuite):
    format = "tsv"

    def make(self, tmp_path):
        return FileSink(tmp_path / "out", self.format)

    def seen(self, sink):
        try:
            with open(os.path.join(sink.folder, "_SUCCESS")) as file:
                manifest = json.load(file)
        except FileNotFoundError:
            # What is not complete shows nothing at all, but for the place aside.
            if os.path.exists(sink.folder):
                names = os.listdir(sink.folder)
                assert [name for name in names if not name.startswith("_")] == []
            return None
        names = [part["name"] for part in manifest["parts"]]
        assert sorted(os.listdir(sink.folder)) == sorted([*names, "_SUCCESS"])
        for part in manifest["parts"]:
            with open(os.path.join(sink.folder, part["name"]), "rb") as file:
                data = file.read()
            assert len(data) == part["bytes"]
            assert f"{crc32(data):08x}" == part["crc32"]
        return list(mincer.Results(sink.readers(), 0, {}, self.report()))

    def report(self):
        return mincer.Report(JOB, "words", "inline")


class TestTsv(FileSinkCases):
    pass


class TestJsonl(FileSinkCases):
    format = "jsonl"


class TestPickle(FileSinkCases):
    format = "pickle"


def write(sink, part=0, attempt=0, pairs=(("a", 1),)):
    writer = sink.open(part, attempt)
    writer.write([key for key, _ in pairs], [value for _, value in pairs])
    return writer.close()


def run(folder, *, job=JOB, pairs=(("a", 1),), parts=1, **options):
    """One job from its start to its end."""
    sink = FileSink(folder, **options)
    sink.check()
    sink.prepare(job)
    try:
        made = {part: write(sink, part, 0, pairs) for part in range(parts)}
        assert all(sink.commit_part(part, 0) for part in made)
        sink.commit_job(made, REPORT | {"job": job})
    except BaseException:
        sink.abort_job()
        raise
    return sink


@pytest.mark.parametrize("format", FORMATS)
def test_names_are_the_same_for_all_formats(tmp_path, format):
    sink = run(tmp_path / "out", format=format, parts=2)
    assert sorted(os.listdir(tmp_path / "out")) == [
        "_SUCCESS",
        "part-00000",
        "part-00001",
    ]
    assert sink.paths == [
        str(tmp_path / "out" / "part-00000"),
        str(tmp_path / "out" / "part-00001"),
    ]


def test_lines_read_back_as_text_without_keys(tmp_path):
    sink = run(tmp_path / "out", format="lines", pairs=[("k", "x y"), ("l", 2)])
    assert (tmp_path / "out" / "part-00000").read_bytes() == b"x y\n2\n"
    (read,) = sink.readers()
    assert list(read()) == [([None, None], ["x y", "2"])]


def test_the_manifest_tells_how_it_came_about(tmp_path):
    run(tmp_path / "out", pairs=[("a", 1), ("b", 2)])
    manifest = json.loads((tmp_path / "out" / "_SUCCESS").read_bytes())
    assert manifest == REPORT | {
        "mincer": mincer.__version__,
        "python": platform.python_version(),
        "format": "tsv",
        "pairs": 2,
        "bytes": 8,
        "parts": [
            {
                "name": "part-00000",
                "pairs": 2,
                "bytes": 8,
                "crc32": "fa364f5e",
            }
        ],
    }


def test_readers_work_in_another_process_and_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sink = run("out")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    (read,) = pickle.loads(pickle.dumps(sink.readers()))
    assert list(read()) == [(["a"], [1])]


def test_an_output_that_is_gone_is_an_input_error(tmp_path):
    sink = run(tmp_path / "out")
    os.unlink(sink.paths[0])
    with pytest.raises(InputError, match="part-00000: No such file"):
        list(sink.readers()[0]())


# --- what may not be touched


def test_a_folder_with_anything_in_it_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="not empty") as caught:
        FileSink(tmp_path).check()
    assert str(tmp_path) in str(caught.value)
    assert "--overwrite" in str(caught.value)


def test_an_empty_folder_is_welcome_and_stays_when_the_job_fails(tmp_path):
    sink = FileSink(tmp_path)
    sink.check()
    sink.prepare(JOB)
    write(sink)
    sink.abort_job()
    assert os.listdir(tmp_path) == []


def test_folders_that_were_made_go_when_the_job_fails(tmp_path):
    sink = FileSink(tmp_path / "a" / "b" / "out")
    sink.check()
    sink.prepare(JOB)
    assert (tmp_path / "a" / "b" / "out").is_dir()
    sink.abort_job()
    assert os.listdir(tmp_path) == []


def test_a_folder_that_was_made_stays_when_somebody_put_something_there(tmp_path):
    sink = FileSink(tmp_path / "out")
    sink.prepare(JOB)
    (tmp_path / "out" / "mine").write_text("x")
    sink.abort_job()
    assert tree(tmp_path) == {"out/mine": b"x"}


def test_check_touches_nothing(tmp_path):
    FileSink(tmp_path / "out").check()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("below", ["", "out/deeper"])
def test_a_file_in_the_way_is_refused(tmp_path, below):
    file = tmp_path / "file"
    file.write_text("mine")
    with pytest.raises(OutputError, match="cannot write to"):
        FileSink(file / below).check()


def test_a_link_that_leads_nowhere_is_refused(tmp_path):
    (tmp_path / "out").symlink_to(tmp_path / "gone")
    with pytest.raises(OutputError, match="out is no folder"):
        FileSink(tmp_path / "out").check()


def test_a_folder_without_permission_is_refused(tmp_path, monkeypatch):
    # Not by chmod: tests may run as root, who may write anywhere.
    monkeypatch.setattr(os, "access", lambda path, mode: path != str(tmp_path))
    with pytest.raises(OutputError, match="no permission to write in"):
        FileSink(tmp_path / "a" / "out").check()


def test_an_unknown_format_is_refused(tmp_path):
    with pytest.raises(UsageError, match="csv"):
        FileSink(tmp_path, "csv")


def test_something_that_appeared_meanwhile_is_not_replaced(tmp_path):
    sink = FileSink(tmp_path / "out")
    sink.prepare(JOB)
    made = write(sink)
    assert sink.commit_part(0, 0)
    (tmp_path / "out" / "part-00000").write_text("mine")
    with pytest.raises(OutputError, match="not empty"):
        sink.commit_job({0: made}, REPORT)
    sink.abort_job()
    assert tree(tmp_path / "out") == {"part-00000": b"mine"}


def test_two_jobs_cannot_have_one_folder(tmp_path):
    first = FileSink(tmp_path / "out")
    first.prepare(JOB)
    made = write(first)
    second = FileSink(tmp_path / "out", overwrite=True)
    for step in (second.check, lambda: second.prepare("cd" * 16)):
        with pytest.raises(OutputError, match="unfinished output") as caught:
            step()
        assert f"rm -r {tmp_path}/out/_mincer-{JOB}" in str(caught.value)
    second.abort_job()
    assert first.commit_part(0, 0)
    first.commit_job({0: made}, REPORT)
    assert sorted(os.listdir(tmp_path / "out")) == ["_SUCCESS", "part-00000"]


# --- overwrite


def test_overwrite_replaces_what_an_earlier_job_wrote(tmp_path):
    run(tmp_path / "out", parts=3)
    sink = run(tmp_path / "out", job="cd" * 16, pairs=[("b", 2)], overwrite=True)
    assert sorted(os.listdir(tmp_path / "out")) == ["_SUCCESS", "part-00000"]
    assert [list(read()) for read in sink.readers()] == [[(["b"], [2])]]
    assert json.loads((tmp_path / "out" / "_SUCCESS").read_bytes())["job"] == "cd" * 16


def test_overwrite_of_nothing_is_plain_writing(tmp_path):
    run(tmp_path / "out", overwrite=True)
    assert sorted(os.listdir(tmp_path / "out")) == ["_SUCCESS", "part-00000"]


@pytest.mark.parametrize("name", ["notes.txt", "part-00001", "_mincer", ".hidden"])
def test_overwrite_leaves_a_folder_with_a_file_of_somebody_else(tmp_path, name):
    out = tmp_path / "out"
    run(out)
    (out / name).write_text("mine")
    before = tree(out)
    with pytest.raises(OutputError, match=f"no finished job of mincer wrote: {name}"):
        run(out, overwrite=True)
    assert tree(out) == before


@pytest.mark.parametrize(
    "manifest", [None, "", "{}", "not json", '{"mincer": "0.1.0"}', "[]"]
)
def test_overwrite_wants_a_manifest_of_ours(tmp_path, manifest):
    (tmp_path / "part-00000").write_text("mine")
    if manifest is not None:
        (tmp_path / "_SUCCESS").write_text(manifest)
    before = tree(tmp_path)
    with pytest.raises(OutputError, match="It is not overwritten"):
        FileSink(tmp_path, overwrite=True).check()
    assert tree(tmp_path) == before


def test_a_manifest_cannot_name_files_outside_its_folder(tmp_path):
    out = tmp_path / "out"
    run(out)
    manifest = json.loads((out / "_SUCCESS").read_bytes())
    manifest["parts"][0]["name"] = "../part-00000"
    (out / "_SUCCESS").write_text(json.dumps(manifest))
    with pytest.raises(OutputError, match="It is not overwritten"):
        FileSink(out, overwrite=True).check()


def test_the_old_output_stays_until_the_new_one_is_complete(tmp_path):
    out = tmp_path / "out"
    run(out, parts=2)
    before = tree(out)
    sink = FileSink(out, overwrite=True)
    sink.check()
    sink.prepare("cd" * 16)
    write(sink, pairs=[("b", 2)])
    assert sink.commit_part(0, 0)
    assert {name: tree(out)[name] for name in before} == before
    sink.abort_job()
    assert tree(out) == before


def failing_after(renames, real):
    """An os.rename that works so many times, then fails once, then works again."""
    left = iter([*[True] * renames, False])

    def rename(source, target):
        if not next(left, True):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real(source, target)

    return rename


# The moves of a commit: two old parts, old manifest, three new parts, new manifest.
@pytest.mark.parametrize("renames", range(7))
def test_a_commit_that_fails_halfway_puts_the_old_output_back(
    tmp_path, monkeypatch, renames
):
    out = tmp_path / "out"
    run(out, parts=2)
    before = tree(out)
    sink = FileSink(out, overwrite=True)
    sink.prepare("cd" * 16)
    made = {part: write(sink, part, 0, [("b", 2)]) for part in range(3)}
    assert all(sink.commit_part(part, 0) for part in made)
    monkeypatch.setattr(os, "rename", failing_after(renames, os.rename))
    with pytest.raises(OutputError, match="Input/output error"):
        sink.commit_job(made, REPORT)
    sink.abort_job()
    assert tree(out) == before


def test_what_a_straggler_left_beside_a_finished_output_is_replaced_with_it(tmp_path):
    out = tmp_path / "out"
    run(out)
    late = out / f"_mincer-{JOB}"
    late.mkdir()
    (late / "part-00000.attempt-3.writing").write_text("late")
    run(out, job="cd" * 16, pairs=[("b", 2)], overwrite=True)
    assert sorted(tree(out)) == ["_SUCCESS", "part-00000"]


# --- things that go wrong


def test_a_full_disk_names_the_folder(tmp_path, monkeypatch):
    sink = FileSink(tmp_path / "out")
    sink.prepare(JOB)
    writer = sink.open(0, 0)

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    writer.write(["a"], [1])
    with pytest.raises(OutputError, match="No space left on device") as caught:
        writer.close()
    assert str(tmp_path / "out") in str(caught.value)
    assert "Make room" in str(caught.value)
    writer.abort()
    assert os.listdir(tmp_path / "out" / f"_mincer-{JOB}") == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_abort_after_a_full_disk_leaves_nothing_and_says_nothing(tmp_path):
    sink = FileSink(tmp_path / "out")
    sink.prepare(JOB)
    aside = tmp_path / "out" / f"_mincer-{JOB}"
    writer = sink.open(0, 0)
    with open("/dev/full", "wb") as full:
        os.dup2(full.fileno(), writer._file.fileno())
    writer.write(["a"], [1])
    with pytest.raises(OutputError, match="No space left on device"):
        writer.close()
    writer.abort()
    assert os.listdir(aside) == []


def test_a_part_that_was_cut_off_is_not_made_visible(tmp_path):
    sink = FileSink(tmp_path / "out")
    sink.prepare(JOB)
    made = write(sink)
    assert sink.commit_part(0, 0)
    (path,) = (tmp_path / "out" / f"_mincer-{JOB}").iterdir()
    os.truncate(path, 2)
    with pytest.raises(OutputError, match="has 2 bytes; 4 were written"):
        sink.commit_job({0: made}, REPORT)


def test_an_attempt_writes_its_file_once(tmp_path):
    sink = FileSink(tmp_path / "out")
    sink.prepare(JOB)
    writer = sink.open(0, 0)
    with pytest.raises(OutputError, match="File exists"):
        sink.open(0, 0)
    writer.abort()


def test_to_open_before_prepare_is_our_own_mistake(tmp_path):
    with pytest.raises(Bug):
        FileSink(tmp_path / "out").open(0, 0)


def test_a_part_that_nobody_committed_is_our_own_mistake(tmp_path):
    sink = FileSink(tmp_path / "out")
    sink.prepare(JOB)
    made = write(sink)
    with pytest.raises(Bug, match="part 0"):
        sink.commit_job({0: made}, REPORT)
