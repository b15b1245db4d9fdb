import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { inSpan, SpanKind } from '../telemetry.ts';
import type { S3Settings } from './store-config.ts';

/** A client that never retries by itself: it cannot know which requests may be sent twice. */
export function createS3Client(settings: S3Settings, maxSockets: number): S3Client {
  // The SDK's notice about Node versions would land on the standard error of every command; our versions are pinned.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  const config: S3ClientConfig = {
    region: settings.region ?? 'us-east-1',
    forcePathStyle: settings.pathStyle ?? settings.endpoint !== undefined,
    maxAttempts: 1,
    followRegionRedirects: true,
    // Trailing checksums are an AWS extension that other servers refuse; the signature covers the body anyway.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: 10_000,
      socketTimeout: settings.idleTimeoutMs ?? 60_000,
      httpAgent: { keepAlive: true, maxSockets },
      httpsAgent: { keepAlive: true, maxSockets },
    },
  };
  if (settings.endpoint !== undefined) config.endpoint = settings.endpoint;
  if (settings.credentials !== undefined) {
    const { accessKeyId, secretAccessKey, sessionToken } = settings.credentials;
    config.credentials = {
      accessKeyId,
      secretAccessKey,
      ...(sessionToken === undefined ? {} : { sessionToken }),
    };
  }
  const client = new S3Client(config);
  traceRequests(client);
  return client;
}

/** Every request in a span, by the names of the conventions for S3. Its body may still be under way when it ends. */
function traceRequests(client: S3Client): void {
  client.middlewareStack.add(
    (next, { commandName = 'Request' }) =>
      (args) => {
        const method = commandName.replace(/Command$/, '');
        const { Bucket, Key } = args.input as { readonly Bucket?: string; readonly Key?: string };
        return inSpan(
          `S3/${method}`,
          {
            'rpc.system': 'aws-api',
            'rpc.service': 'S3',
            'rpc.method': method,
            ...(Bucket !== undefined && { 'aws.s3.bucket': Bucket }),
            ...(Key !== undefined && { 'aws.s3.key': Key }),
          },
          () => next(args),
          { kind: SpanKind.CLIENT },
        );
      },
    { step: 'initialize', name: 'runlakeSpans' },
  );
}
