"""MurmurHash3_x86_128 of some texts, seed 0, as four 32-bit words: what test/operators/dedup compares with.

Made with Python package mmh3 5.3.1: python test/reference/murmur.py > test/reference/murmur.json
"""

import json
import struct

import mmh3

TEXTS = ["", "a", "abcd", "abcdefg", "hello, world", "0123456789abcde", "0123456789abcdef",
         "The quick brown fox jumps over the lazy dog", "猫がソファに座っている"]

rows = [[text, list(struct.unpack("<4I", mmh3.mmh3_x86_128_digest(text.encode(), 0)))] for text in TEXTS]
print(json.dumps(rows, ensure_ascii=False))
