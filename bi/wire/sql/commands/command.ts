import type { StatementText } from '../../../../lake/engine/lexer.ts';

export interface CopyOptions {
  readonly format: 'text' | 'csv' | 'binary';
  readonly header: boolean;
  readonly delimiter: string;
  readonly nullText: string;
  readonly quote: string;
}

/** Everything but a SELECT that sessions understand. */
export type Command =
  | { readonly kind: 'begin'; readonly tag: 'BEGIN' | 'START TRANSACTION' }
  | { readonly kind: 'commit' | 'rollback' }
  | { readonly kind: 'savepoint' | 'release' | 'rollbackTo'; readonly name: string }
  | {
      readonly kind: 'set';
      readonly name: string;
      readonly value: string | undefined;
      readonly local: boolean;
    }
  | { readonly kind: 'reset'; readonly name: string | undefined }
  | { readonly kind: 'show'; readonly name: string }
  | { readonly kind: 'discard'; readonly what: string }
  | { readonly kind: 'deallocate'; readonly name: string | undefined }
  | {
      readonly kind: 'prepare';
      readonly name: string;
      readonly types: readonly string[];
      readonly query: StatementText;
    }
  | { readonly kind: 'execute'; readonly name: string; readonly args: StatementText | undefined }
  | {
      readonly kind: 'declare';
      readonly name: string;
      readonly binary: boolean;
      readonly hold: boolean;
      readonly query: StatementText;
    }
  | { readonly kind: 'fetch' | 'move'; readonly name: string; readonly count: number }
  | { readonly kind: 'closeCursor'; readonly name: string | undefined }
  | { readonly kind: 'copy'; readonly query: StatementText; readonly options: CopyOptions }
  /** Accepted, and nothing to do. */
  | { readonly kind: 'nothing'; readonly tag: string };
