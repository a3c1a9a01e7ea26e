#!/usr/bin/env python3
"""Prints what is in a recording; docs/recording-format.md describes the file.

Usage: read_recording.py RECORDING [--events]

Works with the standard library alone as long as the recording is not compressed; for compressed ones the
package zstandard is needed. Exit status 1 when the recording is cut or damaged.
"""

import json
import struct
import sys

BLOCK = struct.Struct("<IHHHHIQQQQQIIIIII")
BLOCK_FIELDS = (
    "magic version header_bytes kind compression writer sequence stored_bytes body_bytes first_event "
    "last_event event_count run first_luminosity_block last_luminosity_block body_crc header_crc"
).split()
EVENT = struct.Struct("<IIQIIII")
FRAGMENT = struct.Struct("<II")
FOOTER = struct.Struct("<QQQQQ")
KINDS = {1: "run header", 2: "events", 3: "ledger", 4: "index", 5: "footer"}


def crc_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


CRC_TABLE = crc_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def padded(count):
    return (count + 7) // 8 * 8


def decompress(stored, body_bytes):
    import zstandard

    return zstandard.ZstdDecompressor().decompress(stored, max_output_size=body_bytes)


def blocks(data):
    """Yields (header as a dict, body) of each complete block; returns at the first that is not."""
    at = 0
    while at + BLOCK.size <= len(data):
        header = dict(zip(BLOCK_FIELDS, BLOCK.unpack_from(data, at)))
        if header["magic"] != 0x4B425243 or header["version"] != 1:
            return
        if crc32c(data[at : at + BLOCK.size - 4]) != header["header_crc"]:
            return
        begin = at + BLOCK.size
        end = begin + padded(header["stored_bytes"])
        if end > len(data) or crc32c(data[begin:end]) != header["body_crc"]:
            return
        body = data[begin : begin + header["stored_bytes"]]
        if header["compression"] == 1:
            body = decompress(body, header["body_bytes"])
        header["end"] = end
        yield header, body
        at = end


def events(body):
    """Yields (event number, luminosity block, streams, decision, {source: payload}) of an events block."""
    at = 0
    while at < len(body):
        record_bytes, count, event, luminosity_block, streams, decision_bytes, _ = EVENT.unpack_from(body, at)
        table = [FRAGMENT.unpack_from(body, at + EVENT.size + i * FRAGMENT.size) for i in range(count)]
        place = at + EVENT.size + count * FRAGMENT.size
        decision = body[place : place + decision_bytes]
        place += padded(decision_bytes)
        fragments = {}
        for source, size in table:
            fragments[source] = body[place : place + size]
            place += padded(size)
        yield event, luminosity_block, streams, decision, fragments
        at += record_bytes


def main(arguments):
    if not arguments:
        sys.exit(__doc__)
    with open(arguments[0], "rb") as file:
        data = file.read()
    end, closed, count = 0, False, 0
    for header, body in blocks(data):
        end = header["end"]
        print(f"block {header['sequence']}: {KINDS[header['kind']]}, {header['body_bytes']} bytes", end="")
        print(f", {header['event_count']} events" if header["kind"] == 2 else "")
        if header["kind"] == 1:
            run_header = json.loads(body)
            print(f"  run {run_header['run']}, menu {run_header['menu_hash']}")
        if header["kind"] == 2:
            for event, luminosity_block, streams, decision, fragments in events(body):
                count += 1
                if "--events" in arguments:
                    sizes = {source: len(payload) for source, payload in fragments.items()}
                    print(f"  event {event}, luminosity block {luminosity_block}, streams {streams:#x}, "
                          f"decision of {len(decision)} bytes, fragments {sizes}")
        if header["kind"] == 5:
            closed = end == len(data)
            _, _, offered, recorded, write_failed = FOOTER.unpack_from(body)
            print(f"  offered {offered} = recorded {recorded} + write_failed {write_failed}")
    print(f"{count} events")
    if not closed:
        print(f"not closed: {len(data) - end} bytes at the end belong to no complete block")
    return 0 if closed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
