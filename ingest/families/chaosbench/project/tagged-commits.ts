import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Digits of the shortest abbreviation of a commit that artifacts record. */
const SHORTEST = 7;

/** Commits that are reachable from a tag; abbreviations match what they abbreviate. */
export class TaggedCommits {
  readonly #byStart = new Map<string, string[]>();

  /** @param commits hexadecimal, 7 digits or more; others are passed over */
  constructor(commits: Iterable<string>) {
    for (const commit of commits) {
      if (commit.length < SHORTEST) continue;
      const start = commit.slice(0, SHORTEST);
      const known = this.#byStart.get(start);
      if (known === undefined) this.#byStart.set(start, [commit]);
      else known.push(commit);
    }
  }

  has(commit: string): boolean {
    const candidates = this.#byStart.get(commit.slice(0, SHORTEST)) ?? [];
    return candidates.some((known) => known.startsWith(commit) || commit.startsWith(known));
  }
}

const run = promisify(execFile);

/** Nothing that a repository's configuration names is executed, and nothing is fetched. */
const SAFE_OPTIONS = ['core.fsmonitor=false', 'core.hooksPath=/dev/null', 'protocol.allow=never'].flatMap(
  (option) => ['-c', option],
);

/** What `git` says in a directory; undefined where there is no `git`, or it does not answer. */
async function git(directory: string, ...args: string[]): Promise<string | undefined> {
  try {
    const { stdout } = await run('git', [...SAFE_OPTIONS, ...args], {
      cwd: directory,
      env: {
        PATH: process.env['PATH'],
        HOME: process.env['HOME'],
        GIT_NO_LAZY_FETCH: '1',
        GIT_OPTIONAL_LOCKS: '0',
        GIT_TERMINAL_PROMPT: '0',
      },
      timeout: 30_000,
      maxBuffer: 256 * 1024 * 1024,
    });
    return stdout;
  } catch {
    // No git, a repository of somebody else, or one that is damaged: then nothing is known of it.
    return undefined;
  }
}

/** The tagged commits of the repository in a local directory; undefined where git does not tell. */
export async function taggedCommitsOfRepository(directory: string): Promise<TaggedCommits | undefined> {
  const commits = await git(directory, 'rev-list', '--tags');
  return commits === undefined ? undefined : new TaggedCommits(commits.split('\n'));
}

/** The abbreviated commit that is checked out in a local directory; undefined where git does not tell. */
export async function commitOfRepository(directory: string): Promise<string | undefined> {
  return (await git(directory, 'rev-parse', '--short', 'HEAD'))?.trim() || undefined;
}
