import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../cells/chassis/clock.ts'
import { listen } from '../cells/chassis/listen.ts'
import { silentLog } from '../cells/chassis/log.ts'
import { Metrics } from '../cells/chassis/metrics.ts'
import { aCatalystAbout, aRealm } from '../cells/realm-provider/fixtures.ts'
import { startRealmProvider } from '../cells/realm-provider/service.ts'
import { createLocalSource } from '../cells/realm-provider/sources/local.ts'
import type { Figure } from './figure.ts'

/** The goal: 15 000 requests per second on one core, 30 000 with HEAD, and p99 of 5 ms, whatever the catalysts do. */
export const name = 'realm-provider'

const CONNECTIONS = 16
const PIPELINED = 16
const SECONDS = 4
const DEAD_CATALYSTS = 10

/** Messages between the benchmark and the serving child process. */
interface ServeRequest {
  catalysts: string[]
}
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
    const child = fork(fileURLToPath(import.meta.url), ['serve'])
    child.send({ catalysts } satisfies ServeRequest)
    const [{ url }] = (await once(child, 'message')) as [ServeReply]
    await untilHealthy(url)
    await load(url, { seconds: 1, pipelined: PIPELINED }) // warms up the just-in-time compiler
    const before = await usageOf(child)
    const full = await load(url, { seconds: SECONDS, pipelined: PIPELINED })
    const { cpuSeconds } = await usageOf(child)
    report({ what: `/about, ${what}`, value: full.latencies.length / full.seconds, unit: 'requests/s' })
    report({
      what: `/about on one core, ${what}`,
      value: full.latencies.length / (cpuSeconds - before.cpuSeconds),
      unit: 'requests per CPU second',
    })
    const beforeHeads = await usageOf(child)
    const heads = await load(url, { seconds: SECONDS, pipelined: PIPELINED, method: 'HEAD' })
    const afterHeads = await usageOf(child)
    report({
      what: `HEAD /about on one core, ${what}`,
      value: heads.latencies.length / (afterHeads.cpuSeconds - beforeHeads.cpuSeconds),
      unit: 'requests per CPU second',
    })
    const calm = await load(url, { seconds: SECONDS, pipelined: 1 })
    const note = `${CONNECTIONS} connections, ${Math.round(calm.latencies.length / calm.seconds)} requests/s`
    report({ what: `latency p50, ${what}`, value: percentile(calm.latencies, 0.5), unit: 'ms', note })
    report({ what: `latency p99, ${what}`, value: percentile(calm.latencies, 0.99), unit: 'ms', note })
    child.kill()
    await once(child, 'exit')
  }
  for (const service of [...dead, alive]) service.close()
}

/**
 * Requests the same document on several connections, with `pipelined` requests in flight on each. Every answer has the length of
 * the first.
 */
async function load(
  url: string,
  { seconds, pipelined, method = 'GET' }: { seconds: number; pipelined: number; method?: 'GET' | 'HEAD' },
) {
  const { hostname, port } = new URL(url)
  const request = Buffer.from(`${method} /main/about HTTP/1.1\r\nhost: ${hostname}:${port}\r\n\r\n`)
  const latencies: number[] = []
  const start = performance.now()
  const end = start + seconds * 1000
  const runConnection = () =>
    new Promise<void>((resolve, reject) => {
      const socket = connect(Number(port), hostname).setNoDelay(true)
      const sentAt: number[] = []
      let answerBytes = 0
      let received = 0
      const send = () => {
        sentAt.push(performance.now())
        socket.write(request)
      }
      socket.on('error', reject)
      socket.on('connect', send)
      socket.on('data', (chunk) => {
        received += chunk.length
        if (answerBytes === 0) {
          answerBytes = lengthOf(chunk, method)
          for (let ahead = 1; ahead < pipelined; ahead++) send()
        }
        const now = performance.now()
        for (; received >= answerBytes; received -= answerBytes) {
          latencies.push(now - (sentAt.shift() ?? now))
          if (now < end) send()
        }
        if (sentAt.length > 0) return
        socket.destroy()
        if (received === 0) resolve()
        else reject(new Error('answers had different lengths'))
      })
    })
  await Promise.all(Array.from({ length: CONNECTIONS }, runConnection))
  return { latencies, seconds: (performance.now() - start) / 1000 }
}

function lengthOf(answer: Buffer, method: 'GET' | 'HEAD'): number {
  const text = answer.toString('latin1')
  if (method === 'HEAD' && text.startsWith('HTTP/1.1 200 ')) return text.indexOf('\r\n\r\n') + 4
  const body = Number(/content-length: (\d+)/i.exec(text)?.[1])
  if (!text.startsWith('HTTP/1.1 200 ') || !text.includes('"healthy":true') || !body)
    throw new Error(`unexpected answer: ${text}`)
  return text.indexOf('\r\n\r\n') + 4 + body
}

const percentile = (values: number[], share: number): number =>
  values.sort((a, b) => a - b)[Math.floor(values.length * share)] ?? Number.NaN

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
  const [{ catalysts }] = (await once(process, 'message')) as [ServeRequest]
  const source = createLocalSource()
  source.set(aRealm({ content: { catalysts } }))
  const service = await startRealmProvider(
    { COMMIT_HASH: '', CURRENT_VERSION: '', ALLOW_LOCAL_URLS: 'true' },
    { source, log: silentLog, clock: systemClock, metrics: new Metrics('realm-provider') },
  )
  const { url } = await listen(service.app, { host: '127.0.0.1', port: 0 })
  process.on('message', () => {
    const { user, system } = process.cpuUsage()
    process.send?.({ cpuSeconds: (user + system) / 1e6 } satisfies UsageReply)
  })
  process.send?.({ url } satisfies ServeReply)
}

if (process.argv[2] === 'serve') await serve()
