import { encodeParcelChanges, type ParcelChange } from '../../wire/parcel-changes.ts'
import type { PeerId } from '../../wire/peer.ts'
import { parcelOfPosition } from './response-json.ts'
import type { KnownPeer } from './snapshot.ts'

/** A message of so many changes has some 400 kB; a broker takes up to 1 MB. */
export const MAX_PARCEL_CHANGES = 4_000

/** Finds out what has changed since the last time, and tells it as the feed of parcels does. It reads no clock. */
export class ParcelFeed {
  readonly #serverName: string
  readonly #realm: string
  /** What was published of each wallet, as `x,y`. */
  readonly #published = new Map<PeerId, string>()
  #sequence = 0

  /** @param realmName in any case */
  constructor(serverName: string, realmName: string) {
    this.#serverName = serverName
    this.#realm = realmName.toLowerCase()
  }

  /** Messages with the changes; none when there is no change. */
  changes(peers: Iterable<KnownPeer>, nowMs: number): Uint8Array[] {
    const changes: ParcelChange[] = []
    const gone = new Set(this.#published.keys())
    for (const { id, position } of peers) {
      gone.delete(id)
      const [x, y] = parcelOfPosition(position)
      const parcel = `${x},${y}`
      if (this.#published.get(id) === parcel) continue
      this.#published.set(id, parcel)
      changes.push({ address: id, parcel: { x, y } })
    }
    for (const address of gone) {
      this.#published.delete(address)
      changes.push({ address, parcel: undefined })
    }
    return changes.length === 0 ? [] : this.#messages(changes, false, nowMs)
  }

  /**
   * First the changes, for consumers that follow those only, then everyone who is there. What does not fit into one message follows in further
   * ones as changes.
   */
  snapshot(peers: Iterable<KnownPeer>, nowMs: number): Uint8Array[] {
    const all = [...peers]
    const changes = this.changes(all, nowMs)
    const placed = all.map(({ id, position }): ParcelChange => {
      const [x, y] = parcelOfPosition(position)
      return { address: id, parcel: { x, y } }
    })
    return [...changes, ...this.#messages(placed, true, nowMs)]
  }

  #messages(changes: readonly ParcelChange[], isSnapshot: boolean, serverTimeMs: number): Uint8Array[] {
    const messages: Uint8Array[] = []
    for (let at = 0; at === 0 || at < changes.length; at += MAX_PARCEL_CHANGES) {
      const place = { serverName: this.#serverName, sequence: ++this.#sequence, serverTimeMs, realm: this.#realm }
      const part = changes.slice(at, at + MAX_PARCEL_CHANGES)
      messages.push(encodeParcelChanges({ ...place, isSnapshot: isSnapshot && at === 0, changes: part }))
    }
    return messages
  }
}
