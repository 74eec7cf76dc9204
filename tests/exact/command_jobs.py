"""The jobs again, as a job file with a source of its own: what the command line cannot
name. EXACT_SOURCE and EXACT_PATHS in the environment say which."""

import os

from drive import SOURCES
from jobs import order, spending, words  # noqa: F401 - chosen by name

source = SOURCES[os.environ["EXACT_SOURCE"]](
    os.environ["EXACT_PATHS"].split(os.pathsep)
)
