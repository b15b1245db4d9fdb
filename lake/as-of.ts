import type { AsOf } from './engine/types.ts';

/** A state of the lake from a text: `12` is a version of runs, `2026-01-20T…` a time, anything else a snapshot token. */
export function parseAsOf(text: string | undefined): AsOf {
  if (text === undefined || text === '') return {};
  if (/^\d+$/.test(text)) return { version: Number(text) };
  const time = /^\d{4}-\d{2}-\d{2}/.test(text) ? new Date(text) : undefined;
  return time === undefined || Number.isNaN(time.getTime()) ? { snapshot: text } : { timestamp: time };
}
