import type { Bus } from '../bus/bus.ts'
import { GuardedBus } from '../bus/guarded-bus.ts'
import { BugReporter } from '../chassis/bug-reporter.ts'
import { cachedAnswer } from '../chassis/cached-answer.ts'
import { TrustedProxies } from '../chassis/client-address.ts'
import type { Clock } from '../chassis/clock.ts'
import { Refusal } from '../chassis/errors.ts'
import { createApp, ok, type Route, route } from '../chassis/http.ts'
import type { Log } from '../chassis/log.ts'
import type { Metrics } from '../chassis/metrics.ts'
import type { RunningService } from '../chassis/running-service.ts'
import { watchBans } from '../identity/ban-sweep.ts'
import { type Bans, noBans } from '../identity/bans.ts'
import { signatureMetrics } from '../identity/metrics.ts'
import type { RefusedWallets } from '../identity/refused-wallet-variables.ts'
import { bansOf, denyListOf } from '../identity/refused-wallets.ts'
import type { ChainVerifier } from '../identity/verifier.ts'
import type { PeerId } from '../wire/peer.ts'
import { subjects } from '../wire/subjects.ts'
import { AdmissionListener } from './admission-listener.ts'
import { Admissions } from './core/admissions.ts'
import { Hub } from './core/hub.ts'
import { defaultLimits, type RoomLimits } from './limits.ts'
import { roomMetrics } from './metrics.ts'
import { RoomServer } from './room-server.ts'

export interface RoomsConfig {
  /** The bus scope whose admissions are received. */
  scope: string
  /** Seconds over which members are disconnected at the end; 10 by default. */
  drainSeconds?: number
  limits?: Partial<RoomLimits>
  /** The proxies whose word on a client's address is taken; none by default. */
  proxies?: TrustedProxies
  /** Which wallets are refused whatever they were admitted to; by default none. */
  refused?: RefusedWallets
}

/** What embedded rooms use and do not own: it is not stopped with them. */
export interface RoomsDeps {
  bus: Bus
  log: Log
  clock: Clock
  verifier: ChainVerifier
  metrics: Metrics
  /** The bans of a gatekeeper in the same process, in place of those that the configuration names. */
  bans?: Bans | undefined
}

/** Embedded rooms that are open. */
export interface Rooms extends RunningService {
  /** The members of a room, in the order in which they joined. */
  members(room: string): PeerId[]
  /** Ends the session of a peer in a room, and takes its admission back; false when it is not there. */
  remove(peer: PeerId, room: string): boolean
}

const DRAIN_SECONDS = 10
const NONE_REFUSED: RefusedWallets = { BAN_SWEEP_INTERVAL_MS: 30_000 }

/**
 * Opens embedded rooms (comms.md §13) at `/rooms/:room`, also below `/cells/:slot`. A room is not created: it exists for the
 * peers that were admitted to it over the bus, and for no others.
 */
export async function startRooms(config: RoomsConfig, deps: RoomsDeps): Promise<Rooms> {
  const { log, clock } = deps
  const bugs = new BugReporter(deps)
  const bus = new GuardedBus(deps.bus, bugs)
  const { drainSeconds = DRAIN_SECONDS, proxies = new TrustedProxies(), refused = NONE_REFUSED } = config
  const limits = { ...defaultLimits, ...config.limits }
  const hub = new Hub()
  const admissions = new Admissions(limits.maxAdmittedPeers)
  const [denyList, bans] = [denyListOf(refused, deps, () => server.endDenied()), deps.bans ?? bansOf(refused)]
  signatureMetrics(deps.metrics, deps.verifier)
  const metrics = roomMetrics(deps.metrics, {
    connections: () => server.connectionCount,
    members: () => server.memberCount,
    rooms: () => hub.rooms.length,
    deniedWallets: () => denyList.size,
  })
  const server = new RoomServer({ ...deps, bugs, proxies, hub, admissions, limits, metrics, denyList, bans })
  const listener = new AdmissionListener({
    ...{ bus, subjects: subjects(config.scope), admissions, clock, limits, metrics },
    onAdmission: () => server.admissionsChanged(),
    onRevoked: (peer, room) => void server.remove(peer, room),
    onDepartureDue: (peer, island) => server.endUnlessAdmitted(peer, island),
  })
  const banSweep =
    bans === noBans
      ? undefined
      : watchBans({
          ...{ bans, clock, log, intervalMs: refused.BAN_SWEEP_INTERVAL_MS },
          connected: () => server.peers(),
          end: (peer) => server.endBanned(peer),
          endOlder: (peer, beforeMs) => server.endKicked(peer, beforeMs),
        })
  // The broker may register the subscriptions a moment later. Where the flush fails, admissions are published again later.
  await bus.flush().catch(() => undefined)

  return {
    members: (room) => hub.membersOf(room),
    remove: (peer, room) => server.remove(peer, room),
    app: createApp({
      routes: ['', '/cells/:slot'].flatMap((base) => roomRoutes(base, hub, clock)),
      upgrades: { '/rooms/:room': server.upgrade, '/cells/:slot/rooms/:room': server.upgrade },
      log,
      metrics: deps.metrics,
    }),
    readiness: () => (server.isStopping ? { ready: false, reason: 'stopping' } : { ready: true }),
    async stop() {
      listener.stop()
      await server.stop(drainSeconds * 1_000)
      await Promise.all([denyList.stop(), banSweep?.stop()])
    },
  }
}

function roomRoutes(base: string, hub: Hub, clock: Clock): Route[] {
  // These routes are public, so they answer with counts: who is in a room with whom is not public. And there may be thousands of rooms.
  const view = (room: string) => ({ room, memberCount: hub.sizeOf(room) })
  const list = cachedAnswer(
    () => hub.revision,
    clock,
    () => hub.rooms.map(view),
  )
  return [
    route('GET', `${base}/rooms`, list),
    route('GET', `${base}/rooms/:room/members`, ({ params }) => {
      if (hub.sizeOf(params.room) === 0) throw new Refusal('NOT_FOUND', `there is no member in a room called ${params.room}`)
      return ok(view(params.room))
    }),
  ]
}
