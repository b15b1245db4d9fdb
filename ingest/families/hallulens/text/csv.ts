/** Splits one CSV record without line breaks in it (RFC 4180); undefined when a quoted field is still open. */
export function splitCsvRecord(record: string): string[] | undefined {
  const text = record.endsWith('\r') ? record.slice(0, -1) : record;
  if (!text.includes('"')) return text.split(',');
  const fields: string[] = [];
  let position = 0;
  for (;;) {
    if (text[position] !== '"') {
      const comma = text.indexOf(',', position);
      fields.push(comma === -1 ? text.slice(position) : text.slice(position, comma));
      if (comma === -1) return fields;
      position = comma + 1;
      continue;
    }
    let field = '';
    let from = position + 1;
    for (;;) {
      const quote = text.indexOf('"', from);
      if (quote === -1) return undefined;
      field += text.slice(from, quote);
      from = quote + 1;
      if (text[from] !== '"') break;
      field += '"';
      from++;
    }
    const comma = text.indexOf(',', from);
    fields.push(field + (comma === -1 ? text.slice(from) : text.slice(from, comma)));
    if (comma === -1) return fields;
    position = comma + 1;
  }
}
