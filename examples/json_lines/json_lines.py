"""For each page: the number of requests, and the slowest."""

from pathlib import Path

import mincer


def mapfn(offset, request):
    if request["status"] >= 500:
        mincer.count("failed requests")
    yield request["page"], request["ms"]


def reducefn(page, times):
    return {"requests": len(times), "slowest_ms": max(times)}


job = mincer.Job(mapfn, reducefn, sort_keys=True, skip_bad_records=1)

source = mincer.sources.jsonl(Path(__file__).parent / "requests.jsonl")

if __name__ == "__main__":
    results = job.run(source)
    for page, figures in results:
        print(page, figures)
    print(dict(results.counters))
