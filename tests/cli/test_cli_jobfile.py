"""From the words on the command line to a job and its source."""

from types import ModuleType

import pytest

from mincer.api import Job, Pipeline
from mincer.cli import jobfile
from mincer.errors import UsageError


def mapfn(key, value):
    yield value, 1


def reducefn(key, values):
    return sum(values)


JOB = Job(mapfn, reducefn)
CHAIN = JOB.then(mapfn, sum)


def module(**names):
    made = ModuleType("wc")
    vars(made).update(names)
    return made


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("wc.py", ("wc.py", None)),
        ("wc.py:daily", ("wc.py", "daily")),
        ("jobs.wc:daily", ("jobs.wc", "daily")),
        ("C:\\jobs\\wc.py", ("C:\\jobs\\wc.py", None)),
        ("wc.py:", ("wc.py:", None)),
        (":daily", (":daily", None)),
    ],
)
def test_split_name(typed, expected):
    assert jobfile.split_name(typed) == expected


def test_a_path_that_holds_a_colon(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a:b").touch()
    assert jobfile.split_name("a:b") == ("a:b", None)


def test_the_job_is_called_job():
    assert jobfile.find_job(module(job=JOB, mapfn=len), "wc.py", None) is JOB


@pytest.mark.parametrize("job", [JOB, CHAIN])
def test_or_by_the_name_that_was_typed(job):
    assert jobfile.find_job(module(job=None, daily=job), "wc.py", "daily") is job


def test_plain_functions_make_a_job():
    made = jobfile.find_job(
        module(mapfn=mapfn, reducefn=reducefn, combinefn=sum, partitionfn=divmod),
        "wc.py",
        None,
    )
    assert isinstance(made, Job)
    assert (made.mapfn, made.reducefn) == (mapfn, reducefn)
    assert (made.combinefn, made.partitionfn) == (sum, divmod)


def test_a_mapfn_is_enough():
    assert jobfile.find_job(module(mapfn=mapfn), "wc.py", None) == Job(mapfn)


def test_a_name_that_is_not_there():
    with pytest.raises(UsageError, match=r"wc\.py defines no dayly") as caught:
        jobfile.find_job(module(daily=JOB, weekly=CHAIN, n=1), "wc.py", "dayly")
    assert caught.value.hint == "It has: wc.py:daily, wc.py:weekly"


def test_a_file_without_a_job():
    with pytest.raises(UsageError, match="defines no job") as caught:
        jobfile.find_job(module(), "wc.py", None)
    assert "mincer.Job(mapfn, reducefn)" in caught.value.hint


def test_a_job_that_is_none():
    with pytest.raises(UsageError, match="is no job: it is of type int"):
        jobfile.find_job(module(job=3), "wc.py", None)


def test_load_names_the_job_after_its_file(tmp_path):
    path = tmp_path / "word_count_of_load.py"
    path.write_text(
        "import mincer\n"
        "def mapfn(key, line): yield line, 1\n"
        "job = mincer.Job(mapfn, sum)\n"
        "mine = mincer.Job(mapfn, name='mine')\n"
    )
    assert jobfile.load(str(path))[0].name == "word_count_of_load"
    assert jobfile.load(f"{path}:mine")[0].name == "mine"


def test_options_change_a_job_and_nothing_else():
    changed = jobfile.with_options(JOB, parts=3, sort_keys=True)
    assert changed == Job(mapfn, reducefn, parts=3, sort_keys=True)
    assert type(changed) is Job
    assert jobfile.with_options(JOB) == JOB


def test_options_of_a_pipeline():
    chain = Job(mapfn, sum, skip_bad_records=5).then(mapfn, sum, skip_bad_records=7)
    changed = jobfile.with_options(
        chain, parts=3, sort_keys=True, name="both", skip_bad_records=2
    )
    first, last = changed.steps
    assert isinstance(changed, Pipeline)
    assert (first.parts, first.sort_keys, first.name) == (None, False, "both")
    assert (last.parts, last.sort_keys, last.name) == (3, True, None)
    assert (first.skip_bad_records, last.skip_bad_records) == (2, 0)


@pytest.mark.parametrize("job", [JOB, CHAIN])
def test_named_only_when_it_has_no_name(job):
    named = jobfile.named(job, "stem")
    again = jobfile.named(named, "other")
    assert again == named != job


def test_inputs_come_before_the_source_of_the_file():
    made = module(source=["x"])
    assert jobfile.find_source(JOB, made, ("a", "-")) == ["a", "-"]
    assert jobfile.find_source(JOB, made, ()) is made.source


def test_neither_input_nor_source():
    with pytest.raises(UsageError, match="no input"):
        jobfile.find_source(JOB, module(), ())


JOIN = Job({"users": mapfn, "orders": mapfn}, reducefn)


@pytest.mark.parametrize("job", [JOIN, JOIN.then(mapfn)])
def test_a_join_takes_tagged_inputs(job):
    typed = ("users=u.tsv", "orders=a=1.tsv", "orders=b.tsv")
    assert jobfile.find_source(job, module(), typed) == {
        "users": ["u.tsv"],
        "orders": ["a=1.tsv", "b.tsv"],
    }


@pytest.mark.parametrize("typed", ["u.tsv", "people=u.tsv", "users="])
def test_an_input_without_a_tag_of_the_join(typed):
    with pytest.raises(UsageError, match="must say which mapfn") as caught:
        jobfile.find_source(JOIN, module(), (typed,))
    assert caught.value.hint.endswith("orders=PATH users=PATH")
