import type { ReactNode } from 'react';
import type { Problem } from './draft.ts';
import { fieldId } from './form-context.ts';
import { stepsOf } from './pointer.ts';
import { words } from './tasks.ts';

/** What has to be put right, with ways to it. */
export function Wrong({ problems }: { problems: readonly Problem[] }): ReactNode {
  return (
    <div className="state failure wrong" role="alert" tabIndex={-1}>
      <p>
        <strong>
          {problems.length === 1 ? 'One thing is' : `${problems.length} things are`} to be put right:
        </strong>
      </p>
      <ul>
        {problems.map(({ pointer, message }) => {
          const id = fieldId(pointer);
          return (
            <li key={`${pointer} ${message}`}>
              <a
                href={`#${id}`}
                onClick={(event) => {
                  event.preventDefault();
                  document.getElementById(id)?.focus();
                }}
              >
                {nameOf(pointer)}
              </a>
              : {message}
            </li>
          );
        })}
      </ul>
    </div>
  );
}

/** `Model, path` of `/input/model/path`. */
function nameOf(pointer: string): string {
  const steps = stepsOf(pointer).filter((step, i) => i > 0 || step !== 'input');
  const name = steps
    .map((step) => (/^\d+$/.test(step) ? `item ${Number(step) + 1}` : words(step)))
    .join(', ');
  return name === '' ? 'All of it' : name;
}
