import type { Clock } from '../chassis/clock.ts'
import type { RoomConnection } from './room-connection.ts'

/** Milliseconds the last connections have to close after the drain. */
const LAST_CALL_MS = 3_000
const LOOK_MS = 50

/**
 * Sends everybody away with 1012, members evenly over `spreadMs` so that they do not all come back in the same moment, strangers at once.
 * Resolves when all are gone or had their time.
 */
export async function drain(connections: ReadonlySet<RoomConnection>, spreadMs: number, clock: Clock): Promise<void> {
  const all = [...connections]
  for (const stranger of all.filter(({ isMember }) => !isMember)) stranger.end('stopping')
  const members = all.filter(({ isMember }) => isMember)
  for (const [i, member] of members.entries()) clock.after((i * spreadMs) / members.length, () => member.end('stopping'))
  const deadline = clock.now() + (members.length > 0 ? spreadMs : 0) + LAST_CALL_MS
  while (connections.size > 0 && clock.now() < deadline) await new Promise<void>((look) => clock.after(LOOK_MS, look))
}
