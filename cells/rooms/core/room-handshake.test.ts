import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { START } from '../../sockets/core/sign-in.ts'
import type { PeerId } from '../../wire/peer.ts'
import { type RoomEvent, type RoomFacts, type RoomState, roomTransition } from './room-handshake.ts'

const PEER: PeerId = `0x${'a'.repeat(40)}`
const facts = (over: Partial<RoomFacts> = {}): RoomFacts => ({
  freshChallenge: () => 'dcl-fresh',
  refusalOf: () => undefined,
  isAdmitted: () => true,
  isConnected: () => false,
  isFull: () => false,
  ...over,
})
const identification: RoomEvent = {
  is: 'message',
  message: { kind: 'identification', address: PEER.toUpperCase().replace('X', 'x') },
}
const signed: RoomEvent = { is: 'message', message: { kind: 'signedChallenge', authChainJson: '[]' } }
const update: RoomEvent = { is: 'message', message: { kind: 'update', body: new Uint8Array(1), unreliable: true } }
const verified: RoomEvent = { is: 'verdict', verdict: { ok: true, peer: PEER }, banned: false }

const banned: RoomEvent = { is: 'verdict', verdict: { ok: true, peer: PEER }, banned: true }

/** Applies events from the start; returns the last transition. */
const outcome = (events: readonly RoomEvent[], known: RoomFacts = facts()) =>
  events.reduce((last, event) => roomTransition(last.state, event, known), { state: START, effects: [] } as ReturnType<
    typeof roomTransition
  >)

describe('a handshake', () => {
  test('requests the signature of a fresh challenge, whatever the casing of the address', () => {
    expect(outcome([identification])).toEqual({
      state: { at: 'challenged', challenge: 'dcl-fresh' },
      effects: [{ do: 'challenge', challenge: 'dcl-fresh', alreadyConnected: false }],
    })
  })

  test('reports that the wallet is in the room already', () => {
    expect(outcome([identification], facts({ isConnected: () => true })).effects).toMatchObject([{ alreadyConnected: true }])
  })

  test('joins the room when the signature is valid', () => {
    expect(outcome([identification, signed]).effects).toEqual([{ do: 'verify', authChainJson: '[]', challenge: 'dcl-fresh' }])
    expect(outcome([identification, signed, verified])).toEqual({
      state: { at: 'joined', peer: PEER },
      effects: [{ do: 'join', peer: PEER }],
    })
  })

  test('ends when the signature is invalid', () => {
    const failed: RoomEvent = { is: 'verdict', verdict: { ok: false, reason: 'no' }, banned: false }
    expect(outcome([identification, signed, failed]).effects).toEqual([{ do: 'close', reason: 'bad_chain' }])
  })

  test('ends when the wallet that signed is banned or on the deny list, whatever it was admitted to', () => {
    expect(outcome([identification, signed, banned]).effects).toEqual([{ do: 'close', reason: 'banned' }])
    const denied = facts({ refusalOf: () => 'denied' })
    expect(outcome([identification], denied).effects).toEqual([{ do: 'close', reason: 'denied' }])
    const other = facts({ refusalOf: (peer) => (peer === PEER ? 'denied' : undefined) })
    const claim: RoomEvent = { is: 'message', message: { kind: 'identification', address: `0x${'b'.repeat(40)}` } }
    expect(outcome([claim, signed, verified], other).effects).toEqual([{ do: 'close', reason: 'denied' }])
  })

  test('waits for the admission of its own peer', () => {
    let admitted = false
    const known = facts({ isAdmitted: () => admitted })
    const waiting = outcome([identification, signed, verified], known)
    expect(waiting).toEqual({ state: { at: 'waiting', peer: PEER }, effects: [{ do: 'wait' }] })
    expect(roomTransition(waiting.state, { is: 'admission' }, known)).toEqual({ state: waiting.state, effects: [] })
    admitted = true
    expect(roomTransition(waiting.state, { is: 'admission' }, known).effects).toEqual([{ do: 'join', peer: PEER }])
  })

  test('checks one signature only', () => {
    expect(outcome([identification, signed, signed]).effects).toEqual([{ do: 'close', reason: 'unexpected' }])
    expect(outcome([identification, signed, signed, verified])).toEqual({ state: { at: 'closed' }, effects: [] })
  })

  test('leaves the room when the session of a member ends, and only then', () => {
    const gone: RoomEvent = { is: 'ended', reason: 'gone' }
    expect(outcome([identification, signed, verified, gone]).effects).toEqual([{ do: 'leave' }, { do: 'close', reason: 'gone' }])
    expect(outcome([identification, gone]).effects).toEqual([{ do: 'close', reason: 'gone' }])
  })
})

test('in any order of events, no client is relayed or joins unverified, and nothing follows the end', () => {
  const message = fc.constantFrom<RoomEvent>(
    identification,
    signed,
    update,
    { is: 'message', message: { kind: 'other' } },
    { is: 'message', message: undefined },
  )
  const event = fc.oneof(
    message,
    fc.constantFrom<RoomEvent>(
      verified,
      { is: 'verdict', verdict: { ok: false, reason: '' }, banned: false },
      banned,
      { is: 'admission' },
      { is: 'ended', reason: 'gone' },
    ),
  )
  fc.assert(
    fc.property(fc.array(event, { maxLength: 12 }), fc.boolean(), fc.boolean(), (events, isAdmitted, isFull) => {
      const known = facts({ isAdmitted: () => isAdmitted, isFull: () => isFull })
      let state: RoomState = START
      let asked = false
      let judged = false
      let joined = 0
      for (const event of events) {
        const before: RoomState = state
        const next = roomTransition(before, event, known)
        state = next.state
        if (before.at === 'verifying' && event.is === 'verdict' && event.verdict.ok && !event.banned) judged = true
        if (before.at === 'closed') expect(next).toEqual({ state: before, effects: [] })
        for (const effect of next.effects) {
          if (effect.do === 'verify') asked = true
          if (effect.do === 'join') {
            joined++
            expect(asked && judged && isAdmitted && !isFull).toBe(true)
          }
          if (effect.do === 'relay') expect(joined).toBe(1)
          if (effect.do === 'leave') expect(joined).toBe(1)
        }
      }
      expect(joined).toBeLessThanOrEqual(1)
    }),
    { numRuns: 1_000 },
  )
})
