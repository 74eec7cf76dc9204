"""What a member has of a job that others may still ask for, as they would ask."""

from __future__ import annotations

from collections.abc import Iterator

from mincer.net.book import Book
from mincer.wire.frames import name_of
from mincer.wire.pulls import BlobOf, InputOf, OutputOf, PacketOf, Thing

__all__ = ["of_driver", "of_worker"]


def of_worker(book: Book, worker: int) -> list[Thing]:
    """The outputs that this worker keeps. (Nobody asks for what is empty.)"""
    return [
        OutputOf(book.job, book.submit.token, name_of(attempt))
        for attempt, output in book.kept_by(worker)
        if output.length_bytes
    ]


def of_driver(book: Book) -> Iterator[Thing]:
    """Code, packets of splits, and the input that not all workers can read. (Of maps
    that are done, too: they may have to run again.)"""
    key = book.job, book.submit.token
    blobs = [step.code for step in book.submit.steps]
    if book.submit.modules is not None:
        blobs.append(book.submit.modules)
    for digest in dict.fromkeys(blob.digest for blob in blobs):
        yield BlobOf(*key, digest)
    for packet in dict.fromkeys(split.packet for split in book.intake.splits):
        yield PacketOf(*key, packet)
    for span in book.intake.spans(set(book.workers)):
        yield InputOf(*key, *span)
