import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parquetMetadata } from 'hyparquet';
import type { Locator } from 'playwright-core';
import { afterAll, describe, expect, it } from 'vitest';
import { temporaryTree } from '../../ingest/testing.ts';
import { EXAMPLES } from '../../web/src/console/examples.ts';
import { bodyOf } from '../../web/src/console/request.ts';
import { consoleAddress } from '../../web/src/console/view.ts';
import { pythonHas, runPython } from '../support/python.ts';
import { smallRuns } from '../support/small-runs.ts';
import { browserMissing } from './chromium.ts';
import { stage } from './stage.ts';

describe.skipIf(browserMissing)('the console', () => {
  const tree = temporaryTree(smallRuns(3));
  afterAll(() => tree.remove());
  const the = stage({ runs: () => [tree.path] });

  const editor = (name: string): Locator => the.page.getByRole('textbox', { name, exact: true });
  const button = (name: string): Locator => the.page.getByRole('button', { name, exact: true });

  /** Replaces the text of an editor; what help comes for is typed. */
  async function write(name: string, text: string, typed = ''): Promise<void> {
    await editor(name).click();
    await the.page.keyboard.press('Control+A');
    await the.page.keyboard.insertText(text);
    await the.page.keyboard.type(typed);
  }

  /** What a button puts on the clipboard. */
  async function copied(name: string): Promise<string> {
    await the.page.evaluate('navigator.clipboard.writeText("")');
    await button(name).click();
    await the.page.getByText('(copied)').waitFor();
    const text = await the.page.evaluate('navigator.clipboard.readText()');
    await the.page.getByRole('heading', { level: 1 }).click();
    // Else the next one could take these words for its own.
    await the.page.getByText('(copied)').waitFor({ state: 'detached' });
    return String(text);
  }

  it('asks GraphQL with the schema at hand', async () => {
    const { page, origin, context } = the;
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.goto(`${origin}/graphql`);
    await page.waitForURL(/\/console/);
    await page.getByText('Examples', { exact: true }).click();
    await button('Runs by AUROC').click();
    await editor('GraphQL').press('Control+Enter');
    await page.getByText('6 rows').first().waitFor();
    await page.getByRole('columnheader', { name: 'run.method' }).waitFor();
    await button('2').click();
    await page.getByRole('region', { name: 'Row 2' }).getByText('probe_v').first().waitFor();
    const link = await copied('Copy link');
    const snippets = [await copied('Copy as Python')];
    expect(await copied('Copy as curl')).toContain(`curl -sS '${origin}/graphql'`);
    expect(await the.barriers()).toEqual([]);

    // Completion, validation while writing, and what the server says of it.
    await write('GraphQL', '{ ', 'run');
    await page.getByRole('option', { name: /^runs/ }).click();
    await expect.poll(() => editor('GraphQL').textContent()).toContain('runs');
    await write('GraphQL', '{ runs { nodes { idd } } }');
    await page.locator('.cm-lintRange-error').first().waitFor();
    await editor('GraphQL').press('Control+Enter');
    const alert = page.getByRole('alert');
    await alert.getByText('Cannot query field "idd"').waitFor();
    await alert.getByText('line 1, column 18').waitFor();
    the.excuse(/status of 400/);
    await editor('GraphQL').press('Tab');
    await expect.poll(() => page.evaluate('document.activeElement.ariaLabel')).toBe('Variables as JSON');

    await page.goto(link);
    await editor('GraphQL').filter({ hasText: 'metrics(' }).waitFor();
    await expect.poll(() => editor('Variables as JSON').textContent()).toContain('"metric": "auroc"');
    await write('Variables as JSON', '{"metric": 1}');
    await page.locator('.cm-lintRange-error', { hasText: 'metric' }).waitFor();

    await page.goto(origin + consoleAddress({ mode: 'sql', query: 'SELECT run_id, auroc FROM run_metrics' }));
    await button('Run').click();
    await page.getByText('6 rows').first().waitFor();
    snippets.push(await copied('Copy as Python'), await copied('Copy as Python (all rows, Arrow)'));
    if (!pythonHas('pandas', 'pyarrow', 'requests')) return;
    const script = join(the.home.directory, 'snippets.py');
    await writeFile(
      script,
      snippets.map((text) => `${text}print(len(frame), list(frame.columns))\n`).join(''),
    );
    const printed = await runPython(script);
    expect(printed).toContain("6 ['value', 'ciLow', 'ciHigh', 'run.id', 'run.method'");
    expect(printed.split("6 ['run_id', 'auroc']\n")).toHaveLength(3);
  });

  it('asks SQL with tables and columns at hand, and stops when it is told to', async () => {
    const { page, origin } = the;
    await page.goto(
      origin + consoleAddress({ mode: 'sql', query: 'SELECT i, i + 0.5 AS half FROM range(5000) t(i)' }),
    );
    await button('Run').click();
    await page.getByText('the first 1,000 rows; there are more').waitFor();
    // Only what is in sight is in the document.
    expect(await page.locator('.result-rows tbody tr').count()).toBeLessThan(100);
    const taken = async (name: string) => {
      const download = page.waitForEvent('download');
      await button(name).click();
      return readFile(await (await download).path());
    };
    expect(
      String(await taken('CSV of 1,000 rows'))
        .split('\r\n')
        .slice(0, 2),
    ).toEqual(['i,half', '0,0.5']);
    const parquet = new Uint8Array(await taken('All rows as Parquet')).buffer;
    expect(parquetMetadata(parquet).num_rows).toBe(5000n);

    await page.getByLabel('Search tables, columns and descriptions').fill('expected calibration');
    await page.getByText('Expected calibration error.').waitFor();
    await write('SQL', 'SELECT foo\nFROM ', 'run_met');
    await page.getByRole('option', { name: /^run_metrics/ }).click();
    await editor('SQL').press('Control+Enter');
    await page.locator('.cm-lintRange-error', { hasText: 'foo' }).waitFor();
    await page.getByRole('alert').getByText('line 1, column 8').waitFor();
    await write('SQL', 'SELECT * FROM nowhere');
    await editor('SQL').press('Control+Enter');
    await page.locator('.cm-lintRange-error', { hasText: 'nowhere' }).waitFor();

    await write('SQL', 'SELECT sum(i % 7) FROM range(1000000000000) t(i)');
    const failed = page.waitForEvent('requestfailed');
    await editor('SQL').press('Control+Enter');
    await button('Cancel').click();
    await failed;
    await page.getByText('History', { exact: true }).click();
    await page.getByText('SELECT * FROM nowhere').last().waitFor();
    await page.keyboard.press('Escape');
    expect(await the.barriers()).toEqual([]);
    expect(await the.sideways()).toBe(0);
  });

  it('has examples that the lake answers', async () => {
    for (const { title, mode, query, variables = '' } of EXAMPLES) {
      const data = bodyOf({ mode, query, variables, rows: 1000 });
      const response = await the.page.request.post(`${the.origin}/graphql`, {
        data,
        headers: { 'content-type': 'application/json' },
      });
      expect([title, await response.json()]).toEqual([
        title,
        expect.not.objectContaining({ errors: expect.anything() }),
      ]);
    }
  });
});
