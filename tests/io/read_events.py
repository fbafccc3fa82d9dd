#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Prints the events of a TensorBoard file as JSON lines; needs nothing but Python.

Written from the definitions (TFRecord: core/lib/io/record_writer.h; event.proto and summary.proto; CRC-32C: RFC 3720), and
without a look at arvit's writer, whose tests call it. Any fault ends it with status 1.
"""
import json
import struct
import sys


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def check(data, masked, what):
    unmasked = (masked - 0xA282EAD8) & 0xFFFFFFFF
    stored = (unmasked >> 17 | unmasked << 15) & 0xFFFFFFFF
    if stored != crc32c(data):
        sys.exit(f"wrong checksum of the {what}")


def records(data):
    at = 0
    while at < len(data):
        length, length_crc = struct.unpack_from("<QI", data, at)
        check(data[at:at + 8], length_crc, "length")
        body = data[at + 12:at + 12 + length]
        check(body, struct.unpack_from("<I", data, at + 12 + length)[0], "data")
        yield body
        at += 16 + length


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def fields(data):
    """(number, value) of every field; groups do not occur."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 1:
            value, at = data[at:at + 8], at + 8
        elif kind == 2:
            length, at = varint(data, at)
            value, at = data[at:at + length], at + length
        elif kind == 5:
            value, at = data[at:at + 4], at + 4
        else:
            sys.exit(f"wire type {kind} is unknown")
        yield key >> 3, value
    if at != len(data):
        sys.exit("a field is cut")


def event(data):
    result = {"step": 0}
    for number, value in fields(data):
        if number == 1:
            result["wall_time"], = struct.unpack("<d", value)
        elif number == 2:
            result["step"] = value - (1 << 64) if value >> 63 else value
        elif number == 3:
            result["file_version"] = value.decode()
        elif number == 5:
            result["values"] = {}
            for inner, summary_value in fields(value):
                assert inner == 1
                parts = dict(fields(summary_value))
                result["values"][parts[1].decode()], = struct.unpack("<f", parts[2])
        elif number == 7:
            result["session_log_status"] = dict(fields(value))[1]
        else:
            sys.exit(f"field {number} of Event is unknown here")
    return result


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as file:
        for record in records(file.read()):
            print(json.dumps(event(record)))
