import type { PeerId } from './peer.ts'

/** Where a wallet is now; without a parcel it has left. */
export interface ParcelChange {
  address: PeerId
  parcel: { x: number; y: number } | undefined
}

/** A message of the feed `engine.parcel_changes`, by which other services learn who is where (pulse.md §1.9). */
export interface ParcelChangesBatch {
  /** Unique to this start of the publisher: consumers keep what it says apart from what others say. */
  serverName: string
  /** Counts up by one with each message of the publisher. */
  sequence: number
  /** Whether these are all wallets that are there, in place of what the publisher has said before. */
  isSnapshot: boolean
  /** Milliseconds since the epoch. */
  serverTimeMs: number
  /** In lower case. */
  realm: string
  changes: readonly ParcelChange[]
}

const VARINT = 0
const LENGTH_DELIMITED = 2

/** `decentraland.pulse.ParcelChangesBatch`, a newer message than those of the `@dcl/protocol` here. */
export function encodeParcelChanges(batch: ParcelChangesBatch): Uint8Array {
  const realm = text(2, batch.realm)
  const changes = batch.changes.map(({ address, parcel }) =>
    message(5, [text(1, address), realm, parcel ? message(3, [integer(1, parcel.x), integer(2, parcel.y)]) : NOTHING]),
  )
  const head = [text(1, batch.serverName), integer(2, batch.sequence), integer(3, batch.isSnapshot ? 1 : 0)]
  return Buffer.concat([...head, integer(4, batch.serverTimeMs), ...changes])
}

const NOTHING = Buffer.alloc(0)

/** A number that is zero is left out, as protobuf has it; negative ones take ten bytes. */
const integer = (field: number, value: number): Buffer =>
  value === 0 ? NOTHING : Buffer.from([(field << 3) | VARINT, ...varint(BigInt.asUintN(64, BigInt(Math.floor(value))))])

const text = (field: number, value: string): Buffer => (value === '' ? NOTHING : message(field, [Buffer.from(value)]))

function message(field: number, parts: readonly Buffer[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  return Buffer.concat([Buffer.from([(field << 3) | LENGTH_DELIMITED, ...varint(BigInt(length))]), ...parts])
}

function varint(value: bigint): number[] {
  const bytes: number[] = []
  for (let rest = value; ; rest >>= 7n) {
    if (rest < 0x80n) return [...bytes, Number(rest)]
    bytes.push(Number(rest & 0x7fn) | 0x80)
  }
}
