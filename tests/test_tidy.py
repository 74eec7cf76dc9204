"""What can be said about style by a program: the house rules as a test."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SRC = ROOT / "src" / "mincer"

LINES_MAX = 420
LINE_CHARS_MAX = 88
BLOB_BYTES_MAX = 200_000

FORBIDDEN_MODULES = {
    "common", "core", "handler", "helper", "helpers", "impl", "manager", "misc",
    "util", "utils",
}  # fmt: skip

#: Declarations only: what they say is tested where it is used.
UNTESTED = {
    "__init__",
    "__main__",
    "core/commands",
    "core/events",
    "ids",
    "net/ports",
    "runners/base",
    "sources/base",
    # Cases of the published suites: tests themselves.
    "testing/jobs",
    "testing/runner_base",
    "testing/runner_failures",
    "testing/runner_functions",
    "testing/runner_keys",
    "testing/runner_order",
    "testing/runner_shapes",
    "wire/desk_frames",
    "wire/driver_frames",
    "wire/greetings",
    "wire/rows",
    "wire/worker_frames",
    "worker/orders",
}

TEXT_ENDINGS = {
    "", ".cfg", ".csv", ".ini", ".json", ".jsonl", ".md", ".py", ".toml", ".tsv",
    ".txt", ".typed", ".yaml", ".yml",
}  # fmt: skip

# In pieces, so that this file does not break its own rules.
UNFINISHED = re.compile(
    r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X"]) + r")\b"
)
SLEEP = re.compile(r"\b" + "sle" + r"ep\(")
MACHINE = re.compile(
    r"(?<![\w.~*])/(?:" + "wo" + "rk|ro" + "ot|ho" + r"me|Us" + r"ers)/\w"
)
REGISTRY = re.compile("|".join(["py" + r"pi\.org", "python" + r"hosted\.org"]))
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")


#: Folders that hold nothing of ours. (Not `git ls-files`: an archive has no git.)
NOT_OURS = {"__pycache__", "build", "dist", "htmlcov", "out", "venv"}


def is_ours(path):
    name = path.name
    if name.startswith("."):
        return name in {".ci", ".gitignore", ".github"}
    return name not in NOT_OURS and not name.endswith(".egg-info")


@cache
def files():
    """Every file of the project."""
    found = []
    folders = [ROOT]
    for folder in folders:
        ours = filter(is_ours, folder.iterdir())
        for path in ours:
            (folders if path.is_dir() else found).append(path)
    return sorted(found)


def text_files(*endings):
    for path in files():
        if path.suffix in (endings or TEXT_ENDINGS):
            yield path


def sources():
    return [path for path in text_files(".py") if path.is_relative_to(SRC)]


def lines():
    for path in text_files():
        for number, line in enumerate(path.read_text("utf-8").split("\n"), 1):
            yield path, number, line


def none(found, why="these break the rule"):
    assert not found, "\n  ".join([f"{why}:", *found])


def spot(path, number=None):
    name = str(path.relative_to(ROOT))
    return name if number is None else f"{name}:{number}"


def test_there_is_something_to_look_at():
    assert SRC / "errors.py" in sources()


def test_files_are_short():
    long = []
    for path in text_files(".py"):
        count = len(path.read_text("utf-8").splitlines())
        if count > LINES_MAX:
            long.append(spot(path, count))
    none(long, f"split what has more than {LINES_MAX} lines")


def test_lines_are_short():
    long = [
        spot(path, number)
        for path, number, line in lines()
        if path.suffix == ".py" and len(line) > LINE_CHARS_MAX
    ]
    none(long)


def test_nothing_is_left_unfinished():
    found = [spot(path, n) for path, n, line in lines() if UNFINISHED.search(line)]
    none(found)


def test_blanks():
    found = []
    for path, number, line in lines():
        tab = "\t" in line and path.name != "Makefile" and path.suffix != ".tsv"
        if tab or line != line.rstrip():
            found.append(spot(path, number))
    none(found, "tabs, or blanks at the end of a line")


def test_files_end_with_one_newline():
    found = []
    for path in text_files():
        text = path.read_text("utf-8")
        if text and (not text.endswith("\n") or text.endswith("\n\n")):
            found.append(spot(path))
    none(found)


def test_no_path_of_a_machine():
    found = [spot(path, n) for path, n, line in lines() if MACHINE.search(line)]
    none(found)


def test_no_registry_is_named():
    found = [spot(path, n) for path, n, line in lines() if REGISTRY.search(line)]
    none(found)


def test_blobs_are_small():
    big = [spot(path) for path in files() if path.stat().st_size > BLOB_BYTES_MAX]
    none(big)


def test_every_module_says_what_it_is():
    silent = []
    for path in text_files(".py"):
        text = path.read_text("utf-8")
        if not text and path.name == "__init__.py":
            continue
        docstring = ast.get_docstring(ast.parse(text, filename=spot(path))) or ""
        first = docstring.split("\n\n", 1)[0].replace("\n", " ")
        if not re.search(r"[.?!:]$", first) or not text.startswith(('"""', "#!")):
            silent.append(spot(path))
    none(silent, "the first line of a file is a docstring: one sentence")


def test_modules_have_names_that_mean_something():
    # `core` is a folder here, and a plan; as a file it would be a place for anything.
    bad = [spot(path) for path in sources() if path.stem in FORBIDDEN_MODULES]
    none(bad)


def test_every_module_has_its_test_file():
    tests = {spot(path) for path in text_files(".py") if "tests" in path.parts}
    missing = []
    for path in sources():
        module = path.relative_to(SRC).with_suffix("")
        if str(module) in UNTESTED or path.stem == "__init__":
            continue
        folder = "/".join(module.parts[:-1])
        expected = "/".join(
            filter(None, ["tests", folder, f"test_{'_'.join(module.parts)}.py"])
        )
        if expected not in tests:
            missing.append(expected)
    none(missing)


def test_the_list_of_untested_modules_is_not_stale():
    modules = {str(path.relative_to(SRC).with_suffix("")) for path in sources()}
    assert modules >= UNTESTED - {"__init__"}


def test_names_of_test_files_are_unique():
    names = [path.name for path in text_files(".py") if path.name.startswith("test_")]
    assert len(names) == len(set(names))


def test_tests_do_not_wait():
    found = [
        spot(path, number)
        for path, number, line in lines()
        if path.suffix == ".py" and "tests" in path.parts and SLEEP.search(line)
    ]
    none(found, "wait for what should happen, not for time to pass")


def test_links_lead_somewhere():
    broken = []
    for path in text_files(".md"):
        text = re.sub(r"```.*?```", "", path.read_text("utf-8"), flags=re.DOTALL)
        for target in LINK.findall(text):
            place = target.split("#", 1)[0]
            if re.match(r"[a-z]+:", target) or not place:
                continue
            if not (path.parent / place).exists():
                broken.append(f"{spot(path)} -> {target}")
    none(broken)


def test_every_change_fragment_is_of_a_known_kind():
    kinds = {"added", "changed", "deprecated", "fixed", "removed", "security"}
    fragments = [path for path in text_files(".md") if path.parent.name == "changes.d"]
    bad = [
        spot(path)
        for path in fragments
        if path.name != "README.md" and path.name.split(".")[-2] not in kinds
    ]
    none(bad, "a fragment is called <words>.<kind>.md")
