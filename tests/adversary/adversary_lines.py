"""Raw connections: ZMTP by hand, listeners that are no coordinator, and a proxy on the
way that records and changes what passes."""

import contextlib
import socket
import struct
import threading

PATIENCE_S = 30.0
#: Bytes that anybody is told who listens: a greeting, and CURVE's first command, in
#: which a key is that was made for this one handshake.
SAID_FIRST = 64 + 202
#: And so often, before a process gives up.
TRIES_MAX = 6
SIGNATURE = b"\xff" + bytes(8) + b"\x7f"


def greeting(mechanism, version=b"\x03\x01", as_server=0):
    """The greeting of ZMTP 3, with which any connection begins."""
    return (
        SIGNATURE
        + version
        + mechanism.ljust(20, b"\0")
        + bytes([as_server])
        + bytes(31)
    )


def command(name, data=b""):
    """A command of ZMTP 3."""
    body = bytes([len(name)]) + name + data
    if len(body) < 256:
        return b"\x04" + bytes([len(body)]) + body
    return b"\x06" + struct.pack(">Q", len(body)) + body


def announced(size, flags=0x06):
    """The head of a command or message of this size, which does not come."""
    return bytes([flags]) + struct.pack(">Q", size)


class Listener:
    """Accepts connections; `answer` is called with each, in a thread of its own."""

    def __init__(self, answer, port=0):
        self._answer = answer
        self._server = socket.create_server(("127.0.0.1", port))
        self.port = self._server.getsockname()[1]
        self._lines = []
        self._threads = [threading.Thread(target=self._serve, daemon=True)]
        self._threads[0].start()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                line, _ = self._server.accept()
                self._lines.append(line)
                thread = threading.Thread(target=self._run, args=(line,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _run(self, line):
        with contextlib.suppress(OSError):
            self._answer(line)
        hang_up(line)

    def close(self):
        hang_up(self._server)
        self._threads[0].join()
        for line in self._lines:
            hang_up(line)
        for thread in self._threads:
            thread.join(PATIENCE_S)
        self._server.close()
        for line in self._lines:
            line.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


def hang_up(line):
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


def reflect(line):
    """Say what one hears."""
    while data := line.recv(65536):
        line.sendall(data)


class Passed:
    """One connection that went through a proxy: what was said, each way."""

    def __init__(self):
        self.said = {"up": bytearray(), "down": bytearray()}


class Proxy(Listener):
    """Passes on what comes to a port, to another one: `up` is what goes there."""

    def __init__(self, target):
        self.passed = []
        self._target = target
        self._lock = threading.Lock()
        self._flips = {"up": [], "down": []}
        #: How many bytes were changed.
        self.flipped = 0
        super().__init__(self._pass)

    def flip(self, way, after):
        """Change one bit of the byte that is the next but `after` of any connection."""
        with self._lock:
            self._flips[way].append(after)

    def _pass(self, line):
        there = socket.create_connection(("127.0.0.1", self._target), PATIENCE_S)
        there.settimeout(None)
        for one in (line, there):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with there:
            passed = Passed()
            self.passed.append(passed)
            down = threading.Thread(
                target=self._pump, args=(there, line, passed, "down"), daemon=True
            )
            down.start()
            self._pump(line, there, passed, "up")
            down.join()

    def _pump(self, one, other, passed, way):
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                passed.said[way] += data
                other.sendall(self._changed(data, way))
        hang_up(one)
        hang_up(other)

    def _changed(self, data, way):
        with self._lock:
            waiting = self._flips[way]
            here = [after for after in waiting if after < len(data)]
            later = [after - len(data) for after in waiting if after >= len(data)]
            self._flips[way] = later
            if not here:
                return data
            self.flipped += len(here)
        changed = bytearray(data)
        for after in here:
            changed[after] ^= 1 << (after % 8)
        return bytes(changed)
