#!/usr/bin/env python3
"""A source written from docs/wire-format.md alone: standard library and pyzmq, nothing of crible.

Sends the fragments of consecutive events to a running trigger, or writes the packets to a file
(each as its length in 4 bytes, little-endian, and its bytes), for which pyzmq is not needed.

The payloads come from a file of records (--records: a header of 24 bytes with the event number in bytes
8 to 11, the luminosity block in 18 to 19 and the number of 16-bit payload words in 20 to 21; the fragment is the
record as it is), or they are made up (--payload-bytes).
"""

import argparse
import itertools
import struct
import sys
import time

MAGIC = 0x4B505243
DATA, END_OF_LUMINOSITY_BLOCK, END_OF_RUN = 1, 2, 3
HEADER = struct.Struct("<IHHHHIQQIIQIII")
RECORD = struct.Struct("<HHIIIHHHH")


def table_entry(number):
    for _ in range(8):
        number = number >> 1 ^ (0x82F63B78 if number & 1 else 0)
    return number


CRC_TABLE = [table_entry(number) for number in range(256)]


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


class Shard:
    """The packets from one source to one shard. `send_frame` takes one frame."""

    def __init__(self, send_frame, source, run, epoch):
        self.send_frame, self.source, self.run, self.epoch = send_frame, source, run, epoch
        self.packets = self.fragments = 0
        self.block = self.block_packets = self.block_fragments = 0
        self.waiting = []
        self.waiting_block = 0

    def send(self, kind, luminosity_block, fragments=(), counts=b""):
        if luminosity_block != self.block:
            self.block, self.block_packets, self.block_fragments = luminosity_block, 0, 0
        first = fragments[0][0] if fragments else 0
        table = bytearray()
        payload_offset = 64 + 8 * len(fragments)
        for event, payload in fragments:
            table += struct.pack("<II", event - first, payload_offset)
            payload_offset += len(payload)
        body = bytes(table) + b"".join(payload for _, payload in fragments) + counts
        header = HEADER.pack(
            MAGIC, 1, 64, kind, self.source, self.run, self.packets, first, luminosity_block,
            len(fragments), time.time_ns(), 64 + len(body), self.epoch, self.fragments % 2**32)
        self.send_frame(header + struct.pack("<I", crc32c(header + body)) + body)
        self.packets += 1
        self.fragments += len(fragments)
        self.block_packets += 1
        self.block_fragments += len(fragments)

    def add(self, event, luminosity_block, payload, block_events, packet_events):
        """Packs the fragment, and sends the packet before it when a rule or its size says so."""
        if self.waiting:
            ends = (
                luminosity_block != self.waiting_block
                or event // block_events != self.waiting[0][0] // block_events
                or len(self.waiting) >= packet_events)
            if ends:
                self.flush()
        self.waiting.append((event, payload))
        self.waiting_block = luminosity_block

    def flush(self):
        if self.waiting:
            self.send(DATA, self.waiting_block, self.waiting)
        self.waiting = []

    def end_luminosity_block(self, block):
        self.flush()
        counts = (self.block_packets, self.block_fragments) if block == self.block else (0, 0)
        self.send(END_OF_LUMINOSITY_BLOCK, block, counts=struct.pack("<QQ", *counts))

    def end_run(self, block):
        self.flush()
        self.send(END_OF_RUN, block, counts=struct.pack("<QQ", self.packets, self.fragments))


def records(path):
    """(event number, luminosity block, record) for each record of a file."""
    with open(path, "rb") as file:
        data = file.read()
    at = 0
    while at < len(data):
        fields = RECORD.unpack_from(data, at)
        event, luminosity_block, payload_words = fields[3], fields[6], fields[7]
        end = at + RECORD.size + 2 * payload_words
        yield event, luminosity_block, data[at:end]
        at = end


def made_up(options):
    """Payloads that a test can compute again: bytes (source + event + i) mod 256."""
    for event in itertools.count(options.first_event):
        payload = bytes((options.source + event + i) & 255 for i in range(options.payload_bytes))
        yield event, event // options.luminosity_block_events, payload


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("endpoints", nargs="*", help="one for each shard, in order")
    parser.add_argument("--output", help="write the packets to this file instead of sending them")
    parser.add_argument("--shards", type=int, default=1, help="with --output: number of shards")
    parser.add_argument("--source", type=int, required=True)
    parser.add_argument("--run", type=int, required=True)
    parser.add_argument("--epoch", type=int, default=int(time.time()))
    parser.add_argument("--block-events", type=int, default=4096)
    parser.add_argument("--packet-events", type=int, default=100)
    parser.add_argument("--luminosity-block-events", type=int, default=1 << 32,
                        help="without --records: events in a luminosity block, counted from event 0")
    parser.add_argument("--records", help="file of records to send")
    parser.add_argument("--first-event", type=int, default=0)
    parser.add_argument("--events", type=int, default=10_000, help="at most so many")
    parser.add_argument("--payload-bytes", type=int, default=16)
    return parser.parse_args()


def open_shards(options):
    """(the frame senders in order of the shards, a function that ends all)"""
    if options.output:
        file = open(options.output, "wb")
        write = lambda frame: file.write(struct.pack("<I", len(frame)) + frame)
        return [write] * options.shards, file.close
    import zmq

    context = zmq.Context()
    sockets = []
    for endpoint in options.endpoints:
        socket = context.socket(zmq.PUSH)
        socket.connect(endpoint)
        sockets.append(socket)

    def close():
        for socket in sockets:
            socket.close(linger=10_000)
        context.term()

    return [socket.send for socket in sockets], close


def main():
    options = arguments()
    if not options.output and not options.endpoints:
        sys.exit("name an endpoint for each shard, or --output FILE")
    senders, close = open_shards(options)
    shards = [Shard(sender, options.source, options.run, options.epoch) for sender in senders]
    fragments = records(options.records) if options.records else made_up(options)
    block = None
    for event, luminosity_block, payload in itertools.islice(fragments, options.events):
        if block is not None and luminosity_block != block:
            for shard in shards:
                shard.end_luminosity_block(block)
        block = luminosity_block
        shard = shards[event // options.block_events % len(shards)]
        shard.add(event, luminosity_block, payload, options.block_events, options.packet_events)
    for shard in shards:
        if block is not None:
            shard.end_luminosity_block(block)
        shard.end_run(block or 0)
    close()


if __name__ == "__main__":
    main()
