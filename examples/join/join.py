"""Join users with their orders: who spent how much."""

from pathlib import Path

import mincer


def map_users(key, line):
    number, name = line.split("\t")
    yield number, ("name", name)


def map_orders(key, line):
    number, amount = line.split("\t")
    yield number, ("amount", float(amount))


def join(number, rows):
    names = [value for kind, value in rows if kind == "name"]
    amounts = [value for kind, value in rows if kind == "amount"]
    if not names:
        mincer.count("orders of nobody", len(amounts))
    for name in names:
        yield name, sum(amounts)


job = mincer.Job({"users": map_users, "orders": map_orders}, join, sort_keys=True)

here = Path(__file__).parent
source = {"users": here / "users.tsv", "orders": here / "orders.tsv"}

if __name__ == "__main__":
    results = job.run(source)
    for name, spent in results:
        print(f"{name:6} {spent:8.2f}")
    print(dict(results.counters))
