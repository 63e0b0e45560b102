import { expect, test } from 'vitest'
import { SESSION_LEASE_MS, type SessionReport } from '../../wire/session-report.ts'
import { walletOf } from './fixtures.ts'
import { RealmSessions, SESSION_GRACE_MS } from './realm-sessions.ts'

const [ANNA, BEN] = [walletOf(1), walletOf(2)]
const aReport = (report: Partial<SessionReport>): SessionReport => ({
  ...{ connector: 'east', joined: [], held: [], silent: [], left: [], banned: [] },
  ...report,
})

test('a wallet is seen in the realm that reports its session, and in no other', () => {
  const sessions = new RealmSessions()
  expect(sessions.hiddenReason('main', ANNA)).toBe('unknownRealm')
  sessions.take('main', aReport({ joined: [ANNA] }), 0)
  expect([sessions.hiddenReason('main', ANNA), sessions.hiddenReason('main', BEN)]).toEqual([undefined, 'noSession'])
  sessions.take('other', aReport({ silent: [BEN] }), 0)
  expect([sessions.hiddenReason('other', ANNA), sessions.hiddenReason('other', BEN)]).toEqual(['noSession', undefined])
})

test('a session counts until its lease is over, and for some seconds after its end', () => {
  const sessions = new RealmSessions()
  sessions.take('main', aReport({ held: [ANNA, BEN] }), 0)
  sessions.take('main', aReport({ left: [BEN] }), 1_000)
  sessions.take('main', aReport({}), 1_000 + SESSION_GRACE_MS)
  expect(sessions.hiddenReason('main', BEN)).toBeUndefined()
  sessions.take('main', aReport({}), 1_001 + SESSION_GRACE_MS)
  expect([sessions.hiddenReason('main', BEN), sessions.hiddenReason('main', ANNA)]).toEqual(['noSession', undefined])
  sessions.take('main', aReport({}), SESSION_LEASE_MS + 1)
  expect(sessions.hiddenReason('main', ANNA)).toBe('noSession')
  expect(sessions.counts).toEqual({ realms: 1, sessions: 0, bans: 0 })
})

test('while a realm reports nothing, what it reported last stands', () => {
  const sessions = new RealmSessions()
  sessions.take('main', aReport({ held: [ANNA] }), 0)
  sessions.take('other', aReport({}), 10 * SESSION_LEASE_MS)
  expect(sessions.hiddenReason('main', ANNA)).toBeUndefined()
})

test('a connector that says late that a wallet left does not end its session at another one', () => {
  const sessions = new RealmSessions()
  sessions.take('main', aReport({ joined: [ANNA] }), 0)
  sessions.take('main', aReport({ connector: 'west', joined: [ANNA] }), 1_000)
  sessions.take('main', aReport({ left: [ANNA] }), 1_100)
  sessions.take('main', aReport({}), 1_200 + SESSION_GRACE_MS)
  expect(sessions.hiddenReason('main', ANNA)).toBeUndefined()
})

test('a ban holds in its realm until the wallet is welcomed there again', () => {
  const sessions = new RealmSessions()
  for (const realm of ['main', 'other']) sessions.take(realm, aReport({ held: [ANNA] }), 0)
  sessions.take('main', aReport({ banned: [ANNA] }), 0)
  sessions.take('main', aReport({ held: [ANNA] }), 10 * SESSION_LEASE_MS)
  expect([sessions.isBanned('main', ANNA), sessions.hiddenReason('main', ANNA)]).toEqual([true, 'banned'])
  expect([sessions.isBanned('other', ANNA), sessions.hiddenReason('other', ANNA)]).toEqual([false, undefined])
  sessions.take('main', aReport({ joined: [ANNA] }), 0)
  expect(sessions.isBanned('main', ANNA)).toBe(false)
})

test('a realm that reports without end takes room from itself only', () => {
  const sessions = new RealmSessions({ maxRealms: 2, maxSessions: 10, maxBans: 10 })
  sessions.take('main', aReport({ joined: [ANNA], banned: [BEN] }), 0)
  const crowd = Array.from({ length: 500 }, (_, index) => walletOf(100 + index))
  sessions.take('flood', aReport({ joined: crowd, banned: crowd }), 0)
  expect([sessions.hiddenReason('main', ANNA), sessions.isBanned('main', BEN)]).toEqual([undefined, true])
  expect(sessions.counts).toEqual({ realms: 2, sessions: 10, bans: 10 })
  expect(sessions.take('third', aReport({}), 0)).toBe(false)
})
