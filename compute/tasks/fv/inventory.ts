import { createHash } from 'node:crypto';
import { z } from 'zod';
import { ObjectNotFoundError, type ObjectStore } from '../../../lake/store/object-store.ts';

interface Artifact {
  readonly bytes: number;
  readonly sha256: string;
}

const schema = z.object({
  fingerprint: z.string(),
  artifacts: z.record(z.string(), z.object({ bytes: z.int(), sha256: z.string() })),
});

/** Where it lies below the directory of a relation query. */
const NAME = 'artifacts/_resume/artifacts.json';

/** Files that are looked at at the same time. */
const CONCURRENCY = 8;

/**
 * What the stages of a relation query have written, with sizes and hashes: whoever finds the query completed can tell whether all of it is
 * still there.
 */
export class Inventory {
  readonly #store: ObjectStore;
  readonly #root: string;
  readonly #artifacts = new Map<string, Artifact>();

  /** @param root directory of the relation query */
  constructor(store: ObjectStore, root: string) {
    this.#store = store;
    this.#root = root;
  }

  /** Writes an artifact. @param name below the directory of the relation query */
  async put(name: string, content: string | Uint8Array, signal: AbortSignal): Promise<void> {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    await this.#store.put(`${this.#root}/${name}`, bytes, { signal });
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    this.#artifacts.set(name, { bytes: bytes.length, sha256 });
  }

  /** Writes an artifact piece by piece. */
  async upload(name: string, chunks: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    const hash = createHash('sha256');
    let bytes = 0;
    const counted = async function* () {
      for await (const chunk of chunks) {
        hash.update(chunk);
        bytes += chunk.length;
        yield chunk;
      }
    };
    await this.#store.upload(`${this.#root}/${name}`, counted(), { signal });
    this.#artifacts.set(name, { bytes, sha256: hash.digest('hex') });
  }

  /** Writes the list itself, when everything else is there. @param fingerprint of what was computed */
  async close(fingerprint: string, signal: AbortSignal): Promise<void> {
    const artifacts = Object.fromEntries([...this.#artifacts].sort(([a], [b]) => (a < b ? -1 : 1)));
    const text = `${JSON.stringify({ fingerprint, artifacts }, null, 1)}\n`;
    await this.#store.put(`${this.#root}/${NAME}`, Buffer.from(text), { signal });
  }
}

/**
 * Artifacts of a completed relation query that are missing or are not what was written; the list itself where it is missing, damaged or
 * belongs to other settings. Reads every file whose size is right.
 * @param root directory of the relation query
 */
export async function damagedArtifacts(
  store: ObjectStore,
  root: string,
  fingerprint: string,
  signal: AbortSignal,
): Promise<string[]> {
  const known = await readInventory(store, `${root}/${NAME}`, signal);
  if (known?.fingerprint !== fingerprint) return [NAME];
  const sizes = new Map<string, number>();
  for await (const { key, size } of store.list({ prefix: `${root}/`, signal }))
    sizes.set(key.slice(root.length + 1), size);
  const wrong: string[] = [];
  const left = Object.entries(known.artifacts).values();
  const check = async () => {
    for (const [name, { bytes, sha256 }] of left) {
      const intact = sizes.get(name) === bytes && (await hashOf(store, `${root}/${name}`, signal)) === sha256;
      if (!intact) wrong.push(name);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, check));
  return wrong.sort();
}

async function readInventory(
  store: ObjectStore,
  key: string,
  signal: AbortSignal,
): Promise<z.infer<typeof schema> | undefined> {
  try {
    const bytes = await store.get(key, { signal });
    return schema.safeParse(JSON.parse(Buffer.from(bytes).toString('utf8'))).data;
  } catch (error) {
    if (error instanceof ObjectNotFoundError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

async function hashOf(store: ObjectStore, key: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of store.stream(key, { signal })) hash.update(chunk);
  return hash.digest('hex');
}
