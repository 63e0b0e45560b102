import type { LRUCache } from 'lru-cache'
import type { ByteReader, ByteWriter } from '../../chassis/byte-buffers.ts'
import { growingCache } from '../../chassis/growing-cache.ts'
import type { PeerId } from '../../wire/peer.ts'

/** What is kept of a player that left. */
export interface SubjectRecord {
  subject: number
  /** The sequence of its last state. */
  sequence: number
}

/**
 * The number by which clients know a wallet. It stays the same when a player comes back, and so its sequences go on: Unity removes an
 * avatar whose former number leaves late. Wallets that left long ago are forgotten, the longest first.
 */
export class SubjectIds {
  readonly #records: LRUCache<PeerId, SubjectRecord>
  #next: number

  constructor(maxWallets: number, first = 1) {
    this.#records = growingCache(maxWallets)
    this.#next = first
  }

  of(wallet: PeerId): SubjectRecord {
    const known = this.#records.get(wallet)
    if (known) return known
    const record = { subject: this.#next++ >>> 0, sequence: 0 }
    this.#records.set(wallet, record)
    return record
  }

  freeze(writer: ByteWriter): void {
    writer.f64(this.#next)
    writer.u32(this.#records.size)
    // Those that left long ago first, in which order they are remembered again.
    for (const wallet of this.#records.rkeys()) {
      const { subject = 0, sequence = 0 } = this.#records.peek(wallet) ?? {}
      writer.text(wallet)
      for (const number of [subject, sequence]) writer.u32(number)
    }
  }

  thaw(reader: ByteReader): void {
    this.#next = reader.f64()
    for (let left = reader.u32(); left > 0; left--)
      this.#records.set(reader.text() as PeerId, { subject: reader.u32(), sequence: reader.u32() })
  }

  /** A player that is there is never forgotten. */
  keep(wallet: PeerId, record: SubjectRecord): void {
    this.#records.set(wallet, record)
  }
}
