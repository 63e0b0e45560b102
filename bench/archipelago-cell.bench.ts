import { monitorEventLoopDelay } from 'node:perf_hooks'
import { startBroker } from '../cells/bus/fixtures.ts'
import { createMemoryBus } from '../cells/bus/memory.ts'
import { connectNats } from '../cells/bus/nats.ts'
import { silentLog } from '../cells/chassis/log.ts'
import { lookUp } from '../testing/parts/catalogue.ts'
import { City, sleep } from './archipelago-cell/city.ts'
import type { Figure } from './figure.ts'

/** How `bench/main.ts` finds it. */
export const name = 'archipelago-cell'

const PEERS = 100_000
const FLUSHES = 10
/** After every slice of heartbeats, so that everybody speaks within a period, and not at once. */
const PAUSE_MS = 20

/** A whole archipelago of a hundred thousand: everybody arrives at once and is told a room; then everybody walks, and stats hears where they are. */
export async function run(report: (figure: Figure) => void): Promise<void> {
  await measure(new City(createMemoryBus(silentLog), PEERS), 'memory bus', report)
  const nats = lookUp('nats')
  if (!('path' in nats)) return
  await using broker = await startBroker(nats.path)
  await measure(new City(await connectNats({ servers: [broker.url], name: 'bench', log: silentLog }), PEERS), 'NATS', report)
}

async function measure(city: City, bus: string, report: (figure: Figure) => void): Promise<void> {
  const loop = monitorEventLoopDelay({ resolution: 1 })
  await city.open()
  await city.nextFlush()
  await city.speak(0)
  const flushMs = await city.nextFlush()
  const cpu = process.threadCpuUsage()
  const began = performance.now()
  loop.enable()
  while ((await city.told()) < city.size) await sleep(5)
  const tellingMs = performance.now() - began
  const { user, system } = process.threadCpuUsage(cpu)
  const coreMs = (user + system) / 1_000
  const parts = `flush ${flushMs.toFixed(0)} ms, then telling ${tellingMs.toFixed(0)} ms, ${coreMs.toFixed(0)} ms of a core`
  report({ what: `everybody arrives, ${bus}`, value: flushMs + tellingMs, unit: 'ms', note: `${parts}; ${held(loop)}` })

  const flushes: number[] = []
  const told = await city.told()
  let longest = ''
  for (let flush = 0; flush < FLUSHES; flush++) {
    await city.speak(PAUSE_MS)
    flushes.push(await city.nextFlush())
    // From here on: the rest of the report, and whoever is told.
    loop.reset()
    await sleep(200)
    longest = held(loop)
  }
  loop.disable()
  const median = flushes.toSorted((a, b) => a - b)[FLUSHES >> 1] ?? 0
  const toldPerFlush = ((await city.told()) - told) / FLUSHES
  report({
    what: `flush, ${bus}`,
    value: median,
    unit: 'ms',
    note: `told ${toldPerFlush.toFixed(0)}; while it is reported ${longest}`,
  })
  await city.close()
}

const held = (loop: { readonly max: number }): string => `others wait ${(loop.max / 1e6).toFixed(0)} ms at most`
