import type { Bus, BusListener, BusState } from '../bus/bus.ts'
import { createMemoryBus } from '../bus/memory.ts'
import { ManualClock } from '../chassis/clock.ts'
import { silentLog } from '../chassis/log.ts'
import { Metrics } from '../chassis/metrics.ts'
import type { RoomTransport } from '../rtc/room-transport.ts'
import { fencingTokenOf, withFencingToken } from '../wire/extension-fields.ts'
import { type FencingToken, TermFence } from '../wire/fencing-token.ts'
import { decodeIslandGroup } from '../wire/island-group.ts'
import { decodeLeaderHeartbeat } from '../wire/leader-heartbeat.ts'
import { busPayloads } from '../wire/packets.ts'
import type { PeerId, Position } from '../wire/peer.ts'
import { type DisconnectReason, encodeConnect, encodeDisconnect } from '../wire/session-messages.ts'
import { decodeSyncRequest, encodeSessionPage, type SessionState } from '../wire/state-sync.ts'
import { peerOf, subjects } from '../wire/subjects.ts'
import { peerId, at as position } from './core/fixtures.ts'
import { aTransport, someConfig, turns } from './fixtures.ts'
import { startArchipelago } from './service.ts'

const at = subjects('')
const STEP_MS = 100

/** An announcement, with the archipelago that published it and its term. */
export interface RecordedAnnouncement {
  peer: PeerId
  room: string
  term: FencingToken
  by: string
}

/** A process's connection to the broker: it can be cut, and holds messages back while the process is frozen. */
function aBusConnection(broker: Bus, name: string, onPublish: (subject: string, payload: Uint8Array, by: string) => void) {
  const stateListeners = new Set<(state: BusState) => void>()
  const held: (() => void)[] = []
  let state: BusState = 'connected'
  let isFrozen = false
  const bus: Bus = {
    ...broker,
    get state() {
      return state
    },
    publish(subject, payload) {
      if (state !== 'connected') return
      onPublish(subject, payload, name)
      broker.publish(subject, payload)
    },
    subscribe(pattern: string, listener: BusListener) {
      let isOver = false
      const deliver: BusListener = (payload, subject) => {
        if (!isOver) listener(payload, subject)
      }
      const stop = broker.subscribe(pattern, (payload, subject) => {
        if (isFrozen) held.push(() => deliver(payload, subject))
        else if (state === 'connected') deliver(payload, subject)
      })
      return () => {
        isOver = true
        stop()
      }
    },
    onState(listener) {
      stateListeners.add(listener)
      return () => stateListeners.delete(listener)
    },
  }
  return {
    bus,
    become(next: BusState) {
      state = next
      for (const listener of stateListeners) listener(next)
    },
    freeze() {
      isFrozen = true
    },
    thaw() {
      isFrozen = false
      for (const deliver of held.splice(0)) deliver()
    },
  }
}

/** One of several archipelagos on a broker. */
async function anInstance(
  broker: Bus,
  name: string,
  now: number,
  onPublish: Parameters<typeof aBusConnection>[2],
  options: { transport?: RoomTransport; env?: NodeJS.ProcessEnv; roomsAreNew?: boolean; clockAheadMs?: number },
) {
  const { transport = aTransport(), env = {}, roomsAreNew = false, clockAheadMs = 0 } = options
  const [connection, clock, metrics] = [
    aBusConnection(broker, name, onPublish),
    new ManualClock(now + clockAheadMs),
    new Metrics('archipelago'),
  ]
  const parts = { bus: connection.bus, log: silentLog, clock, metrics, transport, bootId: name, roomsAreNew }
  const service = await startArchipelago(someConfig(env), parts)
  let isFrozen = false
  return {
    service,
    connection,
    name,
    get isActive() {
      return service.readiness().ready
    },
    metric: async (text: string) =>
      Number(
        (await metrics.registry.metrics())
          .split('\n')
          .find((entry) => entry.startsWith(`realm_archipelago_${text} `))
          ?.split(' ')[1],
      ),
    tick(byMs: number) {
      if (!isFrozen) clock.advance(byMs)
    },
    /** Like SIGSTOP: time passes and nothing runs. */
    freeze() {
      isFrozen = true
      connection.freeze()
    },
    /** Like SIGCONT: timers first, then the messages. */
    async thaw(elapsedMs: number) {
      isFrozen = false
      clock.advance(elapsedMs)
      await turns()
      connection.thaw()
      await turns()
    },
    /** Like kill -9. */
    kill() {
      isFrozen = true
      connection.become('disconnected')
    },
  }
}
export type ArchipelagoInstance = Awaited<ReturnType<typeof anInstance>>

/** The players that a message announces a room to. */
function announcedBy(subject: string, payload: Uint8Array): { peers: PeerId[]; room: string } | undefined {
  if (!subject.endsWith('island_changed')) return undefined
  const [peer, message, group] = [peerOf(subject), busPayloads.decodeIslandChanged(payload), decodeIslandGroup(payload)]
  if (peer) return message && { peers: [peer], room: message.islandId }
  return group && { peers: group.members.map((member) => member.peer), room: group.room }
}

/** A broker with one connector, whose sessions the test controls, and any number of archipelagos; `issuer` names the connector. */
export function aTestBus(issuer = 'session') {
  const broker = createMemoryBus(silentLog)
  const instances: ArchipelagoInstance[] = []
  const announcements: RecordedAnnouncement[] = []
  const sessions = new Map<PeerId, SessionState>()
  let now = 1_760_000_000_000
  let replies = true
  const fence = new TermFence()
  broker.subscribe(at.leaderHeartbeat, (payload) => fence.accepts(decodeLeaderHeartbeat(payload)?.term, now))
  for (const pattern of [at.every.islandChanged, at.every.islandGroup])
    broker.subscribe(pattern, (payload, subject) => {
      const { peers = [], room } = announcedBy(subject, payload) ?? {}
      if (!peers.some((peer) => sessions.has(peer)) || !fence.accepts(fencingTokenOf(payload), now)) return
      for (const peer of peers) Object.assign(sessions.get(peer) ?? {}, { room, term: fencingTokenOf(payload) })
    })
  broker.subscribe(at.syncRequest, (payload) => {
    const page = { connector: 'connector', index: 0, count: 1, entries: [...sessions.values()] }
    if (replies) broker.publish(at.syncReply(decodeSyncRequest(payload) ?? ''), encodeSessionPage(page))
  })
  function onPublish(subject: string, payload: Uint8Array, by: string): void {
    const { peers = [], room = '' } = announcedBy(subject, payload) ?? {}
    for (const peer of peers) announcements.push({ peer, room, term: fencingTokenOf(payload) ?? '', by })
  }
  let counter = 0

  const testBus = {
    announcements,
    /** Publishes as another client of the broker. */
    publish: broker.publish,
    /** Starts another archipelago. */
    async start(name: string, options: Parameters<typeof anInstance>[4] = {}): Promise<ArchipelagoInstance> {
      const instance = await anInstance(broker, name, now, onPublish, options)
      instances.push(instance)
      return instance
    },
    /** A player connects, or moves. */
    walk(peer: PeerId, position: Position): void {
      const known = sessions.get(peer)
      if (!known) {
        const session = `${(++counter).toString(36).padStart(9, '0')}-${issuer}`
        sessions.set(peer, { peer, session, position, room: undefined, term: undefined })
        broker.publish(at.connect(peer), encodeConnect({ session, announcedRoom: undefined }))
      }
      const entry = sessions.get(peer)
      if (!entry) return
      entry.position = position
      broker.publish(
        at.heartbeat(peer),
        withFencingToken(busPayloads.encodeHeartbeat({ position, desiredRoom: undefined }), entry.session),
      )
    },
    leave(peer: PeerId, reason: DisconnectReason): void {
      const session = sessions.get(peer)?.session
      sessions.delete(peer)
      broker.publish(at.disconnect(peer), encodeDisconnect({ session, reason }))
    },
    /** The connector no longer replies to sync requests. */
    stopReplying() {
      replies = false
    },
    /** The room last announced to a player, as its connector knows it. */
    roomOf: (peer: PeerId) => sessions.get(peer)?.room,
    /** Lets time pass; all connected players send a heartbeat once a second. */
    async pass(ms: number): Promise<void> {
      await turns()
      for (let passed = STEP_MS; passed <= ms; passed += STEP_MS) {
        now += STEP_MS
        for (const instance of instances) instance.tick(STEP_MS)
        if (passed % 1_000 === 0) for (const [peer, { position }] of sessions) if (position) testBus.walk(peer, position)
        await turns()
      }
    },
    /** The announcements since the last call. */
    takeAnnouncements: (): RecordedAnnouncement[] => announcements.splice(0),
  }
  return testBus
}

/** Has peers 1 and 2 walk side by side, and peer 3 far from them. */
export function walkApart({ walk }: Pick<ReturnType<typeof aTestBus>, 'walk'>): void {
  for (const [peer, x] of [0, 10, 1_000].entries()) walk(peerId(peer + 1), position(x))
}
