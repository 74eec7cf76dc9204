"""Tracebacks are cut to the user's frames, whatever raised."""

from __future__ import annotations

import json

from mincer.codec.tracebacks import describe_error, user_frames


def caught(function, *arguments) -> Exception:
    """Call as mincer calls user code: with frames of its own above."""
    try:
        ours(function, *arguments)
    except Exception as error:
        return error
    raise AssertionError("it did not raise")


#: A frame of mincer: told by the name of its module.
_namespace = {"__name__": "mincer.flow.of_this_test"}
exec("def ours(function, *arguments): function(*arguments)", _namespace)
ours = _namespace["ours"]


def cut(error: BaseException) -> str:
    """Without the frame of this file that every test here has above."""
    error.__traceback__ = error.__traceback__.tb_next
    return user_frames(error)


def functions_in(text: str) -> list[str]:
    return [line.split(" in ")[-1] for line in text.splitlines() if "  File " in line]


def mapfn(value):
    return json.loads(value)


def test_our_frames_and_the_machinery_above_are_dropped_what_is_below_stays():
    def called_by_library(*_):
        mapfn("{")

    error = caught(lambda: max([1, 2], key=called_by_library))
    text = cut(error)
    assert functions_in(text)[:3] == ["<lambda>", "called_by_library", "mapfn"]
    assert "decode" in functions_in(text)[-1]
    assert "return json.loads(value)" in text
    assert text.startswith("Traceback (most recent call last):")
    assert "of_this_test" not in text


def test_frames_of_mincer_below_the_user_are_dropped():
    def uses_mincer():
        ours(int, "x")

    assert functions_in(cut(caught(uses_mincer))) == ["uses_mincer"]


def test_without_a_frame_of_the_user_the_last_line_is_all():
    assert cut(caught(sum, ["a"])).startswith("TypeError: unsupported operand")
    assert "\n" not in cut(caught(sum, ["a"])).rstrip()
    syntax = cut(caught(compile, "x = (\n", "<cell>", "exec"))
    assert "SyntaxError" in syntax
    assert 'File "<cell>", line 1' in syntax


def test_library_frames_above_the_user_are_dropped():
    def fails(pairs):
        raise ValueError(dict(pairs))

    hook = caught(lambda: json.loads('{"a": 1}', object_pairs_hook=fails))
    hook.__traceback__ = hook.__traceback__.tb_next.tb_next  # as if json were called
    text = cut(hook)
    assert functions_in(text) == ["fails"]


def test_causes_and_contexts_are_kept_and_cut_too():
    def inner():
        ours(int, "x")

    def outer():
        try:
            inner()
        except ValueError as error:
            raise KeyError("outer") from error

    def after():
        try:
            outer()
        except KeyError:
            raise RuntimeError("after")  # noqa: B904 - the implicit context is tested

    text = cut(caught(after))
    assert functions_in(text) == ["outer", "inner", "after", "outer", "after"]
    assert "direct cause" in text
    assert "During handling" in text


def test_the_parts_of_a_group():
    def fails():
        raise ValueError("one")

    def group():
        errors = []
        for function in (fails, fails):
            try:
                ours(function)
            except ValueError as error:
                errors.append(error)
        raise ExceptionGroup("both", errors)

    text = cut(caught(group))
    assert text.count("in fails") == 2
    assert text.count("in group") == 3
    assert "of_this_test" not in text


def test_endless_recursion_fits_a_screen():
    def again(n):
        return again(n + 1)

    text = cut(caught(again, 0))
    assert "Previous line repeated" in text
    assert len(text) < 1500

    def ping(n):
        return pong(n)

    def pong(n):
        return ping(n)

    text = cut(caught(ping, 0))
    assert len(text) < 6_100
    assert "characters left out" in text
    assert "RecursionError" in text.splitlines()[-1]


def test_code_that_is_in_no_file_has_its_line_number():
    namespace: dict[str, object] = {}
    exec(compile("def f():\n    1 / 0\n", "/no/such/file.py", "exec"), namespace)
    text = cut(caught(namespace["f"]))
    assert 'File "/no/such/file.py", line 2, in f' in text


def test_an_installed_package_is_not_the_user():
    source = "def machinery(function):\n    function()\n"
    path = "/opt/lib/site-packages/dask/worker.py"
    namespace: dict[str, object] = {"__name__": "dask.worker"}
    exec(compile(source, path, "exec"), namespace)

    def fails():
        raise ValueError

    assert functions_in(cut(caught(namespace["machinery"], fails))) == ["fails"]


class Odd(Exception):
    def __init__(self, a, b):
        """Cannot be pickled: it is rebuilt with one argument."""
        super().__init__(a)

    def __str__(self):
        raise KeyError("never")


def test_an_error_as_words():
    told = describe_error(caught(mapfn, "{"))
    assert told.type_name == "json.decoder.JSONDecodeError"
    assert told.message.startswith("Expecting property name")
    assert told.traceback.rstrip().endswith(told.message)
    assert describe_error(ValueError("x")) == ("ValueError", "x", "ValueError: x\n")


def test_an_error_that_cannot_be_shown():
    told = describe_error(Odd(1, 2))
    assert told.type_name == f"{__name__}.Odd"
    assert told.message == "<its text cannot be made: KeyError>"
    assert "Odd" in told.traceback


def test_a_message_that_holds_the_whole_record():
    told = describe_error(ValueError("x" * 10**6 + "end"))
    assert len(told.message) < 2_100
    assert told.message.endswith("end")
    assert len(told.traceback) < 6_100


def test_the_whole_traceback_is_ours_to_cut(monkeypatch):
    """`sys.tracebacklimit` of the user must not make us cut the wrong frames."""
    monkeypatch.setattr("sys.tracebacklimit", 1, raising=False)
    error = caught(mapfn, "{")
    assert functions_in(cut(error))[0] == "mapfn"
