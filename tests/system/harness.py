"""What the system tests share: a small configuration, the daemon as a process, sources that do as they are
told, and a reader of published decisions. Standard library and pyzmq only."""

import json
import pathlib
import shutil
import socket
import struct
import subprocess
import tempfile
import time
import unittest

import wire_source
import zmq

CRIBLE = None  # the command under test, set by main
RUN = 9
FRAME = struct.Struct("<IHHIIQIIq16sII")  # the header of published frames
DECISION = struct.Struct("<IHHQIIIIHHHBBQ")  # the first 48 bytes of an encoded decision
OUTCOMES = ("accepted", "rejected", "prescaled_out", "forced")


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def free_port_range(count):
    """The first of `count` free ports in a row, as shards need them."""
    while True:
        first = free_ports(1)[0]
        try:
            for port in range(first, first + count):
                with socket.socket() as one:
                    one.bind(("127.0.0.1", port))
            return first
        except OSError:
            continue


# Source k sends events with the i16 numbers (event mod 1000, k); the chain fires for large ones.
CONFIG = """
detector:
  sources:
    - {{name: left, id: 1, payload: [{{name: value, type: i16}}, {{name: which, type: i16}}]}}
    - {{name: right, id: 2, payload: [{{name: value, type: i16}}, {{name: which, type: i16}}]}}
networks: {networks}
menu:
  name: test
  streams: [physics, debug]
  chains:
    - {{name: large, when: "left.value >= 900 and right.value >= 900", streams: [physics]}}
    - {{name: prescaled, when: "left.value >= 0", prescale: 50, streams: [physics]}}
{chains}
run:
  number: 9
  shards: {shards}
  stop_at_end_of_run: true
  input: {{bind: "{bind}"}}
  build: {{block_events: 64, ring_events: 4096, timeout_ms: {timeout_ms}}}
  deadline: {deadline}
  decisions: {{connect: "{decisions}"}}
  record: {{file: {recording}, flush_ms: 20, block_bytes: 4096, max_wait_ms: 20000}}
  monitoring: {{status_s: 0, prometheus: "{prometheus}"}}
"""


def payload(event, source):
    return struct.pack("<hh", event % 1000, source)


def fires(event):
    return event % 1000 >= 900


class Source:
    """A source that sends what the test wants, packet by packet."""

    def __init__(self, addresses, source, run=RUN, epoch=1, block_events=64):
        self.id, self.run, self.epoch, self.block_events = source, run, epoch, block_events
        self.context = zmq.Context()
        self.sockets = [self.context.socket(zmq.PUSH) for _ in addresses]
        for one, address in zip(self.sockets, addresses):
            one.connect(address)
        self.last = None  # the last frame that was sent
        self.restart(epoch)

    def restart(self, epoch):
        self.shards = [wire_source.Shard(self.sender(one), self.id, self.run, epoch) for one in self.sockets]

    def sender(self, one):
        def send(frame):
            self.last = frame
            one.send(frame)

        return send

    def events(self, first, end, luminosity_block=0, make=payload, packet_events=20):
        for event in range(first, end):
            shard = self.shards[event // self.block_events % len(self.shards)]
            shard.add(event, luminosity_block, make(event, self.id), self.block_events, packet_events)
        for shard in self.shards:
            shard.flush()

    def raw(self, frame, shard=0):
        self.sockets[shard].send(frame)

    def end_luminosity_block(self, block):
        for shard in self.shards:
            shard.end_luminosity_block(block)

    def end_run(self, block=0):
        for shard in self.shards:
            shard.end_run(block)

    def close(self):
        for one in self.sockets:
            one.close(linger=5000)
        self.context.term()


def sealed(frame):
    """The frame with a correct checksum, so that another check has to find what is wrong."""
    return frame[:60] + struct.pack("<I", wire_source.crc32c(frame[:60] + frame[64:])) + frame[64:]


class Collector:
    """Receives decisions; `events` maps event numbers to (outcome, flags, streams, rest of the bytes)."""

    def __init__(self, address):
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.PULL)
        self.socket.bind(address)
        self.events, self.books, self.next = {}, [], {}

    def receive(self, timeout_ms=200):
        while self.socket.poll(timeout_ms):
            self.take(self.socket.recv())
        return self

    def receive_one(self, timeout_ms):
        if self.socket.poll(timeout_ms):
            self.take(self.socket.recv())

    def take(self, frame):
        magic, version, size, run, shard, sequence, count, length, _, _, kind, crc = FRAME.unpack_from(frame)
        assert (magic, version, size, run, length) == (0x46445243, 1, 64, RUN, len(frame))
        assert crc == wire_source.crc32c(frame[:60] + frame[64:]), "checksum of a decision frame"
        assert sequence == self.next.get(shard, 0), "a decision frame is missing"
        self.next[shard] = sequence + 1
        if kind == 2:
            self.books.append(json.loads(frame[64:]))
            return
        at = 64
        for _ in range(count):
            fields = DECISION.unpack_from(frame, at)
            size_bytes, event, flags, streams, outcome = fields[0], fields[3], fields[6], fields[7], fields[11]
            assert event not in self.events, "an event was decided twice"
            self.events[event] = (OUTCOMES[outcome], flags, streams, frame[at + 96 : at + size_bytes])
            at += size_bytes
        assert at == len(frame)

    def close(self):
        self.socket.close(linger=0)
        self.context.term()


class Trigger:
    """`crible run` as a process, with its configuration in `folder`."""

    def __init__(self, folder, shards=1, networks="[]", chains="", timeout_ms=3000, deadline="{limit_us: 0}",
                 limits=None, prometheus="", name="trigger"):  # fmt: skip
        self.folder, self.name = folder, name
        # Each source has its own addresses, one for each shard; they count up source by source.
        first = free_port_range(2 * shards)
        self.addresses = [f"tcp://127.0.0.1:{first + i}" for i in range(2 * shards)]
        self.shards = shards
        self.decisions = f"tcp://127.0.0.1:{free_ports(1)[0]}"
        self.recording = folder / f"{name}.crec"
        self.config = folder / f"{name}.yaml"
        self.config.write_text(CONFIG.format(
            networks=networks, chains=chains, shards=shards, bind=self.addresses[0], timeout_ms=timeout_ms,
            deadline=deadline, decisions=self.decisions, recording=self.recording,
            prometheus=prometheus))  # fmt: skip
        self.collector = Collector(self.decisions)
        self.limits = limits
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            [CRIBLE, "run", self.config, "--json", self.folder / f"{self.name}.json"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=self.limits)  # fmt: skip
        return self

    def listening(self, address=None):
        """Waits until the process listens at `address` (host:port), its first input by default."""
        host, port = (address or self.addresses[0].removeprefix("tcp://")).split(":")
        while self.process.poll() is None:
            try:
                socket.create_connection((host, int(port)), 1).close()
                return self
            except OSError:
                time.sleep(0.02)
        return self

    def addresses_of(self, number):
        first = (number - 1) * self.shards
        return self.addresses[first : first + self.shards]

    def source(self, number, **options):
        return Source(self.addresses_of(number), number, **options)

    def wait(self, timeout_s=60):
        """Takes decisions until the process ends; returns its exit status."""
        end = time.monotonic() + timeout_s
        while self.process.poll() is None and time.monotonic() < end:
            self.collector.receive(50)
        self.output, self.errors = self.process.communicate(timeout=5)
        self.collector.receive()
        return self.process.returncode

    def summary(self):
        return json.loads((self.folder / f"{self.name}.json").read_text())

    def replay(self):
        return subprocess.run([CRIBLE, "replay", self.recording, "--config", self.config, "--json",
                               self.folder / "replay.json"], capture_output=True, text=True)  # fmt: skip

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
        self.collector.close()


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="crible-test-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def trigger(self, **options):
        trigger = Trigger(self.folder, **options)
        self.addCleanup(trigger.close)
        return trigger.start()

    def sources(self, trigger, **options):
        both = [trigger.source(number, **options) for number in (1, 2)]
        for one in both:
            self.addCleanup(one.close)
        return both

    def assert_done(self, trigger, status=0):
        self.assertEqual(trigger.wait(), status, trigger.output + trigger.errors)
        summary = trigger.summary()
        self.assertEqual(summary["ledger"]["violations"], [])
        self.assertTrue(summary["ledger"]["balanced"])
        return summary


def run_crible(*words):
    return subprocess.run([CRIBLE, *[str(word) for word in words]], capture_output=True, text=True)


def main(module):
    import sys

    global CRIBLE
    CRIBLE = sys.argv.pop(1)
    unittest.main(module=module)
