"""What all tasks of a job have in common, in a worker of Dask."""

import pytest
from dask_fakes import distributed

from mincer.runners.engine.parcel import Parcel

__all__ = ["distributed"]


def test_it_is_there_as_long_as_the_job(distributed):
    from mincer.runners.dask.plugin import ParcelPlugin, parcel_of

    parcel = Parcel("a job", None, (1,), (1,))
    plugin = ParcelPlugin(parcel)
    assert plugin.name == "mincer-a job"
    plugin.setup(None)
    assert parcel_of("a job") is parcel
    plugin.teardown(None)
    plugin.teardown(None)
    with pytest.raises(KeyError):
        parcel_of("a job")
