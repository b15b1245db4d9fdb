/** Members that are undefined are left out. */
type Attributes = Readonly<Record<string, string | number | undefined>>;

/** Characters that XML 1.0 cannot carry; a text of a relation file may well have them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are the characters meant
const NOT_IN_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu;

function escaped(text: string): string {
  return text.replace(NOT_IN_XML, '\ufffd').replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}

/** Coordinates to a hundredth: more is noise in the file. */
function shown(value: string | number): string {
  return typeof value === 'number' ? String(Math.round(value * 100) / 100) : escaped(value);
}

/** An element; children are markup already. */
export function element(name: string, attributes: Attributes, ...children: readonly string[]): string {
  const pairs = Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : ` ${key}="${shown(value)}"`,
  );
  const start = `<${name}${pairs.join('')}`;
  return children.length === 0 ? `${start}/>` : `${start}>${children.join('')}</${name}>`;
}

/** What a pointer that rests on an element shows. */
export function tooltip(text: string): string {
  return element('title', {}, escaped(text));
}

export interface TextStyle {
  readonly size?: number;
  readonly anchor?: 'start' | 'middle' | 'end';
  readonly fill?: string;
  readonly weight?: 'bold';
  /** Degrees clockwise about the place. */
  readonly rotate?: number;
}

/** A line of text; `y` is that of its baseline. */
export function text(x: number, y: number, content: string, style: TextStyle = {}): string {
  const { size, anchor, fill, weight, rotate } = style;
  const attributes = {
    x,
    y,
    'font-size': size,
    'text-anchor': anchor,
    fill,
    'font-weight': weight,
    transform: rotate === undefined ? undefined : `rotate(${rotate} ${shown(x)} ${shown(y)})`,
  };
  return element('text', attributes, escaped(content));
}

/** A straight line, as an SVG element. */
export function line(
  from: readonly [x: number, y: number],
  to: readonly [x: number, y: number],
  stroke: string,
  more: Attributes = {},
): string {
  return element('line', { x1: from[0], y1: from[1], x2: to[0], y2: to[1], stroke, ...more });
}

/** A whole drawing on white. */
export function drawing(width: number, height: number, children: readonly string[]): string {
  const root = element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      width,
      height,
      viewBox: `0 0 ${shown(width)} ${shown(height)}`,
      'font-family': "'DejaVu Sans', Verdana, sans-serif",
      'font-size': 11,
      fill: INK,
    },
    `\n${[element('rect', { width, height, fill: 'white' }), ...children].join('\n')}\n`,
  );
  return `${root}\n`;
}

/** Of text and axes. */
export const INK = '#222222';
/** Of what is beside the point. */
export const FAINT = '#d9d9d9';
export const MUTED = '#666666';

/** A text cut to fit a width, by how wide its characters are on average. */
export function fitted(content: string, size: number, width: number): string {
  const room = Math.max(1, Math.floor(width / (size * CHARACTER)));
  const chars = [...content];
  return chars.length <= room ? content : `${chars.slice(0, room - 1).join('')}…`;
}

const CHARACTER = 0.57;

export interface Heading {
  readonly title: string;
  /** What was measured, of what, and how: a line each. */
  readonly details: readonly string[];
}

const HEADING = { left: 16, top: 24, title: 14, detail: 11, line: 15 };

/** The lines above a plot with the height that they take, in a drawing of some width. */
export function heading({ title, details }: Heading, width: number): { markup: string[]; height: number } {
  const room = width - 2 * HEADING.left;
  const markup = [
    text(HEADING.left, HEADING.top, fitted(title, HEADING.title, room), {
      size: HEADING.title,
      weight: 'bold',
    }),
    ...details.map((detail, i) =>
      text(HEADING.left, HEADING.top + (i + 1) * HEADING.line + 2, fitted(detail, HEADING.detail, room), {
        size: HEADING.detail,
        fill: MUTED,
      }),
    ),
  ];
  return { markup, height: HEADING.top + details.length * HEADING.line + 16 };
}
