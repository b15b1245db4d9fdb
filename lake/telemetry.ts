import { type Attributes, type Span, SpanKind, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';
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

/** Opens a span below the active one without making it the active one, for work that comes and goes. */
export function openSpan(name: string, attributes: Attributes, kind = SpanKind.INTERNAL): OpenSpan {
  return new Recorded(tracer().startSpan(name, { attributes, kind }));
}

/** Does some work in a span, which is the active one for everything that the work begins. */
export function inSpan<T>(
  name: string,
  attributes: Attributes,
  work: (span: OpenSpan) => T,
  kind = SpanKind.INTERNAL,
): T {
  return tracer().startActiveSpan(name, { attributes, kind }, (started) => {
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
