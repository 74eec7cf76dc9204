"""Find the centres of clusters of points: one small job after another."""

import math
import random

import mincer


def nearest(position, point):
    centres = mincer.context().params["centres"]
    best = min(range(len(centres)), key=lambda i: math.dist(point, centres[i]))
    yield best, (*point, 1)


def add(centre, rows):
    return tuple(map(sum, zip(*rows, strict=True)))


def middle(centre, rows):
    x, y, count = add(centre, rows)
    return x / count, y / count


job = mincer.Job(nearest, middle, combinefn=add, name="k-means")


def points(seed=7, around=((0, 0), (10, 0), (5, 8)), each=500):
    """Clouds of points around the places that the job should find."""
    chance = random.Random(seed)
    return [
        (chance.gauss(x, 1), chance.gauss(y, 1)) for x, y in around for _ in range(each)
    ]


def kmeans(source, centres, runner, rounds_max=20):
    for round_number in range(1, rounds_max + 1):
        with job.run(source, runner=runner, params={"centres": centres}) as results:
            moved = {**dict(enumerate(centres)), **results.to_dict()}
        new = [moved[i] for i in range(len(centres))]
        if all(math.dist(a, b) < 1e-6 for a, b in zip(centres, new, strict=True)):
            return new, round_number
        centres = new
    return centres, rounds_max


if __name__ == "__main__":
    data = points()
    with mincer.Local() as local:
        centres, rounds = kmeans(data, data[::500], runner=local)
    print(f"{rounds} rounds")
    for x, y in sorted(centres):
        print(f"{x:6.2f} {y:6.2f}")
