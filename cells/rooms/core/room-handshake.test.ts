import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { PeerId } from '../../wire/peer.ts'
import { type Facts, type Handshake, type HandshakeEvent, START, step } from './room-handshake.ts'

const PEER: PeerId = `0x${'a'.repeat(40)}`
const facts = (over: Partial<Facts> = {}): Facts => ({
  freshChallenge: () => 'dcl-fresh',
  isAdmitted: () => true,
  isHere: () => false,
  isFull: () => false,
  ...over,
})
const identification: HandshakeEvent = {
  is: 'message',
  message: { kind: 'identification', address: PEER.toUpperCase().replace('X', 'x') },
}
const signed: HandshakeEvent = { is: 'message', message: { kind: 'signedChallenge', authChainJson: '[]' } }
const update: HandshakeEvent = { is: 'message', message: { kind: 'update', body: new Uint8Array(1), unreliable: true } }
const verified: HandshakeEvent = { is: 'verdict', verdict: { ok: true, peer: PEER } }

/** Goes through events from the start; answers the last step. */
const outcome = (events: readonly HandshakeEvent[], known: Facts = facts()) =>
  events.reduce((last, event) => step(last.state, event, known), { state: START, effects: [] } as ReturnType<typeof step>)

describe('a handshake', () => {
  test('asks for the signature of a fresh challenge, whatever the casing of the address', () => {
    expect(outcome([identification])).toEqual({
      state: { at: 'challenged', challenge: 'dcl-fresh' },
      effects: [{ do: 'challenge', challenge: 'dcl-fresh', alreadyConnected: false }],
    })
  })

  test('mentions that the wallet is in the room already', () => {
    expect(outcome([identification], facts({ isHere: () => true })).effects).toMatchObject([{ alreadyConnected: true }])
  })

  test('ends in the room when the signature holds', () => {
    expect(outcome([identification, signed]).effects).toEqual([{ do: 'verify', authChainJson: '[]', challenge: 'dcl-fresh' }])
    expect(outcome([identification, signed, verified])).toEqual({
      state: { at: 'joined', peer: PEER },
      effects: [{ do: 'join', peer: PEER }],
    })
  })

  test('ends when it does not', () => {
    const failed: HandshakeEvent = { is: 'verdict', verdict: { ok: false, reason: 'no' } }
    expect(outcome([identification, signed, failed]).effects).toEqual([{ do: 'end', ending: 'bad_chain' }])
  })

  test('waits for an admission, and not for that of others', () => {
    let admitted = false
    const known = facts({ isAdmitted: () => admitted })
    const waiting = outcome([identification, signed, verified], known)
    expect(waiting).toEqual({ state: { at: 'waiting', peer: PEER }, effects: [{ do: 'wait' }] })
    expect(step(waiting.state, { is: 'admission' }, known)).toEqual({ state: waiting.state, effects: [] })
    admitted = true
    expect(step(waiting.state, { is: 'admission' }, known).effects).toEqual([{ do: 'join', peer: PEER }])
  })

  test('checks one signature only', () => {
    expect(outcome([identification, signed, signed]).effects).toEqual([{ do: 'end', ending: 'unexpected' }])
    expect(outcome([identification, signed, signed, verified])).toEqual({ state: { at: 'over' }, effects: [] })
  })

  test('tells the room when a member goes, and nobody when a stranger does', () => {
    const gone: HandshakeEvent = { is: 'ended', ending: 'gone' }
    expect(outcome([identification, signed, verified, gone]).effects).toEqual([{ do: 'leave' }, { do: 'end', ending: 'gone' }])
    expect(outcome([identification, gone]).effects).toEqual([{ do: 'end', ending: 'gone' }])
  })
})

test('whatever happens in whatever order, nobody speaks or joins unverified, and nothing follows the end', () => {
  const message = fc.constantFrom<HandshakeEvent>(
    identification,
    signed,
    update,
    { is: 'message', message: { kind: 'other' } },
    { is: 'message', message: undefined },
  )
  const event = fc.oneof(
    message,
    fc.constantFrom<HandshakeEvent>(
      verified,
      { is: 'verdict', verdict: { ok: false, reason: '' } },
      { is: 'admission' },
      { is: 'ended', ending: 'gone' },
    ),
  )
  fc.assert(
    fc.property(fc.array(event, { maxLength: 12 }), fc.boolean(), fc.boolean(), (events, isAdmitted, isFull) => {
      const known = facts({ isAdmitted: () => isAdmitted, isFull: () => isFull })
      let state: Handshake = START
      let asked = false
      let judged = false
      let joined = 0
      for (const event of events) {
        const before: Handshake = state
        const next = step(before, event, known)
        state = next.state
        if (before.at === 'verifying' && event.is === 'verdict' && event.verdict.ok) judged = true
        if (before.at === 'over') expect(next).toEqual({ state: before, effects: [] })
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
