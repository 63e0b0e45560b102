import { type Bus, type BusState, NO_PAYLOAD } from '../bus/bus.ts'
import { createMemoryBus } from '../bus/memory.ts'
import { type Clock, ManualClock } from '../chassis/clock.ts'
import { listen } from '../chassis/listen.ts'
import { silentLog } from '../chassis/log.ts'
import { Metrics } from '../chassis/metrics.ts'
import type { RoomTransport } from '../rtc/room-transport.ts'
import { withFencingToken } from '../wire/extension-fields.ts'
import type { FencingToken } from '../wire/fencing-token.ts'
import { busPayloads, type IslandChangedMessage, type ServiceDiscoveryMessage } from '../wire/packets.ts'
import type { PeerId, Position } from '../wire/peer.ts'
import { type DisconnectReason, encodeConnect, encodeDisconnect } from '../wire/session-messages.ts'
import { decodeSyncRequest, encodeSessionPage, type SessionState } from '../wire/state-sync.ts'
import { peerOf, subjects } from '../wire/subjects.ts'
import { type ArchipelagoConfig, readConfig } from './config.ts'
import { startArchipelago } from './service.ts'

/** The nth session of a peer: later sessions sort later. */
export const aSession = (n: number): FencingToken => `00000000${n}-session`

const STEP_MS = 500

/** An announcement that was published to a peer. */
export interface ReceivedAnnouncement extends IslandChangedMessage {
  peer: PeerId
}

/** A bus whose connection can be cut and restored. */
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

/** A transport that mints a new connection string at once for every call. */
export function aTransport(): RoomTransport {
  let minted = 0
  return { kind: 'livekit', connectionString: async (peer, room) => `test:${room}/${peer}#${++minted}` }
}

/** A configuration with the defaults of the environment. */
export const someConfig = (env: NodeJS.ProcessEnv = {}): ArchipelagoConfig =>
  readConfig({ NATS_URL: 'nats://127.0.0.1', ROOMS_URL: 'ws://127.0.0.1/rooms', ...env })

/** Waits until pending microtasks and immediates have run. */
export async function turns(): Promise<void> {
  for (let turn = 0; turn < 8; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** A clock that can also stall: time passes and no timer runs, as while a process is busy or frozen. */
function aStallingClock(): Clock & { advance(byMs: number): void; jump(byMs: number): void; stall(byMs: number): void } {
  const clock = new ManualClock()
  let stalledMs = 0
  return {
    now: () => clock.now() + stalledMs,
    monotonic: () => clock.monotonic() + stalledMs,
    after: clock.after,
    advance: (byMs) => clock.advance(byMs),
    jump: (byMs) => clock.jump(byMs),
    stall: (byMs) => {
      stalledMs += byMs
    },
  }
}

/** An archipelago with its own bus and clock; the test acts as the connectors. */
export async function anArchipelago({
  env,
  transport = aTransport(),
  bootId = 'boot',
}: {
  env?: NodeJS.ProcessEnv
  transport?: RoomTransport
  bootId?: string
} = {}) {
  const [bus, clock, metrics] = [aBreakableBus(), aStallingClock(), new Metrics('archipelago')]
  const config = someConfig(env)
  const at = subjects(config.BUS_SCOPE)
  const inbox: ReceivedAnnouncement[] = []
  bus.subscribe(at.every.islandChanged, (payload, subject) => {
    const [peer, message] = [peerOf(subject), busPayloads.decodeIslandChanged(payload)]
    if (peer && message) inbox.push({ peer, ...message })
  })
  const discoveries: (ServiceDiscoveryMessage | undefined)[] = []
  bus.subscribe(at.discovery, (payload) => discoveries.push(busPayloads.decodeDiscovery(payload)))
  const service = await startArchipelago(config, { bus, log: silentLog, clock, metrics, transport, bootId, alone: true })
  return {
    service,
    bus,
    clock,
    subjects: at,
    /** The status messages to stats so far. */
    discoveries,
    heartbeat: (peer: PeerId, position: Position | undefined, desiredRoom?: string, session?: FencingToken) => {
      const payload = busPayloads.encodeHeartbeat({ position, desiredRoom })
      bus.publish(at.heartbeat(peer), session === undefined ? payload : withFencingToken(payload, session))
    },
    /** A connect message; `announcedRoom` is the room the session knows, `''` for none, undefined for a new session. */
    connect: (peer: PeerId, session?: FencingToken, announcedRoom?: string) =>
      bus.publish(at.connect(peer), encodeConnect({ session, announcedRoom })),
    disconnect: (peer: PeerId, session?: FencingToken, reason: DisconnectReason = 'left') =>
      bus.publish(at.disconnect(peer), session === undefined ? NO_PAYLOAD : encodeDisconnect({ session, reason })),
    /** Replies to sync requests like one connector. */
    replyToSyncRequests(entries: readonly (Pick<SessionState, 'peer' | 'session' | 'room'> & Partial<SessionState>)[]) {
      bus.subscribe(at.syncRequest, (payload) => {
        const full = entries.map((entry) => ({ position: undefined, term: undefined, ...entry }))
        const page = { connector: 'connector', index: 0, count: 1, entries: full }
        bus.publish(at.syncReply(decodeSyncRequest(payload) ?? ''), encodeSessionPage(page))
      })
    },
    /** Delivers all messages, lets time pass until after the next flush, and returns the announcements. */
    async flush(byMs = 2_000): Promise<ReceivedAnnouncement[]> {
      await turns()
      // In steps, so that replies arrive while time passes.
      for (let leftMs = byMs; leftMs > 0; leftMs -= STEP_MS) {
        clock.advance(Math.min(STEP_MS, leftMs))
        await turns()
      }
      await turns()
      return inbox.splice(0)
    },
    /** The response of the service to a path. */
    async get(path: string): Promise<{ body: unknown; text: string }> {
      const http = await listen(service.app, { host: '127.0.0.1', port: 0 })
      const text = await (await fetch(http.url + path)).text()
      await http.stop()
      return { body: text.startsWith('{') ? JSON.parse(text) : undefined, text }
    },
    metric: async (name: string) => (await metrics.registry.metrics()).split('\n').filter((line) => line.includes(`_${name}`)),
  }
}
