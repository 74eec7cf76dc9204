"""How the fragments of `changes.d` become a release in the changelog."""

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
assemble = runpy.run_path(str(ROOT / "changes.d" / "assemble.py"))["assemble"]

OLD = "# Changes\n\n<!-- releases -->\n\n## 1.0 (2026-01-01)\n\n### Fixed\n\n- old\n"


def test_a_release_stands_on_top_by_kind_and_name():
    fragments = {
        "b.fixed.md": "Second.\n",
        "a.fixed.md": "First,\nin two lines.\n",
        "z.added.md": "New.\n",
    }
    assert assemble(OLD, fragments, "2.0 (2026-02-02)") == (
        "# Changes\n\n<!-- releases -->\n"
        "\n## 2.0 (2026-02-02)\n"
        "\n### Added\n\n- New.\n"
        "\n### Fixed\n\n- First,\n  in two lines.\n- Second.\n"
        "\n## 1.0 (2026-01-01)\n\n### Fixed\n\n- old\n"
    )


def test_our_changelog_can_take_a_release():
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert "## 9.9" in assemble(changelog, {"a.added.md": "New."}, "9.9")


def test_a_changelog_without_the_mark_is_left_alone():
    with pytest.raises(ValueError, match="no line <!-- releases -->"):
        assemble("# Changes\n", {}, "1.0")
