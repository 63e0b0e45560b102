import { type AvatarState, emptyState, FIELD, FIELD_COUNT, isValidState, OPTIONAL_FIELDS } from './avatar-state.ts'
import { ProtoReader } from './proto-reader.ts'

/** An emote as its player starts it; without a duration it repeats until it is stopped. */
export interface EmoteRequest {
  emoteId: string
  durationMs: number | undefined
  /** Which part of the body plays it; passed on as it is. */
  mask: number | undefined
}

/** Where a player is when the client comes back in the middle of a session. */
export interface InitialState {
  state: AvatarState
  realm: string
  /** The emote that was playing, and for how long, in milliseconds. */
  emote?: EmoteRequest & { elapsedMs: number }
}

/** What a client may send (`decentraland/pulse/pulse_client.proto`, ClientMessage). */
export type PulseRequest =
  | { kind: 'handshake'; authChain: string; initial: InitialState | undefined }
  /** The state is valid until the next message is read. */
  | { kind: 'input'; state: AvatarState }
  /** `knownSequence` is 0 when the client does not know the subject at all. */
  | { kind: 'resync'; subject: number; knownSequence: number }
  | { kind: 'profile'; version: number }
  | { kind: 'emoteStart'; emote: EmoteRequest; state: AvatarState }
  | { kind: 'emoteStop' }
  | { kind: 'teleport'; state: AvatarState; realm: string }
  /** A message of an area that this relay does not serve, or none at all. */
  | { kind: 'other' }

/** Why bytes are no message: not protobuf, or a value that no client may send. */
export type RequestError = 'corrupt' | 'bad_input' | 'bad_emote' | 'bad_teleport' | 'bad_handshake'

/** Bytes of an auth chain: a handshake of a wallet has about 1000. */
const MAX_CHAIN_BYTES = 8_192
/** UTF-16 units of a realm name, and the most bytes they can have. */
const MAX_REALM_LENGTH = 255
const MAX_REALM_BYTES = 3 * MAX_REALM_LENGTH
const MAX_EMOTE_BYTES = 512
/** Milliseconds an emote may last that ends by itself. */
const MAX_EMOTE_MS = 60_000

const EMOTE_STOP: PulseRequest = { kind: 'emoteStop' }
const OTHER: PulseRequest = { kind: 'other' }

/** Reads messages of clients. The message of an input is used again for the next one: they arrive by the ten thousand per second. */
export class PulseRequestReader {
  readonly #outer = new ProtoReader()
  readonly #inner = new ProtoReader()
  readonly #stateReader = new ProtoReader()
  readonly #state = emptyState()
  readonly #input: PulseRequest = { kind: 'input', state: this.#state }

  /** Never throws. As in every protobuf library, the last of several messages counts. */
  read(bytes: Uint8Array): PulseRequest | RequestError {
    const outer = this.#outer.reset(bytes)
    let message: PulseRequest | RequestError = OTHER
    while (outer.next()) {
      if (outer.field < 1 || outer.field > 7) {
        outer.skip()
        continue
      }
      const { field } = outer
      if (!outer.range()) return 'corrupt'
      message = this.#message(field, bytes, outer.start, outer.end)
      if (typeof message === 'string') return message
    }
    return outer.isValid ? message : 'corrupt'
  }

  #message(field: number, bytes: Uint8Array, start: number, end: number): PulseRequest | RequestError {
    const reader = this.#inner.reset(bytes, start, end)
    switch (field) {
      case 1:
        return this.#handshake(reader, bytes)
      case 2:
        return this.#readInput(reader, bytes)
      case 3:
        return resync(reader)
      case 4:
        return profile(reader)
      case 5:
        return this.#emoteStart(reader, bytes)
      case 6:
        return EMOTE_STOP
      default:
        return teleport(reader)
    }
  }

  #readInput(reader: ProtoReader, bytes: Uint8Array): PulseRequest | RequestError {
    this.#state.fill(0)
    while (reader.next()) {
      if (reader.field !== 1) {
        reader.skip()
        continue
      }
      if (reader.range()) this.#readState(bytes, reader.start, reader.end, this.#state)
    }
    if (!reader.isValid) return 'corrupt'
    return this.#stateReader.isValid && isValidState(this.#state) ? this.#input : 'bad_input'
  }

  /** Fields of a state that occurs twice are merged, as protobuf has it. */
  #readState(bytes: Uint8Array, start: number, end: number, state: AvatarState): boolean {
    const reader = this.#stateReader.reset(bytes, start, end)
    while (reader.next()) {
      const index = reader.field - 1
      if (index >= FIELD_COUNT) {
        reader.skip()
        continue
      }
      state[index] = reader.int32()
      if ((OPTIONAL_FIELDS >> index) & 1) state[FIELD.present] = (state[FIELD.present] ?? 0) | (1 << index)
    }
    return reader.isValid
  }

  #emoteStart(reader: ProtoReader, bytes: Uint8Array): PulseRequest | RequestError {
    const state = emptyState()
    let hasState = false
    const emote: EmoteRequest = { emoteId: '', durationMs: undefined, mask: undefined }
    while (reader.next()) {
      if (reader.field === 1) emote.emoteId = reader.text(MAX_EMOTE_BYTES) ?? ''
      else if (reader.field === 2) emote.durationMs = reader.int32() >>> 0
      else if (reader.field === 3) hasState = this.#readMessage(reader, bytes, state)
      else if (reader.field === 4) emote.mask = reader.int32()
      else reader.skip()
    }
    if (!reader.isValid) return 'corrupt'
    return hasState && isValidState(state) && isValidEmote(emote) ? { kind: 'emoteStart', emote, state } : 'bad_emote'
  }

  #readMessage(reader: ProtoReader, bytes: Uint8Array, state: AvatarState): boolean {
    return reader.range() && this.#readState(bytes, reader.start, reader.end, state)
  }

  #handshake(reader: ProtoReader, bytes: Uint8Array): PulseRequest | RequestError {
    let authChain: string | undefined
    let initialStart = -1
    let initialEnd = -1
    while (reader.next()) {
      if (reader.field === 1) authChain = reader.text(MAX_CHAIN_BYTES)
      else if (reader.field === 3 && reader.range()) {
        initialStart = reader.start
        initialEnd = reader.end
      } else reader.skip()
    }
    if (!reader.isValid || authChain === undefined) return 'bad_handshake'
    if (initialStart < 0) return { kind: 'handshake', authChain, initial: undefined }
    const initial = this.#initialState(reader.reset(bytes, initialStart, initialEnd), bytes)
    return initial ? { kind: 'handshake', authChain, initial } : 'bad_handshake'
  }

  #initialState(reader: ProtoReader, bytes: Uint8Array): InitialState | undefined {
    const state = emptyState()
    let hasState = false
    let realm: string | undefined
    let emoteId: string | undefined
    let elapsedMs = 0
    const emote: EmoteRequest = { emoteId: '', durationMs: undefined, mask: undefined }
    while (reader.next()) {
      if (reader.field === 1) hasState = this.#readMessage(reader, bytes, state)
      else if (reader.field === 2) emoteId = reader.text(MAX_EMOTE_BYTES)
      else if (reader.field === 3) emote.durationMs = reader.int32() >>> 0
      else if (reader.field === 4) elapsedMs = reader.int32() >>> 0
      else if (reader.field === 5) realm = reader.text(MAX_REALM_BYTES)
      else if (reader.field === 6) emote.mask = reader.int32()
      else reader.skip()
    }
    if (!reader.isValid || !hasState || !isValidState(state) || !isRealmName(realm)) return undefined
    if (emoteId === undefined) return { state, realm }
    emote.emoteId = emoteId
    return isValidEmote(emote) ? { state, realm, emote: { ...emote, elapsedMs } } : undefined
  }
}

function teleport(reader: ProtoReader): PulseRequest | RequestError {
  const state = emptyState()
  let realm: string | undefined
  while (reader.next()) {
    if (reader.field <= 4) state[reader.field - 1] = reader.int32()
    else if (reader.field === 5) realm = reader.text(MAX_REALM_BYTES)
    else reader.skip()
  }
  if (!reader.isValid) return 'corrupt'
  return isRealmName(realm) && isValidState(state) ? { kind: 'teleport', state, realm } : 'bad_teleport'
}

function resync(reader: ProtoReader): PulseRequest | RequestError {
  const request = { kind: 'resync' as const, subject: 0, knownSequence: 0 }
  while (reader.next()) {
    if (reader.field === 1) request.subject = reader.int32() >>> 0
    else if (reader.field === 2) request.knownSequence = reader.int32() >>> 0
    else reader.skip()
  }
  return reader.isValid ? request : 'corrupt'
}

function profile(reader: ProtoReader): PulseRequest | RequestError {
  const announcement = { kind: 'profile' as const, version: 0 }
  while (reader.next()) {
    if (reader.field === 1) announcement.version = reader.int32()
    else reader.skip()
  }
  return reader.isValid ? announcement : 'corrupt'
}

const isRealmName = (realm: string | undefined): realm is string =>
  realm !== undefined && realm.length > 0 && realm.length <= MAX_REALM_LENGTH

const isValidEmote = ({ emoteId, durationMs = 0 }: EmoteRequest): boolean => emoteId !== '' && durationMs <= MAX_EMOTE_MS
