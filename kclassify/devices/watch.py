"""The workers of a run on several machines: all are waited for before it begins, and one that dies is noticed and named by the others."""

import atexit
import os
import socket
import sys
import threading
import time
from collections.abc import Callable

from kclassify.errors import KClassifyError, SetupError

_LOOK = 2.0  # seconds between two looks at the others
_SILENCE = (
    30.0  # seconds without an answer after which a worker is taken for dead; one whose machine says that nobody listens, at the second look
)
_GRACE = 10.0  # seconds that a process then has to end in good order: it may hang in a sum over all workers for ever


class Door:
    """Listens at a worker's own address and gives whoever calls a line of text, so that others see that the worker lives."""

    def __init__(self, node: str):
        self.text = ""
        try:
            self._listener = socket.create_server(("", _split(node)[1]), backlog=128)
        except OSError as error:
            raise SetupError(f"--nodes: this worker cannot listen at {node} ({error.strerror}). Is a run still using the port?") from error
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                with self._listener.accept()[0] as caller:
                    caller.sendall(self.text.encode())
            except OSError:
                if self._listener.fileno() < 0:
                    return

    def close(self) -> None:
        """Free the address."""
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for a caller
        self._listener.close()


def call(node: str) -> str | None:
    """What a worker's door says; None if nobody listens there.

    Raises:
        OSError: the machine does not answer.
    """
    try:
        connection = socket.create_connection(_split(node), timeout=5.0)
    except ConnectionRefusedError:
        return None
    with connection:
        connection.settimeout(0.5)
        try:
            return connection.recv(64).decode(errors="replace")
        except OSError:
            return ""  # TensorFlow's server, which is no door and waits for the caller to begin


def gather(nodes: tuple[str, ...], rank: int, seconds: float, note: Callable[[str], None]) -> Door:
    """Wait until every worker of a run is there; returns this one's door, still open.

    Raises:
        SetupError: some are missing after so many seconds, or this worker's address is in use.
    """
    door, until = Door(nodes[rank]), time.monotonic() + seconds
    missing = [node for node in nodes if node != nodes[rank]]
    note(f"waiting for {', '.join(missing)}, at most {seconds:g} s")
    while missing := [node for node in missing if not _is_there(node)]:
        if time.monotonic() > until:
            door.close()
            raise SetupError(
                f"Worker {' and '.join(missing)} did not come within {seconds:g} s. Start kclassify there with the same --nodes.\n"
                "If it runs there: is the port open? To wait longer: --set join_seconds=900"
            )
        time.sleep(0.2)
    return door


class Watch:
    """A thread that looks at the other workers every few seconds. When one is dead, this process has a moment to end, and is then ended."""

    def __init__(self, nodes: tuple[str, ...], rank: int):
        self.nodes, self.rank = nodes, rank
        self._dead, self._found, self._stopped = "", threading.Event(), threading.Event()
        threading.Thread(target=self._run, daemon=True).start()

    def dead_worker(self, seconds: float) -> KClassifyError | None:
        """The error that names a dead worker, if one is found within so many seconds."""
        return KClassifyError(self.message) if self._found.wait(seconds) else None

    @property
    def message(self) -> str:
        """What the user is told."""
        return (
            f"Worker {self.nodes.index(self._dead)} ({self._dead}) has died; the run cannot go on without it.\n"
            "See there what ended it. The run's last checkpoint is whole: kclassify resume goes on from it."
        )

    def stop(self) -> None:
        """The others may end from now on."""
        self._stopped.set()

    def _run(self) -> None:
        others = [node for node in self.nodes if node != self.nodes[self.rank]]
        heard, refused = dict.fromkeys(others, time.monotonic()), dict.fromkeys(others, 0)
        while not self._stopped.wait(_LOOK):
            for node in others:
                try:
                    refused[node] = refused[node] + 1 if call(node) is None else 0
                    heard[node] = heard[node] if refused[node] else time.monotonic()
                except OSError:
                    pass
                if refused[node] > 1 or time.monotonic() - heard[node] > _SILENCE:
                    return self._end(node)

    def _end(self, node: str) -> None:
        if self._stopped.is_set():
            return
        self._dead = node
        atexit.register(_leave)  # what the backends do at the end waits for the dead worker too
        self._found.set()
        time.sleep(_GRACE)
        os.write(2, f"Error: {self.message}\n".encode())
        os._exit(1)


def _leave() -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(1)


def _is_there(node: str) -> bool:
    try:
        return call(node) is not None
    except OSError:
        return False


def _split(node: str) -> tuple[str, int]:
    host, _, port = node.rpartition(":")
    return host.strip("[]"), int(port)
