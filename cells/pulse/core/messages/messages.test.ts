import fc from 'fast-check'
import { expect, test } from 'vitest'
import { emptyState, FIELD, OPTIONAL_FIELDS, STATE_LENGTH } from './avatar-state.ts'
import { decodeServerMessage, encodeRequest } from './fixtures.ts'
import { ProtoWriter } from './proto-writer.ts'
import { type PulseRequest, PulseRequestReader, type RequestError } from './pulse-request.ts'
import { offsetOf, REMEMBERED_STATES, type Subject, serverMessages } from './server-message.ts'

const NAMES = [
  ...['parcelIndex', 'positionX', 'positionY', 'positionZ', 'velocityX', 'velocityY', 'velocityZ', 'rotationY', 'movementBlend'],
  ...['slideBlend', 'headYaw', 'headPitch', 'stateFlags', 'glideState', 'jumpCount', 'pointAtX', 'pointAtY', 'pointAtZ'],
] as const
const BITS = [31, 8, 13, 8, 8, 8, 8, 7, 5, 4, 7, 7, 31, 2, 31, 17, 7, 17]
const isOptional = (field: number) => ((OPTIONAL_FIELDS >> field) & 1) === 1

/** Any state a client may send: a number per field, and undefined for some of the optional ones. */
const anyState = fc.tuple(
  ...BITS.map((bits, field) => {
    const value = fc.integer({ min: 0, max: bits === 31 ? 0x7fffffff : 2 ** bits - 1 })
    return isOptional(field) ? fc.option(value, { nil: undefined }) : value
  }),
)
type Values = readonly (number | undefined)[]

function stateOf(values: Values) {
  const state = emptyState()
  values.forEach((value, field) => {
    if (value === undefined) return
    state[field] = value
    if (isOptional(field)) state[FIELD.present] = (state[FIELD.present] ?? 0) | (1 << field)
  })
  return state
}
const objectOf = (values: Values) =>
  Object.fromEntries(values.flatMap((value, field) => (value === undefined ? [] : [[NAMES[field], value]])))
/** As `toObject` has it: without zeros of required fields. */
const withoutZeros = (values: Values) =>
  objectOf(values.map((value, field) => (value === 0 && !isOptional(field) ? undefined : value)))

function subjectOf(...states: readonly Values[]): Subject {
  const subject = {
    subject: 7,
    sequence: states.length - 1,
    tick: 3_000_000_000,
    states: new Int32Array(REMEMBERED_STATES * STATE_LENGTH),
  }
  states.forEach((values, sequence) => {
    subject.states.set(stateOf(values), offsetOf(sequence))
  })
  return subject
}

const read = (bytes: Uint8Array): PulseRequest | RequestError => new PulseRequestReader().read(bytes)
const STILL = NAMES.map((_, field) => (isOptional(field) ? undefined : 0))

test('a state arrives as the client encoded it', () => {
  fc.assert(
    fc.property(anyState, (values) => {
      const message = read(encodeRequest({ input: { state: objectOf(values) } }))
      expect(message).toEqual({ kind: 'input', state: stateOf(values) })
    }),
  )
})

test('a code with more bits than its field has is refused', () => {
  for (const [field, name] of NAMES.entries()) {
    const bits = BITS[field] ?? 31
    if (bits === 31) continue
    expect(read(encodeRequest({ input: { state: { [name]: 2 ** bits } } })), name).toBe('bad_input')
    expect(read(encodeRequest({ input: { state: { [name]: 2 ** bits - 1 } } })), name).toMatchObject({ kind: 'input' })
  }
})

test('each message of a client is read', () => {
  const state = { parcelIndex: 48_490, positionX: 12 }
  const expected = stateOf(STILL.map((zero, field) => (field === 0 ? 48_490 : field === 1 ? 12 : zero)))
  const chain = Buffer.from('{"x-identity-timestamp":"1"}')
  const emote = { emoteId: 'wave', durationMs: 1_500, mask: undefined }
  expect(read(encodeRequest({ handshake: { authChain: chain, profileVersion: 3 } }))).toEqual({
    kind: 'handshake',
    authChain: chain.toString(),
    initial: undefined,
  })
  const initialState = { state, realm: 'Main', emoteId: 'wave', emoteDurationMs: 1_500, emoteStartOffsetMs: 200, emoteMask: 2 }
  expect(read(encodeRequest({ handshake: { authChain: chain, initialState } }))).toEqual({
    kind: 'handshake',
    authChain: chain.toString(),
    initial: { state: expected, realm: 'Main', emote: { ...emote, mask: 2, elapsedMs: 200 } },
  })
  expect(read(encodeRequest({ resync: { subjectId: 4_294_967_295, knownSeq: 9 } }))).toEqual({
    kind: 'resync',
    subject: 4_294_967_295,
    knownSequence: 9,
  })
  expect(read(encodeRequest({ profileAnnouncement: { version: -3 } }))).toEqual({ kind: 'profile', version: -3 })
  expect(read(encodeRequest({ emoteStart: { emoteId: 'wave', durationMs: 1_500, playerState: state } }))).toEqual({
    kind: 'emoteStart',
    emote,
    state: expected,
  })
  expect(read(encodeRequest({ emoteStop: {} }))).toEqual({ kind: 'emoteStop' })
  expect(read(encodeRequest({ teleport: { ...state, realm: 'Main' } }))).toEqual({
    kind: 'teleport',
    state: expected,
    realm: 'Main',
  })
})

test('messages that this relay does not serve, and unknown fields, are passed over', () => {
  const listener = encodeRequest({ sceneListenerHandshake: { authChain: Buffer.from('{}') } })
  expect(read(listener)).toEqual({ kind: 'other' })
  const emoteStop = encodeRequest({ emoteStop: {} })
  const unknown = Uint8Array.of(0x78, 1, 0x7d, 1, 2, 3, 4, 0x79, 1, 2, 3, 4, 5, 6, 7, 8, 0x7a, 2, 1, 2)
  expect(read(Buffer.concat([unknown, emoteStop, unknown]))).toEqual({ kind: 'emoteStop' })
  expect(read(new Uint8Array())).toEqual({ kind: 'other' })
})

test.each([
  ['a realm without a name', { teleport: { parcelIndex: 1, realm: '' } }, 'bad_teleport'],
  ['a realm of 256 letters', { teleport: { parcelIndex: 1, realm: 'a'.repeat(256) } }, 'bad_teleport'],
  ['an emote without a name', { emoteStart: { emoteId: '', playerState: {} } }, 'bad_emote'],
  ['an emote of two minutes', { emoteStart: { emoteId: 'wave', durationMs: 120_000, playerState: {} } }, 'bad_emote'],
  ['an emote without a state', { emoteStart: { emoteId: 'wave' } }, 'bad_emote'],
  ['a handshake without a chain', { handshake: { profileVersion: 1 } }, 'bad_handshake'],
  [
    'a handshake in no realm',
    { handshake: { authChain: Buffer.from('{}'), initialState: { state: {}, realm: '' } } },
    'bad_handshake',
  ],
])('%s is refused', (_, message, error) => {
  expect(read(encodeRequest(message))).toBe(error)
})

test('bytes of strangers are read without an exception and without reading beyond their end', () => {
  const reader = new PulseRequestReader()
  const valid = encodeRequest({
    handshake: { authChain: Buffer.from('{}'), initialState: { state: { headYaw: 3 }, realm: 'main' } },
  })
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(valid.length - 1), fc.nat(255), (noise, at, byte) => {
      const mutated = Uint8Array.from(valid)
      mutated[at] = byte
      for (const bytes of [noise, mutated, mutated.subarray(0, at)]) expect(reader.read(bytes)).toBeDefined()
    }),
    { numRuns: 5_000 },
  )
  expect(reader.read(Uint8Array.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f))).toBe('corrupt')
  expect(reader.read(Uint8Array.of(0x12, 0x80))).toBe('corrupt')
})

test('a full state is read by clients as it was sent', () => {
  fc.assert(
    fc.property(anyState, (values) => {
      const writer = new ProtoWriter()
      serverMessages.full(writer, subjectOf(values))
      expect(decodeServerMessage(writer.bytes)).toEqual({
        playerStateFull: { subjectId: 7, serverTick: 3_000_000_000, sequence: 0, state: withoutZeros(values) },
      })
    }),
  )
})

test('a delta close by turns the state before into the state now', () => {
  fc.assert(
    fc.property(anyState, anyState, (before, now) => {
      const writer = new ProtoWriter()
      serverMessages.delta(writer.reset(), subjectOf(before, now), 0, 0, 0)
      const { subjectId, baselineSeq, newSeq, serverTick, ...changes } = decodeServerMessage(writer.bytes).playerStateDelta ?? {}
      expect({ subjectId, baselineSeq, newSeq, serverTick }).toEqual({
        subjectId: 7,
        baselineSeq: 0,
        newSeq: 1,
        serverTick: 3_000_000_000,
      })
      const kept = objectOf(before.map((value, field) => (now[field] === undefined ? undefined : value)))
      expect({ ...kept, ...changes }).toEqual(objectOf(now))
    }),
  )
})

test('what a delta from afar leaves out is in the next one from close by, whether it changed then or not', () => {
  fc.assert(
    fc.property(anyState, anyState, (before, now) => {
      const writer = new ProtoWriter()
      const far = subjectOf(before, now)
      serverMessages.delta(writer.reset(), far, 0, 2, 0)
      const { playerStateDelta: fromAfar = {} } = decodeServerMessage(writer.bytes)
      for (const name of ['velocityX', 'movementBlend', 'slideBlend', 'headYaw']) expect(fromAfar).not.toHaveProperty(name)
      serverMessages.delta(writer.reset(), subjectOf(before, now, now), 1, 0, 2)
      const {
        subjectId: _,
        baselineSeq: _b,
        newSeq: _n,
        serverTick: _t,
        ...close
      } = decodeServerMessage(writer.bytes).playerStateDelta ?? {}
      const kept = objectOf(before.map((value, field) => (now[field] === undefined ? undefined : value)))
      expect({ ...kept, ...fromAfar, ...close }).toMatchObject(objectOf(now))
    }),
  )
})

test('the other messages are read by clients as they were sent', () => {
  const writer = new ProtoWriter()
  const subject = { ...subjectOf(STILL.map((zero, field) => (field === 0 ? 5 : zero))), wallet: '0xab', profileVersion: -2 }
  const snapshot = { subjectId: 7, sequence: 0, serverTick: 3_000_000_000 }
  const written = (write: () => void) => {
    write()
    return decodeServerMessage(writer.bytes)
  }
  expect(written(() => serverMessages.handshake(writer))).toEqual({ handshake: { success: true } })
  expect(written(() => serverMessages.handshake(writer, 'banned'))).toEqual({ handshake: { error: 'banned' } })
  expect(written(() => serverMessages.joined(writer, subject, 'x'.repeat(200)))).toEqual({
    playerJoined: {
      userId: '0xab',
      profileVersion: -2,
      state: { ...snapshot, state: { parcelIndex: 5 } },
      realm: 'x'.repeat(200),
    },
  })
  expect(written(() => serverMessages.left(writer, 7))).toEqual({ playerLeft: { subjectId: 7 } })
  expect(written(() => serverMessages.profile(writer, 7, 4))).toEqual({
    playerProfileVersionAnnounced: { subjectId: 7, version: 4 },
  })
  expect(written(() => serverMessages.emoteStarted(writer, subject, { emoteId: 'wave', mask: 1, startTick: 9 }))).toEqual({
    emoteStarted: { ...snapshot, serverTick: 9, emoteId: 'wave', mask: 1, playerState: { parcelIndex: 5 } },
  })
  expect(written(() => serverMessages.emoteStopped(writer, subject, 1))).toEqual({
    emoteStopped: { ...snapshot, reason: 1, playerState: { parcelIndex: 5 } },
  })
  expect(written(() => serverMessages.teleported(writer, subject, 'Main'))).toEqual({
    teleported: { ...snapshot, state: { parcelIndex: 5 }, realm: 'Main' },
  })
})
