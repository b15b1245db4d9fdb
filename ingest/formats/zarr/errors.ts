import { FormatError } from '../errors.ts';

/** An array whose metadata or chunks are not what Zarr says. `key` names the object. */
export function corrupt(key: string, message: string, cause?: unknown): FormatError {
  return new FormatError('ZARR_CORRUPT', `${key}: ${message}`, { where: { file: key }, cause });
}

/** The error for a valid store with something that is not read here. */
export function unsupported(key: string, what: string, remedy?: string): FormatError {
  return new FormatError('UNSUPPORTED', `${key}: ${what} is not read`, {
    where: { file: key },
    ...(remedy === undefined ? {} : { remedy }),
  });
}
