import type { ByteReader, ByteWriter } from '../../chassis/byte-buffers.ts'
import type { PeerId } from '../../wire/peer.ts'
import { TIERS } from './messages/server-message.ts'
import { Player, type RunningEmote } from './player.ts'
import type { PlayerEntries } from './player-entries.ts'
import { VIEW } from './view-list.ts'

/** What is written where there is no number: none of those that are written has this value. */
const NONE = 0xffff_ffff

/** A player that was handed over, and how long it stays without a client, in milliseconds; undefined when it had one. */
export interface HandedPlayer {
  player: Player
  lingerMs: number | undefined
}

/** Writes players with what they see, in some 3 kB each and 20 bytes for each player that one sees. */
export function writePlayers(writer: ByteWriter, handed: readonly HandedPlayer[], nowMs: number): void {
  writer.u32(handed.length)
  for (const { player, lingerMs } of handed) {
    writePlayer(writer, player)
    writer.u32(lingerMs === undefined ? NONE : Math.max(0, Math.ceil(lingerMs)))
  }
  const here = new Set(handed.map(({ player }) => player))
  for (const { player } of handed) {
    writer.u32(player.views.count)
    for (let row = 0; row < player.views.count; row++) writeView(writer, player, row, here, nowMs)
  }
}

/** @throws RangeError when these are not the bytes that `writePlayers` has written */
export function readPlayers(reader: ByteReader, entries: PlayerEntries, nowMs: number): HandedPlayer[] {
  const handed: HandedPlayer[] = []
  for (let left = reader.u32(); left > 0; left--) {
    const player = readPlayer(reader, entries)
    const lingerMs = reader.u32()
    handed.push({ player, lingerMs: lingerMs === NONE ? undefined : lingerMs })
  }
  const bySubject = new Map(handed.map(({ player }) => [player.subject, player]))
  for (const { player } of handed) for (let left = reader.u32(); left > 0; left--) readView(reader, player, bySubject, nowMs)
  return handed
}

function writePlayer(writer: ByteWriter, player: Player): void {
  writer.u32(player.subject)
  writer.text(player.wallet)
  for (const number of [player.sequence, player.tick, player.profileVersion]) writer.f64(number)
  const { teleportedAt, emoteStartedAt, emoteStoppedAt, eventAt, emoteStopReason, states, emote } = player
  for (const number of [teleportedAt, emoteStartedAt, emoteStoppedAt, eventAt, emoteStopReason]) writer.f64(number)
  writer.block(new Uint8Array(states.buffer, states.byteOffset, states.byteLength))
  writer.text(player.spelledRealm ?? '')
  writer.u8(player.realm === undefined ? 0 : 1)
  writer.u8(emote ? 1 : 0)
  if (!emote) return
  writer.text(emote.emoteId)
  for (const number of [emote.mask ?? -1, emote.startTick, emote.endTick ?? -1]) writer.f64(number)
}

function readPlayer(reader: ByteReader, entries: PlayerEntries): Player {
  const [subject, wallet, sequence] = [reader.u32(), reader.text() as PeerId, reader.f64()]
  const player = new Player(subject, wallet, sequence, entries)
  player.tick = reader.f64()
  player.profileVersion = reader.f64()
  player.teleportedAt = reader.f64()
  player.emoteStartedAt = reader.f64()
  player.emoteStoppedAt = reader.f64()
  player.eventAt = reader.f64()
  player.emoteStopReason = reader.f64()
  const states = reader.block()
  if (states.length !== player.states.byteLength) throw new RangeError('the states of a player have another size')
  new Uint8Array(player.states.buffer).set(states)
  player.locate()
  player.spelledRealm = reader.text() || undefined
  player.realm = reader.u8() === 1 ? player.spelledRealm?.toLowerCase() : undefined
  if (reader.u8() === 1) player.emote = readEmote(reader)
  player.hasMoved = true
  return player
}

function readEmote(reader: ByteReader): RunningEmote {
  const [emoteId, mask, startTick, endTick] = [reader.text(), reader.f64(), reader.f64(), reader.f64()]
  return { emoteId, mask: mask < 0 ? undefined : mask, startTick, endTick: endTick < 0 ? undefined : endTick }
}

function writeView(writer: ByteWriter, { views }: Player, row: number, here: ReadonlySet<Player>, nowMs: number): void {
  const player = views.players[row]
  writer.u32(player?.subject ?? 0)
  writer.u8(player && here.has(player) ? 1 : 0)
  for (const field of [VIEW.sequence, VIEW.profileVersion]) writer.u32(views.get(row, field) >>> 0)
  for (const field of [VIEW.tier, VIEW.sentTier, VIEW.marks]) writer.u8(views.get(row, field))
  writer.f64(nowMs - (views.joinedAts[row] ?? 0))
}

function readView(reader: ByteReader, { views }: Player, bySubject: ReadonlyMap<number, Player>, nowMs: number): void {
  const [subject, isHere] = [reader.u32(), reader.u8() === 1]
  // One that is gone, perhaps to come back as another one with the same number, stays in view until the observer is told.
  const player = isHere ? bySubject.get(subject) : new Player(subject, '0x', 0)
  if (!player || views.rowOf(subject) >= 0) throw new RangeError('a player that is seen is missing, or there twice')
  const [sequence, profileVersion, tier] = [reader.u32(), reader.u32(), reader.u8()]
  const row = views.add(player, Math.min(tier, TIERS - 1))
  views.set(row, VIEW.sequence, sequence)
  views.set(row, VIEW.profileVersion, profileVersion)
  views.set(row, VIEW.sentTier, Math.min(reader.u8(), TIERS - 1))
  views.set(row, VIEW.marks, reader.u8())
  views.joinedAts[row] = nowMs - reader.f64()
}
