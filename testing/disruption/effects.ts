import type { Absence, Telling } from './observed-player.ts'

/** What is remembered of one player, as far as it says what happened to him. */
export interface Memory {
  readonly tellings: readonly Telling[]
  readonly absences: readonly Absence[]
  readonly isConnected: boolean
  readonly room: string | undefined
  readonly kicked: number
  readonly refused: number
}

/** Times of several players in ms: the one that half of them, and 99 of 100, do not exceed, and the longest. */
export interface Spread {
  p50: number
  p99: number
  most: number
}

/** What something that happened did to the players. */
export interface Effects {
  players: number
  /** Players without a session or a room at the end, and such as were told to stay away. */
  failed: number
  /** Players who were told another room than before although they stood still and their cell stayed. */
  changedIsland: number
  /** The same of players whose slot leads to another cell now. */
  ledElsewhere: number
  kicked: number
  /** Players who lost their session, and how often the unluckiest of them did. */
  reconnected: number
  mostPerPlayer: number
  /** Attempts to come back that did not succeed. */
  inVain: number
  /** From the first lost session to the last, in ms. */
  withinMs: number
  /** Most sessions lost in one second. */
  mostPerSecond: number
  /** Without a session: from its end to the welcome of the next. */
  gap: Spread | undefined
  /** From the end of a session to the room told in the next. */
  told: Spread | undefined
}

/** What was so of a player before it happened. */
export interface Before<Player extends Memory = Memory> {
  player: Player
  room: string | undefined
  kicked: number
  refused: number
}

const SECOND_MS = 1_000

/** Notes what is so before something happens; players who come later count from their first room on. */
export const before = <Player extends Memory>(players: readonly Player[]): Before<Player>[] =>
  players.map((player) => ({ player, room: player.room, kicked: player.kicked, refused: player.refused }))

/** What happened to players since `sinceMs`, who all stood still; `isLed` tells whose slot leads to another cell than before. */
export function effectsOn<Player extends Memory>(
  notes: readonly Before<Player>[],
  sinceMs: number,
  isLed: (player: Player) => boolean,
): Effects {
  const absences = notes.map(({ player }) => player.absences.filter(({ lostAtMs }) => lostAtMs >= sinceMs))
  const all = absences.flat()
  const lost = all.map(({ lostAtMs }) => lostAtMs).sort((a, b) => a - b)
  const moved = notes.filter(({ player, room }) => roomsSince(player, room, sinceMs).size > 1)
  const led = moved.filter(({ player, room }) => isLed(player) && roomsSince(player, room, sinceMs).size === 2)
  const sum = (of: (note: Before<Player>) => number) => notes.reduce((total, note) => total + of(note), 0)
  return {
    players: notes.length,
    failed: notes.filter(({ player, refused }) => !player.isConnected || player.room === undefined || player.refused > refused)
      .length,
    changedIsland: moved.length - led.length,
    ledElsewhere: led.length,
    kicked: sum(({ player, kicked }) => player.kicked - kicked),
    reconnected: absences.filter(({ length }) => length > 0).length,
    mostPerPlayer: Math.max(0, ...absences.map(({ length }) => length)),
    inVain: all.reduce((total, { inVain }) => total + inVain, 0),
    withinMs: (lost.at(-1) ?? 0) - (lost[0] ?? 0),
    mostPerSecond: mostWithin(lost, SECOND_MS),
    gap: spreadOf(all.map(({ lostAtMs, backAtMs }) => (backAtMs ?? Number.POSITIVE_INFINITY) - lostAtMs)),
    // Of a session that ended again before its room was told, the wait goes on in the next.
    told: spreadOf(absences.flatMap(waitsOf)),
  }
}

/** The rooms a player was in since then, the one before included. */
function roomsSince({ tellings }: Memory, room: string | undefined, sinceMs: number): Set<string> {
  const told = tellings.filter(({ atMs }) => atMs >= sinceMs).map((telling) => telling.room)
  return new Set(room === undefined ? told : [room, ...told])
}

function waitsOf(absences: readonly Absence[]): number[] {
  const waits: number[] = []
  let sinceMs: number | undefined
  for (const { lostAtMs, toldAtMs } of absences) {
    sinceMs ??= lostAtMs
    if (toldAtMs === undefined) continue
    waits.push(toldAtMs - sinceMs)
    sinceMs = undefined
  }
  return sinceMs === undefined ? waits : [...waits, Number.POSITIVE_INFINITY]
}

/** How many of the moments, in order, lie within one window, at most. */
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
