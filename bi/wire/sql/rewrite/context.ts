import type { Node } from '../tree.ts';

/** What names stand for outside of the statement. */
export interface RewriteContext {
  /**
   * The value of a function of the session, such as `version()` or `current_setting('search_path')`; undefined when
   * it is none. Arguments are texts of constants; undefined stands for anything else.
   */
  sessionFunction(name: string, args: readonly (string | undefined)[]): SessionValue | undefined;
  /** The oid of a relation, type or function by its name. */
  lookUp(kind: 'regclass' | 'regtype' | 'regproc' | 'regnamespace', name: string): number | undefined;
  /** What takes the place of `$n`. */
  parameter(node: Node): Node;
}

/** A constant of a DuckDB type. */
export interface SessionValue {
  readonly type: string;
  readonly value: string | null | readonly string[];
}
