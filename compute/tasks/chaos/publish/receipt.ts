import { createHash } from 'node:crypto';
import type { PublishReceipt } from '../../../../ingest/contracts/chaosbench/publish-receipt.ts';
import type { CollectedArtifacts } from './artifacts.ts';

/** What is known of one published file. */
export interface ReceiptArtifact {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
  /** SHA-256 of what is compressed in it. */
  readonly content_sha256?: string;
}

/**
 * What Runlake writes into `publish_receipt.json`: the keys of the contract, of which `source_run_dir` begins at `runs`, so
 * that no path of a machine gets out; then what the policy says about the run, and the hash of every file.
 */
export interface Receipt extends PublishReceipt {
  readonly verdict: string | null;
  readonly verdict_reasons: readonly string[];
  readonly artifacts: readonly ReceiptArtifact[];
}

export type ReceiptInput = Pick<
  Receipt,
  'published_utc' | 'source_run_dir' | 'run_id' | 'compress_predictions' | 'verdict' | 'verdict_reasons'
>;

/** The receipt of a publication; `sha256` are those of the bytes as published. */
export function makeReceipt(input: ReceiptInput, { files, skipped }: CollectedArtifacts): Receipt {
  return {
    published_utc: input.published_utc,
    source_run_dir: input.source_run_dir,
    run_id: input.run_id,
    artifacts_copied: [...files.keys()],
    artifacts_skipped: [...skipped],
    compress_predictions: input.compress_predictions,
    verdict: input.verdict,
    verdict_reasons: input.verdict_reasons,
    artifacts: [...files].map(([file, { bytes, contentSha256 }]) => ({
      file,
      bytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      ...(contentSha256 !== undefined && { content_sha256: contentSha256 }),
    })),
  };
}

/** The receipt as its file holds it: indented JSON and a line feed. */
export function receiptBytes(receipt: Receipt): Uint8Array {
  return Buffer.from(`${JSON.stringify(receipt, null, 2)}\n`);
}
