"""`mincer serve` in a process where whatever could make objects of bytes is a tripwire:
it is written to the file of the name in MINCER_TEST_TRIPPED, and raises."""

import marshal
import os
import pickle
import shelve  # noqa: F401 - it binds names of pickle
import sys
import traceback

import cloudpickle

from mincer.cli.main import main

FILE = os.environ["MINCER_TEST_TRIPPED"]


def trip(what):
    with open(FILE, "a") as file:
        file.write(f"{what}\n{''.join(traceback.format_stack())}\n")


def wire(module, name, may=lambda: False):
    ask = getattr(module, name)

    def tripwire(*arguments, **more):
        if may():
            return ask(*arguments, **more)
        trip(f"{module.__name__}.{name}")
        raise RuntimeError(f"{module.__name__}.{name} was called")

    setattr(module, name, tripwire)


def imports_a_module():
    """True when Python reads the code of a module that is imported."""
    return "importlib" in sys._getframe(2).f_globals.get("__name__", "")


class Unpickler:
    def __init__(self, *arguments, **more):
        trip("pickle.Unpickler")
        raise RuntimeError("pickle.Unpickler was made")


def hear(event, arguments):
    """Python tells of these wherever they are called from, C included."""
    if event == "pickle.find_class":
        trip(f"{event} {arguments}")
        raise RuntimeError(event)


for module in (pickle, cloudpickle):
    for name in ("load", "loads"):
        wire(module, name)
    module.Unpickler = Unpickler
for name in ("load", "loads"):
    wire(marshal, name, imports_a_module)
sys.addaudithook(hear)
try:
    pickle.loads(b"N.")
except RuntimeError:
    os.truncate(FILE, 0)  # it works
    sys.exit(main(["serve", *sys.argv[1:]]))
