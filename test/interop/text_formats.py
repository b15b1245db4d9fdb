"""Python's own json, csv and float, for comparison. Usage: text_formats.py MODE INPUT ; prints JSON."""

import csv
import io
import json
import math
import random
import struct
import sys


def as_hex(text):
    try:
        value = float(text)
    except ValueError:
        return "ValueError"
    return struct.pack(">d", math.nan if value != value else value).hex()


def random_value(r, depth=0):
    kind = r.randrange(9 if depth < 4 else 7)
    if kind == 0:
        return r.choice([None, True, False])
    if kind == 1:
        return r.choice([math.nan, math.inf, -math.inf, 1e22, 5e-324, -0.0, 1e300])
    if kind == 2:
        return r.randrange(-(10**r.randrange(1, 40)), 10 ** r.randrange(1, 40))
    if kind == 3:
        return r.uniform(-1, 1) * 10 ** r.randrange(-20, 20)
    if kind < 7:
        alphabet = 'ab":\\/\n\t\x7f\u00e9\u6771\U0001f600\u2028'
        return "".join(r.choice(alphabet) for _ in range(r.randrange(8)))
    if kind == 7:
        return [random_value(r, depth + 1) for _ in range(r.randrange(5))]
    return {random_value_key(r): random_value(r, depth + 1) for _ in range(r.randrange(5))}


def random_value_key(r):
    return "".join(r.choice('ab":\\é') for _ in range(r.randrange(4)))


def write_json():
    r = random.Random(7)
    out = []
    for i in range(1500):
        kw = [{}, {"ensure_ascii": False}, {"indent": 2}, {"separators": (",", ":")}][i % 4]
        out.append(json.dumps(random_value(r), **kw))
    return out


def normal(value):
    """What stringifyJson documents: non-finite numbers become strings; JavaScript has one kind of number."""
    if isinstance(value, float):
        return str(value).replace("nan", "NaN").replace("inf", "Infinity") if not math.isfinite(value) else value
    if isinstance(value, list):
        return [normal(v) for v in value]
    if isinstance(value, dict):
        return {k: normal(v) for k, v in value.items()}
    return value


def compare_json(pairs):
    """Texts that differ. Integers must be equal exactly, floats to the bit; 1 and 1.0 are equal in Python as well."""
    return [a for a, b in zip(*pairs) if normal(json.loads(a)) != json.loads(b)]


def write_csv():
    r = random.Random(8)
    out = []
    for i in range(300):
        width = r.randrange(2, 5)
        # With LF as line end Python leaves a CR unquoted, and no reader can tell it from CRLF.
        alphabet = 'ab",\n \u00e9' + ("" if i % 3 == 2 else "\r")
        rows = [
            ["".join(r.choice(alphabet) for _ in range(r.randrange(6))) for _ in range(width)]
            for _ in range(r.randrange(1, 8))
        ]
        kw = [{}, {"quoting": csv.QUOTE_ALL}, {"lineterminator": "\n"}][i % 3]
        f = io.StringIO(newline="")
        csv.writer(f, **kw).writerows(rows)
        out.append([f.getvalue(), rows])
    return out


def main():
    mode, path = sys.argv[1:3]
    with open(path, encoding="utf-8", newline="") as f:
        text = f.read()
    if mode == "float":
        out = [as_hex(t) for t in json.loads(text)]
    elif mode == "write-json":
        out = write_json()
    elif mode == "compare-json":
        out = compare_json(json.loads(text))
    else:
        out = write_csv()
    json.dump(out, sys.stdout)


main()
