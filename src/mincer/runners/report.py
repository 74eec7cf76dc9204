"""What a job cost and where that went: times, bytes, records, attempts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mincer.structs import Struct, field

__all__ = ["Report"]


class Report(Struct, frozen=False):
    """The account of one finished job. What a runner does not measure stays 0.

    Only what counts in the result is added up, except in `attempts` and `cpu_s`,
    which tell of everything that ran.
    """

    job: str
    name: str
    runner: str
    #: Wall clock, seconds since 1970; for display only.
    started_at: float = 0.0
    elapsed_s: float = 0.0
    #: From the first map (reduce) that started to the end of the last; may overlap.
    map_s: float = 0.0
    reduce_s: float = 0.0
    cpu_s: float = 0.0
    workers: int = 0
    steps: int = 1
    splits: int = 0
    parts: int = 0
    #: Records and bytes read from the source of the first step.
    records: int = 0
    bytes_read: int = 0
    records_skipped: int = 0
    #: Pairs that the mapfns made, over all steps.
    pairs_mapped: int = 0
    bytes_spilled: int = 0
    bytes_shuffled: int = 0
    #: The output of the last step.
    pairs: int = 0
    bytes_written: int = 0
    #: The most memory that one child had.
    memory_bytes_max: int = 0
    #: Outcome ("done", "failed", "lost", "cancelled") to number.
    attempts: dict[str, int] = field(default_factory=dict)
    #: Backup copies that were done before the attempts which they copied, and about how
    #: much later those would have been done.
    backups_won: int = 0
    saved_s: float = 0.0
    #: How workers came to the outputs of other workers ("file": read where it lies,
    #: "direct": from worker to worker, "relayed": by way of the coordinator) to bytes.
    bytes_by_way: dict[str, int] = field(default_factory=dict)
    #: How input came ("read by workers", "sent by the driver") to number of splits.
    input_from: dict[str, int] = field(default_factory=dict)
    #: The folder of the output, when one was asked for.
    output: str | None = None
    counters: Mapping[str, int] = field(default_factory=dict)
    #: Things that a person should know: a worker that died, a record left out.
    notes: list[str] = field(default_factory=list)

    @property
    def attempts_failed(self) -> int:
        """Attempts that ended badly, whoever's fault it was. A cancelled one (of a
        task that another attempt did first) did not."""
        good = ("done", "cancelled")
        return sum(n for outcome, n in self.attempts.items() if outcome not in good)

    @property
    def megabytes_per_s(self) -> float:
        return self.bytes_read / 1e6 / self.elapsed_s if self.elapsed_s else 0.0

    def as_dict(self) -> dict[str, Any]:
        """All of it in what JSON can hold."""
        from copy import deepcopy

        return deepcopy(vars(self) | {"counters": dict(self.counters)})
