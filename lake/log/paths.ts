import { UnsupportedTableError } from './errors.ts';

/**
 * Encodes a path below the table root as the relative URI that `add.path` holds (RFC 2396: everything but unreserved
 * characters, `/` and the `=` of hive folders is escaped; a `%` that is part of the name becomes `%25`).
 */
export function encodePath(relativeKey: string): string {
  return relativeKey
    .split('/')
    .map((segment) => encodeURIComponent(segment).replaceAll('%3D', '='))
    .join('/');
}

/**
 * The path below the table root that an `add.path` or `remove.path` names.
 * @throws UnsupportedTableError for absolute URIs, paths that climb out of the table, and invalid escapes
 */
export function decodePath(path: string): string {
  if (/^[a-zA-Z][a-zA-Z0-9+.-]*:/.test(path) || path.startsWith('/')) {
    throw new UnsupportedTableError(`data file ${path} lies outside the table`, {
      expected: 'a path relative to the table root',
      remedy: 'shallow clones cannot be read here; make a deep clone of the table',
    });
  }
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch (cause) {
    throw new UnsupportedTableError(`data file path ${path} is no valid URI`, { cause });
  }
  const segments = decoded.split('/');
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..')) {
    throw new UnsupportedTableError(`data file path ${path} is not normalised`, {
      expected: 'a path without empty, "." or ".." segments',
    });
  }
  return decoded;
}

/** Key of the object behind a decoded path. */
export function dataKey(root: string, path: string): string {
  return `${root}/${path}`;
}
