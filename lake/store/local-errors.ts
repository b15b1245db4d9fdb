import { messageOf, RunlakeError } from '../errors.ts';
import { StoreError } from './object-store.ts';

const remedies: Readonly<Record<string, string>> = {
  EACCES: 'give this user read and write permission on it, or choose another directory',
  EPERM: 'give this user read and write permission on it; the file system must also support hard links',
  EROFS: 'the file system is mounted read-only: choose another directory for writing',
  ENOSPC: 'the disk is full: free space (runlake lake vacuum removes unused files) or choose another disk',
  EDQUOT: 'the disk quota is used up: free space or ask for more',
  EFBIG: 'raise the file size limit of this process or file system',
  EMFILE: 'raise the limit of open files (ulimit -n)',
  ENFILE: 'raise the limit of open files of this machine',
  ENAMETOOLONG: 'shorten the key: file systems allow 255 bytes a segment',
  ENOTDIR: 'an object has the name of a directory on the way; a directory store cannot hold both',
  EISDIR: 'a directory has this name; a directory store cannot hold an object of the same name',
  EXDEV: 'keep the whole store on one file system',
  ENOTSUP: 'this file system has no hard links, which atomic commits need: choose another one',
  EOPNOTSUPP: 'this file system has no hard links, which atomic commits need: choose another one',
  EIO: 'the disk reports read or write errors: check it',
};

/** The errno of a caught value, if it is a system error. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Errors that mean "there is no such object". */
export function meansAbsent(error: unknown): boolean {
  const errno = errnoOf(error);
  return (
    errno === 'ENOENT' ||
    errno === 'ENOTDIR' ||
    errno === 'ENAMETOOLONG' ||
    errno === 'ELOOP' ||
    errno === 'ENXIO'
  );
}

/** Turns whatever a file operation threw into a final `StoreError` with a remedy; our own errors pass. */
export function toLocalStoreError(error: unknown, action: string, path: string): RunlakeError {
  if (error instanceof RunlakeError) return error;
  const remedy = remedies[errnoOf(error) ?? ''];
  return new StoreError(`cannot ${action} ${path}: ${messageOf(error)}`, {
    where: { file: path },
    cause: error,
    ...(remedy === undefined ? {} : { remedy }),
  });
}
