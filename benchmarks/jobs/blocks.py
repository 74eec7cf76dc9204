"""Count words: a Counter of a block of 8 MB, whose words then are pairs only once."""

import os
from collections import Counter

import mincer


def mapfn(key, block):
    return Counter(block.lower().split())


job = mincer.Job(mapfn, sum, combinefn=sum)

# A job file names a source that the command line has no word for.
source = mincer.sources.blocks(os.environ["BENCH_INPUT"], size="8MB")
