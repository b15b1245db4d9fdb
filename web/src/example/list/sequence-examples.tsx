import { type ReactNode, useMemo, useState } from 'react';
import type { z } from 'zod';
import { useAnswer } from '../../api/use-answer.ts';
import { Choice, useChoice } from '../../ui/choice.tsx';
import { count, measured } from '../../ui/format.ts';
import { Answer, Empty } from '../../ui/states.tsx';
import { exampleAddress } from '../address.ts';
import { type ExampleColumn, number } from './columns.tsx';
import { Listing } from './list-table.tsx';
import {
  errorOf,
  type FeatureRow,
  ordered,
  orderedFeatures,
  RATES,
  recordedRates,
  SEQUENCE_ORDERS,
  SEQUENCES,
  type SequenceRow,
} from './sequences.ts';

const PAGE = 25;

const COLUMNS: readonly ExampleColumn<SequenceRow>[] = [
  number('True', ({ trueContrib }) => trueContrib),
  number('Linear', ({ linear }) => linear),
  number('Linear + quadratic', ({ linquad }) => linquad),
  number('True − predicted', errorOf),
  number('Weight', ({ weight }) => weight),
  number('Tokens', ({ tokenCount }) => tokenCount),
];

const FEATURE_COLUMNS: readonly ExampleColumn<FeatureRow>[] = [
  number('g·v', ({ gdotv }) => gdotv),
  number('vᵀHv', ({ vhvv }) => vhvv),
  number('Mean log-probability', ({ meanLogp }) => meanLogp),
  number('Tokens', ({ length }) => length),
];

/** Sequences of an entropy run: what each adds to the change of entropy, and what the derivatives say it adds. */
export function SequenceExamples({ id }: { id: string }): ReactNode {
  const result = useAnswer(RATES, { id });
  return (
    <Answer result={result} what="sequences">
      {(found) => <Found id={id} found={found} />}
    </Answer>
  );
}

function Found({ id, found }: { id: string; found: z.infer<typeof RATES.schema> }): ReactNode {
  const rates = recordedRates(found);
  const features = useMemo(() => orderedFeatures(found.entropyFeatures.nodes), [found]);
  const [eta, chooseEta] = useChoice('eta', rates);
  if (eta !== undefined) return <AtRate id={id} rates={rates} eta={eta} chooseEta={chooseEta} />;
  if (features.length === 0) return <Empty>This run keeps no single sequences.</Empty>;
  return (
    <Paged
      rows={features}
      columns={FEATURE_COLUMNS}
      addressOf={({ sequence }) => exampleAddress({ run: id, example: String(sequence), list: 'derivative' })}
    />
  );
}

interface AtRateProps {
  readonly id: string;
  readonly rates: readonly string[];
  readonly eta: string;
  readonly chooseEta: (eta: string) => void;
}

function AtRate({ id, rates, eta, chooseEta }: AtRateProps): ReactNode {
  const names = SEQUENCE_ORDERS.map(({ name }) => name);
  const [name, choose] = useChoice('list', names);
  const order = SEQUENCE_ORDERS.find((one) => one.name === name);
  const result = useAnswer(SEQUENCES, { id, eta: Number(eta) });
  const rows = useMemo(
    () => (order === undefined ? [] : ordered(result.data?.entropySequences.nodes ?? [], order)),
    [result.data, order],
  );
  return (
    <>
      <div className="filters lists">
        <Choice
          label="Show"
          options={Object.fromEntries(SEQUENCE_ORDERS.map((one) => [one.name, one.title]))}
          among={names}
          chosen={name}
          choose={choose}
        />
        <Choice
          label="Learning rate"
          options={Object.fromEntries(rates.map((rate) => [rate, measured(Number(rate))]))}
          among={rates}
          chosen={eta}
          choose={chooseEta}
        />
      </div>
      <Answer result={result} what="sequences">
        {() => (
          <Paged
            rows={rows}
            columns={COLUMNS}
            addressOf={({ sequence }) =>
              exampleAddress({ run: id, example: String(sequence), list: name, of: eta })
            }
          />
        )}
      </Answer>
    </>
  );
}

interface PagedProps<R> {
  readonly rows: readonly R[];
  readonly columns: readonly ExampleColumn<R>[];
  readonly addressOf: (row: R) => string;
}

/** Rows that are all here, a page more at a time. */
function Paged<R extends { readonly sequence: number }>({
  rows,
  columns,
  addressOf,
}: PagedProps<R>): ReactNode {
  const [shown, setShown] = useState(PAGE);
  return (
    <Listing
      rows={rows.slice(0, shown)}
      total={rows.length}
      columns={columns}
      nameOf={({ sequence }) => `sequence ${count(sequence)}`}
      addressOf={addressOf}
      more={shown < rows.length ? () => setShown(shown + 4 * PAGE) : undefined}
    />
  );
}
