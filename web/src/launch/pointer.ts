/** RFC 6901: where in the arguments of a mutation something is, e.g. `/input/model/path`. `` is all of them. */
export type Pointer = string;

export function below(pointer: Pointer, step: string | number): Pointer {
  return `${pointer}/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

export function stepsOf(pointer: Pointer): readonly string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** Whether `inner` is `outer`, or in it. */
export function isWithin(outer: Pointer, inner: Pointer): boolean {
  return inner === outer || inner.startsWith(`${outer}/`);
}

/** The name of the member, without positions in lists: `questions` of `/input/questions/3`. */
export function memberOf(pointer: Pointer): string {
  return stepsOf(pointer).findLast((step) => !/^\d+$/.test(step)) ?? '';
}

/** The pointer of a path as the API's errors write it, e.g. `input.rows[0].question`. */
export function pointerOf(path: string): Pointer {
  return path
    .split(/[.[\]]/)
    .filter((step) => step !== '')
    .reduce<Pointer>(below, '');
}
