/** The model's process: loads one model, runs one operation after another, ends with its parent. */
import { setImmediate } from 'node:timers/promises';
import { Model } from './model.ts';
import { type Operation, operations } from './operations.ts';
import { PrefixCache } from './prefix-cache.ts';
import { type FromModel, packError, type ToModel } from './protocol.ts';

let model: Model | undefined;
let prefixes: PrefixCache | undefined;
let cancellation = new AbortController();
let taken: (() => void) | undefined;

function send(message: FromModel): Promise<void> {
  return new Promise((resolve, reject) => {
    if (process.send === undefined) throw new Error('the model host is to be forked');
    process.send(message, (error: Error | null) => (error === null ? resolve() : reject(error)));
  });
}

const residentBytes = () => process.memoryUsage.rss();

async function answer(work: () => Promise<FromModel>): Promise<void> {
  let message: FromModel;
  try {
    message = await work();
  } catch (error) {
    message = { kind: 'error', error: packError(error), residentBytes: residentBytes() };
  }
  await send(message);
}

async function load(options: Extract<ToModel, { kind: 'load' }>['options']): Promise<FromModel> {
  const loaded = await Model.load(options);
  model = loaded;
  prefixes = new PrefixCache((tokens) => loaded.prefill(tokens));
  return { kind: 'loaded', info: loaded.info, residentBytes: residentBytes() };
}

async function call({ operation, request }: Extract<ToModel, { kind: 'call' }>): Promise<FromModel> {
  if (model === undefined || prefixes === undefined) throw new Error('no model is loaded');
  const cache = prefixes;
  cancellation = new AbortController();
  const { signal } = cancellation;
  let previous: Promise<void> = Promise.resolve();
  // Requests come from the same build as this file, so their type is that of the operation they name.
  const { run } = operations[operation] as Operation<unknown, unknown, unknown>;
  const result = await run(request, {
    model,
    prefix: (tokens) => cache.get(tokens),
    signal,
    async emit(event) {
      await previous;
      previous = new Promise((resolve) => {
        taken = resolve;
      });
      await send({ kind: 'event', event });
      // A turn of the event loop, in which a cancellation is read from the channel.
      await setImmediate();
      signal.throwIfAborted();
    },
  });
  return { kind: 'result', result, residentBytes: residentBytes() };
}

process.on('message', (message: ToModel) => {
  switch (message.kind) {
    case 'load':
      void answer(() => load(message.options));
      break;
    case 'call':
      void answer(() => call(message));
      break;
    case 'taken':
      taken?.();
      break;
    case 'cancel':
      cancellation.abort();
      // Whoever waits for the parent to take an event need not any more.
      taken?.();
      break;
  }
});
// Without a parent there is nobody to answer.
process.on('disconnect', () => process.exit(0));
