import { type ReactNode, useEffect, useRef, useState } from 'react';
import { z } from 'zod';
import { dataOf, send } from '../../api/client.ts';
import { saveBlob } from '../../plots/save.ts';
import { measured } from '../../ui/format.ts';
import { Failure } from '../../ui/states.tsx';

const FORMATS = { parquet: 'Parquet', arrow: 'Arrow' } as const;
type Format = keyof typeof FORMATS;

/** All rows of a statement as a file, of the state of the lake that is shown. */
export function ExportAll({ sql, snapshot }: { sql: string; snapshot: string | undefined }): ReactNode {
  const [bytes, setBytes] = useState<number>();
  const [error, setError] = useState<Error>();
  const running = useRef<AbortController | undefined>(undefined);
  useEffect(() => () => running.current?.abort(), []);

  const get = async (format: Format) => {
    const controller = new AbortController();
    running.current = controller;
    setError(undefined);
    setBytes(0);
    try {
      saveBlob(`rows.${format}`, await exported(format, sql, snapshot, controller.signal, setBytes));
    } catch (failure) {
      if (!controller.signal.aborted)
        setError(failure instanceof Error ? failure : new Error(String(failure)));
    }
    setBytes(undefined);
  };
  if (bytes !== undefined) {
    return (
      <>
        <span role="status">exporting, {measured(bytes / 1e6)} MB</span>
        <button type="button" onClick={() => running.current?.abort()}>
          Cancel export
        </button>
      </>
    );
  }
  return (
    <>
      {Object.entries(FORMATS).map(([format, name]) => (
        <button type="button" key={format} onClick={() => void get(format === 'arrow' ? 'arrow' : 'parquet')}>
          All rows as {name}
        </button>
      ))}
      {error && <Failure error={error} />}
    </>
  );
}

/** @throws ApiError, and whatever breaks a stream off: no part is taken for the whole */
async function exported(
  format: Format,
  sql: string,
  snapshot: string | undefined,
  signal: AbortSignal,
  progress: (bytes: number) => void,
): Promise<Blob> {
  const json = JSON.stringify({ sql, ...(snapshot !== undefined && { asOf: snapshot }) });
  const response = await send(`/export/query.${format}`, json, '*/*', signal);
  if (!response.ok || response.body === null) return dataOf(await response.json(), z.never());
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  const reader = response.body.getReader();
  for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
    if (value === undefined) continue;
    parts.push(value);
    bytes += value.length;
    progress(bytes);
  }
  return new Blob(parts, { type: response.headers.get('content-type') ?? '' });
}
