import type { TransactionStatus } from '../protocol/backend.ts';
import { WireError } from '../protocol/sqlstate.ts';

/** Whether a session is in a transaction, whether that has failed, and its savepoints. */
export class Transaction {
  #status: TransactionStatus = 'I';
  #savepoints: string[] = [];

  /** I: none, T: in one, E: in one that has failed. */
  get status(): TransactionStatus {
    return this.#status;
  }

  get isOpen(): boolean {
    return this.#status !== 'I';
  }

  begin(): void {
    this.#status = 'T';
  }

  /** After an error nothing but its end is possible in a transaction. */
  fail(): void {
    if (this.#status === 'T') this.#status = 'E';
  }

  /** Ends it, if there is one. @returns whether it is committed: one that has failed is rolled back */
  end(kind: 'commit' | 'rollback'): boolean {
    const committed = kind === 'commit' && this.#status !== 'E';
    this.#status = 'I';
    this.#savepoints = [];
    return committed;
  }

  savepoint(name: string): void {
    this.ensureOpen('SAVEPOINT');
    this.#savepoints.push(name);
  }

  /** ROLLBACK TO keeps the savepoint and mends the transaction, RELEASE forgets it. @throws WireError */
  toSavepoint(name: string, keep: boolean): void {
    this.ensureOpen(keep ? 'ROLLBACK TO SAVEPOINT' : 'RELEASE SAVEPOINT');
    const at = this.#savepoints.lastIndexOf(name);
    if (at < 0) throw new WireError('invalidSavepoint', `savepoint "${name}" does not exist`);
    this.#savepoints.length = keep ? at + 1 : at;
    if (keep) this.#status = 'T';
  }

  /** @throws WireError */
  ensureOpen(what: string): void {
    if (this.isOpen) return;
    throw new WireError('noActiveTransaction', `${what} can only be used in transaction blocks`);
  }

  /** @throws WireError */
  ensureNotFailed(): void {
    if (this.#status !== 'E') return;
    throw new WireError(
      'failedTransaction',
      'current transaction is aborted, commands ignored until end of transaction block',
    );
  }
}
