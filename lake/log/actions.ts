import { z } from 'zod';
import { RunlakeError } from '../errors.ts';
import { CorruptLogError } from './errors.ts';

/*
 * The actions of the Delta protocol that a table of reader version 1 and writer version 2 can hold.
 * Source: https://github.com/delta-io/delta/blob/master/PROTOCOL.md, "Actions".
 * Objects are loose: fields that later versions add are kept in memory and in the commit they came from.
 */

const version = z.int().nonnegative();
const stringMap = z.record(z.string(), z.string());
const partitionValues = z.record(z.string(), z.string().nullable());

export const protocolSchema = z.looseObject({
  minReaderVersion: version,
  minWriterVersion: version,
  readerFeatures: z.array(z.string()).nullish(),
  writerFeatures: z.array(z.string()).nullish(),
});

export const metadataSchema = z.looseObject({
  id: z.string(),
  name: z.string().nullish(),
  description: z.string().nullish(),
  format: z.looseObject({ provider: z.string(), options: stringMap.nullish() }),
  schemaString: z.string(),
  partitionColumns: z.array(z.string()),
  createdTime: z.int().nullish(),
  configuration: stringMap.nullish(),
});

export const addSchema = z.looseObject({
  /** Relative URI of the data file, escaped (`paths.ts`). */
  path: z.string().min(1),
  partitionValues,
  /** Bytes. */
  size: z.int().nonnegative(),
  /** Milliseconds since the epoch. */
  modificationTime: z.int(),
  /** False when the file only rearranges rows that were already there. */
  dataChange: z.boolean(),
  /** Statistics as JSON text (`stats.ts`). */
  stats: z.string().nullish(),
  tags: stringMap.nullish(),
  deletionVector: z.null().optional(),
});

export const removeSchema = z.looseObject({
  path: z.string().min(1),
  /** Milliseconds since the epoch. */
  deletionTimestamp: z.int().nullish(),
  dataChange: z.boolean(),
  extendedFileMetadata: z.boolean().nullish(),
  partitionValues: partitionValues.nullish(),
  size: z.int().nonnegative().nullish(),
  tags: stringMap.nullish(),
  deletionVector: z.null().optional(),
});

export const txnSchema = z.looseObject({
  appId: z.string().min(1),
  version,
  lastUpdated: z.int().nullish(),
});

export const commitInfoSchema = z.looseObject({
  timestamp: z.number().nullish(),
  operation: z.string().nullish(),
  operationParameters: z.record(z.string(), z.unknown()).nullish(),
  operationMetrics: z.record(z.string(), z.unknown()).nullish(),
  engineInfo: z.string().nullish(),
  isBlindAppend: z.boolean().nullish(),
  readVersion: z.number().nullish(),
  txnId: z.string().nullish(),
});

export type Protocol = z.infer<typeof protocolSchema>;
export type Metadata = z.infer<typeof metadataSchema>;
/** A data file of the table. */
export type AddFile = z.infer<typeof addSchema>;
/** A tombstone: the file was live until the commit that holds this action. */
export type RemoveFile = z.infer<typeof removeSchema>;
/** The highest version that an application committed; makes its commits exactly-once. */
export type Txn = z.infer<typeof txnSchema>;
export type CommitInfo = z.infer<typeof commitInfoSchema>;

/** One line of a commit, or one row of a checkpoint: exactly one of these is set. */
export interface Action {
  readonly protocol?: Protocol;
  readonly metaData?: Metadata;
  readonly add?: AddFile;
  readonly remove?: RemoveFile;
  readonly txn?: Txn;
  readonly commitInfo?: CommitInfo;
}

const actionSchemas = {
  protocol: protocolSchema,
  metaData: metadataSchema,
  add: addSchema,
  remove: removeSchema,
  txn: txnSchema,
  commitInfo: commitInfoSchema,
} as const;

/**
 * Checks one parsed action. Unknown actions give undefined: the protocol asks readers to ignore them
 * (`protocol` says whether ignoring is allowed, and it is checked before the snapshot is used).
 * @throws CorruptLogError naming file and line
 */
export function parseAction(value: unknown, file: string, line: number): Action | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new CorruptLogError(`${file}:${line} is no JSON object`, { where: { file, line } });
  }
  for (const [name, schema] of Object.entries(actionSchemas)) {
    const payload: unknown = Reflect.get(value, name);
    if (payload === undefined || payload === null) continue;
    const parsed = schema.safeParse(payload);
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      const pointer = `/${[name, ...(issue?.path ?? [])].join('/')}`;
      throw new CorruptLogError(
        `${file}:${line} holds an invalid ${name} action at ${pointer}: ${issue?.message}`,
        {
          where: { file, line, pointer },
          remedy: 'run `runlake lake fsck`',
        },
      );
    }
    return { [name]: parsed.data };
  }
  return undefined;
}

/** Parses the text of a commit: one action a line. @throws CorruptLogError */
export function parseCommit(text: string, file: string): Action[] {
  const actions: Action[] = [];
  const lines = text.split('\n');
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!.trim();
    if (line === '') continue;
    try {
      const action = parseAction(JSON.parse(line), file, i + 1);
      if (action) actions.push(action);
    } catch (cause) {
      if (cause instanceof RunlakeError) throw cause;
      throw new CorruptLogError(`${file}:${i + 1} is no JSON text`, {
        where: { file, line: i + 1 },
        remedy: 'run `runlake lake fsck`',
        cause,
      });
    }
  }
  return actions;
}

/** The bytes of a commit. */
export function encodeCommit(actions: readonly Action[]): Uint8Array {
  const lines = actions.map((action) => `${JSON.stringify(action)}\n`);
  return new TextEncoder().encode(lines.join(''));
}
