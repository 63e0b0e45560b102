import { expect, test } from 'vitest'
import { decodeLeaderHeartbeat, encodeLeaderHeartbeat } from './leader-heartbeat.ts'
import type { PeerId } from './peer.ts'
import { decodeConnect, decodeDisconnect, encodeConnect, encodeDisconnect } from './session-messages.ts'
import {
  decodeSessionPage,
  decodeSyncRequest,
  encodeSessionPage,
  encodeSyncRequest,
  SESSIONS_PER_PAGE,
  type SessionState,
} from './state-sync.ts'

const SESSION = '0mgx3k2p1-0123456789ab'
const A: PeerId = '0x1f9090aae28b8a3dceadf281b0f12828e676c326'
const bytes = (text: string) => Buffer.from(text)

test.each([
  { session: SESSION, announcedRoom: undefined },
  { session: SESSION, announcedRoom: 'island-main.0-boot-1' },
  { session: undefined, announcedRoom: undefined },
])('greeting %j arrives as it was sent', (greeting) => expect(decodeConnect(encodeConnect(greeting))).toEqual(greeting))

test('the greeting of a new session is its stamp and nothing else', () => {
  expect(Buffer.from(encodeConnect({ session: SESSION, announcedRoom: undefined })).toString()).toBe(SESSION)
})

test.each([
  { session: SESSION, reason: 'left' },
  { session: SESSION, reason: 'drained' },
  { session: undefined, reason: 'dropped' },
] as const)('leaving %j arrives as it was sent', (leaving) =>
  expect(decodeDisconnect(encodeDisconnect(leaving))).toEqual(leaving),
)

test('whoever says nothing, or something we do not know, has left for good, in whatever session', () => {
  expect(decodeDisconnect(bytes(''))).toEqual({ session: undefined, reason: 'left' })
  expect(decodeDisconnect(bytes(`${SESSION}\nsomehow`))).toEqual({ session: SESSION, reason: 'left' })
})

test('a kilobyte is neither', () => {
  expect([decodeConnect(Buffer.alloc(1024)), decodeDisconnect(Buffer.alloc(1024))]).toEqual([undefined, undefined])
})

test('a beat arrives as it was sent, and what is none is no beat', () => {
  expect(decodeLeaderHeartbeat(encodeLeaderHeartbeat({ term: SESSION, leaseMs: 3_000 }))).toEqual({
    term: SESSION,
    leaseMs: 3_000,
  })
  for (const text of ['', SESSION, `${SESSION} soon`, `${SESSION} -1`, 'x 100', `${SESSION} 1e99`, ' '.repeat(100)])
    expect(decodeLeaderHeartbeat(bytes(text))).toBeUndefined()
})

test('a roll call names who asks', () => {
  expect(decodeSyncRequest(encodeSyncRequest('mgx3k2p1f9'))).toBe('mgx3k2p1f9')
  for (const asker of ['', 'a.b', '*', '>', 'a b', 'a'.repeat(65)]) expect(decodeSyncRequest(bytes(asker))).toBeUndefined()
})

test('a page of the roll arrives as it was sent', () => {
  const entries: SessionState[] = [
    { peer: A, session: SESSION, position: { x: 1, y: 2, z: 3.5 }, room: 'island-1', term: SESSION },
    { peer: A, session: SESSION, position: undefined, room: undefined, term: undefined },
  ]
  const page = { connector: 'c', index: 0, count: 2, entries }
  expect(decodeSessionPage(encodeSessionPage(page))).toEqual(page)
})

test.each(['', 'null', '[]', '["c",0,0,[]]', '["c",1,1,[]]', '["c",0,1,{}]', '[1,0,1,[]]', '["c",0,99999,[]]', '["c",-1,1,[]]'])(
  '%s is no page',
  (text) => expect(decodeSessionPage(bytes(text))).toBeUndefined(),
)

test('entries that make no sense are left out of a page, and so are more than there may be', () => {
  const good = [A, SESSION, [1, 2, 'x'], 7, 'term']
  const page = decodeSessionPage(bytes(JSON.stringify(['c', 0, 1, [good, null, ['0x', SESSION], [A, 'session'], 'x']])))
  expect(page?.entries).toEqual([{ peer: A, session: SESSION, position: undefined, room: undefined, term: undefined }])
  const crowd = Array.from({ length: SESSIONS_PER_PAGE + 1 }, () => good)
  expect(decodeSessionPage(bytes(JSON.stringify(['c', 0, 1, crowd])))?.entries).toHaveLength(SESSIONS_PER_PAGE)
})
