import { GetObjectCommand } from '@aws-sdk/client-s3';
import { StoreError } from './object-store.ts';
import type { S3Context } from './s3-calls.ts';

/** S3 takes no longer ones. */
export const MAX_PRESIGNED_SECONDS = 7 * 24 * 3600;

/** What the client's signer can do beside what its type says. */
interface Presigner {
  presign(request: unknown, options: { expiresIn: number }): Promise<SignedRequest>;
}

interface SignedRequest {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | readonly string[] | null>>;
}

/**
 * A URL with which anybody can get an object for a while: AWS Signature Version 4 in the query
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html).
 */
export async function presignGet(
  context: S3Context,
  key: string,
  options: { readonly expiresSeconds: number; readonly fileName: string },
): Promise<string> {
  const { client } = context;
  const command = new GetObjectCommand({
    Bucket: context.bucket,
    Key: context.fullKey(key),
    ResponseContentDisposition: `attachment; filename="${options.fileName}"`,
  });
  // The client builds the request and stops before it signs and sends it.
  let built: unknown;
  command.middlewareStack.add(
    () =>
      async ({ request }) => {
        built = request;
        return { output: { $metadata: {} }, response: undefined };
      },
    { step: 'build', priority: 'low', name: 'runlakePresign' },
  );
  await client.send(command);
  const signer: unknown = await client.config.signer();
  if (!isPresigner(signer) || !isRequest(built)) {
    throw new StoreError(`${context.uri} cannot sign URLs`, { where: { file: key } });
  }
  built.headers['x-amz-content-sha256'] = 'UNSIGNED-PAYLOAD';
  return urlOf(await signer.presign(built, { expiresIn: options.expiresSeconds }));
}

function isPresigner(value: unknown): value is Presigner {
  return (
    typeof value === 'object' && value !== null && 'presign' in value && typeof value.presign === 'function'
  );
}

function isRequest(value: unknown): value is { headers: Record<string, string> } {
  return typeof value === 'object' && value !== null && 'headers' in value;
}

function urlOf({ protocol, hostname, port, path, query = {} }: SignedRequest): string {
  const encode = (text: string) =>
    encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((item) => `${encode(name)}=${encode(String(item ?? ''))}`),
  );
  return `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}${path}?${pairs.join('&')}`;
}
