const NAMESPACE = 'http://www.w3.org/2000/svg';

/** Rows as RFC 4180: a header, quotes where a value needs them, every digit of a number. */
export function csvOf(
  rows: readonly Readonly<Record<string, unknown>>[],
  names: readonly string[] = [...new Set(rows.flatMap((row) => Object.keys(row)))],
): string {
  const cell = (value: unknown) => {
    const text = value === null || value === undefined ? '' : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [names, ...rows.map((row) => names.map((name) => row[name]))]
    .map((cells) => `${cells.map(cell).join(',')}\r\n`)
    .join('');
}

/** A drawing as a file of its own: with its namespace, and with the ink and the ground that it has on the page. */
export function svgOf(drawn: Element): string {
  const copy = drawn.cloneNode(true);
  if (copy instanceof SVGElement) {
    copy.setAttribute('xmlns', NAMESPACE);
    copy.style.color = getComputedStyle(drawn).color;
    const ground = document.createElementNS(NAMESPACE, 'rect');
    ground.setAttribute('width', '100%');
    ground.setAttribute('height', '100%');
    ground.setAttribute('fill', getComputedStyle(document.body).backgroundColor);
    copy.prepend(ground);
  }
  return new XMLSerializer().serializeToString(copy);
}

/** Offers a text to the reader as a file. */
export function save(name: string, type: string, text: string): void {
  saveBlob(name, new Blob([text], { type }));
}

/** Offers bytes to the reader as a file. */
export function saveBlob(name: string, blob: Blob): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
