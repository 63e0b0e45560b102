import { endianness } from 'node:os'
import { ByteReader, ByteWriter } from '../chassis/byte-buffers.ts'
import { messageOf } from '../chassis/errors.ts'
import type { HiddenReasonOf } from './core/realm-sessions.ts'
import { Relay } from './core/relay.ts'
import type { SendDatagram } from './enet/host-options.ts'
import type { RealmReports } from './realm-reports.ts'
import { PulseServer } from './server.ts'
import type { SessionContext } from './session.ts'
import { SignInMemory } from './sign-in-memory.ts'

/** Raised with every change of what is handed over: a process of another version starts without it. */
const FORMAT = `realm-pulse 2 ${endianness()}`

export interface LiveRelayDeps {
  context: Omit<SessionContext, 'relay' | 'remembered' | 'onSignedIn' | 'onEnded'>
  reports: RealmReports
  send: SendDatagram
}

/** All that lives as long as the players' sessions do, and not as long as the process. */
export interface LiveRelay {
  readonly relay: Relay
  readonly server: PulseServer
  /** Stops, and returns what another process needs to go on with the players. */
  freeze(): Buffer
}

/**
 * A relay without players, or with those of another process.
 *
 * @param frozen what the `freeze` of the other one returned
 * @throws when those bytes are of another version or damaged
 */
export function liveRelay({ context, reports, send }: LiveRelayDeps, frozen?: Buffer): LiveRelay {
  const { clock, limits } = context
  const reader = frozen && new ByteReader(frozen)
  try {
    if (reader && reader.text() !== FORMAT) throw new RangeError('it is of another version')
    if (reader) reports.thaw(reader)
    const startedAtMs = clock.monotonic()
    const hiddenReason: HiddenReasonOf = (realm, wallet) => reports.hiddenReason(realm, wallet)
    const relay = new Relay({ startedAtMs, hiddenReason, ...(reader && { frozen: reader }) })
    const remembered = new SignInMemory(limits.maxRemembered, clock)
    if (reader) remembered.thaw(reader)
    const server = new PulseServer({ context: { ...context, relay, remembered }, send, frozen: reader })
    if (reader && !reader.isAtEnd) throw new RangeError('bytes follow')
    return { relay, server, freeze: () => freeze({ reports, relay, remembered, server }, clock.monotonic()) }
  } catch (cause) {
    if (!reader) throw cause
    throw new Error(`the state of the other relay cannot be used: ${messageOf(cause)}`, { cause })
  }
}

interface Parts {
  reports: RealmReports
  relay: Relay
  remembered: SignInMemory
  server: PulseServer
}

function freeze({ reports, relay, remembered, server }: Parts, nowMs: number): Buffer {
  const writer = new ByteWriter()
  writer.text(FORMAT)
  reports.freeze(writer)
  relay.freeze(writer, nowMs)
  remembered.freeze(writer)
  server.freeze(writer)
  return writer.finish()
}
