"""What the runners on Spark, Dask and Ray have alike: all but who moves the blocks."""
