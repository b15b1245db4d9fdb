import type { RelationSize } from '../../lake/engine/types.ts';

/** What a request has read so far. */
export class RequestCost {
  /** Data files after pruning, and their bytes. */
  files = 0;
  bytes = 0;
  /** Rows that statements gave. */
  rows = 0;
  statements = 0;

  read(sizes: readonly RelationSize[]): void {
    for (const { files, bytes } of sizes) {
      this.files += files;
      this.bytes += bytes;
    }
  }

  answered(rows: number): void {
    this.statements += 1;
    this.rows += rows;
  }
}
