"""Pairs, keys and user code as bytes, and back. Pure."""
