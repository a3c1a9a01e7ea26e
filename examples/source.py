#!/usr/bin/env python3
"""The smallest source: one packet after the other for one shard. docs/wire-format.md explains each field.

Usage: source.py SOURCE_ID ADDRESS [EVENTS]     e.g. source.py 0 tcp://127.0.0.1:5700 10000
"""

import random
import struct
import sys
import time

import zmq

RUN = 1
BLOCK_EVENTS = 4096  # as in the configuration: a packet never spans two blocks
PACKET_EVENTS = 64
DATA, END_OF_LUMINOSITY_BLOCK, END_OF_RUN = 1, 2, 3
HEADER = struct.Struct("<IHHHHIQQIIQIII")  # without the CRC, which is its last four bytes

CRC_TABLE = []
for byte in range(256):
    for _ in range(8):
        byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
    CRC_TABLE.append(byte)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


class Source:
    def __init__(self, source, address):
        self.source, self.epoch = source, int(time.time())
        self.packets = self.fragments = 0
        self.socket = zmq.Context.instance().socket(zmq.PUSH)
        self.socket.connect(address)

    def send(self, kind, first_event, luminosity_block, count, body):
        head = HEADER.pack(
            0x4B505243, 1, 64, kind, self.source, RUN, self.packets, first_event, luminosity_block, count,
            time.time_ns(), 64 + len(body), self.epoch, self.fragments & 0xFFFFFFFF,
        )  # fmt: skip
        self.socket.send(head + struct.pack("<I", crc32c(head + body)) + body)
        self.packets += 1
        self.fragments += count

    def send_fragments(self, first_event, luminosity_block, payloads):
        """One payload for each event from first_event on."""
        table, end = b"", 64 + 8 * len(payloads)
        for offset, payload in enumerate(payloads):
            table += struct.pack("<II", offset, end)
            end += len(payload)
        self.send(DATA, first_event, luminosity_block, len(payloads), table + b"".join(payloads))

    def close(self, luminosity_block):
        """Says what was sent, so that the ledger knows what got lost on the way."""
        for kind in (END_OF_LUMINOSITY_BLOCK, END_OF_RUN):
            self.send(kind, 0, luminosity_block, 0, struct.pack("<QQ", self.packets, self.fragments))
        self.socket.close()
        zmq.Context.instance().term()  # waits until everything is sent


def main(source_id, address, events=10000):
    energies = random.Random(source_id)
    source = Source(int(source_id), address)
    event, events = 0, int(events)
    while event < events:
        count = min(PACKET_EVENTS, events - event, BLOCK_EVENTS - event % BLOCK_EVENTS)
        payloads = [struct.pack("<H", int(energies.expovariate(0.05))) for _ in range(count)]
        source.send_fragments(event, 1, payloads)
        event += count
    source.close(1)


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    main(*sys.argv[1:])
