import { networkInterfaces } from 'node:os'
import { expect, onTestFinished, test, vi } from 'vitest'
import { z } from 'zod'
import { freePort } from '../testing/free-port.ts'
import { openSocket, type UpgradeRefused } from '../testing/player/socket.ts'
import { aTraceCollector } from '../testing/trace-collector.ts'
import { ManualClock } from './chassis/clock.ts'
import { operationalRoutes } from './chassis/health.ts'
import { createApp, route, text } from './chassis/http.ts'
import { Metrics } from './chassis/metrics.ts'
import { type ProcessParts, processVariables, runService } from './process.ts'

const HOST = '127.0.0.1'

/** A ready service that greets; `statusOf` is the status it answers with, undefined without an answer. */
async function aGreeter(settleSeconds: number) {
  const port = await freePort()
  const clock = new ManualClock()
  const happened: string[] = []
  const config = {
    HTTP_SERVER_HOST: HOST,
    HTTP_SERVER_PORT: port,
    LOG_LEVEL: 'silent' as const,
    ROUTES_SETTLE_SECONDS: settleSeconds,
  }
  const routes = ['/', '/health/ready'].map((path) => route('GET', path, () => text('hello')))
  const stop = async () => {
    happened.push('stopped')
  }
  const start = async ({ log, metrics }: ProcessParts) => ({
    service: { app: createApp({ routes, log, metrics }), readiness: () => ({ ready: true as const }), stop },
  })
  const running = await runService('greeter', config, start, { clock })
  const statusOf = async (path: string) => {
    const answer = await fetch(`http://${HOST}:${port}${path}`).catch(() => undefined)
    return answer?.status
  }
  return { clock, happened, running, statusOf }
}

test('a process that is stopped is not ready at once, and serves until routers have noticed', async () => {
  const { clock, happened, running, statusOf } = await aGreeter(3)
  expect([await statusOf('/health/ready'), await statusOf('/')]).toEqual([200, 200])
  const stopping = running.stop()
  expect([await statusOf('/health/ready'), await statusOf('/')]).toEqual([503, 200])
  clock.advance(2_999)
  expect([await statusOf('/'), ...happened]).toEqual([200])
  clock.advance(1)
  await stopping
  expect([await statusOf('/'), ...happened]).toEqual([undefined, 'stopped'])
})

test('a process that traces exports its last spans when it stops; one that does not has nothing to do with a collector', async () => {
  const collector = await aTraceCollector()
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', collector.url)
  onTestFinished(() => void vi.unstubAllEnvs())
  const config = { HTTP_SERVER_HOST: HOST, HTTP_SERVER_PORT: 0, LOG_LEVEL: 'silent' as const, ROUTES_SETTLE_SECONDS: 0 }
  for (const traces of [true, false]) {
    const start = async ({ log, metrics, tracer }: ProcessParts) => ({
      service: {
        app: createApp({ routes: [], log, metrics }),
        readiness: () => ({ ready: true as const }),
        stop: async () => tracer.begin(`traces: ${traces}`).end(),
      },
    })
    await (await runService('greeter', config, start, { traces })).stop()
  }
  expect(collector.spans.map(({ name, resource }) => [name, resource['service.name']])).toEqual([
    ['traces: true', 'realm-greeter'],
  ])
})

test('a service with a port for its peers has probes and metrics there only, also while it starts and stops', async () => {
  const [port, peerPort] = [await freePort(), await freePort()]
  const config = { HTTP_SERVER_HOST: HOST, HTTP_SERVER_PORT: port, PEER_SERVER_PORT: peerPort, LOG_LEVEL: 'silent' as const }
  const clock = new ManualClock()
  const statuses = (path: string) =>
    Promise.all([port, peerPort].map((of) => fetch(`http://${HOST}:${of}${path}`).then(({ status }) => status)))
  const running = await runService(
    'greeter',
    { ...config, ROUTES_SETTLE_SECONDS: 1 },
    async ({ log, metrics }) => {
      expect([await statuses('/metrics'), await statuses('/health/live')]).toEqual([
        [503, 200],
        [503, 200],
      ])
      const app = createApp({ routes: [route('GET', '/', () => text('hello'))], log, metrics })
      const peerApp = createApp({
        routes: [route('GET', '/health/ready', () => text('ready'))],
        log,
        metrics: new Metrics('peer'),
      })
      return { service: { app, peerApp, readiness: () => ({ ready: true as const }), stop: async () => {} } }
    },
    { clock },
  )
  expect([await statuses('/'), await statuses('/health/ready')]).toEqual([
    [200, 404],
    [404, 200],
  ])
  const stopping = running.stop()
  expect([await statuses('/'), await statuses('/health/ready')]).toEqual([
    [200, 404],
    [404, 503],
  ])
  clock.advance(1_000)
  await stopping
})

test('a process that no router sends requests to stops at once', async () => {
  const { happened, running } = await aGreeter(0)
  await running.stop()
  expect(happened).toEqual(['stopped'])
})

test('a request while a process starts is answered with 503, not with 404', async () => {
  const port = await freePort()
  const config = { HTTP_SERVER_HOST: HOST, HTTP_SERVER_PORT: port, LOG_LEVEL: 'silent' as const, ROUTES_SETTLE_SECONDS: 0 }
  const { promise: started, resolve: finish } = Promise.withResolvers<void>()
  const running = runService('sleeper', config, async ({ log, metrics }) => {
    await started
    return { service: { app: createApp({ routes: [], log, metrics }), readiness: () => ({ ready: true }), stop: async () => {} } }
  })
  const statuses = async () => {
    const refused = await openSocket({ url: `ws://${HOST}:${port}/cells/0/ws` }).catch((error: unknown) => error)
    return [(await fetch(`http://${HOST}:${port}/status`)).status, (refused as UpgradeRefused).status]
  }
  await vi.waitFor(async () => expect(await statuses()).toEqual([503, 503]))
  finish()
  await running
  expect(await statuses()).toEqual([404, 404])
  await (await running).stop()
})

const hasIpv6 = Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === '::1'))

test.each(['127.0.0.1', ...(hasIpv6 ? ['[::1]'] : [])])('by default a process answers probes on %s', async (host) => {
  const port = await freePort()
  const config = z.object(processVariables(port)).parse({ LOG_LEVEL: 'silent' })
  const running = await runService('greeter', config, async ({ log, metrics }) => ({
    service: {
      app: createApp({ routes: operationalRoutes(metrics, () => ({ ready: true })), log, metrics }),
      readiness: () => ({ ready: true }),
      stop: async () => {},
    },
  }))
  onTestFinished(() => running.stop())
  expect((await fetch(`http://${host}:${port}/health/live`)).status).toBe(200)
})
