import type { TestContext } from 'vitest'
import type { Bus, BusState } from '../bus/bus.ts'
import { createMemoryBus } from '../bus/memory.ts'
import { ManualClock } from '../chassis/clock.ts'
import { listen } from '../chassis/listen.ts'
import { silentLog } from '../chassis/log.ts'
import { Metrics } from '../chassis/metrics.ts'
import { busPayloads } from '../wire/packets.ts'
import type { PeerId, Position } from '../wire/peer.ts'
import { subjects } from '../wire/subjects.ts'
import type { StatsConfig } from './config.ts'
import { startStats } from './service.ts'

/** The wallet of the n-th player. */
export const peerId = (n: number): PeerId => `0x${n.toString(16).padStart(40, '0')}`

/** Publishes on the bus what the connector and the archipelago of one cell publish. */
export const publishers = (bus: { publish(subject: string, payload: Uint8Array): void }, scope: string) => {
  const at = subjects(scope)
  return {
    heartbeat: (peer: PeerId, [x, y, z]: [number, number, number]) =>
      bus.publish(at.heartbeat(peer), busPayloads.encodeHeartbeat({ position: { x, y, z } })),
    disconnect: (peer: PeerId) => bus.publish(at.disconnect(peer), new Uint8Array()),
    islands: (...islands: { id: string; peers: PeerId[]; center?: Position | undefined; radius?: number }[]) =>
      bus.publish(
        at.islands,
        busPayloads.encodeIslands({
          data: islands.map((island) => ({ maxPeers: 100, center: { x: 8, y: 0, z: 8 }, radius: 0, ...island })),
        }),
      ),
    discovery: (currentTime: number, userCount: number) =>
      bus.publish(
        at.discovery,
        busPayloads.encodeDiscovery({ serverName: 'archipelago', status: { currentTime, commitHash: undefined, userCount } }),
      ),
  }
}

/** A bus whose connection state the test sets. */
function aBus(): { bus: Bus; setBusState: (state: BusState) => void } {
  const memory = createMemoryBus(silentLog)
  const listeners = new Set<(state: BusState) => void>()
  let current: BusState = 'connected'
  const bus: Bus = {
    ...memory,
    get state() {
      return current
    },
    onState(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
  const setBusState = (state: BusState) => {
    current = state
    for (const listener of listeners) listener(state)
  }
  return { bus, setBusState }
}

/** Starts stats on a free local port, on a bus and a clock the test controls. */
export async function aStats(
  { onTestFinished }: Pick<TestContext, 'onTestFinished'>,
  { serverName, ...config }: Partial<StatsConfig> & { serverName?: string } = {},
) {
  const { bus, setBusState } = aBus()
  const clock = new ManualClock()
  const metrics = new Metrics('stats')
  const scope = config.BUS_SCOPE ?? ''
  const service = await startStats(
    { BUS_SCOPE: scope, COMMIT_HASH: '', CURRENT_VERSION: '', ...config },
    { bus, log: silentLog, clock, metrics, serverName },
  )
  const http = await listen(service.app, { host: '127.0.0.1', port: 0 })
  onTestFinished(async () => {
    await http.stop()
    await service.stop()
  })
  const get = async (path: string, init?: RequestInit) => {
    await bus.flush()
    return fetch(http.url + path, init)
  }
  return { bus, setBusState, clock, metrics, get, json: async (path: string): Promise<unknown> => (await get(path)).json() }
}
