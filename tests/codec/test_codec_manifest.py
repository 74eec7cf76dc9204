"""The manifest of an output folder."""

import json

import pytest

from mincer.codec.manifest import Manifest, PartEntry, part_name

PARTS = (PartEntry("part-00000", 2, 8, "ab"), PartEntry("part-00001", 1, 4, "cd"))
MANIFEST = Manifest(
    "tsv", PARTS, {"mincer": "0.1.0", "job": "j1", "counters": {"é": 1}}
)


def test_what_is_written_is_read():
    data = MANIFEST.to_json()
    again = Manifest.from_json(data)
    assert (again.format, again.parts, again.job) == ("tsv", PARTS, "j1")
    assert again.told["counters"] == {"é": 1}
    assert (again.told["pairs"], again.told["bytes"]) == (3, 12)
    assert again.to_json() == data


def test_an_output_may_have_no_parts():
    manifest = Manifest("lines", (), {"mincer": "0.1.0"})
    assert Manifest.from_json(manifest.to_json()).parts == ()
    assert manifest.job == ""


def changed(**changes):
    return json.loads(MANIFEST.to_json()) | changes


def part(**changes):
    return {"name": "part-00000", "pairs": 1, "bytes": 4, "crc32": ""} | changes


@pytest.mark.parametrize(
    "data",
    [
        "",
        "[]",
        "{}",
        "not json",
        changed(parts=None),
        changed(parts=[1]),
        changed(parts=[{}]),
        changed(parts=[part(bytes="many")]),
        changed(parts=[part(pairs=None)]),
        changed(parts=[part(name="../part-00000")]),
        changed(parts=[part(name="/part-00000")]),
        changed(parts=[part(name="_SUCCESS")]),
        changed(parts=[part(name="part-00000\n")]),
        changed(format="csv"),
        changed(format=["tsv"]),
    ],
    ids=str,
)
def test_what_mincer_did_not_write_is_refused(data):
    text = data if isinstance(data, str) else json.dumps(data)
    with pytest.raises(ValueError, match=r"\w"):
        Manifest.from_json(text.encode())


def test_names_of_parts():
    assert part_name(0) == "part-00000"
    assert part_name(32_767) == "part-32767"
    assert part_name(123_456) == "part-123456"
