import { corrupt } from './errors.ts';

const maxMetadata = 16 * 1024 * 1024;

/**
 * JSON as Python writes it: bare NaN, Infinity and -Infinity become their names as strings.
 * @throws FormatError `ZARR_CORRUPT`
 */
export function parseJson(key: string, bytes: Uint8Array): unknown {
  if (bytes.length > maxMetadata) throw corrupt(key, `${bytes.length} bytes of metadata`);
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    // Strings match first, so that only tokens outside of them are replaced.
    const tokens = /"(?:[^"\\]|\\.)*"|-?(?:NaN|Infinity)\b/g;
    return JSON.parse(text.replace(tokens, (token) => (token.startsWith('"') ? token : `"${token}"`)));
  } catch (cause) {
    throw corrupt(key, 'the metadata is no JSON', cause);
  }
}
