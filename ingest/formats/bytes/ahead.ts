/**
 * Keeps `depth` items of an iterator in the making while its consumer works, so that fetching and using overlap. Order and
 * errors are kept; leaving the loop early returns the inner iterator.
 */
export async function* ahead<T>(items: AsyncIterator<T>, depth: number): AsyncGenerator<T, void, undefined> {
  const queue: Promise<IteratorResult<T>>[] = [];
  const pull = () => {
    const next = items.next();
    // The consumer may never get to a failed item; an unhandled rejection would end the process.
    next.catch(() => {});
    queue.push(next);
  };
  try {
    for (let i = 0; i < depth; i++) pull();
    while (true) {
      pull();
      const result = await queue.shift()!;
      if (result.done === true) return;
      yield result.value;
    }
  } finally {
    await items.return?.();
  }
}
