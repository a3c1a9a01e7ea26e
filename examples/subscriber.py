#!/usr/bin/env python3
"""The smallest receiver of decisions: prints one line for each accepted event.

Usage: subscriber.py ADDRESS [SECONDS]     binds ADDRESS; ends when nothing came for SECONDS (default 10)
"""

import struct
import sys

import zmq

FRAME = struct.Struct("<IHHIIQIIq16sII")
DECISION = struct.Struct("<IHHQIIIIHHHBBQqqqqqq")
DECISIONS, ACCEPTED = 1, 0
OUTCOMES = ("accepted", "rejected", "prescaled out", "forced")


def decisions_of(frame):
    """(header fields, chain bits that held, chain bits kept) of each decision in a frame."""
    header = FRAME.unpack_from(frame)
    magic, header_bytes, count, kind = header[0], header[2], header[6], header[10]
    if magic != 0x46445243 or kind != DECISIONS:
        return
    at = header_bytes
    for _ in range(count):
        fields = DECISION.unpack_from(frame, at)
        size_bytes, decision_header_bytes, chains = fields[0], fields[2], fields[8]
        words = (chains + 63) // 64
        bits = struct.unpack_from(f"<{2 * words}Q", frame, at + decision_header_bytes)
        yield fields, bits[:words], bits[words:]
        at += size_bytes


def main(address, seconds=10):
    socket = zmq.Context.instance().socket(zmq.PULL)
    socket.bind(address)
    outcomes = dict.fromkeys(OUTCOMES, 0)
    while socket.poll(float(seconds) * 1000):
        for fields, _, kept in decisions_of(socket.recv()):
            event, outcome = fields[3], fields[11]
            outcomes[OUTCOMES[outcome]] += 1
            if outcome == ACCEPTED:
                fired = [64 * word + bit for word, value in enumerate(kept) for bit in range(64) if value >> bit & 1]
                print(f"event {event}: chains {fired}")
    print(", ".join(f"{count} {outcome}" for outcome, count in outcomes.items()))


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(*sys.argv[1:])
