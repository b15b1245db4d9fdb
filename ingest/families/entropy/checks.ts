import type { IssueLog } from '../../run-files/issue-log.ts';
import { jsonText } from '../../run-files/json-text.ts';

/** How far two numbers may be apart: at all, or as a part of the larger one (or of `of`). */
export type Tolerance = { readonly absolute: number } | { readonly relative: number; readonly of?: number };

const EXACT: Tolerance = { absolute: 0 };

/** Something that must hold, and where the file contradicts it. */
export interface Identity {
  readonly code: string;
  /** As the contract writes it, e.g. `sum(gdotv) == delta_h_per_lr`. */
  readonly identity: string;
  /** Of the value that is blamed. */
  readonly pointer: string;
}

/** How one identity came out; rows keep the list as JSON. */
export interface Check {
  readonly identity: string;
  readonly found: number;
  readonly expected: number;
  readonly difference: number;
  readonly tolerance: number;
  readonly relative: boolean;
  readonly holds: boolean;
  /** False for a claim that real files contradict: it is measured and decides nothing. */
  readonly asserted: boolean;
}

/** Checks identities, reports those that do not hold, and keeps how each came out. */
export class Checks {
  readonly list: Check[] = [];
  readonly #report: (issue: { code: string; file: string; pointer: string; message: string }) => void;
  readonly #file: string;
  #failed = false;

  /** @param reach `record` for identities of one learning rate, which a lenient reading may leave out */
  constructor(log: IssueLog, file: string, reach: 'run' | 'record') {
    this.#report = log[reach];
    this.#file = file;
  }

  /** For a `json` column; what is no finite number is null. */
  get text(): string {
    return jsonText(
      this.list.map((check) =>
        Object.fromEntries(
          Object.entries(check).map(([key, value]) => [
            key,
            typeof value === 'number' && !Number.isFinite(value) ? null : value,
          ]),
        ),
      ),
    );
  }

  /** Whether an identity did not hold. */
  get failed(): boolean {
    return this.#failed;
  }

  /** One number against another. */
  equal(identity: Identity, found: number, expected: number, tolerance: Tolerance = EXACT): boolean {
    const check = compared(identity.identity, found, expected, tolerance, true);
    this.list.push(check);
    if (!check.holds) this.fail(identity, describe(check));
    return check.holds;
  }

  /** A number a sequence against another; the pointer of the first that differs is `<pointer>/<index><member>`. */
  eachEqual(
    identity: Identity & { readonly member?: string },
    count: number,
    found: (index: number) => number,
    expected: (index: number) => number,
    tolerance: Tolerance = EXACT,
  ): boolean {
    let worst = compared(identity.identity, 0, 0, tolerance, true);
    let first = -1;
    let failures = 0;
    for (let i = 0; i < count; i++) {
      const [a, b] = [found(i), expected(i)];
      // Almost all are equal: no object for these.
      if (a === b) continue;
      const check = compared(identity.identity, a, b, tolerance, true);
      if (!check.holds) failures++;
      if (!check.holds && first < 0) first = i;
      if (!(check.difference <= worst.difference)) worst = check;
    }
    this.list.push(worst);
    if (first < 0) return true;
    const check = compared(identity.identity, found(first), expected(first), tolerance, true);
    const more = failures === 1 ? '' : `, and for ${failures - 1} more`;
    const pointer = `${identity.pointer}/${first}${identity.member ?? ''}`;
    this.fail({ ...identity, pointer }, `${describe(check)} at ${first}${more}`);
    return false;
  }

  /** Measures what somebody claims, and decides nothing. */
  claim(identity: string, found: number, expected: number, tolerance: Tolerance): void {
    this.list.push(compared(identity, found, expected, tolerance, false));
  }

  fail({ code, identity, pointer }: Identity, detail: string): void {
    this.#failed = true;
    this.#report({ code, file: this.#file, pointer, message: `${identity} does not hold: ${detail}` });
  }
}

function compared(
  identity: string,
  found: number,
  expected: number,
  tolerance: Tolerance,
  asserted: boolean,
): Check {
  const relative = 'relative' in tolerance;
  const allowed = relative ? tolerance.relative : tolerance.absolute;
  const distance = Object.is(found, expected) ? 0 : Math.abs(found - expected);
  const size = relative ? (tolerance.of ?? Math.max(Math.abs(found), Math.abs(expected))) : 1;
  const difference = distance === 0 ? 0 : distance / size;
  return {
    identity,
    found,
    expected,
    difference,
    tolerance: allowed,
    relative,
    holds: difference <= allowed,
    asserted,
  };
}

function describe({ found, expected, difference, tolerance, relative }: Check): string {
  if (tolerance === 0) return `found ${found}, expected ${expected}`;
  const unit = relative ? ' relative' : '';
  return `found ${found}, expected ${expected} within ${tolerance}${unit}, off by ${difference.toPrecision(3)}`;
}
