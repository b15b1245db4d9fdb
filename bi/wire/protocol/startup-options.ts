import { WireError } from './sqlstate.ts';

/** `-c name=value` of the startup parameter `options`. */
export function commandLineSettings(options: string): [string, string][] {
  const words = (options.match(/(?:\\.|[^\s\\])+/g) ?? []).map((word) => word.replace(/\\(.)/g, '$1'));
  const settings: [string, string][] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? '';
    const text = word === '-c' ? (words[++i] ?? '') : word.replace(/^(-c|--)/, '');
    const at = text.indexOf('=');
    if (at < 0)
      throw new WireError('syntaxError', `invalid command-line argument for server process: ${word}`);
    settings.push([text.slice(0, at).replaceAll('-', '_'), text.slice(at + 1)]);
  }
  return settings;
}
