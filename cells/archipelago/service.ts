import { randomBytes } from 'node:crypto'
import type { Bus } from '../bus/bus.ts'
import { GuardedBus } from '../bus/guarded-bus.ts'
import { OutageWatch } from '../bus/outage.ts'
import { BugReporter } from '../chassis/bug-reporter.ts'
import type { Clock } from '../chassis/clock.ts'
import { operationalRoutes, type Readiness } from '../chassis/health.ts'
import { createApp, ok, route } from '../chassis/http.ts'
import type { Log } from '../chassis/log.ts'
import type { Metrics } from '../chassis/metrics.ts'
import type { RunningService } from '../chassis/running-service.ts'
import type { RoomTransport } from '../rtc/room-transport.ts'
import { issuedAt } from '../wire/fencing-token.ts'
import { busPayloads } from '../wire/packets.ts'
import { subjects as subjectsOf } from '../wire/subjects.ts'
import { Archipelago } from './archipelago.ts'
import type { ArchipelagoConfig } from './config.ts'
import { Announcements } from './core/announcements.ts'
import { createIslands } from './core/engine/island-engine.ts'
import { PresenceTable } from './core/presence.ts'
import { roomIds } from './core/room-ids.ts'
import { debugView } from './debug.ts'
import { archipelagoMetrics } from './metrics.ts'
import { roomTransportOf } from './room-transport.ts'

/** The shared parts of the process, and what tests replace. */
export interface ArchipelagoDeps {
  bus: Bus
  log: Log
  clock: Clock
  metrics: Metrics
  /** Of the rooms; by default the configured one. */
  transport?: RoomTransport
  /** A base-36 id that no other start of an archipelago uses; by default made of the time and a random number. */
  bootId?: string
  /** There is no other archipelago on this bus and nothing was announced before: it is active at once. */
  alone?: boolean
  /** The rooms started with this process, so that peers have to enter them again. */
  roomsAreNew?: boolean
}

const STALLED_AFTER_PERIODS = 5
/** Without a flush for this long, the process is restarted. */
const STUCK_MS = 3 * 60_000

/**
 * Starts an archipelago: it groups the peers of one scope into islands and announces their rooms, or is a standby for the one
 * that does.
 */
export async function startArchipelago(config: ArchipelagoConfig, deps: ArchipelagoDeps): Promise<RunningService> {
  const { log, clock, alone = false, roomsAreNew = false } = deps
  const bus = new GuardedBus(deps.bus, new BugReporter(deps))
  const periodMs = config.ARCHIPELAGO_FLUSH_FREQUENCY * 1_000
  const bootId = deps.bootId ?? newBootId(clock.now())
  const subjects = subjectsOf(config.BUS_SCOPE)
  const grace = { dropped: config.DROPPED_GRACE_MS, drained: config.DRAINED_GRACE_MS }
  const presence = new PresenceTable(config.MAX_PEERS, grace, () => clock.now())
  const announcements = new Announcements(presence)
  const nextId = roomIds(config.ROOM_PREFIX, bootId)
  const metrics = archipelagoMetrics(deps.metrics, {
    peers: () => presence.size,
    islands: () => archipelago.leadershipTerm?.islands.islandCount ?? 0,
    due: () => announcements.dueCount,
    away: () => presence.awayCount,
    dirty: () => presence.dirtyCount,
    isActive: () => archipelago.leadershipTerm !== undefined,
    termAt: () => issuedAt(archipelago.election.latestTerm) || 0,
    busConnected: () => bus.state === 'connected',
  })
  let cancelDiscovery = () => {}
  const archipelago: Archipelago = new Archipelago({
    ...{ bus, subjects, clock, log, metrics, presence, announcements, bootId, periodMs, alone, roomsAreNew },
    toleratedSilenceMs: config.CHECK_HEARTBEAT_INTERVAL,
    maxPeersPerIsland: config.LIVEKIT_ISLAND_SIZE,
    maxPeersListed: config.ISLAND_CHANGED_MAX_PEERS,
    newIslands: () =>
      createIslands({
        joinDistance: config.ARCHIPELAGO_JOIN_DISTANCE,
        leaveDistance: config.ARCHIPELAGO_LEAVE_DISTANCE,
        maxPeers: config.LIVEKIT_ISLAND_SIZE,
        rebalanceBudget: config.REBALANCE_BUDGET,
        rebalanceWindow: config.REBALANCE_WINDOW,
        nextId,
      }),
    newTransport: (term) => deps.transport ?? roomTransportOf(config, bus, subjects, term),
    onElected: publishDiscovery,
  })

  /** Reports to stats periodically while this archipelago is the active one. */
  function publishDiscovery(): void {
    cancelDiscovery()
    const status = { currentTime: clock.now(), commitHash: config.COMMIT_HASH, userCount: presence.size }
    archipelago.publish(subjects.discovery, busPayloads.encodeDiscovery({ serverName: 'archipelago', status }))
    cancelDiscovery = clock.after(config.ARCHIPELAGO_STATUS_UPDATE_INTERVAL, publishDiscovery)
  }

  const outage = new OutageWatch(bus, clock)
  archipelago.start()
  // Waits until the broker knows of the subscriptions; if it goes away right now, the heartbeats are repeated later.
  await bus.flush().catch(() => undefined)

  function readiness(): Readiness {
    if (outage.reason !== undefined) return { ready: false, reason: outage.reason }
    // Only the first sync counts: after the bus was away there is another one, which is no reason to route players elsewhere.
    if (!archipelago.tracker.wasSynced) return { ready: false, reason: 'waiting for the connectors to report their sessions' }
    const silentMs = msWithoutFlush()
    if (silentMs > STALLED_AFTER_PERIODS * periodMs) return { ready: false, reason: `no flush for ${silentMs} ms` }
    return { ready: true }
  }

  const msWithoutFlush = () => clock.monotonic() - archipelago.loop.lastAt
  // Another archipelago of the cell takes over long before; this one would never be of use again.
  const fault = () =>
    msWithoutFlush() > Math.max(STUCK_MS, STALLED_AFTER_PERIODS * periodMs) ? 'no flush for minutes' : undefined

  return {
    app: createApp({
      routes: [
        route('GET', '/debug', () =>
          ok(debugView({ config, bootId, archipelago, presence, announcements, busState: bus.state, clock })),
        ),
        ...operationalRoutes(deps.metrics, readiness, fault),
      ],
      log,
      metrics: deps.metrics,
    }),
    readiness,
    async stop() {
      cancelDiscovery()
      outage.stop()
      archipelago.stop()
      await bus.flush()
    },
  }
}

// The time distinguishes restarts; the random number those that start in the same millisecond.
const newBootId = (now: number): string => now.toString(36) + randomBytes(4).readUInt32BE().toString(36)
