"""The local runner: child processes of this one, on the cores of this machine."""

from mincer.runners.local.runner import Local

__all__ = ["Local"]
