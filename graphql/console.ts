/** A page for browsers that are pointed at the endpoint. It loads nothing from anywhere. */

const SCRIPT = `
const query = document.getElementById('query');
const variables = document.getElementById('variables');
const output = document.getElementById('output');
const token = document.getElementById('token');
// For this tab only: other tabs and later visits do not have it.
token.value = sessionStorage.getItem('runlake-token') ?? '';
async function send() {
  output.textContent = 'running…';
  const started = performance.now();
  sessionStorage.setItem('runlake-token', token.value);
  try {
    const text = variables.value.trim();
    const body = { query: query.value, variables: text === '' ? {} : JSON.parse(text) };
    const response = await fetch(location.pathname, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        ...(token.value !== '' && { authorization: 'Bearer ' + token.value }),
      },
      body: JSON.stringify(body),
    });
    const answer = await response.json();
    output.textContent = JSON.stringify(answer, null, 2) + '\\n\\n# ' + Math.round(performance.now() - started) + ' ms';
  } catch (error) {
    output.textContent = String(error);
  }
}
document.getElementById('run').addEventListener('click', send);
document.addEventListener('keydown', (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === 'Enter') send();
});
`;

const STYLE = `
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { margin: 0; padding: 1.5rem; display: grid; gap: 1rem; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); }
h1 { grid-column: 1 / -1; font-size: 1.2rem; margin: 0; }
label { display: block; margin-bottom: .75rem; }
textarea, pre, input { box-sizing: border-box; width: 100%; font: 13px/1.45 ui-monospace, monospace; padding: .6rem; border: 1px solid #8888; border-radius: .3rem; margin: 0; }
pre { overflow: auto; max-height: 80vh; white-space: pre-wrap; overflow-wrap: anywhere; }
@media (max-width: 50rem) { body { grid-template-columns: 1fr; } }
`;

const EXAMPLE = `{
  runs(first: 10, orderBy: [{ field: INGESTED_AT, direction: DESC }]) {
    totalCount
    nodes { id family method modelId benchmark seed status metrics(first: 3) { metric value } }
    pageInfo { hasNextPage endCursor }
  }
}`;

/** Only the page's own script and style, and requests to the server it came from. */
export const CONSOLE_CSP =
  "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export const CONSOLE_HTML = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Runlake GraphQL</title><style>${STYLE}</style></head>
<body>
<h1>Runlake GraphQL</h1>
<main>
<label>Query<textarea id="query" rows="22" spellcheck="false">${EXAMPLE}</textarea></label>
<label>Variables (JSON)<textarea id="variables" rows="4" spellcheck="false"></textarea></label>
<label>Token <input id="token" type="password" autocomplete="off" placeholder="rl_… (where the server wants one)"></label>
<button id="run" type="button">Run (Ctrl+Enter)</button>
</main>
<section aria-live="polite"><pre id="output" tabindex="0" aria-label="Answer"></pre></section>
<script>${SCRIPT}</script>
</body>
</html>
`;
