"""Sort a list of numbers into one order over several parts."""

import random

import mincer


def mapfn(position, number):
    yield number, position


job = mincer.Job(mapfn, partitionfn=mincer.by_range, sort_keys=True, parts=4)

source = random.Random(7).sample(range(1_000_000), 20_000)

if __name__ == "__main__":
    results = job.run(source)
    numbers = [number for number, _position in results]
    print(f"{len(numbers):,} numbers, from {numbers[0]:,} to {numbers[-1]:,}")
    print("in order" if numbers == sorted(source) else "not in order")
