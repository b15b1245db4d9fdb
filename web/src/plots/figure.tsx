import * as Plot from '@observablehq/plot';
import { type ReactNode, type RefObject, useEffect, useLayoutEffect, useRef, useState } from 'react';
import './plots.css';
import type { Drawing } from './drawing.ts';
import { axisName, legendHeight, legendMark, RAMP_HEIGHT, rampMark } from './legend.ts';
import { csvOf, save, svgOf } from './save.ts';

export interface FigureProps {
  readonly drawing: Drawing;
}

/** Pixels. */
const [WIDEST, HEIGHT, TOP] = [720, 320, 24];

/** A plot with its title, what it shows, and its numbers to take away. It is as wide as its place. */
export function Figure({ drawing }: FigureProps): ReactNode {
  const place = useRef<HTMLDivElement>(null);
  const width = useWidth(place);
  useEffect(() => {
    if (width === undefined) return undefined;
    const drawn = Plot.plot(optionsOf(drawing, width));
    drawn.setAttribute('role', 'img');
    unname(drawn);
    // Tips come and go with the pointer.
    const watching = new MutationObserver(() => unname(drawn));
    watching.observe(drawn, { childList: true, subtree: true });
    place.current?.replaceChildren(drawn);
    return () => {
      watching.disconnect();
      drawn.remove();
    };
  }, [drawing, width]);
  const { title, description, rows } = drawing;
  const name = title.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  return (
    <figure>
      <figcaption>
        {title}
        <p>{description}</p>
      </figcaption>
      <div className="plot" ref={place} />
      <div className="tools">
        <button
          type="button"
          aria-label={`CSV of ${title}`}
          onClick={() => save(`${name}.csv`, 'text/csv', csvOf(rows))}
        >
          CSV
        </button>
        <button
          type="button"
          aria-label={`SVG of ${title}`}
          onClick={() => {
            const svg = place.current?.querySelector('svg');
            if (svg) save(`${name}.svg`, 'image/svg+xml', svgOf(svg));
          }}
        >
          SVG
        </button>
      </div>
    </figure>
  );
}

/** How wide an element is, as it changes. */
function useWidth(place: RefObject<HTMLElement | null>): number | undefined {
  const [width, setWidth] = useState<number>();
  useLayoutEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const measure = () => {
      // Hidden while another part of the page loads.
      if (element.clientWidth > 0) setWidth(Math.min(WIDEST, Math.floor(element.clientWidth)));
    };
    measure();
    const watching = new ResizeObserver(measure);
    watching.observe(element);
    return () => watching.disconnect();
  }, [place]);
  return width;
}

/** A drawing at a width, with what its marks stand for above it. */
function optionsOf(drawing: Drawing, width: number): Plot.PlotOptions {
  const { title, description, plot, legend = [], ramp } = drawing;
  const above = legendHeight(legend, width) + (ramp === undefined ? 0 : RAMP_HEIGHT);
  const height = plot.height ?? HEIGHT;
  const top = (plot.marginTop ?? TOP) + above;
  // Plot writes the name of the vertical axis at the top of the drawing, where the legend is.
  const name = legend.length > 0 ? plot.y?.label : undefined;
  return {
    marginLeft: 52,
    ...plot,
    ...(name && { y: { ...plot.y, label: null } }),
    width,
    height: height + above,
    marginTop: top,
    marks: [
      ...(plot.marks ?? []),
      legend.length > 0 ? legendMark(legend) : undefined,
      name ? axisName(`↑ ${name}`, top - 12) : undefined,
      ramp && rampMark(ramp),
    ],
    ariaLabel: `${title}: ${description}`,
  };
}

/** Plot names its marks on elements that may not have names. */
function unname(drawn: Element): void {
  for (const mark of drawn.querySelectorAll('g[aria-label]')) mark.removeAttribute('aria-label');
}
