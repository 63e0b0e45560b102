import { afterAll, expect, onTestFinished, test } from 'vitest'
import { createWallet } from '../../testing/player/wallet.ts'
import { Refusal } from '../chassis/errors.ts'
import { createApp } from '../chassis/http.ts'
import { listen } from '../chassis/listen.ts'
import { silentLog } from '../chassis/log.ts'
import { Metrics } from '../chassis/metrics.ts'
import { realmToken } from '../identity/realm-token.ts'
import { createVerifier } from '../identity/verifier.ts'
import { MAX_REPORTED_WALLETS, type SessionReport } from '../wire/session-report.ts'
import { walletOf } from './core/fixtures.ts'
import { aPulse, handshakeOf } from './fixtures.ts'
import { START_GRACE_MS } from './realm-reports.ts'
import { reportRoutes } from './report-routes.ts'

const verifier = createVerifier({ log: silentLog, workers: 1 })
afterAll(() => verifier.close())

const [ANNA, BEN, CARLA] = [createWallet('anna'), createWallet('ben'), createWallet('carla')]
const KEY = 'a-key-of-this-site'
const PARCEL_2_0 = 48_490
const aReport = (report: Partial<SessionReport>): SessionReport => ({
  ...{ connector: 'east', joined: [], held: [], silent: [], left: [], banned: [] },
  ...report,
})

/** A relay whose time of grace after the start is over. */
function aStrictPulse(visiblePlayers: 'WithSession' | 'Everyone' = 'WithSession') {
  const pulse = aPulse({ verifier, visiblePlayers })
  pulse.run(START_GRACE_MS)
  const enter = async (wallet: typeof ANNA, realm = 'Main') => {
    const client = pulse.connect()
    await client.signIn(handshakeOf(wallet))
    client.teleport(realm, PARCEL_2_0, { positionX: 255, positionY: 8_191, positionZ: 0 })
    pulse.run(1_500)
    return client
  }
  return { ...pulse, pulse, enter }
}

test('in a realm that reports its sessions only wallets with a session see each other, whichever comes first', async () => {
  const { reports, enter, run, metric } = aStrictPulse()
  reports.take('main', aReport({ joined: [ANNA.peer] }))
  const [anna, ben] = [await enter(ANNA), await enter(BEN)]
  expect([anna.model.known.size, ben.model.known.size]).toEqual([0, 0])
  expect(await metric('players_hidden')).toContain('realm_pulse_players_hidden{reason="noSession"} 1')

  reports.take('main', aReport({ joined: [BEN.peer] }))
  run(1_500)
  expect([anna.model.of(BEN.peer)?.realm, ben.model.of(ANNA.peer)?.realm]).toEqual(['Main', 'Main'])

  reports.take('main', aReport({ left: [BEN.peer] }))
  run(16_000)
  reports.take('main', aReport({ held: [ANNA.peer] }))
  run(2_000)
  expect([anna.model.known.size, ben.model.known.size]).toEqual([0, 0])
  expect([anna.happened, ben.happened]).toEqual([['connect'], ['connect']])
})

test('players of a realm that does not report are hidden, and stay connected', async () => {
  const { enter, metric } = aStrictPulse()
  const [anna, ben] = [await enter(ANNA, 'elsewhere'), await enter(BEN, 'elsewhere')]
  expect([anna.model.known.size, ben.happened]).toEqual([0, ['connect']])
  expect(await metric('players_hidden')).toContain('realm_pulse_players_hidden{reason="unknownRealm"} 2')
})

test('after its start a relay shows everyone until connectors had time to report', async () => {
  const pulse = aPulse({ verifier, visiblePlayers: 'WithSession' })
  const [anna, ben] = [pulse.connect(), pulse.connect()]
  await anna.signIn(handshakeOf(ANNA))
  await ben.signIn(handshakeOf(BEN))
  for (const client of [anna, ben]) client.teleport('main', PARCEL_2_0)
  pulse.run(1_000)
  expect(anna.model.of(BEN.peer)).toBeDefined()
  pulse.run(START_GRACE_MS)
  expect(anna.model.known.size).toBe(0)
})

test('a wallet that a realm bans disappears from that realm only', async () => {
  const { reports, enter, run } = aStrictPulse('Everyone')
  const [anna, ben] = [await enter(ANNA), await enter(BEN)]
  expect(anna.model.of(BEN.peer)).toBeDefined()
  reports.take('main', aReport({ banned: [BEN.peer] }))
  // At once, and not at the next look at all players.
  run(100)
  expect([anna.model.known.size, ben.model.known.size, ben.happened]).toEqual([0, 0, ['connect']])

  for (const client of [anna, ben]) client.teleport('Other', PARCEL_2_0)
  run(1_500)
  expect(ben.model.of(ANNA.peer)).toMatchObject({ realm: 'Other' })
})

test('the answer names those who are shown without a session, once a second, so that a ban is found that no session brought to light', async () => {
  const { reports, enter, run } = aStrictPulse('Everyone')
  const [anna, ben] = [await enter(ANNA), await enter(BEN)]
  await enter(CARLA, 'Other')
  expect(reports.take('main', aReport({ joined: [ANNA.peer] })).unreported).toEqual([BEN.peer])
  expect(reports.take('main', aReport({})).unreported).toEqual([])
  run(1_000)
  expect(reports.take('main', aReport({})).unreported).toEqual([BEN.peer])
  reports.take('main', aReport({ banned: [BEN.peer] }))
  run(1_500)
  expect([anna.model.known.size, ben.model.known.size]).toEqual([0, 0])
  expect(reports.take('main', aReport({})).unreported).toEqual([])
})

test('the answer says where the silent wallets of the realm are, to no other caller', async () => {
  const { reports, enter } = aStrictPulse()
  await enter(ANNA)
  const silent = [ANNA.peer, BEN.peer]
  expect(reports.take('MAIN', aReport({ silent })).positions).toEqual(new Map([[ANNA.peer, { x: 48, y: 200, z: 0 }]]))
  expect(reports.take('other', aReport({ silent })).positions).toEqual(new Map())
})

test('the relay that follows hides whom the one before did, and shows the others, before a connector has reported to it', async () => {
  const { pulse, reports, enter, run } = aStrictPulse()
  reports.take('main', aReport({ joined: [ANNA.peer, CARLA.peer] }))
  reports.take('other', aReport({ banned: [BEN.peer] }))
  const [anna, ben, carla] = [await enter(ANNA), await enter(BEN), await enter(CARLA)]
  const seen = () => [anna, ben, carla].map(({ model }) => [...model.known.values()].map(({ wallet }) => wallet))
  expect(seen()).toEqual([[CARLA.peer], [], [ANNA.peer]])
  pulse.handOver(500)
  run(2_000)
  expect(seen()).toEqual([[CARLA.peer], [], [ANNA.peer]])
  expect(anna.model.received.filter((line) => line.startsWith('playerLeft'))).toEqual([])
  expect([pulse.reports.hiddenReason('main', BEN.peer), pulse.reports.hiddenReason('other', BEN.peer)]).toEqual([
    'noSession',
    'banned',
  ])
  expect(pulse.reports.sessions.counts).toEqual({ realms: 2, sessions: 2, bans: 1 })
  // Its connectors learn that they have to report in full.
  expect(pulse.reports.take('main', aReport({})).relay).not.toBe(reports.take('main', aReport({})).relay)
})

test('the time in which everyone is shown does not begin anew when a relay follows another one', () => {
  const pulse = aPulse({ verifier, visiblePlayers: 'WithSession' })
  pulse.run(START_GRACE_MS - 1_000)
  pulse.handOver()
  expect(pulse.reports.hiddenReason('main', BEN.peer)).toBeUndefined()
  pulse.run(1_001)
  expect(pulse.reports.hiddenReason('main', BEN.peer)).toBe('unknownRealm')
})

test('a realm that reports too often is refused, and no other one', () => {
  const { reports } = aStrictPulse()
  const flood = () => {
    for (let i = 0; i < 1_000; i++) reports.take('main', aReport({}))
  }
  expect(flood).toThrow(Refusal)
  expect(reports.take('other', aReport({})).positions.size).toBe(0)
})

/** The same over HTTP. */
async function aReportServer({ isServing = true } = {}) {
  const { reports } = aStrictPulse()
  const counted = new Metrics('test').counter('reports_total', 'Reports.', ['result'])
  const routes = reportRoutes({
    ...{ keys: () => [KEY, 'the-key-of-before'], reports, metrics: { reports: counted } },
    isServing: () => isServing,
  })
  const app = createApp({ routes, log: silentLog, metrics: new Metrics('pulse') })
  const { url, stop } = await listen(app, { host: '127.0.0.1', port: 0 })
  onTestFinished(stop)
  return async (realm: string, body: unknown, token = realmToken(KEY, realm)) => {
    const response = await fetch(`${url}/realms/${realm}/sessions`, {
      ...{ method: 'POST', headers: { authorization: `Bearer ${token}` } },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
    return [response.status, await response.json()]
  }
}

test('a realm reports with its own token, in any case of its name, and with no other', async () => {
  const post = await aReportServer()
  const answer = { relay: expect.any(String), positions: {} }
  expect(await post('main', aReport({ joined: [ANNA.peer] }))).toEqual([200, answer])
  expect(await post('Main', { connector: 'east' }, realmToken(KEY, 'main'))).toEqual([200, answer])
  expect((await post('main', aReport({}), realmToken('the-key-of-before', 'main')))[0]).toBe(200)
  for (const token of ['', realmToken(KEY, 'other'), realmToken('another-key', 'main'), KEY])
    expect(await post('main', aReport({}), token)).toEqual([401, expect.anything()])
})

test('a relay whose players are with another one takes no report, so that connectors find the other one', async () => {
  const post = await aReportServer({ isServing: false })
  expect(await post('main', aReport({}))).toEqual([503, { error: 'another relay has the players' }])
})

test.each([
  ['no JSON', '{'],
  ['a list', []],
  ['no connector', { held: [] }],
  ['a connector with a strange name', { connector: 'x'.repeat(65) }],
  ['a list that is none', { connector: 'east', held: { length: 1 } }],
  ['something that is no wallet', { connector: 'east', silent: ['0x12'] }],
  [
    'too many wallets',
    { connector: 'east', held: [ANNA.peer], left: Array.from({ length: MAX_REPORTED_WALLETS }, (_, i) => walletOf(i)) },
  ],
])('%s is no report', async (_, body) => {
  const post = await aReportServer()
  expect(await post('main', body)).toEqual([400, { error: 'this is no report of sessions' }])
})

test('the longest report fits into a request, and a longer body is refused', async () => {
  const post = await aReportServer()
  const held = Array.from({ length: MAX_REPORTED_WALLETS }, (_, i) => walletOf(i))
  expect((await post('main', { connector: 'c'.repeat(64), held }))[0]).toBe(200)
  expect((await post('main', 'x'.repeat(70_000)).catch(() => [413]))[0]).toBe(413)
})
