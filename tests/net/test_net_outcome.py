"""What becomes of a result: of a job that begins, nothing yet."""

from mincer.net.outcome import Outcome


def test_a_job_begins_with_a_driver_and_without_a_result():
    one, two = Outcome(), Outcome()
    assert not any(vars(one).values())
    for mine, others in zip(vars(one).values(), vars(two).values(), strict=True):
        assert isinstance(mine, bool | None) or mine is not others
