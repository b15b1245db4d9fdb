/** Text as a cell of a Markdown table: on one line, with nothing that ends the cell. */
export function markdownCell(text: string): string {
  return text.replace(/\s+/g, ' ').replaceAll('|', '\\|');
}

/** Text between backticks, whatever it holds. */
export function markdownCode(text: string): string {
  return `\`${markdownCell(text).replaceAll('`', "'")}\``;
}

/** A Markdown table, ended by a line break; cells are escaped by whoever makes them. */
export function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`;
  const rule = `|${header.map((name) => '-'.repeat(name.length + 2)).join('|')}|\n`;
  return [line(header), rule, ...rows.map(line)].join('');
}

/** `1 run`, `1,255 runs`. */
export function counted(count: number, noun: string): string {
  return `${grouped(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** A count with separators of thousands. */
export function grouped(count: number): string {
  return count.toLocaleString('en-US');
}
