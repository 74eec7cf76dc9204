"""`mincer serve`, whose authentication handler dies when it is asked while a file is
there, of the name in MINCER_TEST_DIE."""

import os
import sys

from mincer.cli.main import main
from mincer.net.gate import Gate

ask = Gate.callback


def callback(self, domain, key):
    if os.path.exists(os.environ["MINCER_TEST_DIE"]):
        raise RuntimeError("the handler is broken")
    return ask(self, domain, key)


Gate.callback = callback
sys.exit(main(["serve", *sys.argv[1:]]))
