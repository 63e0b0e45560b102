import type { Bus, BusState } from '../bus/bus.ts'
import { createMemoryBus } from '../bus/memory.ts'
import { type Clock, ManualClock } from '../chassis/clock.ts'
import { silentLog } from '../chassis/log.ts'
import { Metrics } from '../chassis/metrics.ts'
import type { Transport } from '../transport/transport.ts'
import { busPayloads, type IslandChangedMessage, type ServiceDiscoveryMessage } from '../wire/packets.ts'
import type { PeerId, Position } from '../wire/peer.ts'
import { peerOf, subjects } from '../wire/subjects.ts'
import { startArchipelago } from './cell.ts'
import { type ArchipelagoConfig, readConfig } from './config.ts'

/** What a peer was told. */
export interface Told extends IslandChangedMessage {
  peer: PeerId
}

/** A bus that can be cut and mended. */
export function aBreakableBus(): Bus & { become(state: BusState): void } {
  const memory = createMemoryBus(silentLog)
  const listeners = new Set<(state: BusState) => void>()
  let state: BusState = 'connected'
  return {
    ...memory,
    get state() {
      return state
    },
    onState(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    publish: (subject, payload) => {
      if (state === 'connected') memory.publish(subject, payload)
    },
    become(next) {
      state = next
      for (const listener of listeners) listener(next)
    },
  }
}

/** A transport that opens any room at once; each string is new. */
export function aTransport(): Transport {
  let minted = 0
  return { kind: 'livekit', connectionString: async (peer, room) => `test:${room}/${peer}#${++minted}` }
}

/** A configuration with the defaults of the environment. */
export const someConfig = (env: NodeJS.ProcessEnv = {}): ArchipelagoConfig =>
  readConfig({ NATS_URL: 'nats://127.0.0.1', ROOMS_URL: 'ws://127.0.0.1/rooms', ...env })

/** Lets everything happen that is only waiting for its turn. */
export async function turns(): Promise<void> {
  for (let turn = 0; turn < 8; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** A clock that can also stall: time goes by and nothing runs, as while a process is busy or frozen. */
function aStallingClock(): Clock & { advance(byMs: number): void; stall(byMs: number): void } {
  const clock = new ManualClock()
  let stalledMs = 0
  return {
    now: () => clock.now() + stalledMs,
    after: clock.after,
    advance: (byMs) => clock.advance(byMs),
    stall: (byMs) => {
      stalledMs += byMs
    },
  }
}

/** An archipelago on a bus and a clock of its own, with the connectors' side in the hands of the test. */
export async function anArchipelago({ env, transport = aTransport() }: { env?: NodeJS.ProcessEnv; transport?: Transport } = {}) {
  const [bus, clock, metrics] = [aBreakableBus(), aStallingClock(), new Metrics('archipelago')]
  const config = someConfig(env)
  const at = subjects(config.BUS_SCOPE)
  const inbox: Told[] = []
  bus.subscribe(at.every.islandChanged, (payload, subject) => {
    const [peer, message] = [peerOf(subject), busPayloads.decodeIslandChanged(payload)]
    if (peer && message) inbox.push({ peer, ...message })
  })
  const discoveries: (ServiceDiscoveryMessage | undefined)[] = []
  bus.subscribe(at.discovery, (payload) => discoveries.push(busPayloads.decodeDiscovery(payload)))
  const cell = await startArchipelago(config, { bus, log: silentLog, clock, metrics, transport, bootId: 'boot' })
  return {
    cell,
    bus,
    clock,
    subjects: at,
    /** What stats were told so far. */
    discoveries,
    heartbeat: (peer: PeerId, position: Position | undefined, desiredRoom?: string) =>
      bus.publish(at.heartbeat(peer), busPayloads.encodeHeartbeat({ position, desiredRoom })),
    connect: (peer: PeerId, session = '') => bus.publish(at.connect(peer), Buffer.from(session)),
    disconnect: (peer: PeerId) => bus.publish(at.disconnect(peer), new Uint8Array(0)),
    /** Delivers what was said, lets time pass until after the next flush, and answers what peers were told. */
    async flush(byMs = 2_000): Promise<Told[]> {
      await turns()
      clock.advance(byMs)
      await turns()
      return inbox.splice(0)
    },
    metric: async (name: string) => (await metrics.registry.metrics()).split('\n').filter((line) => line.includes(`_${name}`)),
  }
}
