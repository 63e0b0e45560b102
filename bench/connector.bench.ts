import { type ChildProcess, fork } from 'node:child_process'
import { constants, setPriority } from 'node:os'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createMemoryBus } from '../cells/bus/memory.ts'
import { systemClock } from '../cells/chassis/clock.ts'
import { listen } from '../cells/chassis/listen.ts'
import { silentLog } from '../cells/chassis/log.ts'
import { Metrics } from '../cells/chassis/metrics.ts'
import { readConfig } from '../cells/connector/config.ts'
import { startConnector } from '../cells/connector/service.ts'
import { createVerifier } from '../cells/identity/verifier.ts'
import { busPayloads } from '../cells/wire/packets.ts'
import { type LoadCommand, type LoadReport, sinceEpoch } from './connector-load.ts'
import type { Figure } from './figure.ts'

export const name = 'connector'

const PLAYERS = 3_000
const STORM = 2_000
const STEADY = 500
const HEARTBEAT_SECONDS = 5
const COMMAND_DEADLINE_MS = 60_000
const SETTLE_MS = 3_000

/**
 * One connector on a bus in memory, its players in processes of their own: three thousand handshakes, then two thousand
 * reconnects at once.
 */
export async function run(report: (figure: Figure) => void): Promise<void> {
  const bus = createMemoryBus(silentLog)
  const verifier = createVerifier({ log: silentLog })
  const config = { ...readConfig({}), DRAIN_SECONDS: 0, MAX_CONNECTIONS_PER_ADDRESS: 10_000 }
  const deps = { bus, verifier, clock: systemClock, metrics: new Metrics('connector'), log: silentLog }
  const service = await startConnector(config, deps)
  const listening = await listen(service.app, { port: 0, host: '127.0.0.1' })
  const url = `${listening.url.replace('http', 'ws')}/ws`
  const [load, steady] = [startPlayers(), startPlayers()]
  try {
    await send(steady, { do: 'connect', url, players: STEADY, concurrency: 50, chain: 'three' })
    const rssBefore = settledRss()
    const joining = process.cpuUsage()
    const joined = await send(load, { do: 'connect', url, players: PLAYERS, concurrency: 200, chain: 'three' })
    const { user: joinUser, system: joinSystem } = process.cpuUsage(joining)
    report({
      what: 'handshakes, three links',
      value: PLAYERS / joined.seconds,
      unit: 'per s',
      note: `${joined.failed} failed; one thread checks signatures, the players sign on the other core`,
    })

    report({
      what: 'handshakes, three links, by processor time',
      value: PLAYERS / ((joinUser + joinSystem) / 1e6),
      unit: 'per s and core',
      note: 'all threads of the connector, from the upgrade to the welcome',
    })

    let arrived = 0
    const unsubscribe = bus.subscribe('peer.*.heartbeat', () => arrived++)
    const cpu = process.threadCpuUsage()
    const heartbeats = await send(load, { do: 'heartbeat', players: PLAYERS, perSecond: 8, seconds: HEARTBEAT_SECONDS, epoch: 0 })
    // Processor time counts until the last heartbeat was published, however late it is.
    const lastAt = performance.now() + SETTLE_MS
    while (arrived < heartbeats.sent && performance.now() < lastAt) await new Promise((resolve) => setTimeout(resolve, 20))
    const { user, system } = process.threadCpuUsage(cpu)
    unsubscribe()
    const cpuSeconds = (user + system) / 1e6
    report({
      what: 'heartbeats, socket to bus',
      value: arrived / cpuSeconds,
      unit: 'per s and core',
      note: `${Math.round(arrived / heartbeats.seconds)} per s from ${PLAYERS} players took ${Math.round((100 * cpuSeconds) / heartbeats.seconds)} % of one core`,
    })
    report({
      what: 'memory per active connection',
      value: (settledRss() - rssBefore) / PLAYERS / 1000,
      unit: 'kB',
      note: `resident, after ${HEARTBEAT_SECONDS} s of heartbeats from all`,
    })

    await storm(load, steady, url, bus, report)
  } finally {
    load.disconnect()
    steady.disconnect()
    await service.stop()
    await listening.stop()
    await verifier.close()
  }
}

/** The latency of steady players while others reconnect all at once, each with a signature to check. */
async function storm(
  load: ChildProcess,
  steady: ChildProcess,
  url: string,
  bus: ReturnType<typeof createMemoryBus>,
  report: (figure: Figure) => void,
): Promise<void> {
  const epoch = Date.now()
  const latencies: number[] = []
  const unsubscribe = bus.subscribe('peer.*.heartbeat', (payload) => {
    const position = busPayloads.decodeHeartbeat(payload)?.position
    if (position) latencies.push(sinceEpoch(epoch) - (position.x + position.y))
  })
  const steadyHeartbeats = send(steady, { do: 'heartbeat', players: STEADY, perSecond: 10, seconds: 15, epoch })
  const reconnected = await send(load, { do: 'reconnect', url, players: STORM, concurrency: STORM })
  const during = latencies.length
  await steadyHeartbeats
  unsubscribe()
  const sorted = latencies.slice(0, during).sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? Number.NaN
  report({
    what: `heartbeat latency in a storm of ${STORM}, p99`,
    value: at(0.99),
    unit: 'ms',
    note: `median ${at(0.5).toFixed(1)} ms, ${during} heartbeats; the storm took ${reconnected.seconds.toFixed(1)} s, ${reconnected.failed} failed`,
  })
}

/**
 * A process of simulated players. In production they run on other machines: here they at least have a lower priority than the
 * connector.
 */
function startPlayers(): ChildProcess {
  const child = fork(new URL('./connector-load.ts', import.meta.url), { serialization: 'advanced' })
  if (child.pid) setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL)
  return child
}

/** Sends a command and waits, with a deadline, for its report; commands of different kinds may overlap. */
function send(load: ChildProcess, command: LoadCommand): Promise<LoadReport> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`the players did not finish ${command.do} in time`)), COMMAND_DEADLINE_MS)
    const received = (report: LoadReport) => {
      if (report.did !== command.do) return
      clearTimeout(timer)
      load.off('message', received)
      resolve(report)
    }
    load.on('message', received)
    load.send(command)
  })
}

/** Resident memory after garbage collection. */
function settledRss(): number {
  setFlagsFromString('--expose-gc')
  const collectGarbage = runInNewContext('gc') as () => void
  collectGarbage()
  collectGarbage()
  return process.memoryUsage.rss()
}
