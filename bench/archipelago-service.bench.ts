import { monitorEventLoopDelay } from 'node:perf_hooks'
import { startBroker } from '../cells/bus/fixtures.ts'
import { createMemoryBus } from '../cells/bus/memory.ts'
import { connectNats } from '../cells/bus/nats.ts'
import { silentLog } from '../cells/chassis/log.ts'
import { lookUp } from '../testing/parts/catalogue.ts'
import { LoadedArchipelago, sleep } from './archipelago-service/loaded-archipelago.ts'
import type { Figure } from './figure.ts'
import { threadCpuMs } from './thread-cpu.ts'

/** Selects it on the command line of `bench/main.ts`. */
export const name = 'archipelago-service'

const PEERS = 100_000
const FLUSHES = 10
/** After every slice of heartbeats, so that they are spread over a flush period. */
const PAUSE_MS = 20

/**
 * A whole archipelago with a hundred thousand peers: all arrive at once and get a room; then all walk, and the islands are
 * reported to stats.
 */
export async function run(report: (figure: Figure) => void): Promise<void> {
  const memory = () => new LoadedArchipelago(createMemoryBus(silentLog), PEERS, true)
  await measure(memory(), 'memory bus', report)
  await arrive(new LoadedArchipelago(createMemoryBus(silentLog), PEERS, false), 'memory bus, one message each', report)
  const nats = lookUp('nats')
  if (!('path' in nats)) return
  await using broker = await startBroker(nats.path)
  const connected = () => connectNats({ servers: [broker.url], name: 'bench', log: silentLog })
  await measure(new LoadedArchipelago(await connected(), PEERS, true), 'NATS', report)
  await arrive(new LoadedArchipelago(await connected(), PEERS, false), 'NATS, one message each', report)
}

/** As long as connectors of the first version are there. */
async function arrive(archipelago: LoadedArchipelago, bus: string, report: (figure: Figure) => void): Promise<void> {
  await arrival(archipelago, bus, report)
  await archipelago.close()
}

/** All players arrive at once; returns the monitor of the event loop. */
async function arrival(
  archipelago: LoadedArchipelago,
  bus: string,
  report: (figure: Figure) => void,
): Promise<ReturnType<typeof monitorEventLoopDelay>> {
  const loop = monitorEventLoopDelay({ resolution: 1 })
  await archipelago.open()
  await archipelago.nextFlush()
  await archipelago.sendHeartbeats(0)
  // Those who were in an earlier flush would be missing in the figure.
  if ((await archipelago.announced()) > 0) throw new Error('a flush came before all peers had arrived: the machine is too busy')
  const flushMs = await archipelago.nextFlush()
  const cpu = threadCpuMs()
  const began = performance.now()
  loop.enable()
  while ((await archipelago.announced()) < archipelago.size) await sleep(5)
  const announcingMs = performance.now() - began
  const coreMs = threadCpuMs() - cpu
  const parts = `flush ${flushMs.toFixed(0)} ms, then announcing ${announcingMs.toFixed(0)} ms, ${coreMs.toFixed(0)} ms of a core`
  report({ what: `all peers arrive, ${bus}`, value: flushMs + announcingMs, unit: 'ms', note: `${parts}; ${held(loop)}` })
  return loop
}

async function measure(archipelago: LoadedArchipelago, bus: string, report: (figure: Figure) => void): Promise<void> {
  const loop = await arrival(archipelago, bus, report)
  const flushes: number[] = []
  const announced = await archipelago.announced()
  let longest = ''
  for (let flush = 0; flush < FLUSHES; flush++) {
    await archipelago.sendHeartbeats(PAUSE_MS)
    flushes.push(await archipelago.nextFlush())
    // From here on: the rest of the report, and the announcements.
    loop.reset()
    await sleep(200)
    longest = held(loop)
  }
  loop.disable()
  const median = flushes.toSorted((a, b) => a - b)[FLUSHES >> 1] ?? 0
  const announcedPerFlush = ((await archipelago.announced()) - announced) / FLUSHES
  report({
    what: `flush, ${bus}`,
    value: median,
    unit: 'ms',
    note: `announced ${announcedPerFlush.toFixed(0)}; while it is reported ${longest}`,
  })
  await archipelago.close()
}

const held = (loop: { readonly max: number }): string => `event loop blocked for ${(loop.max / 1e6).toFixed(0)} ms at most`
