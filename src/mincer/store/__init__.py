"""Where bytes are kept: on this machine's disk, and in memory for tests."""
