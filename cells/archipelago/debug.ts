import type { BusState } from '../bus/bus.ts'
import type { Clock } from '../chassis/clock.ts'
import type { Archipelago } from './archipelago.ts'
import type { ArchipelagoConfig } from './config.ts'
import type { Announcements } from './core/announcements.ts'
import type { PresenceTable } from './core/presence.ts'

export interface DebugSources {
  config: ArchipelagoConfig
  bootId: string
  archipelago: Archipelago
  presence: PresenceTable
  announcements: Announcements
  busState: BusState
  clock: Clock
}

/** Islands shown at most, the largest first. */
const MAX_ISLANDS = 1_000

/** `GET /debug`: the state of this archipelago, to investigate problems. Names no player and holds no secret. */
export function debugView({ config, bootId, archipelago, presence, announcements, busState, clock }: DebugSources) {
  const { leadershipTerm, election, loop, tracker } = archipelago
  const islands = [...(leadershipTerm?.islands.all() ?? [])]
    .map(({ id, peers, center, radius }) => ({ id, peers: peers.length, center: center && [center.x, center.z], radius }))
    .sort((a, b) => b.peers - a.peers)
  const causes: Record<string, number> = {}
  for (const { due } of announcements.due()) if (due !== undefined) causes[due] = (causes[due] ?? 0) + 1
  return {
    scope: config.BUS_SCOPE,
    bootId,
    role: leadershipTerm ? 'active' : tracker.isSynced ? 'standby' : 'syncing',
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
    peers: { known: presence.size, away: presence.awayCount, dirty: presence.dirtyCount, due: announcements.dueCount, causes },
    lastFlush: { at: clock.now() - (clock.monotonic() - loop.lastAt), tookMs: loop.lastMs },
    islandCount: islands.length,
    islands: islands.slice(0, MAX_ISLANDS),
  }
}
