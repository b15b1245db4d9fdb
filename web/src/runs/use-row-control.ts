import {
  type FocusEvent,
  type KeyboardEvent,
  type MouseEvent,
  type RefObject,
  useEffect,
  useRef,
} from 'react';

/** Rows that Page Up and Page Down pass. */
const PAGE_ROWS = 15;

/** How far each key goes. */
const STEPS: Readonly<Record<string, number>> = {
  ArrowUp: -1,
  ArrowDown: 1,
  PageUp: -PAGE_ROWS,
  PageDown: PAGE_ROWS,
  Home: Number.NEGATIVE_INFINITY,
  End: Number.POSITIVE_INFINITY,
};

export interface RowControlOptions {
  /** What holds the rows. */
  readonly place: RefObject<HTMLElement | null>;
  /** The row whose controls the Tab key reaches. */
  readonly reached: number;
  readonly reach: (index: number) => void;
  /** How many rows there are to go through. */
  readonly rows: number;
  readonly isSelected: (index: number) => boolean;
  /** Selects or releases the rows from one to another, both included. */
  readonly select: (from: number, to: number, chosen: boolean) => void;
  readonly open: (index: number) => void;
  readonly scrollTo: (index: number) => void;
}

/**
 * What mouse and keyboard do to the rows of a table. A click opens a row, with Ctrl it selects it, with Shift also those since the last
 * one. The Tab key reaches the controls of one row, arrows go from there, with Shift they select on the way.
 */
export function useRowControl(options: RowControlOptions) {
  const { place, reached, reach, rows, isSelected, select, open, scrollTo } = options;
  const anchor = useRef(0);
  /** The control to be focused once its row is there. */
  const wanted = useRef<string | undefined>(undefined);
  useEffect(() => {
    if (wanted.current === undefined) return;
    const selector = `[data-index="${reached}"] [data-control="${wanted.current}"]`;
    const control = place.current?.querySelector<HTMLElement>(selector);
    wanted.current = undefined;
    control?.focus({ preventScroll: true });
  }, [place, reached]);

  const mark = (index: number, range: boolean) => {
    const chosen = !isSelected(index);
    const from = range ? anchor.current : index;
    select(Math.min(from, index), Math.max(from, index), chosen);
    anchor.current = index;
  };
  return {
    onClick(event: MouseEvent) {
      const index = rowOf(event.target);
      if (index === undefined || !(event.target instanceof Element)) return;
      if (event.target.closest('a')) return;
      if (event.target.closest('.box') || event.shiftKey) mark(index, event.shiftKey);
      else if (event.ctrlKey || event.metaKey) mark(index, false);
      // Who marks a text to copy it does not want to leave.
      else if (document.getSelection()?.isCollapsed !== false) open(index);
    },
    onMouseDown(event: MouseEvent) {
      if (!event.shiftKey || !(event.target instanceof Element)) return;
      // Shift would mark the text between two clicks.
      event.preventDefault();
      event.target.closest<HTMLElement>('[data-control]')?.focus();
    },
    onFocus({ target }: FocusEvent) {
      const index = rowOf(target);
      if (index !== undefined) reach(index);
    },
    onKeyDown(event: KeyboardEvent) {
      const index = rowOf(event.target);
      const step = STEPS[event.key];
      const control = event.target instanceof HTMLElement ? event.target.dataset['control'] : undefined;
      if (index === undefined || step === undefined || control === undefined) return;
      event.preventDefault();
      const next = Math.min(rows - 1, Math.max(0, index + step));
      if (event.shiftKey) {
        select(Math.min(index, next), Math.max(index, next), true);
        anchor.current = next;
      }
      wanted.current = control;
      scrollTo(next);
      reach(next);
    },
  };
}

function rowOf(target: EventTarget): number | undefined {
  const row = target instanceof Element ? target.closest<HTMLElement>('tr[data-index]') : null;
  return row === null ? undefined : Number(row.dataset['index']);
}
