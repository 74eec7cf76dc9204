"""Count the words in the source of Python's standard library, on all cores."""

import re
import sysconfig
from pathlib import Path

import mincer

find_words = re.compile(r"[a-z_]+").findall


def mapfn(key, line):
    mincer.count("lines")
    if line.lstrip().startswith("#"):
        mincer.count("lines of comment")
    for word in find_words(line.lower()):
        yield word, 1


job = mincer.Job(mapfn, sum, combinefn=sum, name="stdlib words")


def library_files():
    """The library's own files: not what was installed beside it."""
    folder = Path(sysconfig.get_path("stdlib"))
    installed = {"site-packages", "dist-packages"}
    return [
        path
        for path in sorted(folder.rglob("*.py"))
        if path.is_file() and installed.isdisjoint(path.relative_to(folder).parts)
    ]


def main():
    files = library_files()
    print(f"counting the words of {len(files):,} files", flush=True)
    source = mincer.sources.text(files, errors="replace")
    with job.run(source, progress=True) as results:
        for word, count in results.top(15):
            print(f"{count:9,} {word}")
        report = results.report
        print(
            f"\n{len(results):,} different words in {report.elapsed_s:.2f} s:", end=" "
        )
        print(f"map {report.map_s:.2f} s, reduce {report.reduce_s:.2f} s,", end=" ")
        print(f"{report.workers} workers, {report.megabytes_per_s:.1f} MB/s")
        for name, count in sorted(results.counters.items()):
            print(f"{count:9,} {name}")


if __name__ == "__main__":
    main()
