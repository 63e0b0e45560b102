import { describe, expect, test } from 'vitest'
import { signedFetch } from '../../../testing/player/signed-fetch.ts'
import { createWallet } from '../../../testing/player/wallet.ts'
import { aGatekeeper, expectDeclared } from '../fixtures.ts'
import type { Declaration } from './declaration.ts'
import { declaredRoutes } from './declared-routes.ts'
import { answersOf } from './openapi.ts'

const [stranger, moderator] = [createWallet('a stranger'), createWallet('a moderator')]
const TOKENS = { MODERATOR_TOKEN: 'moderators-token-0123', COMMS_GATEKEEPER_AUTH_TOKEN: 'services-token-01234' }
const config = { ...TOKENS, MODERATORS: [moderator.peer] }

const bodies = [
  '',
  '[',
  'null',
  '7',
  '[]',
  '{}',
  '{"__proto__":{}}',
  `{"reason":${'['.repeat(500)}`,
  '\u0000',
  '{"admin":"0x","parcel":"x"}',
]
const signers = [undefined, 'dcl:explorer', 'decentraland-kernel-scene', 'dcl:authoritative-server', '7']
const params = ['ana', '0x', '%00', '..', `0x${'a'.repeat(40)}`, 'x'.repeat(90)]

/** The path of a route with one text for each parameter. */
const pathOf = ({ path }: Declaration, param: string): string => path.replace(/:[A-Za-z]+/g, param)

/** What strangers send instead of an authentication. */
const headers: readonly (readonly [string, Record<string, string>])[] = [
  ['nothing', {}],
  ['an empty bearer', { authorization: 'Bearer ' }],
  ['another token', { authorization: 'Bearer another-token-01234' }],
  ['another scheme', { authorization: `Basic ${TOKENS.MODERATOR_TOKEN}` }],
  ['a chain that is none', { 'x-identity-auth-chain-0': '{', 'x-identity-timestamp': '1', 'x-identity-metadata': '{}' }],
  ['a chain without a signature', { 'x-identity-auth-chain-0': '{"type":"SIGNER","payload":"0x1","signature":""}' }],
]

/** A body is sent wherever the method allows it, whether or not the route takes one. */
const bodyOf = ({ method }: Declaration, body: string) => (method === 'GET' ? {} : { body })

/** An answer is one of those that the OpenAPI document has, with its body. */
async function expectDeclaredAnswer(declaration: Declaration, answer: Response): Promise<void> {
  const text = await answer.text()
  const isJson = answer.headers.get('content-type')?.includes('json')
  expect(Object.keys(answersOf(declaration)).map(Number)).toContain(answer.status)
  if (answer.status >= 400) expect(isJson).toBe(true)
  if (isJson) expectDeclared(declaration, { status: answer.status, body: text })
  if (answer.status === 503 || answer.status === 429) expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
}

describe('a refusal is as declared', () => {
  test.for(declaredRoutes)('$method $path', { timeout: 60_000 }, async (declaration, t) => {
    const { url, clock } = await aGatekeeper(t, { config })
    const { method, authentication } = declaration
    const valid = url + pathOf(declaration, `0x${'a'.repeat(40)}`)
    for (const [, given] of headers) {
      const answer = await fetch(valid, { method, headers: given, ...bodyOf(declaration, '{}') })
      if (authentication !== 'none' && authentication !== 'optional') expect([400, 401]).toContain(answer.status)
      await expectDeclaredAnswer(declaration, answer)
    }
    for (const signer of signers) {
      const metadata = {
        ...(signer && { signer }),
        realmName: 'main',
        sceneId: 'bafk',
        realm: { serverName: 'main' },
        parcel: '1,1',
      }
      const request = { wallet: stranger, method, metadata, timestamp: clock.now() } as const
      await expectDeclaredAnswer(declaration, await signedFetch(valid, { ...request, ...(method !== 'GET' && { body: {} }) }))
    }
    const admitted = {
      authorization: `Bearer ${authentication === 'service' ? TOKENS.COMMS_GATEKEEPER_AUTH_TOKEN : TOKENS.MODERATOR_TOKEN}`,
    }
    for (const param of params)
      for (const query of ['?moderator=ruth', '?moderator=%00&limit=x&parcel=here', '?moderator=ruth&parcel=1,1&world=%00']) {
        const path = url + pathOf(declaration, param) + query
        const answer = await fetch(path, { method, headers: admitted, ...bodyOf(declaration, '{}') })
        if (param !== '..') await expectDeclaredAnswer(declaration, answer)
      }
    for (const body of method === 'GET' ? [] : bodies)
      await expectDeclaredAnswer(declaration, await fetch(`${valid}?moderator=ruth`, { method, headers: admitted, body }))
  })
})
