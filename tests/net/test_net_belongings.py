"""What a member has that others may ask for: named as they would ask."""

from mincer.ids import AttemptId, TaskId
from mincer.net.belongings import of_driver, of_worker
from mincer.net.book import Book
from mincer.wire import frames
from mincer.wire.pulls import BlobOf, InputOf, OutputOf, PacketOf

JOB, TOKEN = "0" * 32, b"t" * 16
KEY = JOB, TOKEN
CODES = [bytes([n]) * 32 for n in range(2)]
FILE = frames.FileTold(b"f", b"/f", 1, 1, b"d" * 16)


def make(codes, modules=None):
    steps = [
        frames.StepTold(frames.Blob(digest, 1), 2, True, False, False)
        for digest in codes
    ]
    blob = None if modules is None else frames.Blob(modules, 1)
    return Book(frames.Submit(JOB, TOKEN, "a job", steps, blob), driver=7)


def done(book, index, worker, length_bytes=100, **more):
    attempt = AttemptId(TaskId(JOB, 0, "map", index), 0)
    account = frames.Account(**more)
    frame = frames.Done(JOB, frames.name_of(attempt), length_bytes, 5, account)
    book.done(frame, attempt, worker, 0.0)
    return attempt


def test_a_worker_has_the_outputs_that_it_made():
    book = make(CODES)
    done(book, 0, worker=1)
    done(book, 1, worker=2)
    done(book, 2, worker=1, is_written=True)
    book.discard(done(book, 3, worker=1))
    done(book, 4, worker=1, length_bytes=0)
    assert of_worker(book, 1) == [OutputOf(*KEY, (0, "map", 0, 0))]
    assert of_worker(book, 9) == []


def test_a_driver_has_the_code_once():
    book = make([*CODES, CODES[0]])
    assert list(of_driver(book)) == [BlobOf(*KEY, digest) for digest in CODES]


def test_a_driver_has_the_modules():
    book = make(CODES[:1], modules=b"m" * 32)
    assert list(of_driver(book)) == [BlobOf(*KEY, CODES[0]), BlobOf(*KEY, b"m" * 32)]


def test_a_driver_has_the_packets_and_what_not_all_workers_can_read():
    book = make(CODES[:1])
    book.intake.add_files(0, [FILE, FILE])
    rows = [
        frames.SplitRow(n // 2, n % 2, 1, [frames.Extent(n % 2, 0, 1)])
        for n in range(3)
    ]
    book.intake.add_splits(0, rows)
    packets = [PacketOf(*KEY, 0), PacketOf(*KEY, 1)]
    spans = [InputOf(*KEY, 0, 0, 1), InputOf(*KEY, 1, 0, 1)]
    blob = BlobOf(*KEY, CODES[0])
    assert list(of_driver(book)) == [blob, *packets, *spans]
    list(book.files_for(1))
    assert list(of_driver(book)) == [blob, *packets, *spans]
    book.intake.found(1, frames.FilesFound(JOB, 0, 2, b"\x01"))
    assert list(of_driver(book)) == [blob, *packets, spans[1]]
    list(book.files_for(2))  # one more worker, which has not answered yet
    assert list(of_driver(book)) == [blob, *packets, *spans]
