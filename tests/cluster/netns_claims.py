"""`mincer`, of another kind than it is: its greeting claims what the first words say.

    python netns_claims.py protocol=7 worker ADDRESS

The claims are `protocol`, `mincer` and `python`.
"""

import sys

import mincer.net.client
import mincer.net.worker
from mincer.cli.main import main
from mincer.net.line import versions
from mincer.wire import frames

if __name__ == "__main__":
    what, claimed = sys.argv.pop(1).split("=")
    if what == "protocol":
        frames.PROTOCOL = int(claimed)
    else:
        mincer_version, python = versions()
        told = claimed, python
        if what == "python":
            told = mincer_version, claimed
        mincer.net.worker.versions = mincer.net.client.versions = lambda: told
    sys.exit(main())
