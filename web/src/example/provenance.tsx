import { type ReactNode, useState } from 'react';
import type { Variables } from '../api/client.ts';
import { useAnswer } from '../api/use-answer.ts';
import { CopyButton } from '../ui/copy.tsx';
import { FactList } from '../ui/fact-list.tsx';
import { Answer } from '../ui/states.tsx';
import { Time } from '../ui/time.tsx';
import { type ExamplePlace, exampleAddress } from './address.ts';
import { examplePython, exampleQuery } from './code.ts';
import { type ExampleRun, MANIFEST } from './queries.ts';

export interface ProvenanceProps {
  readonly place: ExamplePlace;
  readonly run: ExampleRun;
  /** Leaves the predictions of all runs about it. */
  readonly methods: Variables;
  /** The lines of its artifacts, by table. */
  readonly lines: readonly (readonly [string, number | null | undefined])[];
  /** The state of the lake that the page shows. */
  readonly snapshot: string;
  readonly asOf: Variables | undefined;
}

/** Where the example comes from, and how to come back to it. */
export function Provenance({ place, run, methods, lines, snapshot, asOf }: ProvenanceProps): ReactNode {
  const query = exampleQuery(place, run.family, methods);
  const python = examplePython(query, location.origin);
  const known = lines.filter(([, line]) => line !== null && line !== undefined);
  return (
    <section>
      <h2>Where it comes from</h2>
      <FactList
        facts={[
          ['Source', <code key="source">{run.sourceUri ?? '–'}</code>],
          ...(known.length === 0
            ? []
            : [['Lines', known.map(([table, line]) => `${line} of its ${table}`).join(', ')] as const]),
          ['Content', <code key="content">sha256:{run.contentSha256}</code>],
          [
            'Code',
            run.gitCommit === null
              ? '–'
              : `${run.gitCommit.slice(0, 12)}${run.gitDirty === true ? ', with uncommitted changes' : ''}`,
          ],
          ['Created', <Time key="created" iso={run.createdAt} />],
          ['Ingested', <Time key="ingested" iso={run.ingestedAt} />],
          [
            'State of the lake',
            <code key="snapshot" className="clip" title={snapshot}>
              {snapshot}
            </code>,
          ],
        ]}
      />
      <Recorded key={run.id} run={run.id} asOf={asOf} />
      <p className="copies">
        <CopyButton text={() => `${location.origin}${exampleAddress({ ...place, snapshot })}`}>
          Copy permanent link
        </CopyButton>
        <CopyButton text={query}>Copy as GraphQL</CopyButton>
        <CopyButton text={python}>Copy as Python</CopyButton>
      </p>
      <details>
        <summary>The query that gives this</summary>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard */}
        <pre className="code" tabIndex={0}>
          {query}
        </pre>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard */}
        <pre className="code" tabIndex={0}>
          {python}
        </pre>
      </details>
    </section>
  );
}

/** The manifest and the configuration of the run, fetched once they are looked at. */
function Recorded({ run, asOf }: { run: string; asOf: Variables | undefined }): ReactNode {
  const [open, setOpen] = useState(false);
  const result = useAnswer(MANIFEST, { run, asOf }, { enabled: open });
  return (
    <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>Manifest and configuration of the run</summary>
      {open && (
        <Answer result={result} what="the manifest">
          {(found) => (
            // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
            <pre className="code" tabIndex={0}>
              {JSON.stringify({ manifest: found.run?.manifest, config: found.run?.config }, undefined, 2)}
            </pre>
          )}
        </Answer>
      )}
    </details>
  );
}
