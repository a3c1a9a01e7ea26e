"""Runs the Python source that docs/wire-format.md shows, with a pyzmq that writes the frames to a file.

Usage: run_page.py PAGE FILE. The file gets each frame as its length in 4 bytes, little-endian, and its bytes.
"""

import re
import struct
import sys
import types

page, output = sys.argv[1:]
with open(page) as file:
    code = re.search(r"```python\n(.*?)```", file.read(), re.DOTALL)[1]
frames = open(output, "wb")


class Socket:
    def connect(self, endpoint):
        pass

    def send(self, frame):
        frames.write(struct.pack("<I", len(frame)) + frame)

    def close(self):
        pass


class Context:
    def socket(self, kind):
        return Socket()

    @classmethod
    def instance(cls):
        return cls()

    def term(self):
        pass


sys.modules["zmq"] = types.SimpleNamespace(Context=Context, PUSH=8)
exec(compile(code, page, "exec"), {})
