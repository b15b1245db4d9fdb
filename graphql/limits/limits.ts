import { z } from 'zod';

const positive = z.int().positive();

/** What one request may ask for. Every limit that is exceeded is named in the error. */
export const limitsSchema = z.strictObject({
  /** Bytes of the request body. */
  documentBytes: positive.default(1_048_576),
  documentTokens: positive.default(5_000),
  /** Of any kind, in the text of the document: what the parser's stack must hold. */
  brackets: positive.default(250),
  /** Of selections, fragments spread. */
  depth: positive.default(15),
  aliases: positive.default(60),
  rootFields: positive.default(20),
  /** After spreading fragments. */
  fields: positive.default(1_000),
  /** Relationships followed in one root field. */
  joins: positive.default(50),
  /** `first` of any list. */
  pageSize: positive.default(10_000),
  /** Sum over the query of the products of the page sizes. */
  nodes: positive.default(2_000_000),
  /** `maxRows` of `sql`. */
  rows: positive.default(100_000),
  /** Bytes of the data files that are left after pruning. */
  bytesRead: positive.default(256 * 2 ** 30),
  filterConditions: positive.default(2_000),
  inputDepth: positive.default(40),
  /** At the same time, for one client. */
  concurrentQueries: positive.default(16),
  /** Bytes of one export. */
  exportBytes: positive.default(256 * 2 ** 30),
  /** Milliseconds that the query engine may work for one export; how long its reader takes is his affair. */
  exportTime: positive.default(30 * 60_000),
  /** Milliseconds for all of a query; mutations take as long as they need. */
  time: positive.default(60_000),
});

export type Limits = z.infer<typeof limitsSchema>;
export const DEFAULT_LIMITS: Limits = Object.freeze(limitsSchema.parse({}));
