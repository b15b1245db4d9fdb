import {
  type Attributes,
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type SpanOptions as StartOptions,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { messageOf, RunlakeError } from './errors.ts';

export { type Attributes, SpanKind } from '@opentelemetry/api';

/**
 * Spans of OpenTelemetry. Only its API is here: nothing is recorded, and nothing leaves the process, unless whoever starts
 * the program registers an SDK (`node --import ./otel.mjs …`, docs/operations.md).
 */

/** Asked for each time: a provider may be registered, or taken away, at any time. */
function tracer(): Tracer {
  return trace.getTracer('runlake');
}

/** What happens while a span is open. */
export interface OpenSpan {
  set(attributes: Attributes): void;
  rename(name: string): void;
  /** Ends the span; of several calls the first counts. @param error why it failed, where it did */
  end(error?: unknown): void;
}

class Recorded implements OpenSpan {
  readonly #span: Span;
  #ended = false;

  constructor(span: Span) {
    this.#span = span;
  }

  set(attributes: Attributes): void {
    this.#span.setAttributes(attributes);
  }

  rename(name: string): void {
    this.#span.updateName(name);
  }

  end(error?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    if (error !== undefined) {
      this.#span.setAttribute('error.type', error instanceof RunlakeError ? error.code : 'INTERNAL');
      this.#span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(error) });
    }
    this.#span.end();
  }
}

/** A place in a trace as it travels with what is done later or elsewhere: headers of W3C (`traceparent`, `tracestate`). */
export type TraceOrigin = Readonly<Record<string, string>>;

export interface SpanOptions {
  readonly kind?: SpanKind;
  /** What led to the span, in a trace of its own: a link. */
  readonly origin?: TraceOrigin | undefined;
}

/** Opens a span below the active one without making it the active one, for work that comes and goes. */
export function openSpan(name: string, attributes: Attributes, options: SpanOptions = {}): OpenSpan {
  return new Recorded(tracer().startSpan(name, startOptions(attributes, options)));
}

/** Does some work in a span, which is the active one for everything that the work begins. */
export function inSpan<T>(
  name: string,
  attributes: Attributes,
  work: (span: OpenSpan) => T,
  options: SpanOptions = {},
): T {
  return tracer().startActiveSpan(name, startOptions(attributes, options), (started) => {
    const span = new Recorded(started);
    let result: T;
    try {
      result = work(span);
    } catch (error) {
      span.end(error);
      throw error;
    }
    if (!(result instanceof Promise)) {
      span.end();
      return result;
    }
    result.then(
      () => span.end(),
      (error: unknown) => span.end(error),
    );
    return result;
  });
}

function startOptions(
  attributes: Attributes,
  { kind = SpanKind.INTERNAL, origin }: SpanOptions,
): StartOptions {
  if (origin === undefined) return { attributes, kind };
  const from = trace.getSpanContext(propagation.extract(ROOT_CONTEXT, origin));
  return { attributes, kind, links: from === undefined ? [] : [{ context: from }] };
}

/** The active span as the origin of other work; undefined where nothing is recorded. */
export function traceOrigin(): TraceOrigin | undefined {
  const headers: Record<string, string> = {};
  // Baggage is what callers tell the services behind us, not something to keep.
  propagation.inject(propagation.deleteBaggage(context.active()), headers);
  return Object.keys(headers).length === 0 ? undefined : headers;
}

/** Adds to the active span, if there is one. */
export function describeSpan(name: string | undefined, attributes: Attributes): void {
  const span = trace.getActiveSpan();
  if (span === undefined) return;
  if (name !== undefined) span.updateName(name);
  span.setAttributes(attributes);
}

/** Ids of the active span, as logs have them; undefined where nothing is recorded. */
export function activeTrace(): { readonly trace_id: string; readonly span_id: string } | undefined {
  const context = trace.getActiveSpan()?.spanContext();
  if (context === undefined || !trace.isSpanContextValid(context)) return undefined;
  return { trace_id: context.traceId, span_id: context.spanId };
}
