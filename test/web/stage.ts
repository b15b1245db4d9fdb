import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { FastifyInstance } from 'fastify';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { z } from 'zod';
import { CATALOG } from '../../bi/views/views.ts';
import { createServer, type ServerOptions } from '../../graphql/server.ts';
import { FAMILIES } from '../../ingest/families/families.ts';
import { ingest } from '../../ingest/pipeline/ingest.ts';
import { Exporter } from '../../lake/export/exporter.ts';
import { modelsOf } from '../../src/models.ts';
import { probesOf } from '../../src/probes.ts';
import { ingestorOf } from '../../src/services.ts';
import { type TaskLake, taskLake } from '../support/task-lake.ts';
import { builtExplorer } from './built.ts';
import { sharedBrowser } from './chromium.ts';

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const violations = z.array(
  z.object({ id: z.string(), impact: z.string().nullable(), nodes: z.array(z.unknown()) }),
);

/** What axe looks for: everything, and once more what depends on the theme. Only what it finds is written down. */
const CHECKS = [
  ['light', { resultTypes: ['violations'] }],
  ['dark', { resultTypes: ['violations'], runOnly: ['color-contrast'] }],
] as const;

/** For what takes a second on a machine with nothing else to do. */
const PATIENCE_MS = 120_000;

/** Rows that wait for an answer are dim, and nobody should have to read them: what is found is looked for again. */
const LOOKS = 4;
const BETWEEN_LOOKS_MS = 1000;

const TELEPHONE = { width: 375, height: 700 };

/** A server with the explorer over a lake with a queue, and a browser in front of it; a fresh page for each test. */
export interface Stage {
  readonly home: TaskLake;
  readonly origin: string;
  readonly context: BrowserContext;
  readonly page: Page;
  /** Says which errors of the page the test means to cause. Any other, and any request to anybody else, fails it. */
  excuse(complaint: RegExp): void;
  /** What axe finds that keeps people out, in both themes. */
  barriers(): Promise<string[]>;
  /** Pixels by which the page is wider than the screen of a telephone: what would have to be scrolled sideways. */
  sideways(): Promise<number>;
}

export interface StageOptions {
  /** The lake, if it is there already; whoever made it removes it. */
  readonly home?: () => TaskLake;
  /** Folders with runs that the lake has. */
  readonly runs?: () => readonly string[];
  /** What the server has beside the lake, its jobs and the explorer. */
  readonly server?: Partial<ServerOptions> | ((home: TaskLake) => Promise<Partial<ServerOptions>>);
}

async function barriersOf(page: Page): Promise<string[]> {
  const found: string[] = [];
  for (const [colorScheme, options] of CHECKS) {
    await page.emulateMedia({ colorScheme });
    const result = violations.parse(
      await page.evaluate(`axe.run(${JSON.stringify(options)}).then(({ violations }) => violations)`),
    );
    found.push(
      ...result.map(({ id, nodes }) => `${colorScheme}: ${id} ${JSON.stringify(nodes).slice(0, 300)}`),
    );
  }
  return found;
}

/** Sets a stage for the tests of the `describe` that calls it. Its parts are there from the first `beforeAll` on. */
export function stage({ home: given, runs, server }: StageOptions = {}): Stage {
  let home: TaskLake;
  let app: FastifyInstance;
  let origin: string;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let complaints: string[];
  let excused: RegExp[];

  beforeAll(async () => {
    const starting = sharedBrowser();
    home = given?.() ?? (await taskLake());
    const sources = runs?.() ?? [];
    if (sources.length > 0) await ingest(home.writer, sources, { families: FAMILIES });
    const own = typeof server === 'function' ? await server(home) : server;
    app = await createServer({
      reader: home.lake,
      jobs: home.jobs,
      ingestor: ingestorOf(home.writer, {}),
      models: modelsOf(home.lake),
      probes: probesOf({}),
      exporter: new Exporter(home.lake),
      catalog: CATALOG,
      explorer: await builtExplorer(),
      ...own,
    });
    origin = await app.listen({ host: '127.0.0.1', port: 0 });
    browser = await starting;
  });
  afterAll(async () => {
    await app?.close();
    if (given === undefined) await home?.remove();
  });
  beforeEach(async () => {
    complaints = [];
    excused = [];
    context = await browser.newContext({ locale: 'en', timezoneId: 'Europe/Berlin' });
    context.setDefaultTimeout(PATIENCE_MS);
    page = await context.newPage();
    page.on('pageerror', ({ message }) => complaints.push(message));
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('request', (request) => {
      const url = request.url();
      if (!url.startsWith(origin) && !/^(data|blob):/.test(url)) complaints.push(url);
    });
  });
  afterEach(async () => {
    await context.close();
    expect(complaints.filter((complaint) => !excused.some((reason) => reason.test(complaint)))).toEqual([]);
  });

  return {
    get home() {
      return home;
    },
    get origin() {
      return origin;
    },
    get context() {
      return context;
    },
    get page() {
      return page;
    },
    excuse(complaint) {
      excused.push(complaint);
    },
    async barriers() {
      await page.evaluate(readFileSync(axe, 'utf8'));
      for (let looks = 1; ; looks++) {
        const found = await barriersOf(page);
        if (found.length === 0 || looks === LOOKS) return found;
        await page.waitForTimeout(BETWEEN_LOOKS_MS);
      }
    },
    async sideways() {
      const before = page.viewportSize();
      await page.setViewportSize(TELEPHONE);
      const width = await page.evaluate('document.documentElement.scrollWidth');
      if (before !== null) await page.setViewportSize(before);
      return Number(width) - TELEPHONE.width;
    },
  };
}
