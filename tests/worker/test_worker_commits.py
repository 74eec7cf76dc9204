"""The commit log of a step."""

from mincer.ids import AttemptId, TaskId
from mincer.store.disk import Place
from mincer.worker.commits import Commit, CommitLog, read_commits


def commit(number, index, attempt=0):
    task = TaskId("job", 0, "map", index)
    return Commit(number, AttemptId(task, attempt), Place("file", 10 * number, 10))


def test_entries_come_in_the_order_of_their_maps(tmp_path):
    log = CommitLog(str(tmp_path / "log"))
    commits = [commit(0, 2), commit(1, 0), commit(2, 1)]
    for one in commits:
        log.append(one)
    assert read_commits(log.path, 3, ()) == [commits[1], commits[2], commits[0]]
    log.close()


def test_only_what_is_named_counts(tmp_path):
    log = CommitLog(str(tmp_path / "log"))
    commits = [commit(0, 0), commit(1, 1), commit(2, 0, attempt=1), commit(3, 2)]
    for one in commits:
        log.append(one)
    assert read_commits(log.path, 3, (0,)) == [commits[2], commits[1]]
    assert read_commits(log.path, 0, ()) == []
    log.close()
