import { z } from 'zod';

/** Name of the file that says which commits are reachable from a tag, for trees that are no git checkout. */
export const TAGGED_COMMITS_FILE = 'git_reachable_from_tags.json';

const commitsByTag = z.record(z.string(), z.array(z.string().regex(/^[0-9a-f]{7,64}$/)));

/** Commits (7 hexadecimal digits or more) by tag, or these by project. */
export const taggedCommitsSchema = z.union([commitsByTag, z.record(z.string(), commitsByTag)]);

/** Every commit that such a file names. */
export function commitsOf(document: z.infer<typeof taggedCommitsSchema>): string[] {
  return Object.values(document).flatMap((entry) =>
    Array.isArray(entry) ? entry : Object.values(entry).flat(),
  );
}
