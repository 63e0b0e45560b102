import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import type { Bus } from '../bus/bus.ts'
import type { Clock } from '../chassis/clock.ts'
import { Refusal } from '../chassis/errors.ts'
import { createApp, ok, type Route, route, splitTarget } from '../chassis/http.ts'
import type { Log } from '../chassis/log.ts'
import type { Metrics } from '../chassis/metrics.ts'
import type { Cell } from '../chassis/service.ts'
import type { ChainVerifier } from '../identity/verifier.ts'
import { WriteCoalescer } from '../sockets/write-coalescer.ts'
import { decodeAdmission } from '../wire/admission.ts'
import { TermFence } from '../wire/fencing-token.ts'
import { decodeLeaderHeartbeat } from '../wire/leader-heartbeat.ts'
import type { PeerId } from '../wire/peer.ts'
import { peerOf, subjects as subjectsOf } from '../wire/subjects.ts'
import { Admissions } from './core/admissions.ts'
import { Hub, type Member } from './core/hub.ts'
import { drain } from './drain.ts'
import { defaultLimits, type RoomLimits } from './limits.ts'
import { roomMetrics } from './metrics.ts'
import { RoomConnection, type RoomContext } from './room-connection.ts'

/** How embedded rooms are set up. */
export interface RoomsConfig {
  /** Whose admissions are heard. */
  scope: string
  /** Seconds over which members are sent away at the end; 10 unless told. */
  drainSeconds?: number
  limits?: Partial<RoomLimits>
}

/** What embedded rooms run on. The verifier stays the caller's. */
export interface RoomsDeps {
  bus: Bus
  log: Log
  clock: Clock
  verifier: ChainVerifier
  metrics: Metrics
}

/** Rooms that are open. */
export interface Rooms extends Cell {
  /** Who is in a room now. */
  members(room: string): PeerId[]
}

const DRAIN_SECONDS = 10
const PULSE_MS = 15_000
const MAX_ROOM_NAME_LENGTH = 256
const SUBPROTOCOL = 'rfc5'

/**
 * Opens embedded rooms (comms.md §13) at `/rooms/:room`, also below `/cells/:slot`. A room needs no making: it is there for whoever
 * was admitted to it over the bus, and for nobody else.
 */
export async function startRooms(config: RoomsConfig, deps: RoomsDeps): Promise<Rooms> {
  const { bus, log, clock, verifier } = deps
  const { drainSeconds = DRAIN_SECONDS } = config
  const limits = { ...defaultLimits, ...config.limits }
  const subjects = subjectsOf(config.scope)
  const hub = new Hub()
  const admissions = new Admissions(limits.maxAdmittedPeers)
  const connections = new Set<RoomConnection>()
  const strangers = new Set<RoomConnection>()
  const byMember = new Map<Member, RoomConnection>()
  const metrics = roomMetrics(deps.metrics, {
    connections: () => connections.size,
    members: () => byMember.size,
    rooms: () => hub.rooms.length,
  })
  const premises: RoomContext = {
    hub,
    admissions,
    verifier,
    writes: new WriteCoalescer(),
    clock,
    log,
    limits,
    metrics,
    freshChallenge: () => `dcl-${randomBytes(32).toString('hex')}`,
    connectionOf: (member) => byMember.get(member),
    onJoined: (member, connection) => {
      strangers.delete(connection)
      byMember.set(member, connection)
    },
    onLeft: (member) => byMember.delete(member),
  }
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: limits.maxMessageBytes,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  })
  let stopping = false

  function upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    const room = roomIn(request.url ?? '')
    const isFull = connections.size >= limits.maxConnections || strangers.size >= limits.maxStrangers
    if (stopping || isFull) {
      metrics.refused[stopping ? 'stopping' : 'full'].inc()
      stream.end('HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n')
      return
    }
    server.handleUpgrade(request, stream, head, (socket) => {
      const connection = new RoomConnection(socket, stream, room, premises)
      connections.add(connection)
      strangers.add(connection)
      socket.on('close', () => {
        connections.delete(connection)
        strangers.delete(connection)
      })
    })
  }

  // An archipelago that another one took over from lets nobody in, and sends nobody away.
  const fence = new TermFence()
  const stopFencing = bus.subscribe(subjects.leaderHeartbeat, (payload) => fence.accepts(decodeLeaderHeartbeat(payload)?.term))
  const stopListening = bus.subscribe(subjects.every.admission, (payload, subject) => {
    const [peer, admission] = [peerOf(subject), decodeAdmission(payload)]
    if (!peer || !admission || admission.room.length > MAX_ROOM_NAME_LENGTH) {
      metrics.malformedAdmissions.inc()
      return
    }
    if (!fence.accepts(admission.term)) {
      metrics.staleAdmissions.inc()
      return
    }
    metrics.admissions.inc()
    const revoked = admissions.admit(peer, admission)
    if (revoked !== undefined) clock.after(limits.departureGraceMs, () => sendAway(peer, revoked))
    for (const stranger of [...strangers]) stranger.admissionsChanged()
  })

  /** Ends a session whose client did not follow its island; it may have been sent back meanwhile. */
  function sendAway(peer: PeerId, room: string): void {
    const member = hub.find(room, peer)
    if (member && !admissions.allows(peer, room)) byMember.get(member)?.end('moved')
  }

  let cancelPulse = () => {}
  function takePulse(): void {
    for (const connection of connections) connection.checkLiveness()
    cancelPulse = clock.after(PULSE_MS, takePulse)
  }
  takePulse()
  // The broker may know of our subscription a moment after us; if it leaves just now, admissions come again.
  await bus.flush().catch(() => undefined)

  return {
    members: (room) => hub.membersOf(room),
    app: createApp({
      routes: ['', '/cells/:slot'].flatMap((base) => roomRoutes(base, hub)),
      upgrades: { '/rooms/:room': upgrade, '/cells/:slot/rooms/:room': upgrade },
      log,
      metrics: deps.metrics,
    }),
    readiness: () => (stopping ? { ready: false, reason: 'stopping' } : { ready: true }),
    async stop() {
      stopping = true
      stopListening()
      stopFencing()
      await drain(connections, drainSeconds * 1_000, clock)
      cancelPulse()
      server.close()
    },
  }
}

function roomRoutes(base: string, hub: Hub): Route[] {
  const view = (room: string) => ({ room, members: hub.membersOf(room) })
  return [
    route('GET', `${base}/rooms`, () => ok(hub.rooms.map(view))),
    route('GET', `${base}/rooms/:room/members`, ({ params }) => {
      if (hub.sizeOf(params.room) === 0) throw new Refusal('NOT_FOUND', `nobody is in a room called ${params.room}`)
      return ok(view(params.room))
    }),
  ]
}

/** The room a path names, as its last segment; the router has seen to it that it can be decoded and is of sane length. */
const roomIn = (target: string): string => decodeURIComponent(splitTarget(target).pathname.split('/').at(-1) ?? '')
