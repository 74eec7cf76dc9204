"""mincer against programs written by hand, and against its peers: `make bench`."""
