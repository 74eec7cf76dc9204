"""An engine that is this process: what crosses is pickled, and nothing shared."""

import pickle

from mincer.flow.budget import Budget
from mincer.flow.sampler import spread
from mincer.runners.engine.job import EngineJob
from mincer.runners.engine.parts import EarlierPart
from mincer.runners.engine.tasks import Tasks


def travelled(thing):
    return pickle.loads(pickle.dumps(thing))


class Loopback:
    """A runner; `memory_bytes`: what a task may take."""

    def __init__(self, memory_bytes=None, slots=2):
        self.memory_bytes = memory_bytes
        self.slots = slots

    def run(self, order, control):
        limit = self.memory_bytes or 256_000_000
        with EngineJob(
            order, control, "loopback", self.slots, limit, streams=True
        ) as job:
            parcel = travelled(job.parcel)
            tasks = Tasks(parcel, lambda: Budget(self.memory_bytes))
            sources = list(job.inputs())
            for number, step in enumerate(order.steps):
                cuts = None
                if step.sampled:
                    chosen = spread(len(sources))
                    samples = [
                        tasks.sample(number, travelled(sources[i]), len(chosen))
                        for i in chosen
                    ]
                    cuts = tasks.cuts(number, travelled(samples))
                made, data = [], []
                if step.shuffles:
                    pieces = [
                        travelled(
                            list(tasks.pieces(number, index, travelled(one), cuts))
                        )
                        for index, one in enumerate(sources)
                    ]
                    for group in range(parcel.groups[number]):
                        # They arrive in any order.
                        some = [one[group] for one in reversed(pieces)]
                        for part, block in tasks.group(number, group, some, cuts):
                            made.append(travelled(part))
                            data.append(block)
                else:
                    for index, one in enumerate(sources):
                        part, block = tasks.part(number, index, travelled(one))
                        made.append(travelled(part))
                        data.append(block)
                sources = [EarlierPart(*one) for one in zip(made, data, strict=True)]
            return job.finish(
                made,
                lambda parts: [data[part] for part in parts],
                lambda: None,
            )
