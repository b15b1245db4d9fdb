import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

const executablePath = process.env['CHROMIUM'] ?? PLACES.find(existsSync);

/** Whether pages can be looked at; in CI they must be. */
export const browserMissing = executablePath === undefined;

if (browserMissing) {
  if (process.env['CI'] !== undefined) throw new Error('the tests of the explorer need chromium');
  console.warn(
    'notice: no Chromium (apt-get install chromium, or CHROMIUM=path), so the explorer is not tested',
  );
}

let shared: Promise<Browser> | undefined;

/** The browser of all tests of this process, with which it ends. */
export function sharedBrowser(): Promise<Browser> {
  shared ??= launchBrowser();
  return shared;
}

export function launchBrowser(): Promise<Browser> {
  if (executablePath === undefined) throw new Error('no chromium');
  // Tests of this repository run as root in containers, where Chromium's own sandbox cannot.
  return chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
}
