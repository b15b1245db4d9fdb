import type { ReactNode } from 'react';
import { useAnswer } from '../../api/use-answer.ts';
import { AskedFigure } from '../../plots/asked-figure.tsx';
import { Choice, useChoice } from '../../ui/choice.tsx';
import { Answer, Empty } from '../../ui/states.tsx';
import { drawComponents } from './components.ts';
import { CAPTURED, type Captured, COMPONENTS, capturedPlaces } from './queries.ts';

const TOKENS = { LAST: 'the last of each', FIRST: 'the first of each', EVERY: 'every token' } as const;
type Token = keyof typeof TOKENS;
const ALL_TOKENS: readonly Token[] = ['LAST', 'FIRST', 'EVERY'];

/** The activations of a run, a layer at a time. */
export function ActivationPlots({ id }: { id: string }): ReactNode {
  const result = useAnswer(CAPTURED, capturedPlaces(id));
  return (
    <Answer result={result} what="where activations were captured">
      {(places) =>
        places.length === 0 ? (
          <Empty>The activations of this run are not in the lake.</Empty>
        ) : (
          <Components id={id} places={places} />
        )
      }
    </Answer>
  );
}

function nameOf({ site, segment, tokenSelector }: Captured): string {
  return [site, segment, tokenSelector === 'all' ? null : `${tokenSelector} of the tokens`]
    .filter((part) => part !== null)
    .join(', ');
}

function Components({ id, places }: { id: string; places: readonly Captured[] }): ReactNode {
  const names = Object.fromEntries(places.map((place) => [nameOf(place), nameOf(place)]));
  const [name, setName] = useChoice('site', Object.keys(names));
  const place = places.find((one) => nameOf(one) === name);
  // The middle of the model is where probes most often find something.
  const layers = middleFirst(place?.layers ?? []).map(String);
  const [layer, setLayer] = useChoice('layer', layers);
  const [token, setToken] = useChoice('token', ALL_TOKENS);
  if (place === undefined || layer === undefined) return null;
  const several = place.tokenSelector === 'all';
  return (
    <>
      <div className="filters">
        <Choice
          label="Activations"
          options={names}
          among={Object.keys(names)}
          chosen={name}
          choose={setName}
        />
        <Choice
          label="Layer (0: embedding)"
          options={Object.fromEntries(layers.map((one) => [one, one]))}
          among={place.layers.map(String)}
          chosen={layer}
          choose={setLayer}
        />
        <Choice
          label="Token"
          options={TOKENS}
          among={several ? ALL_TOKENS : []}
          chosen={token}
          choose={setToken}
        />
      </div>
      <AskedFigure
        question={COMPONENTS}
        variables={{
          id,
          layer: Number(layer),
          site: place.site,
          selector: place.tokenSelector,
          ...(several && token !== 'EVERY' && { token }),
          filter: place.segment === null ? { segment: { isNull: true } } : { segment: { eq: place.segment } },
        }}
        what="principal components"
        draw={drawComponents}
      />
    </>
  );
}

/** The layers with that in the middle first. */
export function middleFirst(layers: readonly number[]): number[] {
  const middle = layers[layers.length >> 1];
  return middle === undefined ? [] : [middle, ...layers.filter((layer) => layer !== middle)];
}
