"""Writes pickles of many values, in every protocol, and what the values are: one JSON object a line."""
import base64
import collections
import json
import pickle
import random
import struct
import sys

import numpy as np


def tag(v):
    if v is None:
        return ["none"]
    if isinstance(v, (bool, np.bool_)):
        return ["bool", bool(v)]
    if isinstance(v, (int, np.integer)):
        v = int(v)
        if abs(v) < 2**53:
            return ["num", struct.pack(">d", float(v)).hex()]
        return ["big", str(v)]
    if isinstance(v, (float, np.floating)):
        v = float(v)
        return ["num", "nan" if v != v else struct.pack(">d", v).hex()]
    if isinstance(v, complex):
        return ["complex", tag(v.real), tag(v.imag)]
    if isinstance(v, str):
        return ["str", v.encode("utf-16-le", "surrogatepass").hex()]
    if isinstance(v, (bytes, bytearray)):
        return ["bytes", bytes(v).hex()]
    if isinstance(v, list):
        return ["list", [tag(x) for x in v]]
    if isinstance(v, tuple):
        return ["tuple", [tag(x) for x in v]]
    if isinstance(v, (set, frozenset)):
        return ["set", sorted((tag(x) for x in v), key=json.dumps)]
    if isinstance(v, dict):
        return ["dict", [[tag(k), tag(x)] for k, x in v.items()]]
    if isinstance(v, np.ndarray):
        shape = list(v.shape)
        if v.dtype.kind in "OUS":
            items = [x.decode() if isinstance(x, bytes) else x for x in v.ravel().tolist()]
            return ["objects", shape, [tag(x) for x in items]]
        little = v.astype(v.dtype.newbyteorder("<"))
        return ["array", v.dtype.name, shape, np.ascontiguousarray(little).tobytes().hex()]
    raise TypeError(type(v))


rng = random.Random(20240917)


def text():
    alphabet = ["a", "Z", "0", " ", "\n", "\\", "'", '"', "é", "東", "😀", "\x00", "\ud83d", "\udc00", "\ufeff"]
    return "".join(rng.choice(alphabet) for _ in range(rng.choice([0, 1, 3, 10, 40, 300])))


def leaf():
    return rng.choice(
        [
            lambda: None,
            lambda: True,
            lambda: False,
            lambda: rng.randint(-300, 70000),
            lambda: rng.choice([-1, 1]) * rng.getrandbits(rng.choice([8, 31, 32, 33, 53, 54, 64, 200, 2100])),
            lambda: rng.choice([0.0, -0.0, 1.5, float("inf"), float("-inf"), float("nan"), 5e-324, 1.7e308, rng.random()]),
            text,
            lambda: rng.randbytes(rng.choice([0, 1, 255, 256, 1000])),
            lambda: bytearray(rng.randbytes(9)),
            lambda: complex(rng.random(), -1.0),
        ]
    )()


def value(depth):
    if depth == 0 or rng.random() < 0.3:
        return leaf()
    n = rng.choice([0, 1, 2, 3, 5])
    kind = rng.randrange(7)
    if kind == 0:
        return [value(depth - 1) for _ in range(n)]
    if kind == 1:
        return tuple(value(depth - 1) for _ in range(n))
    if kind == 2:
        return {text(): value(depth - 1) for _ in range(n)}
    if kind == 3:
        return {rng.choice([text(), rng.randint(0, 9), None, 2**70 + i]): value(depth - 1) for i in range(n)}
    if kind == 4:
        return rng.choice([set, frozenset])(rng.choice([text(), rng.randint(0, 9)]) for _ in range(n))
    if kind == 5:
        return collections.OrderedDict((text(), value(depth - 1)) for _ in range(n))
    shared = value(depth - 1)
    return [shared, (shared, shared)]


def arrays():
    for code in ["?", "<i1", "<i2", ">i4", "<i8", "<u1", ">u2", "<u4", "<u8", "<f2", ">f2", "<f4", ">f8", "<f8"]:
        base = (np.arange(24) * 7 % 120).astype(code).reshape(2, 3, 4)
        yield base
        yield np.asfortranarray(base)
        yield base[:, 1:, ::2]
        yield base[0, 0, 1]
        yield np.zeros((0, 5), code)
    yield np.array(7.25, "<f4")
    yield np.array(["a", "bé東", ""])
    yield np.array(["x", "yz"], ">U3")
    yield np.array([b"ab", b"c"])
    yield np.str_("scalar")
    yield np.array([{"a": 1}, None, [1.5]], dtype=object)
    yield [np.float16(0.5), np.int64(-(2**60)), np.bool_(True), np.float64("nan")]
    row = np.arange(3, dtype="<f4")
    yield {"same": [row, row], "dtype shared": [row, row + 1]}


values = [value(4) for _ in range(250)] + list(arrays())
values += [list(range(2500)), {str(i): i for i in range(2500)}, tuple(range(300)), set(range(1500))]
for v in values:
    for protocol in range(6):
        data = pickle.dumps(v, protocol)
        print(json.dumps({"pickle": base64.b64encode(data).decode(), "value": tag(v), "protocol": protocol}))
sys.stdout.flush()
