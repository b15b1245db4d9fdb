import { DeleteObjectCommand, DeleteObjectsCommand } from '@aws-sdk/client-s3';
import { checkSignal } from './abort.ts';
import { StoreError } from './object-store.ts';
import { abortable, describeScope, type RequestScope, type S3Context, send } from './s3-calls.ts';

/** The limit of one DeleteObjects request. */
const batchSize = 1_000;

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that XML 1.0 cannot carry
const notInXml = /[\u0000-\u001f\u007f\ufffe\uffff]/;

/** A key's failure inside a successful answer, named as the request itself would have failed. */
class DeleteFailure extends Error {
  constructor(code: string, message: string) {
    super(message);
    this.name = code;
  }
}

/** Deletes keys in batches; keys that XML cannot carry one by one. Absent keys are no error. */
export async function deleteObjects(
  context: S3Context,
  keys: readonly string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const batched = keys.filter((key) => !notInXml.test(key));
  for (let i = 0; i < batched.length; i += batchSize) {
    await deleteBatch(context, batched.slice(i, i + batchSize), signal);
  }
  for (const key of keys) {
    if (!notInXml.test(key)) continue;
    checkSignal(signal, describeScope(context, { action: 'delete', key }));
    const command = new DeleteObjectCommand({ Bucket: context.bucket, Key: context.fullKey(key) });
    await send(context, { action: 'delete', key, signal }, () =>
      context.client.send(command, abortable(signal)),
    );
  }
}

async function deleteBatch(
  context: S3Context,
  keys: readonly string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const scope: RequestScope = { action: `delete ${keys.length} objects of`, signal };
  let left = keys.map((key) => context.fullKey(key));
  await send(context, scope, async () => {
    const command = new DeleteObjectsCommand({
      Bucket: context.bucket,
      Delete: { Quiet: true, Objects: left.map((Key) => ({ Key })) },
    });
    const answer = await context.client.send(command, abortable(signal));
    const failed = (answer.Errors ?? []).filter(({ Code }) => Code !== 'NoSuchKey');
    const first = failed[0];
    if (first === undefined) return;
    left = failed.flatMap(({ Key }) => (Key === undefined ? [] : [Key]));
    if (left.length === 0) throw new StoreError(`cannot delete from ${context.uri}: ${first.Code}`);
    throw new DeleteFailure(first.Code ?? 'Error', `${first.Key}: ${first.Message ?? 'no reason given'}`);
  });
}
