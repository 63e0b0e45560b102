import type { Bus, BusListener, BusState } from '../bus/bus.ts'
import { createMemoryBus } from '../bus/memory.ts'
import { ManualClock } from '../chassis/clock.ts'
import { silentLog } from '../chassis/log.ts'
import { Metrics } from '../chassis/metrics.ts'
import type { RoomTransport } from '../rtc/room-transport.ts'
import { fencingTokenOf, withFencingToken } from '../wire/extension-fields.ts'
import type { FencingToken } from '../wire/fencing-token.ts'
import { busPayloads } from '../wire/packets.ts'
import type { PeerId, Position } from '../wire/peer.ts'
import { type DisconnectReason, encodeConnect, encodeDisconnect } from '../wire/session-messages.ts'
import { decodeSyncRequest, encodeSessionPage, type SessionState } from '../wire/state-sync.ts'
import { peerOf, subjects } from '../wire/subjects.ts'
import { aTransport, someConfig, turns } from './fixtures.ts'
import { startArchipelago } from './service.ts'

const at = subjects('')
const STEP_MS = 100

/** What was said to a peer, by whom and in which term. */
export interface Line {
  peer: PeerId
  room: string
  term: FencingToken
  by: string
}

/** A process's line to the broker: it can be cut, and hold back what arrives while the process is frozen. */
function aLine(broker: Bus, name: string, spoke: (subject: string, payload: Uint8Array, by: string) => void) {
  const stateListeners = new Set<(state: BusState) => void>()
  const mail: (() => void)[] = []
  let state: BusState = 'connected'
  let isFrozen = false
  const bus: Bus = {
    ...broker,
    get state() {
      return state
    },
    publish(subject, payload) {
      if (state !== 'connected') return
      spoke(subject, payload, name)
      broker.publish(subject, payload)
    },
    subscribe(pattern: string, listener: BusListener) {
      let isOver = false
      const deliver: BusListener = (payload, subject) => {
        if (!isOver) listener(payload, subject)
      }
      const stop = broker.subscribe(pattern, (payload, subject) => {
        if (isFrozen) mail.push(() => deliver(payload, subject))
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
      for (const deliver of mail.splice(0)) deliver()
    },
  }
}

/** One of several archipelagos on a broker. */
async function anActor(
  broker: Bus,
  name: string,
  now: number,
  spoke: Parameters<typeof aLine>[2],
  options: { transport?: RoomTransport; env?: NodeJS.ProcessEnv; roomsAreNew?: boolean },
) {
  const [line, clock, metrics] = [aLine(broker, name, spoke), new ManualClock(now), new Metrics('archipelago')]
  const { transport = aTransport(), env = {}, roomsAreNew = false } = options
  const parts = { bus: line.bus, log: silentLog, clock, metrics, transport, bootId: name, roomsAreNew }
  const cell = await startArchipelago(someConfig(env), parts)
  let isFrozen = false
  return {
    cell,
    line,
    name,
    get isActive() {
      return cell.readiness().ready
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
    /** As SIGSTOP does: time goes by and nothing runs. */
    freeze() {
      isFrozen = true
      line.freeze()
    },
    /** As SIGCONT does: timers first, then the mail. */
    async thaw(elapsedMs: number) {
      isFrozen = false
      clock.advance(elapsedMs)
      await turns()
      line.thaw()
      await turns()
    },
    /** As kill -9 does. */
    kill() {
      isFrozen = true
      line.become('disconnected')
    },
  }
}
export type Actor = Awaited<ReturnType<typeof anActor>>

/** A broker with one connector, whose sessions a test holds, and any number of archipelagos. */
export function aStage() {
  const broker = createMemoryBus(silentLog)
  const actors: Actor[] = []
  const said: Line[] = []
  const sessions = new Map<PeerId, SessionState>()
  let now = 1_760_000_000_000
  let answers = true
  broker.subscribe(at.every.islandChanged, (payload, subject) => {
    const [peer, room] = [peerOf(subject), busPayloads.decodeIslandChanged(payload)?.islandId]
    const session = peer && sessions.get(peer)
    if (session) Object.assign(session, { room, term: fencingTokenOf(payload) })
  })
  broker.subscribe(at.syncRequest, (payload) => {
    const page = { connector: 'connector', index: 0, count: 1, entries: [...sessions.values()] }
    if (answers) broker.publish(at.syncReply(decodeSyncRequest(payload) ?? ''), encodeSessionPage(page))
  })
  function spoke(subject: string, payload: Uint8Array, by: string): void {
    const [peer, message] = [peerOf(subject), busPayloads.decodeIslandChanged(payload)]
    if (subject.endsWith('island_changed') && peer && message)
      said.push({ peer, room: message.islandId, term: fencingTokenOf(payload) ?? '', by })
  }
  let counter = 0

  const stage = {
    said,
    /** Another archipelago enters. */
    async enter(name: string, options: Parameters<typeof anActor>[4] = {}): Promise<Actor> {
      const actor = await anActor(broker, name, now, spoke, options)
      actors.push(actor)
      return actor
    },
    /** A player connects, or moves. */
    walk(peer: PeerId, position: Position): void {
      const known = sessions.get(peer)
      if (!known) {
        const session = `${(++counter).toString(36).padStart(9, '0')}-session`
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
    /** The connector answers no roll calls. */
    fallSilent() {
      answers = false
    },
    /** What the connector last told a player. */
    roomOf: (peer: PeerId) => sessions.get(peer)?.room,
    /** Lets time pass; everybody who is here heartbeats once a second. */
    async pass(ms: number): Promise<void> {
      await turns()
      for (let passed = STEP_MS; passed <= ms; passed += STEP_MS) {
        now += STEP_MS
        for (const actor of actors) actor.tick(STEP_MS)
        if (passed % 1_000 === 0) for (const [peer, { position }] of sessions) if (position) stage.walk(peer, position)
        await turns()
      }
    },
    /** Everything said since the last time this was asked. */
    heard: (): Line[] => said.splice(0),
  }
  return stage
}
