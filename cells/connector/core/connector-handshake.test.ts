import { describe, expect, test } from 'vitest'
import { START } from '../../sockets/core/sign-in.ts'
import type { ClientMessage } from '../../wire/packets.ts'
import { type ConnectorCloseReason, connectorCloses } from './connector-close-reasons.ts'
import {
  type ConnectorEffect,
  type ConnectorEvent,
  type ConnectorFacts,
  type ConnectorState,
  connectorTransition,
} from './connector-handshake.ts'

const ANNA = '0x00000000000000000000000000000000000000aa'
const BEN = '0x00000000000000000000000000000000000000bb'
const challenged: ConnectorState = { at: 'challenged', challenge: 'dcl-1' }
const verifying: ConnectorState = { at: 'verifying' }
const welcomed: ConnectorState = { at: 'welcomed', peer: ANNA }
const closed: ConnectorState = { at: 'closed' }

const request: ClientMessage = { kind: 'challengeRequest', address: ANNA }
const signed: ClientMessage = { kind: 'signedChallenge', authChainJson: '[]' }
const empty: ClientMessage = { kind: 'empty' }
const heartbeat = {
  kind: 'heartbeat',
  heartbeat: { position: { x: 8, y: 0, z: 8 }, desiredRoom: undefined },
  payload: new Uint8Array([1]),
} as const
const received = (message: ClientMessage | undefined): ConnectorEvent => ({ is: 'message', message })
const verdict = (peer: typeof ANNA | typeof BEN, banned = false): ConnectorEvent => ({
  is: 'verdict',
  verdict: { ok: true, peer },
  banned,
})
const badVerdict: ConnectorEvent = { is: 'verdict', verdict: { ok: false, reason: 'no' }, banned: false }

const facts = (over: Partial<ConnectorFacts> = {}): ConnectorFacts => ({
  freshChallenge: () => 'dcl-1',
  refusalOf: () => undefined,
  isConnected: () => false,
  ...over,
})
const closes = (reason: ConnectorCloseReason): ConnectorEffect[] => [{ do: 'close', reason }]

describe('a handshake goes forward', () => {
  test.each<[string, ConnectorState, ConnectorEvent, ConnectorState, ConnectorEffect[]]>([
    [
      'an address gets a challenge',
      START,
      received(request),
      challenged,
      [{ do: 'challenge', challenge: 'dcl-1', alreadyConnected: false }],
    ],
    [
      'an address in any casing is an address',
      START,
      received({ kind: 'challengeRequest', address: `0x${'aA'.repeat(20)}` }),
      challenged,
      [{ do: 'challenge', challenge: 'dcl-1', alreadyConnected: false }],
    ],
    [
      'a signature is checked against the challenge of its own socket',
      challenged,
      received(signed),
      verifying,
      [{ do: 'verify', authChainJson: '[]', challenge: 'dcl-1' }],
    ],
    ['a good signature is welcomed', verifying, verdict(ANNA), welcomed, [{ do: 'welcome', peer: ANNA }]],
    [
      'a heartbeat is published',
      welcomed,
      received(heartbeat),
      welcomed,
      [{ do: 'heartbeat', heartbeat: heartbeat.heartbeat, payload: heartbeat.payload }],
    ],
    ['an unknown message is ignored once welcomed', welcomed, received(empty), welcomed, []],
    ['a challenge request is ignored once welcomed', welcomed, received(request), welcomed, []],
    ['a signature is ignored once welcomed', welcomed, received(signed), welcomed, []],
  ])('%s', (_, state, event, next, effects) => {
    expect(connectorTransition(state, event, facts())).toEqual({ state: next, effects })
  })

  test('a client whose wallet has a session already is informed', () => {
    const { effects } = connectorTransition(START, received(request), facts({ isConnected: (peer) => peer === ANNA }))
    expect(effects).toEqual([{ do: 'challenge', challenge: 'dcl-1', alreadyConnected: true }])
  })

  test('the wallet that signed is welcomed, whichever was claimed', () => {
    const { state } = connectorTransition(START, received({ kind: 'challengeRequest', address: ANNA }), facts())
    const asked = connectorTransition(state, received(signed), facts())
    expect(connectorTransition(asked.state, verdict(BEN), facts()).effects).toEqual([{ do: 'welcome', peer: BEN }])
  })
})

describe('a handshake ends', () => {
  const cases: [string, ConnectorState, ConnectorEvent, ConnectorCloseReason][] = [
    ['at bytes that are not a packet', START, received(undefined), 'malformed'],
    ['at bytes that are not a packet, challenged', challenged, received(undefined), 'malformed'],
    ['at bytes that are not a packet, while verifying', verifying, received(undefined), 'malformed'],
    ['at an empty packet', START, received(empty), 'unexpected'],
    ['at an empty packet, challenged', challenged, received(empty), 'unexpected'],
    ['at a heartbeat before the handshake', START, received(heartbeat), 'unexpected'],
    ['at a heartbeat in place of a signature', challenged, received(heartbeat), 'unexpected'],
    ['at a heartbeat before the welcome', verifying, received(heartbeat), 'unexpected'],
    ['at a signature without a challenge', START, received(signed), 'unexpected'],
    ['at a second request', challenged, received(request), 'unexpected'],
    ['at a second signature while the first is verified', verifying, received(signed), 'unexpected'],
    ['at an invalid address', START, received({ kind: 'challengeRequest', address: 'anna' }), 'bad_address'],
    ['at an address too long', START, received({ kind: 'challengeRequest', address: `${ANNA}0` }), 'bad_address'],
    ['at an invalid signature', verifying, badVerdict, 'bad_chain'],
    ['at a ban', verifying, verdict(ANNA, true), 'banned'],
    ['at a timeout', START, { is: 'ended', reason: 'timeout' }, 'timeout'],
    ['when the connection is lost', verifying, { is: 'ended', reason: 'gone' }, 'gone'],
  ]
  test.each(cases)('%s', (_, state, event, reason) => {
    expect(connectorTransition(state, event, facts())).toEqual({ state: closed, effects: closes(reason) })
  })

  test('at a denied wallet that is claimed', () => {
    expect(
      connectorTransition(START, received(request), facts({ refusalOf: (peer) => (peer === ANNA ? 'denied' : undefined) }))
        .effects,
    ).toEqual(closes('denied'))
  })

  test('at a denied wallet that signed, whichever was claimed', () => {
    expect(
      connectorTransition(verifying, verdict(BEN), facts({ refusalOf: (peer) => (peer === BEN ? 'denied' : undefined) })).effects,
    ).toEqual(closes('denied'))
  })
})

describe('a session ends', () => {
  test.each<[string, ConnectorEvent, ConnectorCloseReason]>([
    ['at bytes that are not a packet', received(undefined), 'malformed'],
    ...(['gone', 'idle', 'slow', 'drained', 'banned', 'kicked'] as const).map(
      (reason) => [`as ${reason}`, { is: 'ended', reason }, reason] as [string, ConnectorEvent, ConnectorCloseReason],
    ),
  ])('%s: its disconnect is published', (_, event, reason) => {
    expect(connectorTransition(welcomed, event, facts())).toEqual({
      state: closed,
      effects: [...closes(reason), { do: 'disconnect', peer: ANNA, reason }],
    })
  })

  test('superseded: no disconnect is published', () => {
    expect(connectorTransition(welcomed, { is: 'ended', reason: 'superseded' }, facts())).toEqual({
      state: closed,
      effects: closes('superseded'),
    })
  })
})

test('a closed socket stays closed', () => {
  const events = [
    received(undefined),
    received(request),
    received(heartbeat),
    verdict(ANNA),
    { is: 'ended', reason: 'gone' },
  ] as const
  for (const event of events) expect(connectorTransition(closed, event, facts())).toEqual({ state: closed, effects: [] })
})

test('a verdict in any other state changes nothing', () => {
  for (const state of [START, challenged, welcomed])
    expect(connectorTransition(state, verdict(BEN), facts())).toEqual({ state, effects: [] })
})

test('only banned, kicked and replaced players are sent `kicked`', () => {
  const kicked = Object.entries(connectorCloses).filter(([, close]) => 'kicked' in close)
  expect(kicked.map(([reason]) => reason)).toEqual(['banned', 'kicked', 'superseded'])
})
