import type { Announcement, LostSession } from './observed-player.ts'

/** What is recorded of one player. */
export interface PlayerRecord {
  readonly announcements: readonly Announcement[]
  readonly lostSessions: readonly LostSession[]
  readonly isConnected: boolean
  readonly room: string | undefined
  readonly kicked: number
  readonly refused: number
}

/** Median, 99th percentile and maximum of times in ms. */
export interface Spread {
  p50: number
  p99: number
  most: number
}

/** How an event affected the players. */
export interface Effects {
  players: number
  /** Players without a session or a room at the end, and players whose upgrade was refused for good. */
  failed: number
  /** Players whose room changed although they stood still and their slot is still served by the same cell. */
  changedIsland: number
  /** Players whose room changed once because their slot is routed to another cell now. */
  changedCell: number
  kicked: number
  /** Players who lost their session at least once, and the most sessions that one of them lost. */
  reconnected: number
  mostPerPlayer: number
  /** Attempts to reconnect that failed. */
  failedAttempts: number
  /** From the first lost session to the last, in ms. */
  withinMs: number
  /** Most sessions lost in one second. */
  mostPerSecond: number
  /** From the end of a session to the welcome of the next one. */
  sessionGap: Spread | undefined
  /** From the end of a session to the announcement of a room in the next one. */
  roomDelay: Spread | undefined
}

/** The state of a player before an event. */
export interface PlayerSnapshot<Player extends PlayerRecord = PlayerRecord> {
  player: Player
  room: string | undefined
  kicked: number
  refused: number
}

const SECOND_MS = 1_000

/** Players who connect after the event began have a snapshot without a room, so that their first room is no change. */
export const snapshotsOf = <Player extends PlayerRecord>(players: readonly Player[]): PlayerSnapshot<Player>[] =>
  players.map((player) => ({ player, room: player.room, kicked: player.kicked, refused: player.refused }))

/**
 * Compares players, all of whom stood still, with their snapshots of `sinceMs`.
 *
 * @param changesCell whether the player's slot is routed to another cell than before
 */
export function effectsOn<Player extends PlayerRecord>(
  snapshots: readonly PlayerSnapshot<Player>[],
  sinceMs: number,
  changesCell: (player: Player) => boolean,
): Effects {
  const lostSessions = snapshots.map(({ player }) => player.lostSessions.filter(({ lostAtMs }) => lostAtMs >= sinceMs))
  const all = lostSessions.flat()
  const lost = all.map(({ lostAtMs }) => lostAtMs).sort((a, b) => a - b)
  const moved = snapshots.filter(({ player, room }) => roomsSince(player, room, sinceMs).size > 1)
  const rerouted = moved.filter(({ player, room }) => changesCell(player) && roomsSince(player, room, sinceMs).size === 2)
  const sum = (of: (snapshot: PlayerSnapshot<Player>) => number) => snapshots.reduce((total, snapshot) => total + of(snapshot), 0)
  return {
    players: snapshots.length,
    failed: snapshots.filter(
      ({ player, refused }) => !player.isConnected || player.room === undefined || player.refused > refused,
    ).length,
    changedIsland: moved.length - rerouted.length,
    changedCell: rerouted.length,
    kicked: sum(({ player, kicked }) => player.kicked - kicked),
    reconnected: lostSessions.filter(({ length }) => length > 0).length,
    mostPerPlayer: Math.max(0, ...lostSessions.map(({ length }) => length)),
    failedAttempts: all.reduce((total, { failedAttempts }) => total + failedAttempts, 0),
    withinMs: (lost.at(-1) ?? 0) - (lost[0] ?? 0),
    mostPerSecond: mostWithin(lost, SECOND_MS),
    sessionGap: spreadOf(all.map(({ lostAtMs, reconnectedAtMs }) => (reconnectedAtMs ?? Number.POSITIVE_INFINITY) - lostAtMs)),
    // When a session ends before a room was announced, the delay continues in the next session.
    roomDelay: spreadOf(lostSessions.flatMap(roomDelaysOf)),
  }
}

/** The rooms a player was in since `sinceMs`, the one at that moment included. */
function roomsSince({ announcements }: PlayerRecord, room: string | undefined, sinceMs: number): Set<string> {
  const announced = announcements.filter(({ atMs }) => atMs >= sinceMs).map((announcement) => announcement.room)
  return new Set(room === undefined ? announced : [room, ...announced])
}

function roomDelaysOf(lostSessions: readonly LostSession[]): number[] {
  const delays: number[] = []
  let sinceMs: number | undefined
  for (const { lostAtMs, announcedAtMs } of lostSessions) {
    sinceMs ??= lostAtMs
    if (announcedAtMs === undefined) continue
    delays.push(announcedAtMs - sinceMs)
    sinceMs = undefined
  }
  return sinceMs === undefined ? delays : [...delays, Number.POSITIVE_INFINITY]
}

/** The most of the moments, which are in order, that lie within one window. */
function mostWithin(moments: readonly number[], windowMs: number): number {
  let most = 0
  let first = 0
  for (const [last, moment] of moments.entries()) {
    while (moment - (moments[first] ?? moment) >= windowMs) first++
    most = Math.max(most, last - first + 1)
  }
  return most
}

function spreadOf(times: readonly number[]): Spread | undefined {
  const sorted = [...times].sort((a, b) => a - b)
  const share = (part: number) => sorted[Math.ceil(sorted.length * part) - 1] ?? 0
  return sorted.length === 0 ? undefined : { p50: share(0.5), p99: share(0.99), most: share(1) }
}
