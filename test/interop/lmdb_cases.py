"""Writes LMDB stores with py-lmdb and what py-lmdb reads back from them.

Usage: lmdb_cases.py OUT [--cases a,b | --random N | --digest a,b] ; OUT gets NAME.mdb and expected.json:
{NAME: {"databases": {"" or name: {"stat": {...}, "entries": [[hex key, sha256 of value, size], ...]}}}}
lmdb_cases.py --read DATA.MDB... prints the same of existing stores. With --digest, "entries" is the sha256 of that list's compact JSON text.
"""

import hashlib
import json
import os
import random
import shutil
import sys
import tempfile

import lmdb


def rng(name):
    return random.Random(name)


def put_all(env, items, db=None, **kw):
    with env.begin(write=True, db=db) as txn:
        for key, value in items:
            txn.put(key, value, **kw)


def empty(env):
    pass


def one(env):
    put_all(env, [(b"key", b"value")])


def empty_value(env):
    put_all(env, [(b"a", b""), (b"b", b"x"), (b"c", b"")])


def small_values(env):
    r = rng("small")
    put_all(env, [(b"%016x" % r.getrandbits(64), r.randbytes(r.randrange(0, 200))) for _ in range(5000)])


def long_keys(env):
    """511-byte keys leave room for few nodes a page, so the tree is deep."""
    r = rng("long")
    put_all(env, [(r.randbytes(511), b"v%d" % i) for i in range(3000)])


def overflow(env):
    r = rng("overflow")
    sizes = [2000, 2022, 2023, 2024, 2025, 2040, 4064, 4065, 4079, 4080, 4081, 4096, 8176, 8177, 65536, 100_000, 1_000_000]
    put_all(env, [(b"%05d" % i, r.randbytes(size)) for i, size in enumerate(sizes)])
    put_all(env, [(b"hash%016x" % r.getrandbits(64), r.randbytes(r.randrange(5000, 9000))) for _ in range(200)])


def boundary(env):
    """Every value size around the limit between a value in the node and one in overflow pages."""
    put_all(env, [(b"k%04d" % n, bytes([n % 251]) * n) for n in range(1980, 2080)])


def deleted(env):
    r = rng("deleted")
    keys = [b"%016x" % r.getrandbits(64) for _ in range(4000)]
    put_all(env, [(k, r.randbytes(r.randrange(10, 3000))) for k in keys])
    for start in range(0, 3000, 500):
        with env.begin(write=True) as txn:
            for key in keys[start : start + 500]:
                txn.delete(key)
    put_all(env, [(b"again%d" % i, r.randbytes(5000)) for i in range(50)])


def all_deleted(env):
    put_all(env, [(b"%d" % i, b"x" * 100) for i in range(500)])
    with env.begin(write=True) as txn:
        for i in range(500):
            txn.delete(b"%d" % i)


def loose_tail(env):
    """Pages that one transaction allocates at the end and frees again are never written."""
    put_all(env, [(b"a", b"x" * 100)])
    with env.begin(write=True) as txn:
        for i in range(40):
            txn.put(b"big%d" % i, b"y" * 3000)
        for i in range(40):
            txn.delete(b"big%d" % i)


def named(env):
    r = rng("named")
    for name in (b"alpha", b"beta", b"empty", "größe".encode()):
        db = env.open_db(name)
        if name != b"empty":
            put_all(env, [(r.randbytes(12), r.randbytes(r.randrange(0, 6000))) for _ in range(300)], db)
    put_all(env, [(b"plain", b"not a database")])


def dupsort(env):
    r = rng("dupsort")
    db = env.open_db(b"dups", dupsort=True)
    put_all(env, [(b"few", b"v%d" % i) for i in range(5)] + [(b"single", b"v")], db)
    put_all(env, [(b"many", b"value %06d" % r.randrange(10**6)) for _ in range(5000)], db)
    put_all(env, [(b"long", r.randbytes(r.randrange(1, 500))) for _ in range(300)], db)
    for k in range(200):
        put_all(env, [(b"k%03d" % k, r.randbytes(r.randrange(1, 30))) for _ in range(r.randrange(1, 60))], db)


def dupfixed(env):
    r = rng("dupfixed")
    for size in (1, 2, 4, 8, 13, 100):
        db = env.open_db(b"fixed%d" % size, dupsort=True, dupfixed=True)
        for n in (1, 2, 3, 40, 200, 3000):
            put_all(env, [(b"n%d" % n, r.randbytes(size)) for _ in range(n)], db)


def integer_keys(env):
    db = env.open_db(b"ints", integerkey=True)
    put_all(env, [(i.to_bytes(8, "little"), b"%d" % i) for i in range(0, 200_000, 71)], db)
    dup = env.open_db(b"intdups", dupsort=True, dupfixed=True, integerdup=True)
    put_all(env, [(b"k%d" % (i % 3), (i * 7919 % 5003).to_bytes(8, "little")) for i in range(4000)], dup)


def reversed_keys(env):
    r = rng("reversed")
    db = env.open_db(b"rev", reverse_key=True)
    put_all(env, [(r.randbytes(r.randrange(1, 20)), b"%d" % i) for i in range(2000)], db)


def writer_open(env):
    """A copy taken while a write transaction has put pages into the map and not committed."""
    put_all(env, [(b"%06d" % i, b"committed" * 20) for i in range(500)])
    txn = env.begin(write=True)
    for i in range(2000):
        txn.put(b"%06d" % (i // 2), b"uncommitted" * 50)
    return txn


writer_open.options = {"writemap": True, "map_size": 8 << 20}


def many_transactions(env):
    for i in range(60):
        put_all(env, [(b"%04d" % j, b"%d" % i * 50) for j in range(i, i + 40)])


def page_sizes(env):
    """For other page sizes: inline and overflow values, duplicates in sub-pages and sub-trees, a deleted part."""
    put_all(env, [(b"%06d" % (i * 7919 % 900), b"v%d" % i * (i % 9)) for i in range(900)])
    put_all(env, [(b"big%d" % i, bytes([65 + i]) * (i * 6001)) for i in range(1, 9)])
    db = env.open_db(b"dups", dupsort=True)
    put_all(env, [(b"k%d" % (i % 5), b"duplicate %05d" % i) for i in range(0, 6000, 4)], db)
    put_all(env, [(b"few", b"%d" % i) for i in range(4)], db)
    fixed = env.open_db(b"fixed", dupsort=True, dupfixed=True)
    put_all(env, [(b"k", i.to_bytes(4, "big")) for i in range(5000)], fixed)
    with env.begin(write=True) as txn:
        for i in range(200, 400):
            txn.delete(b"%06d" % i)


def tiny(env):
    """Everything a store can have in a few pages, for damaging it many times."""
    put_all(env, [(b"%02d" % i, b"v%d" % i * (3 * i)) for i in range(24)] + [(b"big", b"x" * 2500), (b"big2", b"y" * 1200)])
    db = env.open_db(b"dups", dupsort=True)
    put_all(env, [(b"few", b"%d" % i) for i in range(4)] + [(b"many", b"duplicate %03d" % i) for i in range(90)], db)
    fixed = env.open_db(b"fixed", dupsort=True, dupfixed=True)
    put_all(env, [(b"k", i.to_bytes(4, "big")) for i in range(300)] + [(b"l", b"abcd")], fixed)
    with env.begin(write=True) as txn:
        txn.delete(b"07")


CASES = [
    empty, one, empty_value, small_values, long_keys, overflow, boundary, deleted, all_deleted, loose_tail, named,
    dupsort, dupfixed, integer_keys, reversed_keys, writer_open, many_transactions, page_sizes,
]


def random_case(index):
    """One of the property test's stores: random shapes of keys, values and histories."""
    r = rng("random%d" % index)

    def build(env):
        dup = r.random() < 0.3
        db = env.open_db(b"db", dupsort=True, dupfixed=False) if dup else None
        key_max = r.choice([4, 16, 64, 511])
        value_max = r.choice([8, 300]) if dup else r.choice([8, 300, 3000, 20_000])
        known = []
        for _ in range(r.randrange(1, 6)):
            with env.begin(write=True, db=db) as txn:
                for _ in range(r.randrange(0, 300)):
                    if known and r.random() < 0.3:
                        txn.delete(r.choice(known))
                    else:
                        key = r.randbytes(r.randrange(1, key_max + 1))
                        if dup and known and r.random() < 0.6:
                            key = r.choice(known)
                        known.append(key)
                        txn.put(key, r.randbytes(r.randrange(1 if dup else 0, value_max + 1)))

    build.__name__ = "random%d" % index
    return build


def read(path):
    """What py-lmdb itself reads from the copy."""
    databases = {}
    with lmdb.open(path, subdir=False, readonly=True, lock=False, max_dbs=16) as env:
        with env.begin() as txn:
            names = [b""]
            for key, value in txn.cursor():
                try:
                    env.open_db(key, txn=txn, create=False)
                    names.append(key)
                except lmdb.Error:
                    pass
            for db_name in names:
                db = env.open_db(db_name, txn=txn, create=False) if db_name else env.open_db(None, txn=txn)
                rows = [
                    [bytes(k).hex(), hashlib.sha256(v).hexdigest(), len(v)] for k, v in txn.cursor(db=db)
                ]
                databases[db_name.decode()] = {"stat": txn.stat(db), "entries": rows}
    return {"databases": databases, "size": os.path.getsize(path)}


def make(out, case):
    name = case.__name__
    target = os.path.join(out, name + ".mdb")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "data.mdb")
        options = {"map_size": 1 << 28, **getattr(case, "options", {})}
        env = lmdb.open(path, subdir=False, max_dbs=16, sync=False, metasync=False, **options)
        txn = case(env)
        shutil.copy(path, target)
        if txn is not None:
            txn.abort()
        env.close()
    return name, read(target)


def main():
    out = sys.argv[1]
    if out == "--read":
        json.dump({path: read(path) for path in sys.argv[2:]}, sys.stdout)
        return
    cases = CASES
    if len(sys.argv) > 2 and sys.argv[2] == "--random":
        cases = [random_case(i) for i in range(int(sys.argv[3]))]
    elif len(sys.argv) > 2:
        cases = [globals()[name] for name in sys.argv[3].split(",")]
    os.makedirs(out, exist_ok=True)
    expected = dict(make(out, case) for case in cases)
    if "--digest" in sys.argv:
        for store in expected.values():
            for database in store["databases"].values():
                text = json.dumps(database["entries"], separators=(",", ":"))
                database["entries"] = hashlib.sha256(text.encode()).hexdigest()
    with open(os.path.join(out, "expected.json"), "w") as f:
        json.dump(expected, f)


main()
