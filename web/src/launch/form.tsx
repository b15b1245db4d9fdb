import { useMutation } from '@tanstack/react-query';
import { getNullableType, isInputObjectType } from 'graphql';
import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react';
import { useLocation } from 'wouter';
import { z } from 'zod';
import { ask } from '../api/client.ts';
import { addressOf } from '../jobs/addresses.ts';
import { Failure } from '../ui/states.tsx';
import { Tree } from '../ui/tree.tsx';
import { AsJson } from './as-json.tsx';
import { documentOf } from './document.ts';
import { draftAt, isMembers, isRequired, type Members, type Problem, read, type Slot } from './draft.ts';
import { FormState } from './form-context.ts';
import { MemberFields } from './members.tsx';
import { problemsOf } from './problems.ts';
import { useSuggestions } from './suggestions.ts';
import { DRY_RUN, type Task, words } from './tasks.ts';
import { Wrong } from './wrong.tsx';

const answer = z.object({ result: z.unknown() });
const launched = z.object({ id: z.string() });

interface FormProps {
  readonly task: Task;
  readonly draft: Members;
  readonly change: (draft: Members) => void;
  /** Shows the form anew, with other values. */
  readonly begin: (draft: Members) => void;
  /** What was put in is not needed any more. */
  readonly done: () => void;
}

/** The fields of a task, and what becomes of them. */
export function Form({ task, draft, change, begin, done }: FormProps): ReactNode {
  const [, go] = useLocation();
  const form = useRef<HTMLFormElement>(null);
  const [problems, setProblems] = useState<readonly Problem[]>([]);
  // Counts what was refused, so that the same problems twice move the reader twice.
  const [refusals, setRefusals] = useState(0);
  const suggestions = useSuggestions();
  const state = useMemo(() => ({ problems, suggestions }), [problems, suggestions]);
  const refuse = (found: readonly Problem[]) => {
    setProblems(found);
    setRefusals((n) => n + 1);
  };
  const send = useMutation({
    mutationFn: async (dryRun: boolean) => {
      const { value } = read(task.slots, draft);
      const variables = dryRun ? { ...value, [DRY_RUN]: true } : value;
      const signal = new AbortController().signal;
      return (await ask(documentOf(task, Object.keys(variables)), answer, variables, signal)).result;
    },
    onError: (error) => refuse(problemsOf(error)),
    onSuccess: (result) => {
      const job = launched.safeParse(result);
      if (!task.isJob || !job.success) return;
      done();
      go(`/jobs/${job.data.id}`);
    },
  });
  const submit = (dryRun: boolean) => {
    send.reset();
    const { problems: found } = read(task.slots, draft);
    if (found.length > 0) refuse(found);
    else {
      setProblems([]);
      send.mutate(dryRun);
    }
  };
  useEffect(() => {
    if (refusals === 0) return;
    const wrong = form.current?.querySelector<HTMLElement>('[aria-invalid=true], [data-invalid=true]');
    (wrong ?? form.current?.querySelector<HTMLElement>('[role=alert]'))?.focus();
  }, [refusals]);
  const put = (next: Members) => {
    // What is changed is wrong no longer, as far as anybody knows.
    setProblems((before) =>
      before.filter(({ pointer }) => draftAt(draft, pointer) === draftAt(next, pointer)),
    );
    change(next);
  };
  return (
    <FormState value={state}>
      <form
        ref={form}
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          submit(false);
        }}
      >
        {problems.length > 0 ? <Wrong problems={problems} /> : send.error && <Failure error={send.error} />}
        <Arguments task={task} draft={draft} change={put} />
        <p className="send">
          <button type="submit" className="main" disabled={send.isPending}>
            {task.isJob ? 'Launch' : task.title}
          </button>{' '}
          {task.hasDryRun && (
            <button type="button" disabled={send.isPending} onClick={() => submit(true)}>
              Check only
            </button>
          )}{' '}
          <span role="status" className="quiet">
            {send.isPending && 'The server is at it…'}
          </span>
        </p>
        {send.isSuccess && !task.isJob && (
          <section className="outcome" aria-live="polite">
            <h2>{send.variables ? 'What would happen' : 'What happened'}</h2>
            <Tree value={send.data} address={addressOf} />
          </section>
        )}
      </form>
      <AsJson slots={task.slots} draft={draft} begin={begin} />
    </FormState>
  );
}

/** The fields: of the one object that says what is to be done bare, with the other arguments below. */
function Arguments({ task, draft, change }: Pick<FormProps, 'task' | 'draft' | 'change'>): ReactNode {
  const slots = task.slots.filter(({ name }) => name !== DRY_RUN);
  const main = slots.find((slot) => isRequired(slot) && isInputObjectType(getNullableType(slot.type)));
  const type = main && getNullableType(main.type);
  if (main === undefined || !isInputObjectType(type)) {
    return <MemberFields slots={slots} draft={draft} pointer="" change={change} />;
  }
  const given = draft[main.name];
  const others: readonly Slot[] = slots.filter((slot) => slot !== main);
  return (
    <>
      <MemberFields
        slots={Object.values(type.getFields())}
        draft={isMembers(given) ? given : {}}
        pointer={`/${main.name}`}
        change={(value) => change({ ...draft, [main.name]: value })}
      />
      <MemberFields
        slots={others}
        draft={draft}
        pointer=""
        change={change}
        rest={`In the queue: ${others.map(({ name }) => words(name).toLowerCase()).join(', ')}`}
      />
    </>
  );
}
