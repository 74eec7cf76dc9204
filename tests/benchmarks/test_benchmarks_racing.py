"""A race runs both programs in turn, compares what they write, and keeps figures."""

import sys

import pytest

from benchmarks import racing
from benchmarks.programs import OUT, Program
from benchmarks.rows import Race


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(racing, "FOLDER", tmp_path / "bench")


def writes(text, label="mincer"):
    code = f"open({OUT!r}, 'w').write({text!r})"
    return Program(label, (sys.executable, "-c", code))


def run(ours, *theirs, equal="lines"):
    said = []
    programs = Race(
        name="0", row="0", title="nothing", ours=ours, theirs=theirs, equal=equal
    )
    return racing.race(programs, said.append, pairs_max=2), said


def test_figures_are_of_both_programs():
    figures, said = run(writes("a\nb\n"), writes("b\na\n", "by hand"))
    assert figures["pairs"] == 2
    assert len(figures["ratios"]) == 2
    assert figures["low"] <= figures["ratio"] <= figures["high"]
    assert figures["digest"] == "2 lines"
    assert [figures[side]["label"] for side in ("ours", "theirs")] == [
        "mincer",
        "by hand",
    ]
    assert figures["ours"]["tree_mb"] >= figures["ours"]["largest_mb"] > 0
    assert "of 2 pairs" in said[-1]


@pytest.mark.parametrize("equal", ["lines", "ordered"])
def test_outputs_that_differ_are_no_figure(equal):
    with pytest.raises(racing.Failed, match="the outputs differ"):
        run(writes("a\n"), writes("b\n", "by hand"), equal=equal)


def test_nothing_at_all_is_no_output():
    with pytest.raises(racing.Failed, match="the outputs differ"):
        run(writes(""), writes("", "by hand"))


def test_a_program_that_fails_is_told_with_its_last_words():
    broken = Program("broken", (sys.executable, "-c", "import sys; sys.exit('why')"))
    with pytest.raises(racing.Failed, match=r"(?s)broken ended with 1.*why"):
        run(broken, writes("a\n"))


def test_of_several_programs_one_races_and_all_are_told():
    figures, _ = run(
        writes("a\n"), writes("a\n", "by hand"), writes("a\n", "plain, one process")
    )
    assert figures["opponents_s"].keys() == {"by hand", "plain, one process"}
    assert figures["theirs"]["label"] in figures["opponents_s"]


def test_who_is_not_installed_is_left_out_with_the_reason(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    figures, said = run(
        writes("a\n"), writes("a\n", "by hand"), writes("a\n", "joblib")
    )
    assert "not installed" in figures["opponents_s"]["joblib"]
    assert "without joblib" in said[0]
    assert figures["theirs"]["label"] == "by hand"
