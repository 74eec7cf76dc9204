"""Put the fragments of this folder into CHANGELOG.md, as one release."""

import sys
from datetime import date
from pathlib import Path

HERE = Path(__file__).resolve().parent
KINDS = ("added", "changed", "deprecated", "removed", "fixed", "security")
MARK = "<!-- releases -->\n"


def assemble(changelog: str, fragments: dict[str, str], title: str) -> str:
    """Return the changelog with a release on top, made of {file name: text}."""
    lines = [f"\n## {title}\n"]
    for kind in KINDS:
        names = sorted(name for name in fragments if name.endswith(f".{kind}.md"))
        if names:
            lines.append(f"\n### {kind.capitalize()}\n\n")
        for name in names:
            text = fragments[name].strip().replace("\n", "\n  ")
            lines.append(f"- {text}\n")
    head, mark, rest = changelog.partition(MARK)
    if not mark:
        raise ValueError(f"the changelog has no line {MARK.strip()}")
    return head + mark + "".join(lines) + rest


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: make changelog VERSION=0.2.0", file=sys.stderr)
        return 2
    paths = [path for path in HERE.glob("*.md") if path.name != "README.md"]
    if not paths:
        print("changes.d holds no fragment", file=sys.stderr)
        return 1
    fragments = {path.name: path.read_text("utf-8") for path in paths}
    changelog = HERE.parent / "CHANGELOG.md"
    title = f"{arguments[0]} ({date.today():%Y-%m-%d})"
    text = assemble(changelog.read_text("utf-8"), fragments, title)
    changelog.write_text(text, "utf-8")
    for path in paths:
        path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
