export interface Request {
  readonly url: string;
  /** JSON. */
  readonly body: string;
  /** Whether the server asks for a token; its value stays where it is. */
  readonly withToken: boolean;
}

/** A request for a POSIX shell. What a quoted here-document holds is nothing to the shell. */
export function curlOf({ url, body, withToken }: Request): string {
  return [
    `curl -sS '${url}' -H 'content-type: application/json' \\`,
    ...(withToken ? ['  -H "authorization: Bearer $RUNLAKE_TOKEN" \\'] : []),
    "  --data-binary @- <<'JSON'",
    // Between its tokens, for there are none in its strings.
    body.replaceAll(/[\r\n]+/g, ' '),
    'JSON',
    '',
  ].join('\n');
}
