"""MapReduce for Python."""
