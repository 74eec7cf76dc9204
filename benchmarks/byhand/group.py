"""Sum, count and maximum for each user of JSON lines, by hand.

hand: two processes, a dict each, merged in the parent. plain: one process.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from operator import itemgetter
from typing import Any

from parallel import fan, run_form

Groups = dict[str, list[int]]


def group(paths: Iterable[str], number: int = 0) -> Groups:
    d: Groups = {}
    loads: Any = json.loads
    for path in paths:
        with open(path) as file:
            for line in file:
                record = loads(line)
                a = record["amount"]
                e = d.get(record["user_id"])
                if e is None:
                    d[record["user_id"]] = [a, 1, a]
                else:
                    e[0] += a
                    e[1] += 1
                    if a > e[2]:
                        e[2] = a
    return d


def merged(some: list[Groups]) -> Groups:
    total = some[0]
    for groups in some[1:]:
        for user, e in groups.items():
            t = total.get(user)
            if t is None:
                total[user] = e
            else:
                total[user] = [t[0] + e[0], t[1] + e[1], max(t[2], e[2])]
    return total


def write(path: str, groups: Groups) -> None:
    ordered = sorted(groups.items(), key=itemgetter(0))
    with open(path, "w") as file:
        file.writelines([f"{user}\t{s}\t{c}\t{m}\n" for user, (s, c, m) in ordered])


def two_processes(paths: list[str], out: str) -> None:
    write(out, merged(fan(group, paths)))


def plain(paths: list[str], out: str) -> None:
    write(out, group(paths))


if __name__ == "__main__":
    run_form({"hand": two_processes, "plain": plain})
