"""Classes of named fields: what is made of their annotations."""

from __future__ import annotations

import pickle
from typing import ClassVar

import pytest

from mincer.structs import Struct, field, replace


class Point(Struct):
    kind: ClassVar[str] = "point"

    x: int
    y: int = 2
    tags: list[str] = field(default_factory=list)
    #: Has to be named.
    z: int = field(default=3, kw_only=True)


class Deep(Point):
    w: int = 4


class Other(Struct):
    x: int
    y: int = 2


class Named(Struct, kw_only=True):
    a: int
    b: int = 1


class Loose(Struct, frozen=False):
    a: int


class Checked(Struct):
    a: int

    def __post_init__(self):
        if self.a < 0:
            raise ValueError("negative")


class Later(Checked):
    """Has no fields of its own."""


def test_fields_are_given_by_place_and_by_name():
    assert vars(Point(1)) == {"x": 1, "y": 2, "tags": [], "z": 3}
    assert vars(Point(1, 5, ["a"], z=6)) == {"x": 1, "y": 5, "tags": ["a"], "z": 6}
    assert vars(Deep(1, w=9))["w"] == 9
    assert vars(Named(b=3, a=2)) == {"a": 2, "b": 3}
    assert Later(3).a == 3


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Point(),
        lambda: Point(1, 2, [], 4),
        lambda: Point(1, nothing=1),
        lambda: Named(1),
    ],
)
def test_what_does_not_fit_is_refused(wrong):
    with pytest.raises(TypeError):
        wrong()


def test_a_default_that_is_made_is_made_anew():
    first = Point(1)
    first.tags.append("a")
    assert Point(1).tags == []
    assert not hasattr(Point, "tags")
    assert Point.y == 2


def test_what_is_frozen_cannot_be_changed():
    with pytest.raises(AttributeError, match="x of a Point"):
        Point(1).x = 5
    loose = Loose(1)
    loose.a = 2
    assert loose == Loose(2)
    with pytest.raises(TypeError):
        hash(loose)


def test_only_the_same_kind_with_equal_fields_is_equal():
    assert Point(1) == Point(1)
    assert Point(1) != Point(2)
    assert Other(1) != Named(a=1, b=2)
    assert Other(1) != (1, 2)
    assert hash(Other(1)) == hash(Other(1))
    assert len({Other(1), Other(1), Other(2)}) == 2


def test_it_is_shown_with_its_fields():
    assert repr(Deep(1)) == "Deep(x=1, y=2, tags=[], z=3, w=4)"


def test_it_can_be_matched_by_place():
    match Other(7):
        case Other(x, y):
            assert (x, y) == (7, 2)


def test_it_travels():
    for one in (Point(1, tags=["a"]), Loose(3), Deep(1, z=5)):
        assert pickle.loads(pickle.dumps(one, 5)) == one


def test_a_changed_copy_is_checked_as_a_new_one():
    assert replace(Checked(1), a=2) == Checked(2)
    assert type(replace(Later(1), a=2)) is Later
    with pytest.raises(ValueError, match="negative"):
        replace(Checked(1), a=-1)
