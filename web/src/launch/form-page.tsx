import { type ReactNode, useState } from 'react';
import { Link, useSearchParams } from 'wouter';
import { useSchema } from '../schema/use-schema.ts';
import { Answer, Empty } from '../ui/states.tsx';
import { type Basis, useBasis } from './basis.ts';
import { type Members, membersOf } from './draft.ts';
import { Form } from './form.tsx';
import { keepDraft, keptDraft } from './kept.ts';
import { Help } from './parts.tsx';
import { type Task, taskNamed } from './tasks.ts';
import './launch.css';

/** The form of one task. `?from=` names a job to begin with. */
export function FormPage({ name }: { name: string }): ReactNode {
  const [address] = useSearchParams();
  const from = address.get('from') ?? undefined;
  return (
    <Answer result={useSchema()} what="the form">
      {(schema) => {
        const task = taskNamed(schema, name);
        if (task === undefined) {
          return (
            <Empty>
              This server has no task {name}. <Link href="/launch">Those that it has</Link>
            </Empty>
          );
        }
        return (
          <>
            <h1>{task.title}</h1>
            <Help text={task.description} />
            <Begin key={`${name} ${from}`} task={task} from={from} />
          </>
        );
      }}
    </Answer>
  );
}

function Begin({ task, from }: { task: Task; from: string | undefined }): ReactNode {
  return (
    <Answer result={useBasis(task, from)} what="what the form begins with">
      {(basis) => <Filled task={task} from={from} basis={basis} />}
    </Answer>
  );
}

interface FilledProps {
  readonly task: Task;
  readonly from: string | undefined;
  readonly basis: Basis | null;
}

/** The form with what was put in before, or with what it begins with. */
function Filled({ task, from, basis }: FilledProps): ReactNode {
  const form = from === undefined ? task.name : `${task.name} ${from}`;
  const [draft, setDraft] = useState<Members>(() => keptDraft(form) ?? draftOfBasis(task, basis));
  // Counts beginnings: a form that begins anew sorts its fields anew.
  const [beginning, setBeginning] = useState(0);
  const change = (next: Members) => {
    setDraft(next);
    keepDraft(form, next);
  };
  const begin = (next: Members) => {
    change(next);
    setBeginning(beginning + 1);
  };
  return (
    <>
      {from !== undefined && basis === null && <Empty>There is no job {from}; the form is empty.</Empty>}
      {basis !== null && (
        <p className="quiet">
          Filled in from <Link href={`/jobs/${basis.id}`}>{basis.id}</Link>
          {from === undefined ? ', the last of these jobs that was completed' : ''}.{' '}
          <button type="button" onClick={() => begin(draftOfBasis(task, basis))}>
            Fill in again
          </button>{' '}
          <button type="button" onClick={() => begin({})}>
            Empty it
          </button>
        </p>
      )}
      <Form
        key={beginning}
        task={task}
        draft={draft}
        change={change}
        begin={begin}
        done={() => keepDraft(form, undefined)}
      />
    </>
  );
}

function draftOfBasis({ slots }: Task, basis: Basis | null): Members {
  return basis === null ? {} : membersOf(slots, { input: basis.spec });
}
