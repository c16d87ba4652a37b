"""The process that parses: `python -m notifier.feeds.worker MEMORY_BYTES SECONDS`, started by `workers.Reader` only.

Enters on stdin: requests (see `worker_frames`). Leaves on stdout: one answer to each. It bounds itself: memory by
RLIMIT_AS, time by an alarm that ends the process even when the service that started it is gone.
"""

from __future__ import annotations

import ctypes
import gc
import resource
import signal
import sys
from typing import BinaryIO

from notifier.feeds import worker_frames
from notifier.feeds.read import read
from notifier.feeds.scan import DIGEST_BYTES

_LARGE_BYTES = 1 << 20


def serve(requests: BinaryIO, answers: BinaryIO, limit_s: int) -> None:
    """Say that it is ready by an empty answer, then answer requests until there are no more."""
    answers.write(worker_frames.LENGTH.pack(0))
    answers.flush()
    while (head := _frame(requests)) is not None and (body := _frame(requests)) is not None:
        signal.alarm(limit_s)
        request = worker_frames.request_of(head, body, DIGEST_BYTES)
        found = read(request.body, content_type=request.content_type, url=request.url, known=request.known)
        answers.write(worker_frames.answer_frame(found, DIGEST_BYTES))
        answers.flush()
        if len(body) > _LARGE_BYTES:
            del body, request, found
            _give_memory_back()
        signal.alarm(0)


def main(memory_bytes: int, limit_s: int) -> int:
    """Serve under the limits; the exit status tells whether a document needed more memory than there is."""
    read(b"<rss></rss>", content_type=None, url="")  # loads what the parsers load late, while there is memory
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the service, which closes stdin
    try:
        serve(sys.stdin.buffer, sys.stdout.buffer, limit_s)
    except MemoryError:
        return worker_frames.OUT_OF_MEMORY
    return 0


def _give_memory_back() -> None:
    """A parser that read one large document must not stay as large for the rest of its days."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it
    if trim is not None:
        trim(0)


def _frame(stream: BinaryIO) -> bytes | None:
    length = stream.read(worker_frames.LENGTH.size)
    if len(length) < worker_frames.LENGTH.size:
        return None
    return stream.read(worker_frames.LENGTH.unpack(length)[0])


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
