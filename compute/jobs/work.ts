/**
 * What is done inside one transaction, written once for stores that answer at once (the transactions of LMDB are
 * synchronous) and for those that answer later (PostgreSQL): `yield* got(…)` stands where `await …` would.
 */
export type Work<T> = Generator<unknown, T, unknown>;

/** A value that one store has at once, and the other later. */
export type Soon<T> = T | Promise<T>;

/** The value, once it is there. */
export function* got<T>(value: Soon<T>): Work<T> {
  // Whoever runs the work sends back what it yields; TypeScript cannot say that of a generator.
  return (yield value) as T;
}

/** Does work over a store that answers at once. */
export function doNow<T>(work: Work<T>): T {
  let step = work.next();
  while (!step.done) step = work.next(step.value);
  return step.value;
}

/** Does work over a store that answers later. A failure of the store is the end of it: the transaction is rolled back. */
export async function doSoon<T>(work: Work<T>): Promise<T> {
  let step = work.next();
  while (!step.done) step = work.next(await step.value);
  return step.value;
}
