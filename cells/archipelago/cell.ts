import { randomBytes } from 'node:crypto'
import type { Bus } from '../bus/bus.ts'
import type { Cell } from '../cell.ts'
import type { Clock } from '../chassis/clock.ts'
import { UserError } from '../chassis/errors.ts'
import { operationalRoutes, type Readiness } from '../chassis/health.ts'
import { createApp } from '../chassis/http.ts'
import type { Log } from '../chassis/log.ts'
import type { Metrics } from '../chassis/metrics.ts'
import { createLivekitTransport } from '../transport/livekit.ts'
import type { Transport } from '../transport/transport.ts'
import { createWsRoomTransport } from '../transport/ws-room.ts'
import { busPayloads } from '../wire/packets.ts'
import { type Subjects, subjects as subjectsOf } from '../wire/subjects.ts'
import { Announcer } from './announcer.ts'
import type { ArchipelagoConfig } from './config.ts'
import { Census } from './core/census.ts'
import { createGridIslands } from './core/grid-islands.ts'
import { Ledger } from './core/ledger.ts'
import { islandsReport } from './core/report.ts'
import { roomIds } from './core/room-ids.ts'
import { startFlushLoop } from './flush-loop.ts'
import { openInbox } from './inbox.ts'
import { archipelagoMetrics } from './metrics.ts'

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
}

/** A broker takes messages of 1 MiB; this leaves it room for its own words. */
const MAX_REPORT_BYTES = 900_000
const STALLED_AFTER_PERIODS = 5
/** What was said so many periods before the bus went away may have been lost with it. */
const RETELL_PERIODS = 3
/** Milliseconds others have to come back to the bus too, before anything is told that they should hear. */
const SETTLE_MS = 1_000

/** Starts grouping the peers of one scope into islands and telling them where they belong. */
export async function startArchipelago(config: ArchipelagoConfig, deps: ArchipelagoDeps): Promise<Cell> {
  const { bus, log, clock } = deps
  const periodMs = config.ARCHIPELAGO_FLUSH_FREQUENCY * 1_000
  const subjects = subjectsOf(config.BUS_SCOPE)
  const islands = createGridIslands({
    joinDistance: config.ARCHIPELAGO_JOIN_DISTANCE,
    leaveDistance: config.ARCHIPELAGO_LEAVE_DISTANCE,
    maxPeers: config.LIVEKIT_ISLAND_SIZE,
    nextId: roomIds(config.ROOM_PREFIX, deps.bootId ?? newBootId(clock.now())),
  })
  const ledger = new Ledger()
  const census = new Census()
  const metrics = archipelagoMetrics(deps.metrics, {
    peers: () => islands.peerCount,
    islands: () => islands.islandCount,
    due: () => ledger.due.size,
    busConnected: () => bus.state === 'connected',
  })
  const announcer = new Announcer({
    islands,
    ledger,
    transport: deps.transport ?? transportOf(config, bus, subjects),
    bus,
    subjects,
    clock,
    log,
    metrics,
    maxPeersListed: config.ISLAND_CHANGED_MAX_PEERS,
  })
  const closeInbox = openInbox({
    bus,
    subjects,
    islands,
    ledger,
    census,
    clock,
    metrics,
    toleratedSilenceMs: config.CHECK_HEARTBEAT_INTERVAL,
    maxPeers: config.MAX_PEERS,
  })

  let wasConnected = bus.state === 'connected'
  /** Since when the bus is there without a break; nobody is silent while we are deaf. */
  let hearingSince = clock.now()
  let lostAt = clock.now()
  let settled = true
  let cancelSettling = () => {}
  const stopWatching = bus.onState((state) => {
    cancelSettling()
    if (state === 'disconnected') {
      if (settled) lostAt = clock.now()
      settled = false
      return
    }
    wasConnected = true
    hearingSince = clock.now()
    cancelSettling = clock.after(SETTLE_MS, () => {
      settled = true
      const retold = ledger.retellSince(lostAt - RETELL_PERIODS * periodMs)
      log.info({ retold }, 'the bus is back: those who may have missed their room are told again')
      announcer.announce()
    })
  })

  /** §5.17: whoever was not heard for too long is gone. */
  function expire(): void {
    const silentSince = clock.now() - config.CHECK_HEARTBEAT_INTERVAL
    if (bus.state !== 'connected' || hearingSince > silentSince) return
    for (const peer of census.silentSince(silentSince)) {
      census.forget(peer)
      islands.remove(peer)
      ledger.forget(peer)
      metrics.expired.inc()
    }
  }

  function report(): void {
    const { message, form } = islandsReport([...islands.all()], config.LIVEKIT_ISLAND_SIZE, MAX_REPORT_BYTES)
    bus.publish(subjects.islands, busPayloads.encodeIslands(message))
    metrics.reports.inc({ form })
  }

  const loop = startFlushLoop(clock, periodMs, (lateMs) => {
    const stopTimer = metrics.flushSeconds.startTimer()
    try {
      // After a stall the heartbeats that would save their peers are still unread: look again next time.
      if (lateMs < periodMs) expire()
      ledger.moved(islands.flush().changes)
      report()
      if (settled) announcer.announce()
    } catch (error) {
      metrics.flushesFailed.inc()
      log.error({ err: error }, 'a flush failed on a bug')
    }
    stopTimer()
  })

  let cancelDiscovery = () => {}
  function discover(): void {
    const status = { currentTime: clock.now(), commitHash: config.COMMIT_HASH, userCount: islands.peerCount }
    bus.publish(subjects.discovery, busPayloads.encodeDiscovery({ serverName: 'archipelago', status }))
    cancelDiscovery = clock.after(config.ARCHIPELAGO_STATUS_UPDATE_INTERVAL, discover)
  }
  discover()
  // The broker may know of our subscriptions a moment after us; if it leaves just now, heartbeats come again.
  await bus.flush().catch(() => undefined)

  function readiness(): Readiness {
    if (!wasConnected) return { ready: false, reason: 'the bus was never there' }
    const silentMs = clock.now() - loop.lastAt
    if (silentMs > STALLED_AFTER_PERIODS * periodMs) return { ready: false, reason: `no flush for ${silentMs} ms` }
    return { ready: true }
  }

  return {
    app: createApp({ routes: operationalRoutes(deps.metrics, readiness), log, metrics: deps.metrics }),
    readiness,
    async stop() {
      loop.stop()
      cancelDiscovery()
      cancelSettling()
      stopWatching()
      closeInbox()
      await bus.flush()
    },
  }
}

/** @throws UserError when the configuration names neither LiveKit nor embedded rooms */
function transportOf(config: ArchipelagoConfig, bus: Bus, subjects: Subjects): Transport {
  if (config.ROOMS_URL !== undefined) return createWsRoomTransport({ url: config.ROOMS_URL, bus, subjects })
  const { LIVEKIT_HOST: url, LIVEKIT_API_KEY: apiKey, LIVEKIT_API_SECRET: apiSecret } = config
  if (url && apiKey && apiSecret) return createLivekitTransport({ url, apiKey, apiSecret })
  throw new UserError('the archipelago has no rooms: give LIVEKIT_HOST with its key and secret, or ROOMS_URL', 2)
}

// The time alone would do for restarts; chance keeps apart what starts in the same millisecond.
const newBootId = (now: number): string => now.toString(36) + randomBytes(4).readUInt32BE().toString(36)
