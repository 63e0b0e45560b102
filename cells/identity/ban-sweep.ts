import type { Clock } from '../chassis/clock.ts'
import { type Running, stopAll } from '../chassis/lifecycle.ts'
import type { Log } from '../chassis/log.ts'
import { repeat } from '../chassis/repeat.ts'
import type { PeerId } from '../wire/peer.ts'
import type { Bans } from './bans.ts'

export interface BanSweep {
  bans: Bans
  /** The wallets that are connected now. */
  connected: () => Iterable<PeerId>
  /** Ends what the wallet has open; false when there is nothing any more. */
  end: (peer: PeerId) => boolean
  /** Ends what a kicked wallet had opened before that moment of the clock, and nothing later; false when there is nothing. */
  endOlder: (peer: PeerId, beforeMs: number) => boolean
  clock: Clock
  log: Log
  /** Between two looks at all connected wallets. */
  intervalMs: number
}

/** Between two looks at the version of the bans, so that a new ban ends a session within a second. */
const VERSION_MS = 300
/** The same while the gatekeeper does not answer, or is another one, which has no such version. */
const NO_VERSION_MS = 5_000

/**
 * Looks up the connected wallets at intervals, and whenever the bans changed, and ends the sessions of those that are banned or
 * were kicked (comms.md §4.6).
 * A change is looked at again until the gatekeeper has answered with it about every wallet.
 */
export function watchBans({ bans, connected, end, endOlder, clock, log, intervalMs }: BanSweep): Running {
  const sweep = async (version?: string): Promise<boolean> => {
    const askedAt = clock.monotonic()
    const { banned, kickedAgoMs, isComplete } = await bans.bannedOf([...new Set(connected())], version)
    for (const peer of banned) if (end(peer)) log.info({ peer }, 'the session of a banned player was ended')
    // The answer says how long ago a kick was, because clocks of machines differ. Counted from when it arrived, it could be after the
    // player came back.
    for (const [peer, agoMs] of kickedAgoMs)
      if (endOlder(peer, askedAt - agoMs)) log.info({ peer }, 'the session of a kicked player was ended')
    return isComplete
  }
  let seen: string | undefined
  let hasVersion = true
  const look = async () => {
    const version = await bans.version()
    hasVersion = version !== undefined
    if (version !== undefined && version !== seen && (await sweep(version))) seen = version
  }
  return stopAll(
    log,
    repeat({
      clock,
      log,
      delayMs: () => intervalMs,
      task: async () => {
        await sweep()
      },
    }),
    repeat({ clock, log, delayMs: () => (hasVersion ? VERSION_MS : NO_VERSION_MS), task: look }),
  )
}
