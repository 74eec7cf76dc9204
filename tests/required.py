"""What a test needs of its machine: without it, it is skipped, or fails where it must
not be (MINCER_REQUIRE=root,netns)."""

import os

import pytest

__all__ = ["lacking"]


def lacking(what, why):
    """This machine has no `what` (root, netns, java …), for this reason."""
    if what in os.environ.get("MINCER_REQUIRE", "").split(","):
        pytest.fail(f"this machine should have {what}: {why}", pytrace=False)
    pytest.skip(why)
