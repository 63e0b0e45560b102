import type { BusState } from '../bus/bus.ts'
import type { Archipelago } from './archipelago.ts'
import type { ArchipelagoConfig } from './config.ts'
import type { Announcements } from './core/announcements.ts'
import type { PresenceTable } from './core/presence.ts'

/** What a snapshot is taken of. */
export interface DebugSources {
  config: ArchipelagoConfig
  bootId: string
  archipelago: Archipelago
  register: PresenceTable
  ledger: Announcements
  busState: BusState
}

/** Islands shown at most, the largest first. */
const MAX_ISLANDS = 1_000

/** `GET /debug`: what this archipelago is doing, for people who wonder. Names no player and holds no secret. */
export function debugView({ config, bootId, archipelago, register, ledger, busState }: DebugSources) {
  const { tenure, election, loop, attendance } = archipelago
  const islands = [...(tenure?.islands.all() ?? [])]
    .map(({ id, peers, center, radius }) => ({ id, peers: peers.length, center: center && [center.x, center.z], radius }))
    .sort((a, b) => b.peers - a.peers)
  const causes: Record<string, number> = {}
  for (const cause of ledger.due.values()) causes[cause] = (causes[cause] ?? 0) + 1
  return {
    scope: config.BUS_SCOPE,
    bootId,
    role: tenure ? 'active' : attendance.isWarm ? 'standby' : 'gathering',
    term: election.term,
    latestTerm: election.latestTerm,
    bus: busState,
    rules: {
      joinDistance: config.ARCHIPELAGO_JOIN_DISTANCE,
      leaveDistance: config.ARCHIPELAGO_LEAVE_DISTANCE,
      islandSize: config.LIVEKIT_ISLAND_SIZE,
      flushPeriodMs: config.ARCHIPELAGO_FLUSH_FREQUENCY * 1_000,
      rebalanceBudget: config.REBALANCE_BUDGET,
      rebalanceWindow: config.REBALANCE_WINDOW,
    },
    peers: { known: register.size, away: register.awayCount, dirty: register.dirtyCount, due: ledger.due.size, causes },
    lastFlush: { at: loop.lastAt, tookMs: loop.lastMs },
    islandCount: islands.length,
    islands: islands.slice(0, MAX_ISLANDS),
  }
}
