// Sends the spans of Runlake to a collector: `node --import ./examples/tracing/otel.mjs dist/src/cli.js serve`.
// OTEL_EXPORTER_OTLP_ENDPOINT says where that is (http://localhost:4318 otherwise).
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';

const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ 'service.name': process.env.OTEL_SERVICE_NAME ?? 'runlake' }),
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
});
// Also the propagation of `traceparent`, and what keeps the active span across `await`.
provider.register();
process.once('beforeExit', () => provider.shutdown());
