import * as Plot from '@observablehq/plot';
import { type ReactNode, useEffect, useRef } from 'react';
import { csvOf, save, svgOf } from './save.ts';

export interface FigureProps {
  readonly title: string;
  /** What the plot says, for those who cannot see it and those who wonder how to read it. */
  readonly description: string;
  /** The numbers that are drawn; what the CSV has. */
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  readonly plot: Plot.PlotOptions;
}

/** Plot names its marks on elements that may not have names. */
function unname(drawn: Element): void {
  for (const mark of drawn.querySelectorAll('g[aria-label]')) mark.removeAttribute('aria-label');
}

/** A plot with its title, what it shows, and its numbers to take away. */
export function Figure({ title, description, rows, plot }: FigureProps): ReactNode {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const drawn = Plot.plot({
      width: 560,
      height: 320,
      marginLeft: 52,
      ...plot,
      ariaLabel: `${title}: ${description}`,
    });
    unname(drawn);
    // Tips come and go with the pointer.
    const watching = new MutationObserver(() => unname(drawn));
    watching.observe(drawn, { childList: true, subtree: true });
    const svg = drawn.matches('svg') ? drawn : drawn.querySelector('svg[aria-label]');
    svg?.setAttribute('role', 'img');
    place.current?.replaceChildren(drawn);
    return () => {
      watching.disconnect();
      drawn.remove();
    };
  }, [plot, title, description]);
  const name = title.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  return (
    <figure>
      <figcaption>
        {title}
        <p>{description}</p>
      </figcaption>
      <div className="plot" ref={place} />
      <div className="tools">
        <button type="button" onClick={() => save(`${name}.csv`, 'text/csv', csvOf(rows))}>
          CSV
        </button>
        <button
          type="button"
          onClick={() => {
            const svg = place.current?.querySelector('svg[role=img]');
            if (svg) save(`${name}.svg`, 'image/svg+xml', svgOf(svg));
          }}
        >
          SVG
        </button>
      </div>
    </figure>
  );
}
