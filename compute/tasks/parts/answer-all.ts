import { RunlakeError } from '../../../lake/errors.ts';
import type { TaskContext } from '../../jobs/worker.ts';
import { warningOf } from '../model-check/model-check.ts';
import type { TaskServices } from '../task.ts';
import type {
  TextAnswer,
  TextFailure,
  TextModel,
  TextOptions,
  TextRequest,
} from '../text-model/text-model.ts';
import { PartWriter } from './part-writer.ts';
import { checkSameModel, Parts } from './parts.ts';
import type { PartHeader } from './record.ts';

/** Prompts that are to be answered once, however often the job is begun. */
export interface AnswerWork {
  /** For the progress, e.g. `generate`. */
  readonly stage: string;
  /** What the progress counts a second; default: tokens. */
  readonly rate?: 'tokens' | 'items';
  readonly services: Pick<TaskServices, 'store' | 'checkpointMs'>;
  /** Of the keys of the parts. */
  readonly prefix: string;
  readonly requests: readonly TextRequest[];
  readonly options: TextOptions;
  readonly vectors: PartHeader['vectors'];
  /** Called when something is left to do. */
  readonly open: () => Promise<TextModel>;
  /** Says what is wrong with an answer that is to be asked for again. */
  readonly check?: (answer: TextAnswer) => string | undefined;
}

/** Some prompts got no answer. The next attempt asks for these again. */
export class ExamplesFailedError extends RunlakeError {
  readonly code = 'EXAMPLES_FAILED';
}

/**
 * Answers the prompts that no part has an answer to, and writes parts on the way. What failed in an earlier attempt is asked
 * again. When the work is stopped or breaks off, what there is so far is written.
 */
export async function answerAll(work: AnswerWork, context: TaskContext): Promise<Parts> {
  const { stage, rate = 'tokens', prefix, requests, options } = work;
  const { store, checkpointMs } = work.services;
  const { job, signal, progress, log } = context;
  const before = await Parts.read(store, prefix, signal);
  const total = requests.length;
  let done = before.size;
  let tokens = before.tokens;
  const tell = () =>
    progress({ stage, done, total, counter: { unit: rate, count: rate === 'items' ? done : tokens } });
  const missing = requests.filter(({ id }) => !before.has(id));
  tell();
  if (missing.length === 0) return before;
  if (done > 0) log('info', `${stage}: ${done} of ${total} are there already`);
  const model = await work.open();
  log('info', `${stage}: ${describe(model)}`);
  const warning = model.info.check === null ? undefined : warningOf(model.info.check);
  if (warning !== undefined) log('warn', `${stage}: ${warning}`);
  try {
    const header = { model: model.info, vectors: work.vectors } as const;
    if (before.header !== undefined) checkSameModel(before.header, asStored(header));
    const writer = new PartWriter(store, prefix, job.attempt, asStored(header), checkpointMs);
    let turn: Promise<void> = Promise.resolve();
    /** One at a time: answers of many requests come at once. */
    const inTurn = (step: () => Promise<void>): Promise<void> => {
      turn = turn.then(step);
      return turn;
    };
    const fail = async (failure: TextFailure): Promise<void> => {
      log('warn', `${stage} ${failure.id}: ${failure.code}: ${failure.message}`);
      await writer.addFailure(failure);
    };
    try {
      await model.answer(
        missing,
        options,
        {
          answer: (answer) =>
            inTurn(async () => {
              const message = work.check?.(answer);
              if (message !== undefined) return fail({ id: answer.id, code: 'UNUSABLE_ANSWER', message });
              await writer.add(answer);
              done++;
              tell();
            }),
          failure: (failure) => inTurn(() => fail(failure)),
          tokens: (count) => {
            tokens += count;
            tell();
          },
        },
        signal,
      );
    } finally {
      await turn;
      await writer.flush();
    }
  } finally {
    await model.close();
  }
  return Parts.read(store, prefix, signal);
}

/**
 * Whether the job may go on without the prompts that failed: not while there are attempts left, nor when they are too many.
 * @throws ExamplesFailedError
 */
export function acceptFailures(
  parts: Pick<Parts, 'size' | 'failures'>,
  total: number,
  tolerance: number,
  { job, log }: TaskContext,
): void {
  const failed = total - parts.size;
  if (failed === 0) return;
  const [reason] = parts.failures.values();
  const what = `${failed} of ${total} prompts failed${reason === undefined ? '' : `, e.g. ${reason.code}: ${reason.message}`}`;
  const isLast = job.attempt >= job.maxAttempts;
  if (!isLast || failed > tolerance * total || failed === total) {
    throw new ExamplesFailedError(what, {
      remedy: 'the next attempt, or a retry of the job, asks only for these; or raise errorTolerance',
    });
  }
  log('warn', `${what}; the run goes without them`);
}

function describe({ info: { id, engine } }: TextModel): string {
  const details = Object.entries(engine).filter(([, value]) => value !== null && value !== '');
  return `${id} (${details.map(([name, value]) => `${name} ${value}`).join(', ')})`;
}

function asStored(header: {
  readonly model: TextModel['info'];
  readonly vectors: PartHeader['vectors'];
}): PartHeader {
  const { model, vectors } = header;
  const { capture } = model;
  return {
    model: {
      ...model,
      engine: { ...model.engine },
      capture: capture === null ? null : { ...capture, layers: [...capture.layers] },
    },
    vectors,
  };
}
