import { AsyncLocalStorage } from 'node:async_hooks'
import { hostname } from 'node:os'
import {
  type Context,
  DiagLogLevel,
  diag,
  type Span as OtelSpan,
  type Tracer as OtelTracer,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api'
import { ExportResultCode, parseTraceParent } from '@opentelemetry/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import {
  defaultResource,
  detectResources,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceNameEnvDetector,
} from '@opentelemetry/resources'
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type ReadableSpan,
  type Sampler,
  type SpanExporter,
  type SpanProcessor,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import type { Counter } from 'prom-client'
import { version } from '../version.ts'
import { Refusal } from './errors.ts'
import type { Log } from './log.ts'
import type { Span, SpanFields, SpanOptions, Tracer } from './tracing.ts'

/** Which traces are exported; with `traceidratio`, the share of them. */
export interface Sampling {
  is: 'always_on' | 'always_off' | 'traceidratio'
  ratio: number
}

interface OtlpTracerOptions {
  service: string
  sampling: Sampling
  log: Log
  /** By `outcome`. */
  spans: Counter<'outcome'>
}

/** Spans that wait for their export at most, of some kilobyte each. */
const MAX_WAITING = 2_048
const MAX_BATCH = 512
const EXPORT_INTERVAL_MS = 5_000
/** Names of objects are shorter; what is longer is cut. */
const MAX_VALUE_LENGTH = 256
const MAX_FIELDS = 16
const MAX_REASONS = 20

/**
 * Makes spans, and sends them to the collector in batches: to the URL, with the headers and with the resource that the environment of the
 * process has, which the library reads itself.
 */
export function createOtlpTracer({ service, sampling, log, spans }: OtlpTracerOptions): {
  tracer: Tracer
  flush: () => Promise<void>
} {
  // What the library finds wrong with the environment. Its errors are of exports, which are reported with their spans.
  const { about } = warnOnce(log, 'OpenTelemetry warns')
  const unread = () => {}
  const logger = { error: unread, warn: (message: string) => about(message), info: unread, debug: unread, verbose: unread }
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true })
  const own = {
    'service.name': `realm-${service.replace(/^realm-/, '')}`,
    'service.version': version,
    'service.instance.id': hostname(),
  }
  const given = detectResources({ detectors: [resourceAttributesEnvDetector, serviceNameEnvDetector] })
  const provider = new TracerProvider({
    resource: defaultResource().merge(resourceFromAttributes(own)).merge(given),
    sampler: new ParentBasedSampler({ root: samplerOf(sampling) }),
    spanLimits: { attributeValueLengthLimit: MAX_VALUE_LENGTH, attributeCountLimit: MAX_FIELDS, eventCountLimit: MAX_FIELDS },
    spanProcessors: [new CountedExport(new OTLPTraceExporter(), spans, warnOnce(log, 'spans could not be exported'))],
  })
  return { tracer: new OtlpTracer(provider.getTracer('realm-operator', version)), flush: () => provider.shutdown() }
}

const samplerOf = ({ is, ratio }: Sampling): Sampler => {
  if (is === 'always_off') return new AlwaysOffSampler()
  return is === 'traceidratio' ? new TraceIdRatioBasedSampler(ratio) : new AlwaysOnSampler()
}

const kinds = { internal: SpanKind.INTERNAL, server: SpanKind.SERVER, client: SpanKind.CLIENT }

class OtlpTracer implements Tracer {
  readonly #tracer: OtelTracer
  /** The span in which work runs. */
  readonly #running = new AsyncLocalStorage<Context>()

  constructor(tracer: OtelTracer) {
    this.#tracer = tracer
  }

  begin(name: string, options: SpanOptions = {}): Span {
    return new OtlpSpan(this.#start(name, options, ROOT_CONTEXT), this.#tracer)
  }

  during<Result>(name: string, options: SpanOptions, work: (span: Span) => Promise<Result>): Promise<Result> {
    const parent = (options.isRoot ? undefined : this.#running.getStore()) ?? ROOT_CONTEXT
    const started = this.#start(name, options, parent)
    const span = new OtlpSpan(started, this.#tracer)
    return this.#running.run(trace.setSpan(parent, started), async () => {
      try {
        return await work(span)
      } catch (error) {
        span.fail(typeOf(error))
        throw error
      } finally {
        span.end()
      }
    })
  }

  #start(name: string, { kind = 'internal', fields, caller }: SpanOptions, parent: Context): OtelSpan {
    const linked = caller === undefined ? null : parseTraceParent(caller)
    return this.#tracer.startSpan(
      name,
      { kind: kinds[kind], ...(fields && { attributes: fields }), links: linked ? [{ context: linked }] : [] },
      parent,
    )
  }
}

/** What was thrown, without its message: that may hold what a client sent. */
const typeOf = (thrown: unknown): string => {
  if (thrown instanceof Refusal) return thrown.code
  return thrown instanceof Error ? thrown.name : typeof thrown
}

class OtlpSpan implements Span {
  readonly #span: OtelSpan
  readonly #tracer: OtelTracer

  constructor(span: OtelSpan, tracer: OtelTracer) {
    this.#span = span
    this.#tracer = tracer
  }

  set(fields: SpanFields): void {
    this.#span.setAttributes(fields)
  }

  event(name: string): void {
    this.#span.addEvent(name)
  }

  fail(type: string): void {
    this.#span.setAttribute('error.type', type).setStatus({ code: SpanStatusCode.ERROR })
  }

  end(): void {
    if (this.#span.isRecording()) this.#span.end()
  }

  followUp(name: string, tookMs: number, fields: SpanFields): void {
    const now = Date.now()
    const parent = trace.setSpan(ROOT_CONTEXT, this.#span)
    this.#tracer.startSpan(name, { attributes: fields, startTime: now - tookMs }, parent).end(now)
  }
}

/** Exports spans in batches, and counts what becomes of them. */
class CountedExport implements SpanProcessor {
  readonly #batches: BatchSpanProcessor
  readonly #spans: Counter<'outcome'>
  readonly #warn: ReturnType<typeof warnOnce>
  #waiting = 0

  constructor(exporter: SpanExporter, spans: Counter<'outcome'>, warn: ReturnType<typeof warnOnce>) {
    this.#spans = spans
    this.#warn = warn
    this.#batches = new BatchSpanProcessor({
      exporter: {
        export: (batch, done) =>
          exporter.export(batch, (result) => {
            this.#settled(batch.length, result)
            done(result)
          }),
        shutdown: () => exporter.shutdown(),
      },
      maxQueueSize: MAX_WAITING,
      maxExportBatchSize: MAX_BATCH,
      scheduledDelayMillis: EXPORT_INTERVAL_MS,
    })
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return
    if (this.#waiting >= MAX_WAITING) {
      this.#spans.inc({ outcome: 'dropped' })
      return
    }
    this.#waiting++
    this.#batches.onEnd(span)
  }

  forceFlush(): Promise<void> {
    return this.#batches.forceFlush()
  }

  shutdown(): Promise<void> {
    return this.#batches.shutdown()
  }

  #settled(count: number, { code, error }: { code: ExportResultCode; error?: (Error & { code?: unknown }) | undefined }): void {
    this.#waiting -= count
    const isExported = code === ExportResultCode.SUCCESS
    this.#spans.inc({ outcome: isExported ? 'exported' : 'failed' }, count)
    if (isExported) this.#warn.forget()
    else this.#warn.about(error?.message ?? '', error?.code)
  }
}

/** Logs each reason once, until they are forgotten. */
function warnOnce(log: Log, sentence: string) {
  const known = new Set<string>()
  return {
    about(message: string, code?: unknown): void {
      const reason = [message.slice(0, MAX_VALUE_LENGTH), code].filter(Boolean).join(' ')
      if (known.has(reason) || known.size >= MAX_REASONS) return
      known.add(reason)
      log.warn({ reason }, sentence)
    },
    forget: () => known.clear(),
  }
}
