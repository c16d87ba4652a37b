"""CPU per accepted message on the transport alone, both transports and their peers, against the same TLS HTTP/2 sink.

    python -m benchmarks.transport [--messages 50000] [--delay 0.0] [--streams 400] [--peers]

Bodies are sealed before the clock starts for our transports; the peers seal as part of what they offer, so `seal_us` is
printed beside them. The sink runs in another process, on the other core where there is one. CPU time of this process
(user and system), median of three rounds after a warm one. One JSON line.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import ssl
import subprocess
import tempfile
from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import monotonic

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from notifier.addresses import AddressGuard
from notifier.alerts.alert import Urgency
from notifier.push.curl_transport import CurlTransport
from notifier.push.envelope import finish, prepare, seal_now
from notifier.push.http2.transport import Http2Transport
from notifier.push.request import PushRequest, build
from notifier.push.seal import seal
from notifier.push.transport import PushTransport
from notifier.push.vapid import VapidKey, VapidSigner, vapid_key
from tests.pushsink.browser import keys_of
from tests.pushsink.process import PushSink

BATCH = 2000
ROUNDS = 3
SUBJECT = "mailto:bench@news.example.org"
TEXT = json.dumps(
    {"title": "Bridge closed after storm", "body": "Trains are diverted until the morning. " * 6}
).encode()

NODE_PEER = """
const webpush = require("web-push"), https = require("https");
const job = JSON.parse(require("fs").readFileSync(0));
const agent = new https.Agent({keepAlive: true, maxSockets: 32, ca: job.ca});
const options = {vapidDetails: job.vapid, TTL: 60, agent};
const send = (subscription) => webpush.sendNotification(subscription, job.text, options);
(async () => {
  await Promise.all(job.subscriptions.slice(0, 64).map(send));
  const start = process.cpuUsage();
  let next = 0;
  const worker = async () => { while (next < job.subscriptions.length) await send(job.subscriptions[next++]); };
  await Promise.all(Array.from({length: 32}, worker));
  const used = process.cpuUsage(start);
  console.log((used.user + used.system) / job.subscriptions.length);
})();
"""


def cpu_s() -> float:
    """User and system time of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def requests_for(sink: PushSink, key: VapidKey, count: int) -> list[PushRequest]:
    """Sealed requests for `count` browsers."""
    signed = VapidSigner([key], SUBJECT).authorization(sink.origin, key.key_id, datetime.now(UTC))
    requests = []
    for number in range(count):
        endpoint = f"{sink.origin}/ok/{'x' * 140}/{number}"
        body = seal_now(TEXT, keys_of(number, endpoint))
        requests.append(build(endpoint, body, ttl_s=60, urgency=Urgency.HIGH, tag="bench", authorization=signed))
    return requests


def measure_wire(
    transport: PushTransport, requests: Sequence[PushRequest], streams: int, sink: PushSink
) -> tuple[float, float]:
    """(CPU microseconds, messages a second), medians."""
    limits = {sink.origin: streams}
    transport.send(requests[:BATCH], 60, limits)
    costs, rates = [], []
    for _ in range(ROUNDS):
        cpu, wall = cpu_s(), monotonic()
        for first in range(0, len(requests), BATCH):
            answers = transport.send(requests[first : first + BATCH], 60, limits)
            assert all(answer.status == 201 for answer in answers)
        costs.append((cpu_s() - cpu) / len(requests) * 1e6)
        rates.append(len(requests) / (monotonic() - wall))
    return median(costs), median(rates)


def measure(work: Callable[[], object], count: int) -> float:
    """CPU microseconds for each of `count`, median."""
    costs = []
    for _ in range(ROUNDS):
        cpu = cpu_s()
        for _ in range(count):
            work()
        costs.append((cpu_s() - cpu) / count * 1e6)
    return median(costs)


def curve_us(p256dh: bytes, count: int = 1000) -> float:
    """CPU microseconds of what RFC 8291 wants of the curve for one message, and nothing else: no sealing is quicker."""
    curve, agreement = SECP256R1(), ECDH()

    def agree() -> None:
        own = generate_private_key(curve)
        own.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        own.exchange(agreement, EllipticCurvePublicKey.from_encoded_point(curve, p256dh))

    return measure(agree, count)


def subscription_info(number: int, endpoint: str) -> dict[str, object]:
    """As a browser gives it."""
    keys = keys_of(number, endpoint)
    coded = {"p256dh": urlsafe_b64encode(keys.p256dh), "auth": urlsafe_b64encode(keys.auth)}
    return {"endpoint": endpoint, "keys": {name: value.rstrip(b"=").decode() for name, value in coded.items()}}


async def measure_webpush_async(sink: PushSink, key: VapidKey, count: int) -> float:
    """pywebpush.webpush_async with one shared session, 32 at a time."""
    import aiohttp  # noqa: PLC0415 (a peer: not needed for the transports)
    from py_vapid import Vapid02  # noqa: PLC0415
    from pywebpush import webpush_async  # noqa: PLC0415

    context = ssl.create_default_context(cafile=str(sink.ca_file))
    vapid = Vapid02(key.private)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=32, ssl=context)) as session:

        async def send(number: int) -> None:
            await webpush_async(
                subscription_info(number, f"{sink.origin}/ok/{number}"),
                TEXT,
                vapid_private_key=vapid,
                vapid_claims={"sub": SUBJECT},
                ttl=60,
                aiohttp_session=session,
                timeout=60,
            )

        await asyncio.gather(*map(send, range(32)))
        cpu = cpu_s()
        for first in range(0, count, 32):
            await asyncio.gather(*map(send, range(first, min(count, first + 32))))
        return (cpu_s() - cpu) / count * 1e6


def measure_node(sink: PushSink, key: VapidKey, count: int, modules: Path) -> float:
    """node's web-push with a keep-alive agent, 32 at a time."""
    number = key.private.private_numbers().private_value
    vapid = {
        "subject": SUBJECT,
        "publicKey": key.application_server_key,
        "privateKey": urlsafe_b64encode(number.to_bytes(32, "big")).rstrip(b"=").decode(),
    }
    subscriptions = [subscription_info(one, f"{sink.origin}/ok/{one}") for one in range(count)]
    job = {"ca": sink.ca_file.read_text(), "text": TEXT.decode(), "vapid": vapid, "subscriptions": subscriptions}
    script = modules / "bench-wire.js"
    script.write_text(NODE_PEER)
    done = subprocess.run(["node", str(script)], input=json.dumps(job), capture_output=True, text=True, check=True)
    return float(done.stdout)


def install_web_push() -> Path:
    """A folder with npm's web-push in it."""
    folder = Path(tempfile.mkdtemp(prefix="bench-web-push-"))
    subprocess.run(["npm", "install", "--silent", "--prefix", str(folder), "web-push"], check=True)
    return folder


def pin(pid: int, core: int) -> None:
    """Give a process one core of its own, where there is more than one."""
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(pid, {core})


def main() -> None:
    """See the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=50_000)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds that the sink waits before each answer")
    parser.add_argument("--streams", type=int, default=400, help="requests under way at a time")
    parser.add_argument("--peers", action="store_true", help="also node web-push (npm) and webpush_async")
    options = parser.parse_args()
    key = vapid_key(generate_private_key(SECP256R1()))
    found: dict[str, float | None] = {
        "messages": options.messages,
        "delay_s": options.delay,
        "streams": options.streams,
    }
    with PushSink("--sample", "1000", "--delay", str(options.delay)) as sink:
        pin(sink.pid, 1)
        pin(0, 0)
        guard = AddressGuard.allowing([sink.local])
        requests = requests_for(sink, key, options.messages)
        transports: dict[str, PushTransport] = {
            "http2": Http2Transport(guard, CurlTransport(guard, sink.ca_file), sink.ca_file),
            "pycurl": CurlTransport(guard, sink.ca_file),
        }
        for name, transport in transports.items():
            found[f"{name}_cpu_us"], found[f"{name}_per_s"] = measure_wire(transport, requests, options.streams, sink)
            transport.close()
        keys = keys_of(1, requests[1].endpoint)
        found["seal_cpu_us"] = measure(lambda: seal(TEXT, keys), 1000)
        found["prepare_cpu_us"] = measure(lambda: prepare(keys.p256dh, keys.auth), 1000)
        found["curve_cpu_us"] = curve_us(keys.p256dh)
        envelope = prepare(keys.p256dh, keys.auth)
        found["finish_cpu_us"] = measure(lambda: finish(envelope, TEXT), 20_000)
        if options.peers:
            found["webpush_async_cpu_us"] = asyncio.run(measure_webpush_async(sink, key, 2000))
            found["node_web_push_cpu_us"] = measure_node(sink, key, 2000, install_web_push())
        report = sink.report()
        assert report["problems"] == [], report["problems"][:3]
        found["opened"] = report["opened"]
    print(json.dumps({name: round(value, 2) if value else value for name, value in found.items()}))


if __name__ == "__main__":
    main()
