import { FIELD, FIELD_COUNT, OPTIONAL_FIELDS, STATE_LENGTH } from './avatar-state.ts'
import type { ProtoWriter } from './proto-writer.ts'

/**
 * A player as others see it at a moment: `sequence` counts the changes of its state, `tick` is in milliseconds of the relay's clock. The
 * state of a sequence is in `states` from `offsetOf(sequence)` on, for the last changes.
 */
export interface Subject {
  readonly subject: number
  readonly sequence: number
  readonly tick: number
  readonly states: Int32Array
}

/** States of a subject that are remembered; a power of two. At 20 inputs a second, and a delta each 200 ms, 4 would do. */
export const REMEMBERED_STATES = 32

/** Where the state of a sequence begins in `states`. */
export const offsetOf = (sequence: number): number => (sequence & (REMEMBERED_STATES - 1)) * STATE_LENGTH

/** Why an emote ended, as clients know it: its time was over, or its player stopped it. */
export const EMOTE_STOP_REASON = { completed: 0, cancelled: 1 } as const

/** Tiers of distance; 0 is close by. */
export const TIERS = 3

const ALL = (1 << FIELD_COUNT) - 1
const REQUIRED = ALL & ~OPTIONAL_FIELDS
/** From afar a player cannot see where a head is turned and how an avatar slides; from farther, not how it moves its legs. */
const CLOSE_ONLY = bits(FIELD.slideBlend, FIELD.headYaw, FIELD.headPitch)
const NOT_FAR = bits(FIELD.velocityX, FIELD.velocityY, FIELD.velocityZ, FIELD.movementBlend)
const FIELDS_OF_TIER: readonly number[] = [ALL, ALL & ~CLOSE_ONLY, ALL & ~CLOSE_ONLY & ~NOT_FAR]

/** From the index of a field in a state to its number in a delta, and in a full state. */
const DELTA_FIELD_OFFSET = 5
const STATE_FIELD_OFFSET = 1

/** The messages to clients (`decentraland/pulse/pulse_server.proto`, ServerMessage); each begins with a `reset` of the writer, except `delta`. */
export const serverMessages = {
  handshake(writer: ProtoWriter, error?: string): void {
    const message = writer.reset().open(1)
    if (error === undefined) writer.int32(1, 1)
    else writer.text(2, error)
    writer.close(message)
  },

  full(writer: ProtoWriter, subject: Subject): void {
    const message = writer.reset().open(2)
    writeSnapshot(writer, subject)
    writer.close(message)
  },

  /**
   * What changed since the sequence `baseline`, which the observer was sent at `sentTier`. Fields that the former tier left out are
   * written whether they changed or not. A field that is not there any more is not written: the flags say that it does not count.
   */
  delta(writer: ProtoWriter, subject: Subject, baseline: number, tier: number, sentTier: number): void {
    const { sequence, states } = subject
    const message = writer.open(3)
    writer.uint32(1, subject.subject)
    writer.uint32(2, baseline)
    writer.uint32(3, sequence)
    writer.uint32(4, subject.tick)
    const from = offsetOf(baseline)
    const to = offsetOf(sequence)
    const fields = (FIELDS_OF_TIER[tier] ?? 0) & (REQUIRED | (states[to + FIELD.present] ?? 0))
    const known = (FIELDS_OF_TIER[sentTier] ?? 0) & (REQUIRED | (states[from + FIELD.present] ?? 0))
    let changed = fields & ~known
    for (let field = 0; field < FIELD_COUNT; field++) if (states[to + field] !== states[from + field]) changed |= 1 << field
    writer.int32s(DELTA_FIELD_OFFSET, states, to, changed & fields)
    writer.close(message)
  },

  /** `realm` is spelled as the observer itself announced it: Unity ignores players of a realm that is spelled otherwise. */
  joined(writer: ProtoWriter, player: Subject & { wallet: string; profileVersion: number }, realm: string): void {
    const message = writer.reset().open(4)
    writer.text(1, player.wallet)
    writer.int32(2, player.profileVersion)
    const full = writer.open(3)
    writeSnapshot(writer, player)
    writer.close(full)
    writer.text(4, realm)
    writer.close(message)
  },

  left(writer: ProtoWriter, subject: number): void {
    const message = writer.reset().open(5)
    writer.uint32(1, subject)
    writer.close(message)
  },

  profile(writer: ProtoWriter, subject: number, version: number): void {
    const message = writer.reset().open(6)
    writer.uint32(1, subject)
    writer.int32(2, version)
    writer.close(message)
  },

  /** `startTick` is when the emote started: clients skip what has passed of it. */
  emoteStarted(
    writer: ProtoWriter,
    subject: Subject,
    emote: { emoteId: string; mask: number | undefined; startTick: number },
  ): void {
    const message = writer.reset().open(7)
    writer.uint32(1, subject.subject)
    writer.uint32(2, subject.sequence)
    writer.uint32(3, emote.startTick)
    writer.text(4, emote.emoteId)
    const state = writer.open(5)
    writeState(writer, subject)
    writer.close(state)
    if (emote.mask !== undefined) writer.int32(6, emote.mask)
    writer.close(message)
  },

  emoteStopped(writer: ProtoWriter, subject: Subject, reason: number): void {
    const message = writer.reset().open(8)
    writer.uint32(1, subject.subject)
    writer.uint32(2, subject.tick)
    writer.int32(3, reason)
    writer.uint32(4, subject.sequence)
    const state = writer.open(5)
    writeState(writer, subject)
    writer.close(state)
    writer.close(message)
  },

  /** `realm` as in `joined`. */
  teleported(writer: ProtoWriter, subject: Subject, realm: string): void {
    const message = writer.reset().open(9)
    writeSnapshot(writer, subject)
    writer.text(5, realm)
    writer.close(message)
  },
}

function bits(...fields: number[]): number {
  return fields.reduce((set, field) => set | (1 << field), 0)
}

function writeSnapshot(writer: ProtoWriter, subject: Subject): void {
  writer.uint32(1, subject.subject)
  writer.uint32(2, subject.sequence)
  writer.uint32(3, subject.tick)
  const state = writer.open(4)
  writeState(writer, subject)
  writer.close(state)
}

/** Zeros of required fields are left out, as proto3 has it. */
function writeState(writer: ProtoWriter, { states, sequence }: Subject): void {
  const at = offsetOf(sequence)
  const present = states[at + FIELD.present] ?? 0
  let written = present & OPTIONAL_FIELDS
  for (let field = 0; field < FIELD_COUNT; field++) if (states[at + field] !== 0) written |= (1 << field) & REQUIRED
  writer.int32s(STATE_FIELD_OFFSET, states, at, written)
}
