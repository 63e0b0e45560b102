import { expect, test } from 'vitest'
import { decodeLeaderHeartbeat, encodeLeaderHeartbeat } from './leader-heartbeat.ts'
import type { PeerId } from './peer.ts'
import { decodeConnect, decodeDisconnect, encodeConnect, encodeDisconnect } from './session-messages.ts'
import {
  decodeSessionPage,
  decodeSyncRequest,
  encodeSessionPage,
  encodeSyncRequest,
  followsGroups,
  requesterOf,
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
])('connect message %j arrives as it was sent', (message) => expect(decodeConnect(encodeConnect(message))).toEqual(message))

test('the connect message of a new session is its fencing token and nothing else', () => {
  expect(Buffer.from(encodeConnect({ session: SESSION, announcedRoom: undefined })).toString()).toBe(SESSION)
})

test.each([
  { session: SESSION, reason: 'left' },
  { session: SESSION, reason: 'drained' },
  { session: undefined, reason: 'dropped' },
] as const)('disconnect message %j arrives as it was sent', (message) =>
  expect(decodeDisconnect(encodeDisconnect(message))).toEqual(message),
)

test('without a reason, or with an unknown one, the player has left, whatever the session', () => {
  expect(decodeDisconnect(bytes(''))).toEqual({ session: undefined, reason: 'left' })
  expect(decodeDisconnect(bytes(`${SESSION}\nsomehow`))).toEqual({ session: SESSION, reason: 'left' })
})

test('a payload of a kilobyte is rejected', () => {
  expect([decodeConnect(Buffer.alloc(1024)), decodeDisconnect(Buffer.alloc(1024))]).toEqual([undefined, undefined])
})

test('a leader heartbeat arrives as it was sent, and other bytes are none', () => {
  expect(decodeLeaderHeartbeat(encodeLeaderHeartbeat({ term: SESSION, leaseMs: 3_000 }))).toEqual({
    term: SESSION,
    leaseMs: 3_000,
    followsGroups: true,
  })
  // As the first version sends it.
  expect(decodeLeaderHeartbeat(bytes(`${SESSION} 3000`))).toEqual({ term: SESSION, leaseMs: 3_000, followsGroups: false })
  for (const text of ['', SESSION, `${SESSION} soon`, `${SESSION} -1`, 'x 100', `${SESSION} 1e99`, ' '.repeat(100)])
    expect(decodeLeaderHeartbeat(bytes(text))).toBeUndefined()
})

test('a sync request carries the id of its requester', () => {
  expect(decodeSyncRequest(encodeSyncRequest('mgx3k2p1f9'))).toBe('mgx3k2p1f9')
  expect([requesterOf('mgx3k2p1f9', 2), 'mgx3k2p1f9-2'].map(followsGroups)).toEqual([true, false])
  expect(decodeSyncRequest(encodeSyncRequest(requesterOf('mgx3k2p1f9', 2)))).toBe(requesterOf('mgx3k2p1f9', 2))
  for (const requester of ['', 'a.b', '*', '>', 'a b', 'a'.repeat(65)])
    expect(decodeSyncRequest(bytes(requester))).toBeUndefined()
})

test('a page of sessions arrives as it was sent', () => {
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

test('malformed entries are left out of a page, and so are entries beyond its limit', () => {
  const good = [A, SESSION, [1, 2, 'x'], 7, 'term']
  const page = decodeSessionPage(bytes(JSON.stringify(['c', 0, 1, [good, null, ['0x', SESSION], [A, 'session'], 'x']])))
  expect(page?.entries).toEqual([{ peer: A, session: SESSION, position: undefined, room: undefined, term: undefined }])
  const tooMany = Array.from({ length: SESSIONS_PER_PAGE + 1 }, () => good)
  expect(decodeSessionPage(bytes(JSON.stringify(['c', 0, 1, tooMany])))?.entries).toHaveLength(SESSIONS_PER_PAGE)
})
