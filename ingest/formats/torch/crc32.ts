import * as zlib from 'node:zlib';

/** Eight tables for a reflected CRC-32 ("slicing by 8"), which take eight bytes a step. */
function tablesOf(polynomial: number): readonly Uint32Array[] {
  const tables = Array.from({ length: 8 }, () => new Uint32Array(256));
  for (let i = 0; i < 256; i++) {
    let value = i;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1;
    tables[0]![i] = value;
  }
  for (let k = 1; k < 8; k++) {
    for (let i = 0; i < 256; i++) {
      const previous = tables[k - 1]![i]!;
      tables[k]![i] = (previous >>> 8) ^ tables[0]![previous & 0xff]!;
    }
  }
  return tables;
}

/** A reflected 32-bit CRC with initial value and final xor of all ones. */
function crc(polynomial: number): (bytes: Uint8Array) => number {
  let tables: readonly Uint32Array[] | undefined;
  return (bytes) => {
    tables ??= tablesOf(polynomial);
    const [t0, t1, t2, t3, t4, t5, t6, t7] = tables as [
      Uint32Array,
      Uint32Array,
      Uint32Array,
      Uint32Array,
      Uint32Array,
      Uint32Array,
      Uint32Array,
      Uint32Array,
    ];
    let value = 0xffffffff;
    let i = 0;
    for (const end = bytes.length - 7; i < end; i += 8) {
      value ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
      value =
        t7[value & 0xff]! ^
        t6[(value >>> 8) & 0xff]! ^
        t5[(value >>> 16) & 0xff]! ^
        t4[value >>> 24]! ^
        t3[bytes[i + 4]!]! ^
        t2[bytes[i + 5]!]! ^
        t1[bytes[i + 6]!]! ^
        t0[bytes[i + 7]!]!;
    }
    for (; i < bytes.length; i++) value = (value >>> 8) ^ t0[(value ^ bytes[i]!) & 0xff]!;
    return (value ^ 0xffffffff) >>> 0;
  };
}

/** CRC-32 of zip and gzip: Node's own where it has one (20.15 and later), which is several times as fast. */
export const crc32: (bytes: Uint8Array) => number = nativeCrc32() ?? crc(0xedb88320);

function nativeCrc32(): ((bytes: Uint8Array) => number) | undefined {
  const native: typeof zlib.crc32 | undefined = zlib.crc32;
  return native === undefined ? undefined : (bytes) => native(bytes);
}

/** CRC-32C (Castagnoli), as in Zarr's `crc32c` codec. */
export const crc32c = crc(0x82f63b78);
