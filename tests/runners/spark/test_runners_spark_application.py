"""A job as an application of Spark: what is told of its stages."""

import pytest

from mincer.runners.spark.application import Application


class Stage:
    def __init__(self, tasks, done):
        self.numTasks, self.numCompletedTasks = tasks, done


class Status:
    """What Spark's tracker says."""

    def __init__(self, stages):
        self.stages = stages
        self.stageIds = list(stages)

    def getJobIdsForGroup(self, group):
        return [1]

    def getJobInfo(self, job):
        return self

    def getStageInfo(self, stage):
        return self.stages[stage]


class Context:
    def __init__(self, stages):
        self.status = Status(stages)

    def statusTracker(self):
        return self.status

    def broadcast(self, parcel):
        return parcel


class Job:
    parcel = None

    class order:
        job, name = "1", "words"
        steps = (None, None)

    def __init__(self):
        self.told = []

    def tell(self, phase, maps=(0, None), reduces=(0, None), step=0):
        self.told.append((phase, maps, reduces, step))


@pytest.mark.parametrize(
    ("stages", "told"),
    [
        ({}, []),
        ({0: Stage(8, 3), 1: Stage(4, 0)}, [("mapping", (3, 8), (0, None), 0)]),
        ({0: Stage(8, 8), 1: Stage(4, 1)}, [("reducing", (0, None), (1, 4), 0)]),
        (
            {0: Stage(8, 8), 1: Stage(4, 4), 2: Stage(4, 2)},
            [("reducing", (0, None), (2, 4), 1)],
        ),
        ({0: Stage(8, 8), 1: None}, []),
    ],
)
def test_progress_is_what_spark_says_of_its_stages(stages, told):
    job = Job()
    Application(Context(stages), job, 100)._tell()
    assert job.told == told
