import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { BugReporter } from '../../cells/chassis/bug-reporter.ts'
import { type Clock, systemClock } from '../../cells/chassis/clock.ts'
import { silentLog } from '../../cells/chassis/log.ts'
import { Metrics } from '../../cells/chassis/metrics.ts'
import type { ChainVerifier } from '../../cells/identity/verifier.ts'
import { Relay } from '../../cells/pulse/core/relay.ts'
import type { SendRates } from '../../cells/pulse/core/send-rates.ts'
import { openUdp } from '../../cells/pulse/enet/udp.ts'
import type { UdpPort } from '../../cells/pulse/enet/udp-port.ts'
import { defaultPulseLimits } from '../../cells/pulse/limits.ts'
import { pulseMetrics } from '../../cells/pulse/metrics.ts'
import { PulseServer, TICK_MS } from '../../cells/pulse/server.ts'
import { SignInMemory } from '../../cells/pulse/sign-in-memory.ts'
import { parsePeerId } from '../../cells/wire/peer.ts'
import { BareSocket } from './bare-socket.ts'
import type { BareRequest, CrowdOptions, StepReport } from './crowd-process.ts'

/** What serving a crowd over real sockets costs, in time of a processor, which other programs on the same machine lengthen by sharing its caches. */
export interface ServedCrowd {
  /** Milliseconds of each round, its framing and its datagrams included; sorted. */
  roundMs: number[]
  /** Share of one core that the relay needs, with the reception of what players send and the care for connections. */
  coreShare: number
  /** Per second of the players' time. */
  datagramsOut: number
  datagramsIn: number
  deltas: number
  undelivered: number
  /** Connections that ended. */
  lost: number
  bytesPerDatagram: number
  /** Share of one core that a program needs which only receives and sends as many datagrams. */
  bareShare: number
  /** What that program takes to send the datagrams of a round, in milliseconds. */
  bareRoundMs: number
  /** Microseconds for the reception of a datagram: of the relay, and of that program. */
  received: { relay: number; bare: number }
}

/** Believes every chain: what signatures cost is measured elsewhere. */
const credulous: ChainVerifier = {
  verify: async ({ chain }) => ({ ok: true, peer: parsePeerId(chain[0]?.payload ?? '') ?? '0x' }) as never,
  pending: 0,
  library: Promise.resolve('none' as never),
  close: async () => {},
}

/** So many rounds after the last one has come in, all have been announced to each other. */
const SETTLE_ROUNDS = 60
const ROUNDS = 60
/** Rounds from one turn of the bare loop to the next: it is to meet the same machine. */
const BARE_ROUNDS = 5
/** So many fit into the buffer of a socket. */
const MAX_BARE = 1_500

/**
 * Serves players of another process over UDP. Both processes go through the same rounds of 50 ms together, however long these take, so that
 * the figures are those of a relay that comes to all of its rounds.
 */
export async function serveCrowd(options: Omit<CrowdOptions, 'port'>, rates: SendRates): Promise<ServedCrowd> {
  let nowMs = 1_000
  const { server, relay, udp } = await aRelay({ ...systemClock, monotonic: () => nowMs }, rates)
  const crowd = fork(fileURLToPath(new URL('./crowd-process.ts', import.meta.url)), { execArgv: [] })
  crowd.send({ ...options, port: udp.port } satisfies CrowdOptions)
  await once(crowd, 'message')
  const bare = new BareSocket()
  await bare.open()
  const roundMs: number[] = []
  let [receivedMs, lost] = [0, 0]

  const round = async () => {
    nowMs += TICK_MS
    let cpu = process.cpuUsage()
    lost = (await stepped(crowd, () => server.host.counters.datagramsIn)).lost
    receivedMs += since(cpu)
    cpu = process.cpuUsage()
    server.tick()
    roundMs.push(since(cpu))
  }

  try {
    while (server.connectionCount < options.players && nowMs < 120_000) await round()
    for (let i = 0; i < SETTLE_ROUNDS; i++) await round()
    const before = counted(server, relay, udp)
    roundMs.length = receivedMs = 0
    for (let i = 0; i < ROUNDS; i++) {
      await round()
      if (i % BARE_ROUNDS !== 0) continue
      bare.send(server.host.peers())
      const datagrams = Math.min(MAX_BARE, options.players)
      await bare.receive(datagrams, () => {
        crowd.send({ port: bare.port, datagrams } satisfies BareRequest)
        return whileBusy(once(crowd, 'message'))
      })
    }
    const after = counted(server, relay, udp)
    const perSecond = (what: keyof typeof after) => ((after[what] - before[what]) * 1_000) / (ROUNDS * TICK_MS)
    return {
      roundMs: roundMs.sort((a, b) => a - b),
      coreShare: (receivedMs + roundMs.reduce((sum, ms) => sum + ms)) / (ROUNDS * TICK_MS),
      datagramsOut: perSecond('out'),
      datagramsIn: perSecond('in'),
      deltas: perSecond('deltas'),
      undelivered: perSecond('undelivered'),
      lost,
      bareShare: perSecond('out') / bare.perSecond.sent + perSecond('in') / bare.perSecond.received,
      bareRoundMs: (perSecond('out') * TICK_MS) / bare.perSecond.sent,
      received: { relay: (receivedMs * 1_000) / (after.in - before.in), bare: 1e6 / bare.perSecond.received },
      bytesPerDatagram: (after.bytes - before.bytes) / (after.out - before.out),
    }
  } finally {
    crowd.kill()
    bare.close()
    await udp.close()
  }
}

const neverNotified = new Int32Array(new SharedArrayBuffer(4))

/**
 * Looks at what has arrived only every millisecond. A program that has a core to itself and little to do is woken for each datagram, which
 * costs more than the datagram; one that has as much to do as a core can, as the figures are about, finds some hundred each time.
 */
async function whileBusy<T>(end: Promise<T>): Promise<T> {
  let isOver = false
  const over = end.finally(() => {
    isOver = true
  })
  while (!isOver) {
    Atomics.wait(neverNotified, 0, 0, 1)
    await setImmediate()
  }
  return over
}

const since = (cpu: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(cpu)
  return (user + system) / 1_000
}

/** Lets the crowd take in what it was sent and walk a step; resolves when all it has sent has arrived. */
async function stepped(crowd: ChildProcess, received: () => number): Promise<StepReport> {
  crowd.send('step')
  const [report] = (await whileBusy(once(crowd, 'message'))) as [StepReport]
  // Datagrams over the loopback interface are there when they are sent, unless the buffer of the socket is full.
  for (let idle = 0, before = received(); received() < report.sent && idle < 20; before = received()) {
    await setImmediate()
    idle = received() === before ? idle + 1 : 0
  }
  return report
}

const counted = ({ host }: PulseServer, relay: Relay, udp: UdpPort) => ({
  in: host.counters.datagramsIn,
  out: host.counters.datagramsOut,
  bytes: host.counters.bytesOut,
  deltas: relay.deltas.sent,
  undelivered: udp.counters.dropped + udp.counters.sendErrors,
})

async function aRelay(clock: Clock, rates: SendRates) {
  const relay = new Relay({ startedAtMs: clock.monotonic() })
  const metrics = new Metrics('pulse')
  const server = new PulseServer({
    context: {
      ...{ relay, verifier: credulous, refusalOf: () => undefined, clock, limits: defaultPulseLimits },
      metrics: pulseMetrics(metrics, {
        connections: () => server.connectionCount,
        players: () => relay.size,
        datagrams: () => ({ in: 0, out: 0 }),
        undelivered: () => 0,
        missed: () => 0,
        inBatches: () => true,
        reported: () => ({}) as never,
      }),
      remembered: new SignInMemory(defaultPulseLimits.maxRemembered, clock),
      bugs: new BugReporter({ log: silentLog, clock, metrics }),
    },
    send: (...datagram) => udp.send(...datagram),
    rates,
  })
  const udp = await openUdp({
    port: 0,
    inBatches: true,
    onDatagram: (...datagram) => server.host.receive(...datagram),
  })
  return { server, relay, udp }
}
