"""A file of the input: another size or time, another file."""

from mincer.sources.input_file import HIDDEN, InputFile


def test_one_that_was_written_again_is_another():
    file = InputFile("a", 10, 5)
    assert file == InputFile("a", 10, 5)
    assert file != file._replace(size_bytes=11)
    assert file != file._replace(mtime_ns=6)


def test_names_that_nobody_means():
    assert "_SUCCESS".startswith(HIDDEN)
    assert ".git".startswith(HIDDEN)
    assert not "part-00000".startswith(HIDDEN)
