"""The runner on Dask: a graph of tasks on a `distributed` cluster."""

from mincer.runners.dask.runner import Dask

__all__ = ["Dask"]
