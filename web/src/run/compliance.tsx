import type { ReactNode } from 'react';
import type { RunDetail } from './queries.ts';

type Items = NonNullable<RunDetail['compliance']>;

const MARKS = [
  { passed: false, mark: '✗', word: 'does not hold' },
  { passed: null, mark: '–', word: 'does not apply' },
  { passed: true, mark: '✓', word: 'holds' },
] as const;

/** The checklist of the run's contract; open where something does not hold, which comes first. */
export function Compliance({ items }: { items: Items }): ReactNode {
  const failed = items.some(({ passed }) => passed === false);
  const sorted = MARKS.flatMap(({ passed, mark, word }) =>
    items.filter((item) => item.passed === passed).map((item) => ({ ...item, mark, word })),
  );
  return (
    <details open={failed}>
      <summary>
        Contract: {items.filter(({ passed }) => passed === true).length} of {items.length} items hold
      </summary>
      <ul className="checklist">
        {sorted.map(({ item, mark, word, detail }) => (
          <li key={item}>
            <span aria-hidden="true">{mark}</span> <span className="unseen">{word}:</span> {item}
            {detail !== null && detail !== undefined && detail !== '' && (
              <span className="quiet"> {typeof detail === 'string' ? detail : JSON.stringify(detail)}</span>
            )}
          </li>
        ))}
      </ul>
    </details>
  );
}
