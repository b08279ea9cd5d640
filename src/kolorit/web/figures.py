"""How much the server takes, and for how long: every bound in one place."""

from __future__ import annotations

from dataclasses import dataclass

from kolorit.picture.limits import Limits


@dataclass(frozen=True)
class Figures:
    """Bounds of a server. Sizes in bytes, times in seconds."""

    # one photograph
    body: int = 40_000_000
    pixels: int = 50_000_000
    frames: int = 1_000
    memory: int = 600_000_000  # what decoding may take, by the header's account
    view_pixels: int = 1_000_000  # of the small copy that the page works on

    # one request
    header_seconds: float = 10
    body_seconds: float = 30
    body_rate: int = 32_000  # bytes a second, after the first five seconds
    request_seconds: float = 60

    # all of them
    connections: int = 64  # requests under way
    per_address: int = 8  # of them those from one other computer
    queue: int = 16  # tasks that wait for a worker, in each lane
    per_client: int = 8  # jobs of one client that wait or run
    stop_seconds: float = 10

    # processes that do the work
    workers: int = 2
    worker_jobs: int = 200  # tasks after which a worker is replaced
    worker_memory: int = 1_000_000_000  # what it may ask of the system (RLIMIT_DATA)

    # what is kept for those who come back for it
    kept: int = 200
    kept_bytes: int = 1_000_000_000
    kept_seconds: float = 900

    @property
    def limits(self) -> Limits:
        """The part of it that the decoder looks at."""
        return Limits(self.body, self.pixels, self.frames, self.memory)

    @property
    def worker_held(self) -> int:
        """What a worker may hold when a task is over: the next one has room for its decoding."""
        return self.worker_memory - self.memory
