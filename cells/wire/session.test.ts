import { expect, test } from 'vitest'
import { decodeBeat, encodeBeat } from './beat.ts'
import type { PeerId } from './peer.ts'
import { decodeRollCall, decodeRollPage, encodeRollCall, encodeRollPage, PAGE_SIZE, type RollEntry } from './roll-call.ts'
import { decodeGreeting, decodeLeaving, encodeGreeting, encodeLeaving } from './session.ts'

const SESSION = '0mgx3k2p1-0123456789ab'
const A: PeerId = '0x1f9090aae28b8a3dceadf281b0f12828e676c326'
const bytes = (text: string) => Buffer.from(text)

test.each([
  { session: SESSION, told: undefined },
  { session: SESSION, told: 'island-main.0-boot-1' },
  { session: undefined, told: undefined },
])('greeting %j arrives as it was sent', (greeting) => expect(decodeGreeting(encodeGreeting(greeting))).toEqual(greeting))

test('the greeting of a new session is its stamp and nothing else', () => {
  expect(Buffer.from(encodeGreeting({ session: SESSION, told: undefined })).toString()).toBe(SESSION)
})

test.each([
  { session: SESSION, how: 'left' },
  { session: SESSION, how: 'drained' },
  { session: undefined, how: 'dropped' },
] as const)('leaving %j arrives as it was sent', (leaving) => expect(decodeLeaving(encodeLeaving(leaving))).toEqual(leaving))

test('whoever says nothing, or something we do not know, has left for good, in whatever session', () => {
  expect(decodeLeaving(bytes(''))).toEqual({ session: undefined, how: 'left' })
  expect(decodeLeaving(bytes(`${SESSION}\nsomehow`))).toEqual({ session: SESSION, how: 'left' })
})

test('a kilobyte is neither', () => {
  expect([decodeGreeting(Buffer.alloc(1024)), decodeLeaving(Buffer.alloc(1024))]).toEqual([undefined, undefined])
})

test('a beat arrives as it was sent, and what is none is no beat', () => {
  expect(decodeBeat(encodeBeat({ term: SESSION, leaseMs: 3_000 }))).toEqual({ term: SESSION, leaseMs: 3_000 })
  for (const text of ['', SESSION, `${SESSION} soon`, `${SESSION} -1`, 'x 100', `${SESSION} 1e99`, ' '.repeat(100)])
    expect(decodeBeat(bytes(text))).toBeUndefined()
})

test('a roll call names who asks', () => {
  expect(decodeRollCall(encodeRollCall('mgx3k2p1f9'))).toBe('mgx3k2p1f9')
  for (const asker of ['', 'a.b', '*', '>', 'a b', 'a'.repeat(65)]) expect(decodeRollCall(bytes(asker))).toBeUndefined()
})

test('a page of the roll arrives as it was sent', () => {
  const entries: RollEntry[] = [
    { peer: A, session: SESSION, position: { x: 1, y: 2, z: 3.5 }, room: 'island-1', term: SESSION },
    { peer: A, session: SESSION, position: undefined, room: undefined, term: undefined },
  ]
  const page = { connector: 'c', index: 0, count: 2, entries }
  expect(decodeRollPage(encodeRollPage(page))).toEqual(page)
})

test.each(['', 'null', '[]', '["c",0,0,[]]', '["c",1,1,[]]', '["c",0,1,{}]', '[1,0,1,[]]', '["c",0,99999,[]]', '["c",-1,1,[]]'])(
  '%s is no page',
  (text) => expect(decodeRollPage(bytes(text))).toBeUndefined(),
)

test('entries that make no sense are left out of a page, and so are more than there may be', () => {
  const good = [A, SESSION, [1, 2, 'x'], 7, 'term']
  const page = decodeRollPage(bytes(JSON.stringify(['c', 0, 1, [good, null, ['0x', SESSION], [A, 'session'], 'x']])))
  expect(page?.entries).toEqual([{ peer: A, session: SESSION, position: undefined, room: undefined, term: undefined }])
  const crowd = Array.from({ length: PAGE_SIZE + 1 }, () => good)
  expect(decodeRollPage(bytes(JSON.stringify(['c', 0, 1, crowd])))?.entries).toHaveLength(PAGE_SIZE)
})
