import { z } from 'zod'
import { type Clock, systemClock } from './clock.ts'
import { withDeadline } from './deadline.ts'
import { messageOf } from './errors.ts'
import type { Running } from './lifecycle.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'
import type { Sampling } from './otlp-tracer.ts'
import { noTracer, type Tracer } from './tracing.ts'

const SAMPLERS: readonly Sampling['is'][] = ['always_on', 'always_off', 'traceidratio']
const PROTOCOL = 'http/protobuf'

/** Variables of OpenTelemetry that decide whether a process traces, and which traces it exports. */
export const tracingVariables = z.object({
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .string()
    .optional()
    .describe('Base URL of a collector: spans are sent to `/v1/traces` below it, over HTTP. Without a URL there is no tracing.'),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: z.string().optional().describe('The whole URL for spans, in place of the one before.'),
  OTEL_EXPORTER_OTLP_PROTOCOL: z.string().optional().describe('`http/protobuf`; with any other one there is no tracing.'),
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: z.string().optional().describe('The same for spans, in place of the one before.'),
  OTEL_SDK_DISABLED: z.string().optional().describe('`true`: no tracing.'),
  OTEL_TRACES_EXPORTER: z.string().optional().describe('`otlp`; with any other one, such as `none`, there is no tracing.'),
  OTEL_TRACES_SAMPLER: z
    .string()
    .optional()
    .describe(
      '`always_on`, `always_off` or `traceidratio`; with `parentbased_` before it, it means the same. Unset = `always_on`.',
    ),
  OTEL_TRACES_SAMPLER_ARG: z.string().optional().describe('Share of the traces that `traceidratio` exports, 0 to 1; unset = 1.'),
})

type Environment = { [Name in keyof z.infer<typeof tracingVariables>]?: string | undefined }

export interface TracingParts {
  service: string
  log: Log
  metrics: Metrics
  clock?: Clock
  env?: Environment
}

/** How long a process that stops waits for its last spans to arrive. */
const FLUSH_MS = 3_000

/** Counts what becomes of spans. */
export const tracingMetrics = (metrics: Metrics) =>
  metrics.counter(
    'spans_total',
    'Spans of OpenTelemetry that ended, by what became of them: exported, failed to be, or dropped because too many waited.',
    ['outcome'],
  )

/**
 * A tracer that exports spans where the environment names a collector; otherwise one that does nothing, and no package of OpenTelemetry
 * is loaded. Nothing in these variables keeps a process from its work: what is wrong with them is logged.
 */
export async function startTracing(parts: TracingParts): Promise<{ tracer: Tracer } & Running> {
  const { service, log, metrics, clock = systemClock, env = process.env } = parts
  const spans = tracingMetrics(metrics)
  const off = { tracer: noTracer, stop: async () => {} }
  if (!isWanted(env)) return off
  const objection = objectionTo(env)
  if (objection !== undefined) {
    log.warn({ reason: objection }, 'spans are not exported')
    return off
  }
  const { createOtlpTracer } = await import('./otlp-tracer.ts')
  const { tracer, flush } = createOtlpTracer({ service, sampling: samplingOf(env, log), log, spans })
  log.info('spans are exported')
  const stop = () =>
    withDeadline(flush(), { clock, ms: FLUSH_MS, what: 'exporting the last spans' }).catch((error: unknown) =>
      log.warn({ reason: messageOf(error) }, 'the last spans are lost'),
    )
  return { tracer, stop }
}

const urlOf = (env: Environment) => env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || env.OTEL_EXPORTER_OTLP_ENDPOINT

const isWanted = (env: Environment): boolean =>
  Boolean(urlOf(env)) && env.OTEL_SDK_DISABLED?.toLowerCase() !== 'true' && env.OTEL_TRACES_EXPORTER !== 'none'

function objectionTo(env: Environment): string | undefined {
  const { OTEL_TRACES_EXPORTER: exporter, OTEL_EXPORTER_OTLP_TRACES_PROTOCOL, OTEL_EXPORTER_OTLP_PROTOCOL } = env
  const protocol = OTEL_EXPORTER_OTLP_TRACES_PROTOCOL || OTEL_EXPORTER_OTLP_PROTOCOL || PROTOCOL
  if (exporter && exporter !== 'otlp') return `OTEL_TRACES_EXPORTER ${exporter} is not otlp`
  if (protocol !== PROTOCOL) return `the protocol ${protocol} is not ${PROTOCOL}`
  return /^https?:$/.test(URL.parse(urlOf(env) ?? '')?.protocol ?? '') ? undefined : 'the URL of the collector is not one of HTTP'
}

function samplingOf({ OTEL_TRACES_SAMPLER: named, OTEL_TRACES_SAMPLER_ARG: share }: Environment, log: Log): Sampling {
  // No span is part of another process's trace, so a parent decides nothing here.
  const is = named ? SAMPLERS.find((sampler) => sampler === named.replace(/^parentbased_/, '')) : 'always_on'
  const ratio = share ? Number(share) : 1
  const isShare = ratio >= 0 && ratio <= 1
  if (!is) log.warn({ OTEL_TRACES_SAMPLER: named }, 'an unknown sampler: every trace is exported')
  if (!isShare) log.warn({ OTEL_TRACES_SAMPLER_ARG: share }, 'a share is 0 to 1: every trace is exported')
  return { is: is ?? 'always_on', ratio: isShare ? ratio : 1 }
}
