import { Decompress } from 'fzstd';
import { ZSTDDecoder } from 'zstddec';
import { messageOf } from '../../../lake/errors.ts';
import { FormatError } from '../errors.ts';
import { walkFrames } from './frames.ts';

/** Input and output that are given to WebAssembly, whose memory never shrinks again. */
const maxWasmBytes = 512 * 1024 * 1024;
const maxWindow = 128 * 1024 * 1024;
const pushBytes = 1024 * 1024;

const decoder = new ZSTDDecoder();
await decoder.init();

/**
 * The content of one or more zstd frames; a fresh array.
 * @param maxBytes the most that may come out: the size the caller knows, or a limit. Checked before anything is
 * allocated
 * @param wasmBytes input and output beyond this are decompressed in slower plain JavaScript
 * @throws FormatError `CODEC_CORRUPT` | `TRUNCATED` | `UNSUPPORTED` (dictionaries) | `LIMIT`
 */
export function decompressZstd(bytes: Uint8Array, maxBytes: number, wasmBytes = maxWasmBytes): Uint8Array {
  const { maxSize, exact, window } = walkFrames(bytes);
  if (exact && maxSize > maxBytes) {
    throw new FormatError('LIMIT', `zstd data that decompresses to ${maxSize} bytes`, {
      expected: `at most ${maxBytes} bytes`,
    });
  }
  if (maxSize === 0) return new Uint8Array(0);
  // Without declared sizes the bound counts every block as full, so a little more than allowed may be harmless.
  const capacity = Math.min(maxSize, maxBytes + 1);
  const content =
    bytes.length + capacity <= wasmBytes
      ? decoder.decode(bytes, capacity)
      : inflateLarge(bytes, capacity, window);
  if (content.length > maxBytes || (content.length === 0 && capacity < maxSize)) {
    throw new FormatError('LIMIT', `zstd data that decompresses to more than ${maxBytes} bytes`);
  }
  // The decoder answers an error with no bytes.
  if (content.length === 0 || (exact && content.length !== maxSize)) {
    throw new FormatError('CODEC_CORRUPT', 'the zstd data is damaged', {
      expected: exact ? `${maxSize} bytes` : `at most ${capacity} bytes`,
      remedy: 'the file was damaged or cut off; copy it again',
    });
  }
  return content;
}

/** In plain JavaScript and in pieces; does not look at frame checksums. */
function inflateLarge(bytes: Uint8Array, capacity: number, window: number): Uint8Array {
  // This decoder allocates the window that a frame asks for; no level of zstd asks for more.
  if (window > Math.max(maxWindow, capacity)) {
    throw new FormatError('LIMIT', `a zstd frame with a window of ${window} bytes`);
  }
  const out = new Uint8Array(capacity);
  let filled = 0;
  try {
    const stream = new Decompress((chunk) => {
      out.set(chunk, filled);
      filled += chunk.length;
    });
    for (let at = 0; at < bytes.length; at += pushBytes) {
      const end = Math.min(at + pushBytes, bytes.length);
      stream.push(bytes.subarray(at, end), end === bytes.length);
    }
  } catch (cause) {
    throw new FormatError('CODEC_CORRUPT', `the zstd data is damaged: ${messageOf(cause)}`, { cause });
  }
  return out.subarray(0, filled);
}
