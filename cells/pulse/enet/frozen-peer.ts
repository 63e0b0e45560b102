import type { ByteReader, ByteWriter } from '../../chassis/byte-buffers.ts'
import type { IncomingChannel } from './incoming.ts'
import type { Outgoing } from './outgoing.ts'
import type { EnetPeer } from './peer.ts'
import type { PeerIdentity } from './peer-identity.ts'

/** Writes where a peer is and what was agreed with it. */
export function writeIdentity(
  writer: ByteWriter,
  { address, port, id, remoteId, session, terms, connectData }: PeerIdentity,
): void {
  for (const value of [id, remoteId, port, terms.mtu]) writer.u16(value)
  for (const value of [session, terms.channels]) writer.u8(value)
  const { windowBytes, throttleInterval, throttleAcceleration, throttleDeceleration, connectId } = terms
  for (const value of [windowBytes, throttleInterval, throttleAcceleration, throttleDeceleration, connectId, connectData])
    writer.u32(value)
  writer.text(address)
}

export function readIdentity(reader: ByteReader): PeerIdentity {
  const [id, remoteId, port, mtu] = [reader.u16(), reader.u16(), reader.u16(), reader.u16()]
  const [session, channels] = [reader.u8(), reader.u8()]
  const [windowBytes, throttleInterval, throttleAcceleration] = [reader.u32(), reader.u32(), reader.u32()]
  const [throttleDeceleration, connectId, connectData] = [reader.u32(), reader.u32(), reader.u32()]
  const throttle = { throttleInterval, throttleAcceleration, throttleDeceleration }
  const terms = { peerId: id, session, mtu, windowBytes, channels, ...throttle, connectId }
  return { address: reader.text(), port, id, remoteId, session, terms, connectData }
}

/** Writes the numbers and the unfinished messages of a connection, in both directions. */
export function writeProgress(writer: ByteWriter, peer: EnetPeer, now: number): void {
  const { sender } = peer
  writer.f64(sender.roundTrip.ms)
  writer.f64(sender.roundTrip.variationMs)
  writer.u8(sender.roundTrip.hasSample ? 1 : 0)
  writer.u16(peer.unreliable.group)
  writer.u16(peer.unsequenced.newest)
  for (const channel of [sender.control, ...sender.channels]) {
    writer.u16(channel.reliable)
    writer.u16(channel.unreliable)
    writer.u16(channel.inFlight.size)
    for (const command of channel.inFlight.values()) writeOutgoing(writer, command, now)
  }
  writer.u32(sender.queue.length)
  for (const command of sender.queue) writeOutgoing(writer, command, now)
  for (const channel of peer.channels) writeIncoming(writer, channel)
}

export function readProgress(reader: ByteReader, peer: EnetPeer, now: number): void {
  const { sender } = peer
  sender.roundTrip.ms = reader.f64()
  sender.roundTrip.variationMs = reader.f64()
  sender.roundTrip.hasSample = reader.u8() === 1
  peer.unreliable.group = reader.u16()
  peer.unsequenced.newest = reader.u16()
  for (const channel of [sender.control, ...sender.channels]) {
    channel.reliable = reader.u16()
    channel.unreliable = reader.u16()
    for (let left = reader.u16(); left > 0; left--) sender.restore(readOutgoing(reader, now), now)
  }
  for (let left = reader.u32(); left > 0; left--) sender.restore(readOutgoing(reader, now), now)
  for (const channel of peer.channels) readIncoming(reader, channel, now)
}

function writeOutgoing(writer: ByteWriter, { channel, sequence, bytes, firstSentAt, resends }: Outgoing, now: number): void {
  writer.u8(channel)
  writer.u16(sequence)
  writer.u8(Math.min(resends + 1, 255))
  writer.u32(resends < 0 ? 0 : now - firstSentAt)
  writer.block(bytes)
}

function readOutgoing(reader: ByteReader, now: number): Outgoing {
  const [channel, sequence, sends, ageMs] = [reader.u8(), reader.u16(), reader.u8(), reader.u32()]
  return { channel, sequence, bytes: reader.block(), firstSentAt: now - ageMs, sentAt: now, resends: sends - 1 }
}

function writeIncoming(writer: ByteWriter, { reliable, unreliable, held, assembly }: IncomingChannel): void {
  writer.u16(reliable)
  writer.u16(unreliable)
  writer.u16(held?.size ?? 0)
  for (const [sequence, { bytes, fragment }] of held ?? []) {
    writer.u16(sequence)
    writer.block(bytes)
    writer.u8(fragment ? 1 : 0)
    if (!fragment) continue
    for (const value of [fragment.startSequence, fragment.count, fragment.number, fragment.totalBytes, fragment.offset])
      writer.u16(value)
  }
  writer.u8(assembly ? 1 : 0)
  if (!assembly) return
  for (const value of [assembly.startSequence, assembly.count, assembly.nextNumber, assembly.bytes.length]) writer.u16(value)
  writer.block(assembly.bytes.subarray(0, assembly.length))
}

function readIncoming(reader: ByteReader, channel: IncomingChannel, now: number): void {
  channel.reliable = reader.u16()
  channel.unreliable = reader.u16()
  for (let left = reader.u16(); left > 0; left--) {
    const [sequence, bytes, isFragment] = [reader.u16(), reader.block(), reader.u8() === 1]
    const [startSequence, count, number, totalBytes, offset] = isFragment
      ? [reader.u16(), reader.u16(), reader.u16(), reader.u16(), reader.u16()]
      : [0, 0, 0, 0, 0]
    const fragment = isFragment ? { startSequence, count, number, totalBytes, offset } : undefined
    channel.restoreHeld(sequence, { bytes, fragment }, now)
  }
  if (reader.u8() === 0) return
  const [startSequence, count, nextNumber, totalBytes] = [reader.u16(), reader.u16(), reader.u16(), reader.u16()]
  channel.restoreAssembly({ startSequence, count, nextNumber }, totalBytes, reader.block(), now)
}
