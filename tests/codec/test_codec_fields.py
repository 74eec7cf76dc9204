"""Fields of text: what is bare, what is JSON, and what comes back."""

import json
import math
import random
from collections import Counter, OrderedDict, defaultdict, namedtuple
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mincer.codec.fields import (
    Unfit,
    as_keys,
    bare_or_json,
    joined_lines,
    json_fields,
    lines_of,
    values_of,
)


class Colour(IntEnum):
    RED = 1


class Word(StrEnum):
    A = "a"
    ONE = "1"


class Loud(str):
    __slots__ = ()

    def __str__(self):
        return "LOUD"

    def __format__(self, spec):
        return "LOUD"


Point = namedtuple("Point", "x y")

CONTROLS = [
    *map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0)), "\u2028", "\u2029",
    "\ud800", "\udfff",
]  # fmt: skip

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters())
)
#: What tends to be taken for something else.
tricky = st.text(st.sampled_from(' "\\[]{},:-+.0123456789eEnultrfasNI\t\n\r\x7f\x85é'))
values = st.recursive(
    scalars | tricky,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=3) | tricky, inner, max_size=4)
    ),
    max_leaves=8,
)


def exactly(item):
    """Types and all; -0.0 is not 0.0."""
    return repr(item)


@given(st.lists(values, min_size=1, max_size=20))
def test_what_is_read_back_is_what_was_written(column):
    fields = bare_or_json(column)
    assert exactly(values_of(fields)) == exactly(column)


@given(st.lists(values, min_size=1, max_size=20))
def test_a_field_does_not_depend_on_its_column(column):
    assert bare_or_json(column) == [bare_or_json([item])[0] for item in column]
    assert json_fields(column) == [json_fields([item])[0] for item in column]
    assert lines_of(column) == [lines_of([item])[0] for item in column]


@given(st.lists(values, min_size=1, max_size=20))
def test_fields_have_no_control_characters_and_are_utf8(column):
    for field in bare_or_json(column) + json_fields(column):
        assert not any(control in field for control in CONTROLS)
        field.encode()


@pytest.mark.parametrize("other", ["plain", "naïve"])
@pytest.mark.parametrize("control", [*map(chr, range(0x20)), "\x7f"])
def test_every_control_character_is_found_beside_ascii_and_beside_more(control, other):
    assert bare_or_json([other, f"a{control}b"]) == [other, f'"a{escaped(control)}b"']


def escaped(control):
    return json.dumps(control)[1:-1] if control != "\x7f" else "\\u007f"


@given(st.lists(values, min_size=1, max_size=20))
def test_json_fields_are_what_any_reader_of_json_takes(column):
    assert [json.loads(field) for field in json_fields(column)] == column


@given(st.lists(st.text(st.characters()) | tricky, min_size=1, max_size=20))
def test_what_is_bare_is_not_json(column):
    for text, field in zip(column, bare_or_json(column), strict=True):
        if field != text:
            assert json.loads(field) == text
            continue
        with pytest.raises(ValueError, match=r"column|is not JSON"):
            json.loads(text, parse_constant=not_json)


def not_json(name):
    raise ValueError(f"{name} is not JSON")


@pytest.mark.parametrize(
    "text",
    [
        *("", "a", "héllo", "a b", " a", "a ", "0x10", "00", "01", "1.", ".5", "+1"),
        *("-", "1e", "1 2", "2024-01-02", "10.0.0.1", "12:30", "True", "None", "nul"),
        *("truely", "NaN", "Infinity", "-Infinity", "[NaN]", '"', '"a', "[1", "{a}"),
        *("[1,]", '"a" "b"', "\u00a01", "1\u00a0", "\u0663", "\ufeff1", "]", "\\n"),
    ],
)
def test_bare(text):
    assert bare_or_json([text]) == [text]
    assert values_of([text]) == [text]


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("1", '"1"'),
        ("-0", '"-0"'),
        ("1.5e-3", '"1.5e-3"'),
        ("1" * 5000, '"' + "1" * 5000 + '"'),
        ("true", '"true"'),
        ("null", '"null"'),
        (" 1", '" 1"'),
        ("1 ", '"1 "'),
        ("[]", '"[]"'),
        ('"a"', r'"\"a\""'),
        ("a\tb", r'"a\tb"'),
        ("a\nb", r'"a\nb"'),
        ("a\r", r'"a\r"'),
        ("\x00", r'"\u0000"'),
        ("\x7f", r'"\u007f"'),
        ("é\x85", r'"é\u0085"'),
        ("\u2028", r'"\u2028"'),
        ("\u2029", r'"\u2029"'),
        ("\ud800", r'"\ud800"'),
        ("[" * 100_000, '"' + "[" * 100_000 + '"'),
    ],
)
def test_quoted(text, field):
    assert bare_or_json([text]) == [field]
    assert bare_or_json(["x", text, "y"]) == ["x", field, "y"]
    assert values_of([field]) == [text]


@pytest.mark.parametrize(
    ("item", "field"),
    [
        (None, "null"),
        (True, "true"),
        (-7, "-7"),
        (2**70, str(2**70)),
        (0.1, "0.1"),
        (1e300, "1e+300"),
        (-0.0, "-0.0"),
        ([1, "a", None], '[1, "a", null]'),
        ((1, (2, "b")), '[1, [2, "b"]]'),
        ({"é": [1]}, '{"é": [1]}'),
    ],
)
def test_the_rest_is_json(item, field):
    assert bare_or_json([item]) == json_fields([item]) == lines_of([item]) == [field]


@pytest.mark.parametrize(
    ("item", "field", "back"),
    [
        (Colour.RED, "1", 1),
        (Word.A, "a", "a"),
        (Word.ONE, '"1"', "1"),
        (Loud("a"), "a", "a"),
        (Point(1, 2), "[1, 2]", [1, 2]),
        (Counter("aa"), '{"a": 2}', {"a": 2}),
        (defaultdict(list, a=[1]), '{"a": [1]}', {"a": [1]}),
        (OrderedDict(a=1), '{"a": 1}', {"a": 1}),
    ],
)
def test_a_subclass_is_written_as_the_plain_thing_that_equals_it(item, field, back):
    assert bare_or_json([item]) == [field]
    assert bare_or_json(["x", item, 5]) == ["x", field, "5"]
    assert values_of([field]) == [back]


class Plain(Enum):
    RED = 1


CYCLE = []
CYCLE.append(CYCLE)
DEEP = []
for _ in range(100_000):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    "item",
    [
        *(b"a", bytearray(b"a"), {1}, frozenset(), 1j, object(), Plain.RED, range(3)),
        *(Decimal(1), math.nan, math.inf, -math.inf, [math.nan], {"a": {"b": b""}}),
        *({1: 2}, {None: 1}, {True: 1}, {(1,): 1}, [[{"a": ({2: 3},)}]], {1.5: 1}),
        *("\ud83d\ude00", ["\ud83d\ude00"], 10**5000, [10**5000], CYCLE, DEEP),
    ],
    ids=lambda item: type(item).__name__,
)
def test_what_json_cannot_hold_is_refused(item):
    for column in [item], ["a", item, "b"], [1, item], [{"a": [1]}, item]:
        with pytest.raises(Unfit):
            json_fields(column)
        if item != "\ud83d\ude00":
            with pytest.raises(Unfit):
                lines_of(column)
        with pytest.raises(Unfit):
            bare_or_json(column)


def test_data_that_look_like_the_mark_between_fields():
    mark = "\x00"
    columns = [
        [mark],
        [mark, "a", mark, mark],
        [[1, mark, 2]],
        [[1, mark, 2], mark, [mark, mark, mark]],
        [{"a": mark, "b": [mark, mark]}, 1],
        [', "\\u0000", ', 1, ', "\x00", '],
    ]
    for column in columns:
        assert [json.loads(field) for field in json_fields(column)] == column


def test_numbers_come_back_at_once_or_one_by_one():
    numbers = ["1", "-2", "3.5", "1e5", "-0.0"]
    assert exactly(values_of(numbers)) == "[1, -2, 3.5, 100000.0, -0.0]"
    assert exactly(values_of([*numbers, "a"])) == "[1, -2, 3.5, 100000.0, -0.0, 'a']"


def test_floats_come_back_exactly():
    source = random.Random(7)
    column = [
        source.uniform(-1, 1) * 10 ** source.randint(-300, 300) for _ in range(999)
    ]
    assert values_of(bare_or_json(column)) == column


@pytest.mark.parametrize("others", [[], ["a"]])
def test_a_number_that_python_refuses_to_read_is_an_error(others):
    with pytest.raises(ValueError, match="digits"):
        values_of(["1" * 5000, *others])


def test_lines_keep_text_as_it_is():
    texts = ["", "1", "true", "a\tb", '"a"', " x ", "\x85", "\u2028"]
    assert lines_of(texts) == texts


@pytest.mark.parametrize("text", ["a\nb", "a\r", "\ud800"])
def test_lines_quote_what_would_break_a_line(text):
    assert lines_of([text]) == [json.dumps(text)]
    assert lines_of(["a", text, 1]) == ["a", json.dumps(text), "1"]


def test_arrays_in_keys_are_tuples_all_the_way_down():
    keys = ["a", [1, [2, []]], None]
    assert as_keys(keys) == ["a", (1, (2, ())), None]
    assert as_keys([1, 2]) == [1, 2]


@given(st.lists(st.text() | st.integers(), min_size=1))
def test_lines_joined_are_the_lines(column):
    assert joined_lines(column) == "".join([line + "\n" for line in lines_of(column)])


@pytest.mark.parametrize("text", ["plain", "é", "a\nb", "a\r", "\ud800"])
def test_lines_joined_are_looked_at_for_what_would_break_them(text):
    assert joined_lines([text, "x"]) == f"{lines_of([text])[0]}\nx\n"
