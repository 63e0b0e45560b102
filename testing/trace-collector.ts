import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { parse } from 'protobufjs'
import { onTestFinished, vi } from 'vitest'
import { createLog } from '../cells/chassis/log.ts'
import { Metrics } from '../cells/chassis/metrics.ts'
import { startTracing, type TracingParts } from '../cells/chassis/start-tracing.ts'

/** The part of opentelemetry/proto/trace/v1/trace.proto and of its collector that tests read. */
const proto = `syntax = "proto3";
message Request { repeated ResourceSpans resource_spans = 1; }
message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
message Resource { repeated KeyValue attributes = 1; }
message ScopeSpans { repeated Span spans = 2; }
message Span {
  bytes trace_id = 1; bytes span_id = 2; bytes parent_span_id = 4; string name = 5; int32 kind = 6;
  fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8; repeated KeyValue attributes = 9;
  repeated Event events = 11; repeated Link links = 13; Status status = 15;
}
message Event { string name = 2; }
message Link { bytes trace_id = 1; bytes span_id = 2; }
message Status { string message = 2; int32 code = 3; }
message KeyValue { string key = 1; AnyValue value = 2; }
message AnyValue { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; } }`
const Request = parse(proto).root.lookupType('Request')

interface KeyValue {
  key: string
  value: Record<string, string | number>
}

/** A span as a collector received it. */
export interface ReceivedSpan {
  name: string
  trace: string
  id: string
  /** The id of the span that it is a part of; empty at the root. */
  parent: string
  kind: 'internal' | 'server' | 'client' | undefined
  fields: Record<string, string | number | undefined>
  events: string[]
  /** `trace span` of each trace that it is linked to. */
  links: string[]
  failed: boolean
  tookMs: number
  resource: Record<string, string | number | undefined>
}

export interface TraceCollector {
  url: string
  spans: ReceivedSpan[]
  /** The paths and headers of the requests. */
  requests: { path: string; headers: NodeJS.Dict<string | string[]> }[]
  /** The status of the next answers; undefined = none is given. */
  status: number | undefined
}

/** Receives what an exporter of OpenTelemetry sends, as a collector does. It ends with the test. */
export async function aTraceCollector(): Promise<TraceCollector> {
  const server = createServer(async (request, response) => {
    const body = await buffer(request)
    collector.requests.push({ path: request.url ?? '', headers: request.headers })
    if (collector.status === 200) collector.spans.push(...spansOf(body))
    if (collector.status !== undefined) response.writeHead(collector.status).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const collector: TraceCollector = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: [],
    requests: [],
    status: 200,
  }
  return collector
}

/** The tracer of a service whose environment names a collector; `spans` stops it, and returns what arrived. */
export async function aTracedService(env: Record<string, string> = {}, parts: Partial<TracingParts> = {}) {
  const collector = await aTraceCollector()
  const given = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...env }
  for (const [name, value] of Object.entries(given)) vi.stubEnv(name, value)
  onTestFinished(() => {
    vi.unstubAllEnvs()
  })
  const lines: { msg: string; reason?: string }[] = []
  const log = createLog('test', 'info', { destination: { write: (line) => void lines.push(JSON.parse(line)) } })
  const metrics = new Metrics('test')
  const { tracer, stop } = await startTracing({ service: 'connector', log, metrics, ...parts })
  const spans = async () => {
    await stop()
    return collector.spans
  }
  return { tracer, stop, spans, collector, lines, metrics }
}

function spansOf(body: Buffer): ReceivedSpan[] {
  const { resourceSpans } = Request.toObject(Request.decode(body), { longs: Number, defaults: true, arrays: true }) as {
    resourceSpans: { resource: { attributes: KeyValue[] }; scopeSpans: { spans: DecodedSpan[] }[] }[]
  }
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) => spans.map((span) => receivedSpan(span, fieldsOf(resource.attributes)))),
  )
}

interface DecodedSpan {
  name: string
  traceId: Buffer
  spanId: Buffer
  parentSpanId: Buffer
  kind: number
  startTimeUnixNano: number
  endTimeUnixNano: number
  attributes: KeyValue[]
  events: { name: string }[]
  links: { traceId: Buffer; spanId: Buffer }[]
  status: { code: number } | null
}

const receivedSpan = (span: DecodedSpan, resource: ReceivedSpan['resource']): ReceivedSpan => ({
  name: span.name,
  trace: hex(span.traceId),
  id: hex(span.spanId),
  parent: hex(span.parentSpanId),
  kind: ([undefined, 'internal', 'server', 'client'] as const)[span.kind],
  fields: fieldsOf(span.attributes),
  events: span.events.map(({ name }) => name),
  links: span.links.map(({ traceId, spanId }) => `${hex(traceId)} ${hex(spanId)}`),
  failed: span.status?.code === 2,
  tookMs: (span.endTimeUnixNano - span.startTimeUnixNano) / 1e6,
  resource,
})

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

const fieldsOf = (attributes: readonly KeyValue[]) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))
