"""The contract of a folder: it has no half."""

import pytest

from mincer.sinks.folder import Folder


def test_who_leaves_something_out_is_refused():
    class Half(Folder):
        def names(self):
            return set()

    with pytest.raises(TypeError, match="abstract"):
        Half()
