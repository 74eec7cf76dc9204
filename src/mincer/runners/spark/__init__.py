"""The runner on Spark: an RDD of blocks."""

from mincer.runners.spark.runner import Spark

__all__ = ["Spark"]
