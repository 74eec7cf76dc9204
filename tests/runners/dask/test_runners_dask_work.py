"""What tasks on Dask do: their share of a worker, and taking things out."""

from mincer.runners.dask.work import item, share


def test_a_task_has_a_share_of_its_workers_memory():
    assert share(1_000_000_000, 1) == 300_000_000
    assert share(1_000_000_000, 3) == 100_000_000
    assert share(100_000_000, 4) == 64_000_000
    assert share(None, 1) > 64_000_000


def test_one_thing_of_many():
    made = (["a", "b"], ["c"])
    assert item(made, 0) == ["a", "b"]
    assert item(made, 0, 1) == "b"
