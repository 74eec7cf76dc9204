"""The command line of every peer's program: `program.py WORKLOAD OUT INPUT...`."""

import sys
from collections.abc import Callable, Mapping

#: Does one workload: reads the inputs, leaves OUT as a file, or a folder of parts.
Program = Callable[[str, list[str]], None]

#: The exit status that says: this peer does not do this workload.
NOT_DONE_HERE = 3


def main(programs: Mapping[str, Program]) -> None:
    """Run the program that the command line names."""
    if len(sys.argv) < 4:
        sys.exit(f"usage: {sys.argv[0]} WORKLOAD OUT INPUT...")
    workload, out, *inputs = sys.argv[1:]
    if workload not in programs:
        sys.exit(NOT_DONE_HERE)
    programs[workload](out, inputs)
