"""Processes of a cluster: the only folder that speaks ZeroMQ."""
