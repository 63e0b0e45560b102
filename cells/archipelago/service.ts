import { randomBytes } from 'node:crypto'
import type { Bus } from '../bus/bus.ts'
import type { Clock } from '../chassis/clock.ts'
import { operationalRoutes, type Readiness } from '../chassis/health.ts'
import { createApp, ok, route } from '../chassis/http.ts'
import type { Log } from '../chassis/log.ts'
import type { Metrics } from '../chassis/metrics.ts'
import type { Cell } from '../chassis/service.ts'
import type { Transport } from '../rtc/transport.ts'
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

/** What an archipelago runs on. */
export interface ArchipelagoDeps {
  bus: Bus
  log: Log
  clock: Clock
  metrics: Metrics
  /** How rooms are opened; by the configuration unless told. */
  transport?: Transport
  /** Base-36 word no other start of an archipelago ever used; the time and chance unless told. */
  bootId?: string
  /** No other archipelago is on this bus and nobody was told anything: it begins at once. */
  alone?: boolean
  /** The rooms began with this process: whoever was in one is not any more, and has to be told to enter it again. */
  roomsAreNew?: boolean
}

const STALLED_AFTER_PERIODS = 5

/** Starts grouping the peers of one scope into islands and telling them where they belong, or standing by for whoever does. */
export async function startArchipelago(config: ArchipelagoConfig, deps: ArchipelagoDeps): Promise<Cell> {
  const { bus, log, clock, alone = false, roomsAreNew = false } = deps
  const periodMs = config.ARCHIPELAGO_FLUSH_FREQUENCY * 1_000
  const bootId = deps.bootId ?? newBootId(clock.now())
  const subjects = subjectsOf(config.BUS_SCOPE)
  const register = new PresenceTable(config.MAX_PEERS, { dropped: config.DROPPED_GRACE_MS, drained: config.DRAINED_GRACE_MS })
  const ledger = new Announcements()
  const nextId = roomIds(config.ROOM_PREFIX, bootId)
  const metrics = archipelagoMetrics(deps.metrics, {
    peers: () => register.size,
    islands: () => archipelago.tenure?.islands.islandCount ?? 0,
    due: () => ledger.due.size,
    away: () => register.awayCount,
    dirty: () => register.dirtyCount,
    isActive: () => archipelago.tenure !== undefined,
    termAt: () => issuedAt(archipelago.election.latestTerm) || 0,
    busConnected: () => bus.state === 'connected',
  })
  let cancelDiscovery = () => {}
  const archipelago: Archipelago = new Archipelago({
    ...{ bus, subjects, clock, log, metrics, register, ledger, bootId, periodMs, alone, roomsAreNew },
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
    onElected: discover,
  })

  /** Tells stats that we live, while we are the active one. */
  function discover(): void {
    cancelDiscovery()
    const status = { currentTime: clock.now(), commitHash: config.COMMIT_HASH, userCount: register.size }
    archipelago.publish(subjects.discovery, busPayloads.encodeDiscovery({ serverName: 'archipelago', status }))
    cancelDiscovery = clock.after(config.ARCHIPELAGO_STATUS_UPDATE_INTERVAL, discover)
  }

  let wasConnected = bus.state === 'connected'
  const stopWatching = bus.onState((state) => {
    wasConnected ||= state === 'connected'
  })
  archipelago.start()
  // The broker may know of our subscriptions a moment after us; if it leaves just now, heartbeats come again.
  await bus.flush().catch(() => undefined)

  function readiness(): Readiness {
    if (!wasConnected) return { ready: false, reason: 'the bus was never there' }
    // Once only: a bus that went away comes back, and what is asked again then is no reason to send players elsewhere.
    if (!archipelago.attendance.wasWarm) return { ready: false, reason: 'asking the connectors who is here' }
    const silentMs = clock.now() - archipelago.loop.lastAt
    if (silentMs > STALLED_AFTER_PERIODS * periodMs) return { ready: false, reason: `no flush for ${silentMs} ms` }
    return { ready: true }
  }

  return {
    app: createApp({
      routes: [
        route('GET', '/debug', () => ok(debugView({ config, bootId, archipelago, register, ledger, busState: bus.state }))),
        ...operationalRoutes(deps.metrics, readiness),
      ],
      log,
      metrics: deps.metrics,
    }),
    readiness,
    async stop() {
      cancelDiscovery()
      stopWatching()
      archipelago.stop()
      await bus.flush()
    },
  }
}

// The time alone would do for restarts; chance keeps apart what starts in the same millisecond.
const newBootId = (now: number): string => now.toString(36) + randomBytes(4).readUInt32BE().toString(36)
