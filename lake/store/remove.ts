import { unlink } from 'node:fs/promises';
import { hasErrno } from '../errors.ts';

/** Removes a file's name if it is there: one system call, where `rm` with `force` takes two. */
export async function removeFile(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (!hasErrno(error, 'ENOENT')) throw error;
  }
}
