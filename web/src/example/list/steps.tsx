import { type ReactNode, useEffect } from 'react';
import { Link, useLocation } from 'wouter';
import type { Variables } from '../../api/client.ts';
import { count } from '../../ui/format.ts';
import { Failure } from '../../ui/states.tsx';
import { type ExamplePlace, exampleAddress } from '../address.ts';
import { type ListedRun, listNamed } from './lists.ts';
import { type Neighbours, useNeighbours } from './neighbours.ts';

const KEYS: Readonly<Record<string, 'previous' | 'next'>> = {
  ArrowLeft: 'previous',
  k: 'previous',
  ArrowRight: 'next',
  j: 'next',
};

/** Whether keys belong to what has the focus: fields, and what scrolls sideways. */
function takesKeys(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('input, select, textarea, [tabindex="0"]') !== null;
}

export interface ListStepsProps {
  readonly place: ExamplePlace;
  readonly run: ListedRun;
  readonly asOf: Variables | undefined;
}

/** The way to the examples before and after one in the list that it was opened from, by links and by keys. */
export function ListSteps({ place, run, asOf }: ListStepsProps): ReactNode {
  const list = run.family === 'ENTROPY' ? 'batch' : listNamed(run, place.list, place.of);
  const { data, error, refetch } = useNeighbours(place, list, asOf);
  if (error !== null) return <Failure error={error} again={() => void refetch()} />;
  return data && <Steps place={place} found={data} />;
}

function Steps({ place, found }: { place: ExamplePlace; found: Neighbours }): ReactNode {
  const [, go] = useLocation();
  const { title, position, total, previous, next } = found;
  const addresses = {
    previous: previous && exampleAddress({ ...place, ...previous, line: previous.line }),
    next: next && exampleAddress({ ...place, ...next, line: next.line }),
  };
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const modified = event.ctrlKey || event.metaKey || event.altKey || event.shiftKey;
      const step = KEYS[event.key];
      if (modified || step === undefined || takesKeys(event.target)) return;
      const address = addresses[step];
      if (address === undefined) return;
      event.preventDefault();
      go(address);
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  });
  return (
    <nav className="steps" aria-label="Examples of the list">
      <Step address={addresses.previous} keys="k ArrowLeft">
        ← Previous
      </Step>
      <Step address={addresses.next} keys="j ArrowRight">
        Next →
      </Step>
      <span className="quiet" aria-live="polite">
        {count(position)} of {count(total)}, {title} <span className="keys">(keys: k and j, ← and →)</span>
      </span>
    </nav>
  );
}

function Step(props: { address: string | undefined; keys: string; children: string }): ReactNode {
  const { address, keys, children } = props;
  return address === undefined ? (
    <span className="button" aria-disabled="true">
      {children}
    </span>
  ) : (
    <Link href={address} className="button" aria-keyshortcuts={keys}>
      {children}
    </Link>
  );
}
