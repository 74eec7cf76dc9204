"""What `import mincer` offers, and what it costs."""

import subprocess
import sys
import types

import mincer

HEAVY = "asyncio click cloudpickle dataclasses msgspec rich subprocess typing zstandard"


def test_every_public_name_is_there():
    for name in mincer.__all__:
        assert getattr(mincer, name) is not None
    assert set(dir(mincer)) == set(mincer.__all__)
    assert not isinstance(mincer.context, types.ModuleType)


def test_importing_it_loads_nothing_heavy():
    code = (
        f"import mincer, sys; print([n for n in '{HEAVY}'.split() if n in sys.modules])"
    )
    options = [sys.executable, "-S", "-E", "-c"]
    code = f"import sys; sys.path.insert(0, {mincer.__path__[0] + '/..'!r}); {code}"
    loaded = subprocess.run(
        [*options, code], capture_output=True, text=True, check=True
    )
    assert loaded.stdout == "[]\n"
