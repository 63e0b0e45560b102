import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../cells/chassis/clock.ts'
import { listen } from '../cells/chassis/listen.ts'
import { silentLog } from '../cells/chassis/log.ts'
import { Metrics } from '../cells/chassis/metrics.ts'
import { aCatalystAbout, aRealm } from '../cells/realm-provider/fixtures.ts'
import { startRealmProvider } from '../cells/realm-provider/service.ts'
import { createLocalSource } from '../cells/realm-provider/sources/local.ts'
import type { Figure } from './figure.ts'
import { CONNECTIONS, load, percentile } from './http-load.ts'

/** The goal: 15 000 requests per second on one core, 30 000 with HEAD, and p99 of 5 ms, whatever the catalysts do. */
export const name = 'realm-provider'

const PIPELINED = 16
const SECONDS = 4
const DEAD_CATALYSTS = 10

/** Messages between the benchmark and the serving child process: what to serve, with the whole provider or as it is. */
type ServeRequest = { catalysts: string[] } | { headers: Record<string, string>; body: string }
interface ServeReply {
  url: string
}
interface UsageReply {
  cpuSeconds: number
}

/** Reports requests per second, and per second of the server's own CPU; then latency without pipelining. */
export async function run(report: (figure: Figure) => void): Promise<void> {
  const dead = await Promise.all(Array.from({ length: DEAD_CATALYSTS }, aDeadService))
  const alive = await aLiveCatalyst()
  const cases = [
    { what: 'an empty world', catalysts: [] },
    { what: `${DEAD_CATALYSTS} dead catalysts and a live one`, catalysts: [...dead.map(urlOf), urlOf(alive)] },
  ]
  for (const { what, catalysts } of cases) {
    const { child, url } = await aServer({ catalysts })
    const about = `${url}/main/about`
    await untilHealthy(url)
    const gets = await throughput(child, about, 'GET')
    report({ what: `/about, ${what}`, value: gets.perSecond, unit: 'requests/s' })
    report({ what: `/about on one core, ${what}`, value: gets.perCpuSecond, unit: 'requests per CPU second' })
    const heads = await throughput(child, about, 'HEAD')
    report({ what: `HEAD /about on one core, ${what}`, value: heads.perCpuSecond, unit: 'requests per CPU second' })
    const calm = await load(about, { seconds: SECONDS, pipelined: 1 })
    const note = `${CONNECTIONS} connections, ${Math.round(calm.latencies.length / calm.seconds)} requests/s`
    report({ what: `latency p50, ${what}`, value: percentile(calm.latencies, 0.5), unit: 'ms', note })
    report({ what: `latency p99, ${what}`, value: percentile(calm.latencies, 0.99), unit: 'ms', note })
    if (catalysts.length === 0) await compareWithBareServer(report, await fetch(about), { GET: gets, HEAD: heads })
    child.kill()
    await once(child, 'exit')
  }
  for (const service of [...dead, alive]) service.close()
}

interface Throughput {
  perSecond: number
  perCpuSecond: number
}

async function throughput(child: ChildProcess, url: string, method: 'GET' | 'HEAD'): Promise<Throughput> {
  await load(url, { seconds: 1, pipelined: PIPELINED, method }) // warms up the just-in-time compiler
  const before = await usageOf(child)
  const { latencies, seconds } = await load(url, { seconds: SECONDS, pipelined: PIPELINED, method })
  const { cpuSeconds } = await usageOf(child)
  return { perSecond: latencies.length / seconds, perCpuSecond: latencies.length / (cpuSeconds - before.cpuSeconds) }
}

/** What Node's own server takes for the same headers and body, without routes, metrics or a choice of what is answered. */
async function compareWithBareServer(
  report: (figure: Figure) => void,
  answer: Response,
  ours: Record<'GET' | 'HEAD', Throughput>,
): Promise<void> {
  const { date: _, connection: __, 'keep-alive': ___, ...headers } = Object.fromEntries(answer.headers)
  const { child, url } = await aServer({ headers, body: await answer.text() })
  for (const method of ['GET', 'HEAD'] as const) {
    const { perCpuSecond } = await throughput(child, `${url}/main/about`, method)
    report({
      what: `${method} of the same answer on one core, bare node:http`,
      value: perCpuSecond,
      unit: 'requests per CPU second',
    })
    const compare = { better: 'higher', kind: 'count' } as const
    const value = (100 * ours[method].perCpuSecond) / perCpuSecond
    report({ what: `${method} /about, share of what bare node:http serves`, value, unit: '%', compare })
  }
  child.kill()
  await once(child, 'exit')
}

/** A child process that serves. */
async function aServer(request: ServeRequest): Promise<{ child: ChildProcess; url: string }> {
  const child = fork(fileURLToPath(import.meta.url), ['serve'])
  child.send(request)
  const [{ url }] = (await once(child, 'message')) as [ServeReply]
  return { child, url }
}

async function usageOf(child: ChildProcess): Promise<UsageReply> {
  child.send('usage')
  const [usage] = (await once(child, 'message')) as [UsageReply]
  return usage
}

async function untilHealthy(url: string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const about = (await (await fetch(`${url}/main/about`)).json()) as { healthy: boolean }
    if (about.healthy) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('the realm did not become healthy')
}

/** Accepts connections and never answers. */
const aDeadService = async (): Promise<Server> => {
  const server = createServer((socket) => socket.on('error', () => socket.destroy())).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

const aLiveCatalyst = async (): Promise<Server> => {
  const server = createHttpServer((_, response) => response.end(JSON.stringify(aCatalystAbout(urlOf(server))))).listen(
    0,
    '127.0.0.1',
  )
  await once(server, 'listening')
  return server
}

const urlOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`

async function serve(): Promise<void> {
  const [request] = (await once(process, 'message')) as [ServeRequest]
  const url = 'catalysts' in request ? await serveRealm(request.catalysts) : await serveAnswer(request)
  process.on('message', () => {
    const { user, system } = process.cpuUsage()
    process.send?.({ cpuSeconds: (user + system) / 1e6 } satisfies UsageReply)
  })
  process.send?.({ url } satisfies ServeReply)
}

async function serveRealm(catalysts: string[]): Promise<string> {
  const source = createLocalSource()
  source.set(aRealm({ content: { catalysts } }))
  const service = await startRealmProvider(
    { COMMIT_HASH: '', CURRENT_VERSION: '', ALLOW_LOCAL_URLS: 'true' },
    { source, log: silentLog, clock: systemClock, metrics: new Metrics('realm-provider') },
  )
  return (await listen(service.app, { host: '127.0.0.1', port: 0 })).url
}

async function serveAnswer({ headers, body }: { headers: Record<string, string>; body: string }): Promise<string> {
  const bytes = Buffer.from(body)
  const server = createHttpServer(({ method }, response) => {
    response.writeHead(200, { ...headers, 'content-length': bytes.length })
    response.end(method === 'HEAD' ? undefined : bytes)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return urlOf(server)
}

if (process.argv[2] === 'serve') await serve()
