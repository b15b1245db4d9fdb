"""Writes arrays with the Zarr library of Python into a folder and prints what is in them, one JSON object a line."""
import json
import sys
import warnings

import numcodecs
import numpy as np
import zarr
from zarr.codecs import BytesCodec, Crc32cCodec, GzipCodec, TransposeCodec, ZstdCodec

warnings.simplefilter("ignore")
root = sys.argv[1]
rng = np.random.default_rng(5)


def report(name, a, chunks):
    values = np.asarray(a[...])
    kind = values.dtype.kind
    if kind in "UOST":
        content = {"strings": [x.decode() if isinstance(x, bytes) else str(x) for x in values.ravel().tolist()]}
    else:
        little = np.ascontiguousarray(values.astype(values.dtype.newbyteorder("<")))
        content = {"dtype": values.dtype.name, "hex": little.tobytes().hex()}
    print(json.dumps({"name": name, "shape": list(values.shape), "chunks": list(chunks), **content}))


def write(name, data, chunks, part=None, fill=0, **kw):
    a = zarr.create_array(f"{root}/{name}", shape=data.shape, chunks=chunks, dtype=data.dtype, fill_value=fill, **kw)
    if part is None:
        a[...] = data
    else:
        a[part] = data[part]
    report(name, a, chunks)


base = rng.normal(size=(7, 5, 6)) * 50
v2 = {"zarr_format": 2, "compressors": None}
for code in ["?", "<i1", "<i2", ">i4", "<i8", "<u1", "<u8", "<f2", ">f2", "<f4", "<f8", ">f8"]:
    write(f"v2-{code[-2:]}-{code[0] == '>'}", np.abs(base).astype(code), (3, 2, 6), **v2)
    native = np.abs(base).astype(code).astype(np.dtype(code).newbyteorder("="))
    write(f"v3-{code[-2:]}-{code[0] == '>'}", native, (3, 2, 6), zarr_format=3, compressors=None,
          serializer=BytesCodec(endian="big" if code[0] == ">" else "little"))
f4 = base.astype("<f4")
for sep in [".", "/"]:
    for order in ["C", "F"]:
        for codec in [None, numcodecs.Zlib(3), numcodecs.GZip(5), numcodecs.Zstd(3)]:
            name = f"v2-{'dot' if sep == '.' else 'slash'}-{order}-{codec.codec_id if codec else 'none'}"
            encoding = {"name": "v2", "separator": sep}
            write(name, f4, (2, 5, 4), zarr_format=2, order=order, compressors=codec, chunk_key_encoding=encoding)
for name, fill in [("nan", float("nan")), ("inf", float("inf")), ("minus", -float("inf")), ("some", -1.5)]:
    write(f"v2-fill-{name}", f4, (2, 2, 6), part=np.s_[2:4, 1:3], fill=fill, **v2)
    write(f"v3-fill-{name}", f4, (2, 2, 6), part=np.s_[2:4, 1:3], fill=fill, zarr_format=3)
write("v2-fill-int", base.astype("<i4"), (2, 2, 6), part=np.s_[5:], fill=-1, **v2)
write("v3-fill-f2", base.astype("<f2"), (2, 2, 6), part=np.s_[5:], fill=-0.5, zarr_format=3)
pipelines = {
    "gzip": {"compressors": GzipCodec()},
    "zstd": {"compressors": ZstdCodec()},
    "zstd-checksum": {"compressors": ZstdCodec(checksum=True)},
    "crc": {"compressors": [Crc32cCodec()]},
    "gzip-crc": {"compressors": [GzipCodec(), Crc32cCodec()]},
    "transpose": {"compressors": None, "filters": [TransposeCodec(order=(2, 0, 1))]},
    "transpose-zstd": {"compressors": ZstdCodec(), "filters": [TransposeCodec(order=(1, 2, 0))]},
    "v2-keys": {"chunk_key_encoding": {"name": "v2", "separator": "."}},
    "dot-keys": {"chunk_key_encoding": {"name": "default", "separator": "."}},
}
for name, kw in pipelines.items():
    write(f"v3-{name}", f4, (2, 5, 4), zarr_format=3, **kw)
write("v3-shards", f4, (2, 1, 3), zarr_format=3, shards=(4, 2, 6), compressors=ZstdCodec())
write("v3-shards-plain", f4, (2, 1, 3), zarr_format=3, shards=(4, 2, 6), compressors=None)
write("v3-shards-missing", f4, (2, 1, 3), zarr_format=3, shards=(4, 2, 6), part=np.s_[0:2, 0:1, 0:3], fill=2.5)
write("v2-scalar", np.array(2.5, "<f4"), (), **v2)
write("v3-scalar", np.array(2.5, "<f4"), (), zarr_format=3)
write("v3-empty", np.zeros((0, 4), "<f4"), (1, 4), zarr_format=3)
words = np.array(["", "a", "bé", "東京 😀", "x" * 300, "", "end"], dtype=object)
a = zarr.create_array(f"{root}/v2-vlen", shape=(9,), chunks=(4,), dtype=str, zarr_format=2, compressors=None, fill_value="")
a[:7] = words
report("v2-vlen", a, (4,))
a = zarr.create_array(f"{root}/v2-vlen-zstd", shape=(9,), chunks=(4,), dtype=str, zarr_format=2, compressors=numcodecs.Zstd(), fill_value="?")
a[:3] = words[:3]
report("v2-vlen-zstd", a, (4,))
a = zarr.create_array(f"{root}/v3-vlen", shape=(3, 3), chunks=(2, 2), dtype=str, zarr_format=3)
a[...] = np.append(words, ["p", "q"]).reshape(3, 3)
report("v3-vlen", a, (2, 2))
fixed = np.array([["ab", "東京"], ["", "xyz"], ["12345", "q"]])
write("v2-fixed", fixed, (2, 1), fill="", **v2)
write("v3-fixed", fixed, (2, 1), fill="", zarr_format=3)
blosc = zarr.create_array(f"{root}/refused-blosc", shape=(4,), chunks=(2,), dtype="f4", zarr_format=2, compressors=numcodecs.Blosc())
blosc[...] = 1
delta = zarr.create_array(f"{root}/refused-delta", shape=(4,), chunks=(2,), dtype="i4", zarr_format=2, filters=[numcodecs.Delta("i4")], compressors=None)
delta[...] = 1
zarr.create_array(f"{root}/refused-complex", shape=(4,), chunks=(2,), dtype="c8", zarr_format=3)
group = zarr.create_group(f"{root}/group", zarr_format=2, attributes={"schema_version": "zarr-v1", "nan": float("nan")})
zarr.create_group(f"{root}/group3", zarr_format=3, attributes={"a": [1, 2]})
