import { expect, test, vi } from 'vitest'
import { aTracedService } from '../../testing/trace-collector.ts'
import { version } from '../version.ts'
import { ManualClock } from './clock.ts'
import { Refusal } from './errors.ts'
import { noTracer } from './tracing.ts'

const waiting = (spans: { name: string }[]) => spans.map(({ name }) => name)

test.each([
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: '' }, undefined],
  [{ OTEL_SDK_DISABLED: 'True' }, undefined],
  [{ OTEL_TRACES_EXPORTER: 'none' }, undefined],
  [{ OTEL_TRACES_EXPORTER: 'zipkin' }, 'OTEL_TRACES_EXPORTER zipkin is not otlp'],
  [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, 'the protocol grpc is not http/protobuf'],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317' }, 'the URL of the collector is not one of HTTP'],
  [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: '//' }, 'the URL of the collector is not one of HTTP'],
])('with %o a process makes no spans, and says why where that is a mistake', async (env, reason) => {
  const { tracer, lines } = await aTracedService(env)
  expect(tracer).toBe(noTracer)
  expect(lines.map((line) => [line.msg, line.reason])).toEqual(reason ? [['spans are not exported', reason]] : [])
})

test('spans reach the collector with the process that made them, what they are a part of, and their fields', async () => {
  const { tracer, spans, collector } = await aTracedService({
    OTEL_RESOURCE_ATTRIBUTES: 'realm=plaza,service.version=other',
    OTEL_EXPORTER_OTLP_HEADERS: 'x-scope=realms',
  })
  await tracer.during('pass', { fields: { key: 'a' } }, async (pass) => {
    await new Promise(setImmediate)
    await tracer.during('write', { kind: 'client' }, async () => {})
    await tracer.during('another pass', { isRoot: true }, async () => {})
    pass.set({ outcome: 'x'.repeat(1_000) })
  })
  const [write, another, pass] = await spans()
  expect(waiting(await spans())).toEqual(['write', 'another pass', 'pass'])
  expect([write?.trace, write?.parent, write?.kind]).toEqual([pass?.trace, pass?.id, 'client'])
  expect([another?.parent, another?.trace === pass?.trace]).toEqual(['', false])
  expect(pass).toMatchObject({ parent: '', kind: 'internal', fields: { key: 'a', outcome: 'x'.repeat(256) }, failed: false })
  expect(pass?.resource).toMatchObject({ 'service.name': 'realm-connector', 'service.version': 'other', realm: 'plaza' })
  expect(collector.requests[0]).toMatchObject({ path: '/v1/traces', headers: { 'x-scope': 'realms' } })
})

test('a service has another name where the environment gives it one, and otherwise its version', async () => {
  const { tracer, spans } = await aTracedService({ OTEL_SERVICE_NAME: 'plaza' })
  tracer.begin('join').end()
  expect((await spans())[0]?.resource).toMatchObject({ 'service.name': 'plaza', 'service.version': version })
})

test('what fails has a type, and no message: that may hold what a client sent', async () => {
  const { tracer, spans } = await aTracedService()
  const failing = (error: unknown) => tracer.during('work', {}, async () => Promise.reject(error))
  for (const error of [new TypeError('secret'), new Refusal('FORBIDDEN', 'secret'), 'secret'])
    await expect(failing(error)).rejects.toBe(error)
  const received = await spans()
  expect(received.map(({ failed, fields }) => [failed, fields['error.type']])).toEqual([
    [true, 'TypeError'],
    [true, 'FORBIDDEN'],
    [true, 'string'],
  ])
  expect(JSON.stringify(received)).not.toContain('secret')
})

test('a span without a function has its moments, ends once, and is followed by what came of it', async () => {
  const { tracer, spans } = await aTracedService()
  const join = tracer.begin('join', { kind: 'server' })
  join.event('challenged')
  join.end()
  join.set({ outcome: 'late' })
  join.end()
  join.followUp('first island', 1_500, { outcome: 'given' })
  const [first, island] = await spans()
  expect(first).toMatchObject({ name: 'join', events: ['challenged'], fields: {} })
  expect(island).toMatchObject({ parent: first?.id, trace: first?.trace, fields: { outcome: 'given' } })
  expect(island?.tookMs).toBeCloseTo(1_500, 0)
})

const SAMPLED = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

test('the trace of a client is linked to, and holds no span of ours', async () => {
  const { tracer, spans } = await aTracedService()
  for (const caller of [SAMPLED, 'nonsense', `${SAMPLED}-more`, '00-00000000000000000000000000000000-b7ad6b7169203331-01'])
    await tracer.during('scene token', { caller }, async () => {})
  const [linked, ...others] = await spans()
  expect(linked).toMatchObject({ parent: '', links: ['0af7651916cd43dd8448eb211c80319c b7ad6b7169203331'] })
  expect(linked?.trace).not.toBe('0af7651916cd43dd8448eb211c80319c')
  expect(others.map(({ links }) => links)).toEqual([[], [], []])
})

test.each(['always_off', 'parentbased_always_off', 'traceidratio', 'parentbased_traceidratio'])(
  'with the sampler %s and a share of 0 no client has a trace exported',
  async (sampler) => {
    const { tracer, spans } = await aTracedService({ OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: '0' })
    await tracer.during('scene token', { caller: SAMPLED }, async () => {
      await tracer.during('open room', {}, async () => {})
    })
    tracer.begin('join').followUp('first island', 1, {})
    expect(await spans()).toEqual([])
  },
)

test('an unknown sampler, or a share that is none, exports every trace and is logged', async () => {
  const { tracer, spans, lines } = await aTracedService({ OTEL_TRACES_SAMPLER: 'jaeger_remote', OTEL_TRACES_SAMPLER_ARG: '50' })
  tracer.begin('join').end()
  expect(waiting(await spans())).toEqual(['join'])
  expect(lines.map(({ msg }) => msg)).toEqual([
    'an unknown sampler: every trace is exported',
    'a share is 0 to 1: every trace is exported',
    'spans are exported',
  ])
})

test('spans that a collector refuses are counted, and each reason is logged once', async () => {
  const { tracer, stop, collector, lines, metrics } = await aTracedService()
  collector.status = 400
  for (let batch = 0; batch < 2 * 512; batch++) tracer.begin('join').end()
  await stop()
  expect(collector.requests).toHaveLength(2)
  expect(await metrics.registry.metrics()).toContain('realm_test_spans_total{outcome="failed"} 1024')
  expect(lines.filter(({ msg }) => msg === 'spans could not be exported')).toEqual([
    expect.objectContaining({ reason: 'Bad Request 400' }),
  ])
})

test('spans beyond those that may wait are dropped, and a collector that gives no answer does not keep a process from its end', async () => {
  const clock = new ManualClock()
  const { tracer, stop, collector, lines, metrics } = await aTracedService({}, { clock })
  collector.status = undefined
  for (let made = 0; made < 3_000; made++) tracer.begin('join').end()
  expect(await metrics.registry.metrics()).toContain('realm_test_spans_total{outcome="dropped"} 952')
  const stopping = stop()
  await vi.waitFor(() => expect(collector.requests.length).toBeGreaterThan(0))
  clock.advance(3_000)
  await stopping
  expect(lines.at(-1)).toMatchObject({ msg: 'the last spans are lost' })
})
