import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { signedFetch } from '../../../testing/player/signed-fetch.ts'
import { createWallet } from '../../../testing/player/wallet.ts'
import { TrustedProxies } from '../../chassis/client-address.ts'
import { ManualClock, systemClock } from '../../chassis/clock.ts'
import { createApp, json, ok } from '../../chassis/http.ts'
import { type HttpListener, listen } from '../../chassis/listen.ts'
import { silentLog } from '../../chassis/log.ts'
import { Metrics } from '../../chassis/metrics.ts'
import { WalletLimit } from '../core/wallet-limit.ts'
import { answerOf, aVerifier } from '../fixtures.ts'
import { gatekeeperMetrics } from '../metrics.ts'
import { CallerCheck } from './callers.ts'
import { type Authentication, declare, pageNumbers, pageOf, pagingQuery, storableText } from './declaration.ts'
import { SceneChangeLimit } from './scene-change-limit.ts'
import { ownPathOf, serve } from './serve.ts'
import { SignedRequests } from './signed-requests.ts'

const [ana, mod] = [createWallet('ana'), createWallet('mod')]
const [MODERATOR_TOKEN, SERVICE_TOKEN] = ['moderators-token-0123', 'services-token-01234']

const routeFor = <Who extends Authentication>(authentication: Who) =>
  declare({
    ...{ method: 'POST', path: `/as/${authentication}` as const, authentication, summary: 'Says who calls.' },
    ...{ callers: 'this test', test: 'this file', answers: {} },
  })
const routes = {
  signed: routeFor('signed'),
  explorer: routeFor('signedByExplorer'),
  scene: routeFor('signedByScene'),
  sceneOrServer: routeFor('signedBySceneOrServer'),
  optional: routeFor('optional'),
  moderator: routeFor('moderator'),
  service: routeFor('service'),
  sceneChange: declare({ ...routeFor('signedByScene'), path: '/change', isSceneChange: true }),
  otherChange: declare({ ...routeFor('signedByScene'), path: '/other-change', isSceneChange: true }),
  moderatorRead: declare({ ...routeFor('moderator'), method: 'GET' }),
  list: declare({ ...routeFor('none'), method: 'GET', path: '/list', query: pagingQuery }),
  say: declare({ ...routeFor('none'), path: '/say/:to', body: z.strictObject({ text: storableText(10) }) }),
}

let http: HttpListener
const clock = new ManualClock()
beforeAll(async () => {
  const metrics = new Metrics('gatekeeper')
  const signed = new SignedRequests({
    ...{ verifier: aVerifier(), proxies: new TrustedProxies(), publicPath: undefined, clock: systemClock, log: silentLog },
    limit: new WalletLimit({ burst: 1_000, perSecond: 1, maxWallets: 10 }),
    metrics: gatekeeperMetrics(metrics, {
      ready: () => true,
      wallets: nought,
      denied: nought,
      bans: nought,
      banAgeSeconds: nought,
      worlds: nought,
    }),
  })
  const callers = new CallerCheck({
    ...{ signed, moderators: new Set([mod.peer]), moderatorToken: MODERATOR_TOKEN, serviceToken: SERVICE_TOKEN },
  })
  const wallet = ({ caller }: { caller: { wallet: string } | undefined }) => ok({ caller: caller?.wallet ?? 'anonymous' })
  const name = ({ caller }: { caller: { name: string } }) => ok({ caller: caller.name })
  const served = serve(
    routes,
    {
      ...{ signed: wallet, explorer: wallet, scene: wallet, sceneOrServer: wallet, optional: wallet },
      ...{ sceneChange: wallet, otherChange: wallet },
      ...{ moderator: name, moderatorRead: name, service: () => ok({ caller: 'a service' }) },
      list: ({ query }) => ok({ ...pageOf(query), ...pageNumbers(pageOf(query), 101) }),
      say: ({ params, body }) => json(201, { to: params.to, text: body.text }),
    },
    { callers, sceneChangeLimit: new SceneChangeLimit(clock) },
  )
  http = await listen(createApp({ log: silentLog, metrics, routes: served }), { host: '127.0.0.1', port: 0 })
})
afterAll(() => http.stop())
const nought = () => 0

const signedAs = async (who: Authentication, signer: string | undefined, wallet = ana) =>
  answerOf(
    await signedFetch(`${http.url}/as/${who}`, { wallet, method: 'POST', metadata: signer === undefined ? {} : { signer } }),
  )

const kinds = ['dcl:explorer', 'decentraland-kernel-scene', 'dcl:authoritative-server', undefined] as const
const accepted: Record<string, readonly (string | undefined)[]> = {
  signed: kinds,
  signedByExplorer: ['dcl:explorer'],
  signedByScene: ['decentraland-kernel-scene'],
  signedBySceneOrServer: ['decentraland-kernel-scene', 'dcl:authoritative-server'],
}

test.for(Object.entries(accepted))('%s takes the signers %j and no other', async ([who, signers]) => {
  for (const signer of kinds) {
    const [status, body] = await signedAs(who as Authentication, signer)
    if (signers.includes(signer)) expect([status, body]).toEqual([200, { caller: ana.peer }])
    else expect([status, body]).toMatchObject([400, { ok: false, message: expect.stringContaining('Invalid metadata content') }])
  }
})

test('a request without a signature is answered as upstream does on each kind of route', async () => {
  const bare = async (who: Authentication) => answerOf(await fetch(`${http.url}/as/${who}`, { method: 'POST' }))
  expect(await bare('signed')).toEqual([401, { error: 'Access denied, invalid signed-fetch request' }])
  for (const who of ['signedByExplorer', 'signedByScene', 'signedBySceneOrServer'] as const)
    expect(await bare(who)).toEqual([400, { ok: false, message: 'Invalid Auth Chain' }])
  expect(await bare('optional')).toEqual([200, { caller: 'anonymous' }])
  expect(await bare('moderator')).toEqual([401, { error: 'You are not authorized to access this resource' }])
  expect(await bare('service')).toEqual([401, { error: 'Authorization header is missing' }])
})

test('an optional signature counts only where it is valid and not of scene code', async () => {
  expect(await signedAs('optional', 'dcl:explorer')).toEqual([200, { caller: ana.peer }])
  expect(await signedAs('optional', 'decentraland-kernel-scene')).toEqual([200, { caller: 'anonymous' }])
})

test('a listed wallet moderates, and no other, and not by what scene code asked it to sign', async () => {
  expect(await signedAs('moderator', undefined, mod)).toEqual([200, { caller: mod.peer }])
  for (const [signer, wallet] of [
    [undefined, ana],
    ['decentraland-kernel-scene', mod],
  ] as const)
    expect(await signedAs('moderator', signer, wallet)).toEqual([
      401,
      { error: 'You are not authorized to access this resource' },
    ])
})

test.for([
  ['POST', '', MODERATOR_TOKEN, 400, { error: 'Missing moderator query parameter' }],
  ['POST', '?moderator=%20', MODERATOR_TOKEN, 400, { error: 'Missing moderator query parameter' }],
  ['POST', '?moderator=Ben%20R.', MODERATOR_TOKEN, 200, { caller: 'ben r.' }],
  ['POST', `?moderator=${'a'.repeat(101)}`, MODERATOR_TOKEN, 400, expect.anything()],
  ['POST', '?moderator=<b>', MODERATOR_TOKEN, 400, expect.anything()],
  ['POST', '?moderator=ben', SERVICE_TOKEN, 401, { error: 'You are not authorized to access this resource' }],
  ['GET', '', MODERATOR_TOKEN, 200, { caller: 'token' }],
] as const)(
  '%s with the query %j and the token %s of a moderator is answered %i',
  async ([method, query, token, status, body]) => {
    const headers = { authorization: `Bearer ${token}` }
    expect(await answerOf(await fetch(`${http.url}/as/moderator${query}`, { method, headers }))).toEqual([status, body])
  },
)

test.for([
  [`Bearer ${SERVICE_TOKEN}`, 200, { caller: 'a service' }],
  [`Bearer ${SERVICE_TOKEN}x`, 401, { error: 'Invalid authorization header' }],
  [SERVICE_TOKEN, 401, { error: 'Invalid authorization header' }],
  ['Bearer', 401, { error: 'Invalid authorization header' }],
] as const)('a service that sends %j is answered %i', async ([authorization, status, body]) => {
  expect(await answerOf(await fetch(`${http.url}/as/service`, { method: 'POST', headers: { authorization } }))).toEqual([
    status,
    body,
  ])
})

test('a wallet changes scenes sixty times in a minute, over all such routes, and other wallets and routes have their own share', async () => {
  const change = async (path: string, wallet = ana) => {
    const metadata = { signer: 'decentraland-kernel-scene' }
    const answer = await signedFetch(http.url + path, { wallet, method: 'POST', metadata })
    return [answer.status, answer.headers.get('retry-after'), await answer.json()]
  }
  for (let n = 0; n < 60; n++) expect((await change(n % 2 ? '/change' : '/other-change'))[0]).toBe(200)
  const refused = [429, '1', { error: 'Too many scene permission requests' }]
  expect([await change('/change'), await change('/other-change')]).toEqual([refused, refused])
  expect([(await change('/change', mod))[0], (await signedAs('signed', undefined))[0]]).toEqual([200, 200])
  clock.advance(1_000)
  expect([(await change('/change'))[0], (await change('/change'))[0]]).toEqual([200, 429])
})

test('where no token is configured, none is accepted', async () => {
  const callers = new CallerCheck({
    ...{ signed: { check: async () => ({ waitMs: 1 }) } as unknown as SignedRequests, moderators: new Set() },
    ...{ moderatorToken: undefined, serviceToken: undefined },
  })
  const request = { headers: { authorization: 'Bearer undefined' }, method: 'POST', query: new URLSearchParams() } as never
  expect(await callers.callerOf('service', request, '/')).toMatchObject({ answer: { status: 401 } })
  expect(await callers.callerOf('moderator', request, '/')).toMatchObject({ answer: { status: 429 } })
})

test.for([
  ['', { limit: 100, offset: 0, total: 101, page: 1, pages: 2 }],
  ['?limit=7&offset=20', { limit: 7, offset: 14, total: 101, page: 3, pages: 15 }],
  ['?limit=0&offset=-1', { limit: 100, offset: 0, total: 101, page: 1, pages: 2 }],
  ['?limit=101&offset=1e99', { limit: 100, offset: 0, total: 101, page: 1, pages: 2 }],
  ['?limit=ten&offset=', { limit: 100, offset: 0, total: 101, page: 1, pages: 2 }],
] as const)('the list with %j is the page %j', async ([query, page]) => {
  expect(await answerOf(await fetch(`${http.url}/list${query}`))).toEqual([200, page])
})

test.for([
  ['{"text":" hi "}', 201, { to: 'a b', text: 'hi' }],
  ['{"text":""}', 400, { ok: false, message: 'Invalid JSON body', data: [{ path: 'text', message: expect.any(String) }] }],
  [
    '{"text":"a\\u0000b"}',
    400,
    { ok: false, message: 'Invalid JSON body', data: [{ path: 'text', message: 'must not contain NUL' }] },
  ],
  ['{"text":"hi","more":1}', 400, { ok: false, message: 'Invalid JSON body', data: expect.any(Array) }],
  ['[', 400, { ok: false, message: expect.stringContaining('JSON') }],
  ['', 400, { ok: false, message: expect.stringContaining('JSON') }],
] as const)('the body %s is answered %i', async ([body, status, answer]) => {
  expect(await answerOf(await fetch(`${http.url}/say/a%20b`, { method: 'POST', body }))).toEqual([status, answer])
})

test('a body that is too long is refused before it is parsed', async () => {
  expect((await fetch(`${http.url}/say/you`, { method: 'POST', body: 'x'.repeat(65 * 1024) })).status).toBe(413)
})

test.for([
  ['/main/gatekeeper/users/0x1/bans', '/users/:address/bans', '/users/0x1/bans'],
  ['/users/0x1/bans', '/users/:address/bans', '/users/0x1/bans'],
  ['/gatekeeper/bans/', '/bans', '/bans/'],
] as const)('of %s the route %s is %s', ([path, pattern, own]) => {
  expect(ownPathOf(path, pattern)).toBe(own)
})
