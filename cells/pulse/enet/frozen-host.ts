import { ByteReader, ByteWriter } from '../../chassis/byte-buffers.ts'
import { readIdentity, readProgress, writeIdentity, writeProgress } from './frozen-peer.ts'
import type { HalfOpen } from './half-open.ts'
import type { EnetPeer } from './peer.ts'
import type { PeerIdentity } from './peer-identity.ts'

/** 'ENF', and the version of what follows. */
const MAGIC = 0x454e4601

/** What a host hands over besides its peers. */
export interface FrozenHost {
  now: number
  sessions: Uint8Array
  halfOpen: Iterable<HalfOpen>
}

/** The state of a host in about 150 bytes for each quiet peer. */
export function freezeHost({ now, sessions, halfOpen }: FrozenHost, peers: readonly EnetPeer[]): Buffer {
  const writer = new ByteWriter()
  writer.u32(MAGIC)
  writer.f64(now)
  writer.block(sessions)
  writer.u16(peers.length)
  for (const peer of peers) {
    writeIdentity(writer, peer)
    writeProgress(writer, peer, now)
  }
  const entries = [...halfOpen]
  writer.u16(entries.length)
  for (const entry of entries) {
    writeIdentity(writer, entry)
    writer.text(entry.network)
    for (const value of [entry.cookie, entry.sends]) writer.u16(value)
    for (const value of [entry.receivedBytes, entry.sentBytes]) writer.u32(value)
  }
  return writer.finish()
}

/** Who takes over what was frozen. */
export interface Heir {
  /** The time of the host that was frozen, and the sessions of its IDs. */
  begin(now: number, sessions: Uint8Array): void
  peer(identity: PeerIdentity): EnetPeer
  halfOpen(entry: Omit<HalfOpen, 'endpoint' | 'sentAt' | 'expiresAt'>): void
}

/** @throws when the bytes are of another version or damaged */
export function thawHost(frozen: Buffer, heir: Heir): void {
  const reader = new ByteReader(frozen)
  try {
    if (reader.u32() !== MAGIC) throw new RangeError('they are of another version')
    const now = reader.f64()
    heir.begin(now, reader.block())
    for (let left = reader.u16(); left > 0; left--) readProgress(reader, heir.peer(readIdentity(reader)), now)
    for (let left = reader.u16(); left > 0; left--) {
      const identity = readIdentity(reader)
      const network = reader.text()
      const [cookie, sends, receivedBytes, sentBytes] = [reader.u16(), reader.u16(), reader.u32(), reader.u32()]
      heir.halfOpen({ ...identity, network, cookie, sends, receivedBytes, sentBytes })
    }
    if (!reader.isAtEnd) throw new RangeError('bytes follow')
  } catch (cause) {
    throw new Error(`the state of an ENet host cannot be read: ${cause instanceof Error ? cause.message : cause}`, { cause })
  }
}
