"""What becomes of a result: of a job that begins, nothing yet."""

from mincer.net.outcome import Outcome


def test_a_job_begins_with_a_driver_and_without_a_result():
    one, two = Outcome(), Outcome()
    assert not (one.is_detached or one.has_given)
    assert not (one.commits or one.fetched or one.last_words)
    assert one.ready_at is None
    for mine, others in zip(vars(one).values(), vars(two).values(), strict=True):
        assert isinstance(mine, bool | None) or mine is not others
