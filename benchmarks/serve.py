"""What ``kolorit serve`` stands: requests a second, waiting times, memory, under 1 to 64 clients.

    python benchmarks/serve.py [--clients 1 8 64] [--seconds 10] [-o results/serve]

Each client colours one photograph after the other through POST /v1/colorize, as soon as it has
the answer before; beside them one asks for /healthz ten times a second. A refusal (503, 429) is
counted and obeyed: the client waits a second. For comparison, in the same run: the same photograph
coloured by ``Colorizer`` in this process, one thread. Linux only, for the memory.
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

from kolorit import Colorizer
from kolorit.evaluate.provenance import provenance

PHOTOGRAPH = Path(__file__).parent.parent / "examples" / "rocket.jpg"
ALONE = 10  # colourings in this process


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("-o", "--out", type=Path, default=Path("results/serve"))
    args = parser.parse_args()
    photograph = PHOTOGRAPH.read_bytes()
    alone = in_process(photograph)
    command = [sys.executable, "-m", "kolorit", "serve", "--port", "0", "--quiet"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            address = urlsplit(server.stdout.readline().strip()).netloc
            colour(address, photograph)  # workers are awake
            rows = [run(address, photograph, n, args.seconds, server.pid) for n in args.clients]
        finally:
            server.terminate()
    record = {
        **provenance("fastapi", "uvicorn", "onnxruntime", "pillow", "numpy"),
        "model_sha256": Colorizer().model.card.sha256,
        "bytes": len(photograph),
        "alone_ms": 1e3 * alone,
        "rows": [{**row, "rate_of_alone": row["per_second"] * alone} for row in rows],
    }
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n")
    args.out.with_suffix(".md").write_text(table(record))
    print(table(record))


def in_process(photograph: bytes) -> float:
    """Median seconds of one colouring without a server."""
    colorizer, times = Colorizer(threads=1), []
    for _ in range(ALONE):
        began = time.perf_counter()
        colorizer.colorize(photograph)
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def colour(address: str, photograph: bytes) -> int:
    """One request on a connection of its own; the status."""
    connection = http.client.HTTPConnection(address, timeout=70)
    try:
        connection.request("POST", "/v1/colorize", photograph, {"Content-Type": "image/jpeg"})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    except (OSError, http.client.HTTPException):
        return 0  # turned away before it was heard
    finally:
        connection.close()


def run(address: str, photograph: bytes, clients: int, seconds: float, pid: int) -> dict:
    """One line of the table."""
    statuses: Counter[int] = Counter()
    times: list[float] = []
    health: list[float] = []
    peak = 0.0
    end = time.monotonic() + seconds

    def client() -> None:
        while time.monotonic() < end:
            began = time.monotonic()
            status = colour(address, photograph)
            statuses[status] += 1
            if status == 200:
                times.append(time.monotonic() - began)
            else:
                time.sleep(1)

    def doctor() -> None:
        while time.monotonic() < end:
            began = time.monotonic()
            connection = http.client.HTTPConnection(address, timeout=10)
            try:
                connection.request("GET", "/healthz")
                connection.getresponse().read()
                health.append(time.monotonic() - began)
            except OSError:
                health.append(10.0)
            finally:
                connection.close()
            time.sleep(0.1)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    threads += [threading.Thread(target=doctor)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    while time.monotonic() < end:
        peak = max(peak, sum(memory(p) for p in family(pid)))
        time.sleep(0.2)
    for thread in threads:
        thread.join()
    took = time.monotonic() - began
    return {
        "clients": clients,
        "per_second": round(len(times) / took, 2),
        "p50_ms": round(1e3 * percentile(times, 50), 1),
        "p99_ms": round(1e3 * percentile(times, 99), 1),
        "health_p99_ms": round(1e3 * percentile(health, 99), 1),
        "statuses": {str(status): count for status, count in sorted(statuses.items())},
        "memory_megabytes": round(peak),
    }


def percentile(values: list[float], share: int) -> float:
    ordered = sorted(values) or [float("nan")]
    return ordered[min(len(ordered) - 1, int(len(ordered) * share / 100))]


def family(pid: int) -> list[int]:
    """The server and its workers."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        found += [p for child in task.read_text().split() for p in family(int(child))]
    return found


def memory(pid: int) -> float:
    """Megabytes in use by one process alone (unique set size, which forks do not share)."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1e3


def table(record: dict) -> str:
    lines = [
        "# What the server stands",
        "",
        f"`{record['command']}` on {record['machine']}, commit {record['commit']}. One photograph",
        f"of {record['bytes'] / 1e3:.0f} kB; clients and server share the machine. Alone, in one "
        f"process and thread, it takes {record['alone_ms']:.0f} ms.",
        "",
        "| clients | a second | of that rate | p50, ms | p99, ms | healthz p99 | answers | MB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in record["rows"]:
        answers = ", ".join(f"{count} x {status}" for status, count in row["statuses"].items())
        lines.append(
            f"| {row['clients']} | {row['per_second']} | {row['rate_of_alone']:.2f} | "
            f"{row['p50_ms']} | {row['p99_ms']} | {row['health_p99_ms']} | {answers} | "
            f"{row['memory_megabytes']} |"
        )
    lines += ["", "*Of that rate*: the rate as a multiple of one process without a server."]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
