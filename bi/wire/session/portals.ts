import type { FormatCode } from '../protocol/frontend.ts';
import { WireError } from '../protocol/sqlstate.ts';
import type { ParameterNodes } from './planner.ts';
import type { RowCursor } from './rows.ts';
import type { Prepared } from './statements.ts';

/** A statement with its parameters, on its way or waiting for its client to ask on. */
export interface Portal {
  readonly statement: Prepared;
  readonly values: ParameterNodes;
  readonly formats: readonly FormatCode[];
  /** Stays open when the transaction ends. */
  readonly hold: boolean;
  /** Stops what the portal runs. */
  readonly abort: AbortController;
  cursor: RowCursor | undefined;
  done: boolean;
}

/** A portal that has not begun. */
export function newPortal(
  statement: Prepared,
  values: ParameterNodes,
  formats: readonly FormatCode[],
  abort: AbortController,
  hold = false,
): Portal {
  return { statement, values, formats, hold, abort, cursor: undefined, done: false };
}

const MAX_PORTALS = 100;

/** The open portals of a session by name; the unnamed one is ''. */
export class Portals {
  readonly #open = new Map<string, Portal>();

  /** Opens a portal; the unnamed one takes the place of the last. @throws WireError */
  async open(name: string, portal: Portal): Promise<void> {
    if (name === '') await this.close((_, other) => other === '');
    else if (this.#open.has(name)) throw new WireError('duplicateCursor', `cursor "${name}" already exists`);
    if (this.#open.size >= MAX_PORTALS) {
      throw new WireError('limitExceeded', `more than ${MAX_PORTALS} open portals`, {
        remedy: 'close those that are no longer needed',
      });
    }
    this.#open.set(name, portal);
  }

  find(name: string): Portal | undefined {
    return this.#open.get(name);
  }

  /** @throws WireError when there is none of that name */
  named(name: string): Portal {
    const portal = this.#open.get(name);
    if (portal === undefined) throw noPortal(name);
    return portal;
  }

  /** The rows of a portal that has begun. @throws WireError */
  cursorNamed(name: string): RowCursor {
    const { cursor } = this.named(name);
    if (cursor === undefined) throw noPortal(name);
    return cursor;
  }

  /** Closes portals and stops what they read. */
  async close(which: (portal: Portal, name: string) => boolean): Promise<void> {
    const closing = [...this.#open].filter(([name, portal]) => which(portal, name));
    for (const [name] of closing) this.#open.delete(name);
    await Promise.all(closing.map(([, { cursor }]) => cursor?.close()));
  }
}

function noPortal(name: string): WireError {
  return new WireError(
    'invalidCursorName',
    name === '' ? 'portal "" does not exist' : `cursor "${name}" does not exist`,
  );
}
