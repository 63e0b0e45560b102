import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createMemoryBus } from '../cells/bus/memory.ts'
import { systemClock } from '../cells/chassis/clock.ts'
import { listen } from '../cells/chassis/listen.ts'
import { silentLog } from '../cells/chassis/log.ts'
import { Metrics } from '../cells/chassis/metrics.ts'
import { peerId, publishers } from '../cells/stats/fixtures.ts'
import { startStats } from '../cells/stats/service.ts'
import type { Figure } from './figure.ts'
import { load, percentile } from './http-load.ts'

/** The goal: look-ups within 5 ms (p99) in a realm of 100 000 players who move. */
export const name = 'stats'

const PEERS = 100_000
const PEERS_OF_ISLAND = 100
/** Heartbeats in a second, spread over ticks: a player who walks sends ten. */
const HEARTBEATS_PER_SECOND = 10_000
const TICK_MS = 10
const SECONDS = 3
/** Few: with more, each would wait for the others, and the figure would be one of throughput. */
const CONNECTIONS = 2
/** These stand still, so that answers about them have one length. */
const STANDING = 1_000

const LOOKUPS = [
  ['one peer', `/peers/${peerId(7)}`],
  ['20 peers', `/peers?${Array.from({ length: 20 }, (_, n) => `id=${peerId(n)}`).join('&')}`],
  ['one island', '/realms/main/islands/I3'],
  ['health and players', '/core-status'],
] as const

/** Reports the latency of look-ups, then how long it takes to read whole lists. */
export async function run(report: (figure: Figure) => void): Promise<void> {
  const child = fork(fileURLToPath(import.meta.url), ['serve'])
  const [{ url }] = (await once(child, 'message')) as [{ url: string }]
  for (const [what, path] of LOOKUPS) {
    await load(url + path, { seconds: 0.5, pipelined: 1, connections: CONNECTIONS })
    const { latencies, seconds } = await load(url + path, { seconds: SECONDS, pipelined: 1, connections: CONNECTIONS })
    const note = `${CONNECTIONS} connections, ${Math.round(latencies.length / seconds)} requests/s`
    report({ what: `${what}, latency p50`, value: percentile(latencies, 0.5), unit: 'ms', note })
    report({ what: `${what}, latency p99`, value: percentile(latencies, 0.99), unit: 'ms', note })
  }
  for (const path of ['/realms/main/parcels', '/realms/main/islands', '/realms/main/peers']) {
    const times = []
    for (let n = 0; n < 5; n++) times.push(await timeOf(url + path))
    report({ what: `${path}, median`, value: percentile(times, 0.5), unit: 'ms', note: `${PEERS} peers` })
  }
  await stop(child)
}

async function timeOf(url: string): Promise<number> {
  const start = performance.now()
  await (await fetch(url)).arrayBuffer()
  return performance.now() - start
}

async function stop(child: ChildProcess): Promise<void> {
  child.kill()
  await once(child, 'exit')
}

/** Statistics of a crowd, in a process of their own. */
async function serve(): Promise<void> {
  const bus = createMemoryBus(silentLog)
  const config = { BUS_SCOPE: '', COMMIT_HASH: '', CURRENT_VERSION: '' }
  const service = await startStats(config, { bus, log: silentLog, clock: systemClock, metrics: new Metrics('stats') })
  const cell = publishers(bus, '')
  const move = (n: number) => cell.heartbeat(peerId(n), [Math.floor(n / PEERS_OF_ISLAND) * 16 + Math.random() * 16, 0, 8])
  for (let n = 0; n < PEERS; n++) {
    if (n < STANDING) cell.heartbeat(peerId(n), [8, 0, 8])
    else move(n)
    if (n % 1_000 === 0) await bus.flush()
  }
  const islands = Array.from({ length: PEERS / PEERS_OF_ISLAND }, (_, island) => ({
    id: `I${island}`,
    peers: Array.from({ length: PEERS_OF_ISLAND }, (__, n) => peerId(island * PEERS_OF_ISLAND + n)),
  }))
  cell.islands(...islands)
  cell.discovery(Date.now(), PEERS)
  await bus.flush()
  let next = STANDING
  setInterval(() => {
    for (let n = 0; n < (HEARTBEATS_PER_SECOND * TICK_MS) / 1_000; n++) {
      next = next + 1 < PEERS ? next + 1 : STANDING
      move(next)
    }
  }, TICK_MS)
  const { url } = await listen(service.app, { host: '127.0.0.1', port: 0 })
  process.send?.({ url })
}

if (process.argv[2] === 'serve') await serve()
