import { expect, test } from 'vitest'
import { signedHeaders } from '../../testing/player/signed-fetch.ts'
import {
  contractWalletChain,
  createWallet,
  delegate,
  oneLinkChain,
  threeLinkChain,
  twoLinkChain,
  walletOfKey,
} from '../../testing/player/wallet.ts'
import { aGatekeeper, answerOf } from './fixtures.ts'

const NOW = 1_700_000_000_000
const ana = createWallet('ana')
const mallory = createWallet('mallory')
const scene = { realmName: 'main', sceneId: 'bafkTEST' }
const METADATA = JSON.stringify(scene)
const TEXT = `post:/get-scene-adapter:${NOW}:${METADATA.toLowerCase()}`

type Chain = readonly unknown[]
const headersOf = (chain: Chain, metadata = METADATA, timestamp = NOW) => ({
  ...Object.fromEntries(chain.map((link, i) => [`x-identity-auth-chain-${i}`, JSON.stringify(link)])),
  'x-identity-timestamp': String(timestamp),
  'x-identity-metadata': metadata,
})
const post = (url: string, headers: Record<string, string>) => fetch(`${url}/get-scene-adapter`, { method: 'POST', headers })

test.for([
  ['two', 'legacy'],
  ['two', 'current'],
  ['three', 'legacy'],
  ['three', 'current'],
] as const)('a %s-link chain in %s format is accepted', async ([chain, format], t) => {
  const { ask } = await aGatekeeper(t)
  expect((await ask(ana, scene, { chain, format })).status).toBe(200)
})

test('a signed request is answered again within its time: explorers repeat one whose answer was lost, as it was signed', async (t) => {
  const { url, clock } = await aGatekeeper(t)
  const headers = headersOf(threeLinkChain(ana, TEXT))
  for (let i = 0; i < 3; i++) {
    expect((await post(url, headers)).status).toBe(200)
    clock.advance(20_000)
  }
  clock.advance(1)
  expect((await post(url, headers)).status).toBe(401)
})

const LEGACY =
  '0x2dc8943d9081ae32bbdef0a07a83903c8b5751784638f2596da554739e05815b5ab136808abfc3ca5e46f6067e2ef2c2e2b1782f4cc74dfdda1ece2bc01730481c'
const CURRENT =
  '0x20c13b7319a8532083bd0edcfb0c15b03b109f651f6f145ea25122e9594369df5a448cf905d46e4952d203ba15b2c6efcc2a66d569988f5271d352c0e1f1513f1c'

test.for([
  ['legacy', '{"sceneid":"bafktest","realmname":"main"}', LEGACY, 200],
  ['current', '{"sceneId":"bafkTEST","realmName":"main"}', CURRENT, 200],
  ['crossed', '{"sceneId":"bafkTEST","realmName":"main"}', LEGACY, 401],
] as const)('the %s test vector has the same result as in other implementations', async ([, signed, signature, status], t) => {
  const { url } = await aGatekeeper(t)
  const owner = walletOfKey('11'.repeat(32))
  const delegation = delegate(owner, new Date('2099-01-01T00:00:00.000Z'), walletOfKey('22'.repeat(32)).identity)
  const entity = { type: 'ECDSA_SIGNED_ENTITY', payload: `post:/get-scene-adapter:${NOW}:${signed}`, signature }
  const chain = [{ type: 'SIGNER', payload: owner.address, signature: '' }, delegation.link, entity]
  expect((await post(url, headersOf(chain, '{"sceneId":"bafkTEST","realmName":"main"}'))).status).toBe(status)
})

const [signer, entity] = twoLinkChain(ana, TEXT)
const expired = delegate(ana, new Date(NOW - 1))
const endsNow = delegate(ana, new Date(NOW))
test.for<[string, Record<string, string>]>([
  ['nothing signed', {}],
  ['a link that is not JSON', { ...headersOf([signer, entity]), 'x-identity-auth-chain-1': '{' }],
  ['eleven links', headersOf([signer, ...Array.from({ length: 10 }, () => entity)])],
  ['one link', headersOf([signer])],
  ['a wallet that is the text itself', headersOf(oneLinkChain(TEXT))],
  ['a timestamp that is not a number', { ...headersOf([signer, entity]), 'x-identity-timestamp': 'soon' }],
  ['metadata that is not an object', headersOf([signer, entity], '[]')],
  ['metadata that was changed', headersOf([signer, entity], '{"realmName":"main","sceneId":"other"}')],
  ['keys of another case', headersOf([signer, entity], '{"realmName":"main","SceneId":"bafkTEST"}')],
  ['another wallet in the first link', headersOf([{ ...signer, payload: mallory.address }, entity])],
  ['a delegation that ended', headersOf(threeLinkChain(ana, TEXT, expired))],
  ['a delegation that ends now', headersOf(threeLinkChain(ana, TEXT, endsNow))],
  ['a delegation by another wallet', headersOf(threeLinkChain(ana, TEXT, mallory.delegation()))],
  ['a contract wallet, without an Ethereum RPC', headersOf(contractWalletChain(ana, TEXT))],
  ['a signature of another path', signedHeaders('/other', { wallet: ana, method: 'POST', metadata: scene, timestamp: NOW })],
  ['a signature of another method', signedHeaders('/get-scene-adapter', { wallet: ana, metadata: scene, timestamp: NOW })],
])('%s is answered 401, with one body whatever the cause', async ([, headers], t) => {
  const { url } = await aGatekeeper(t)
  expect(await answerOf(await post(url, headers))).toEqual([401, { error: 'Access denied, invalid signed-fetch request' }])
})

test.for([
  [-60_001, 401],
  [-60_000, 200],
  [60_000, 200],
  [60_001, 401],
] as const)('a request signed %i ms from now is answered %i', async ([offset, status], t) => {
  const { ask } = await aGatekeeper(t)
  expect((await ask(ana, scene, { timestamp: NOW + offset })).status).toBe(status)
})

test('a captured request is refused after its minute is over', async (t) => {
  const { url, clock } = await aGatekeeper(t)
  const captured = headersOf([signer, entity])
  expect((await post(url, captured)).status).toBe(200)
  clock.advance(60_001)
  expect((await post(url, captured)).status).toBe(401)
})

test('requests that are not signed are counted by cause', async (t) => {
  const { url, ask, metrics } = await aGatekeeper(t)
  await post(url, {})
  await post(url, headersOf([signer, entity], '{"realmName":"main","SceneId":"bafkTEST"}'))
  await post(url, headersOf(threeLinkChain(ana, TEXT, expired)))
  await ask(ana, scene, { format: 'current' })
  const counted = await metrics.registry.metrics()
  for (const line of [
    'unsigned_requests_total{cause="chain"} 1',
    'unsigned_requests_total{cause="signature"} 1',
    'signed_requests_total{format="current"} 1',
    'scene_answers_total{outcome="unsigned"} 3',
  ])
    expect(counted).toContain(`realm_gatekeeper_${line}`)
})

test('below a path prefix the signature has to cover the whole path', async (t) => {
  const { url } = await aGatekeeper(t)
  const at = (signed: string) =>
    fetch(`${url}/gatekeeper/get-scene-adapter`, {
      method: 'POST',
      headers: signedHeaders(signed, { wallet: ana, method: 'POST', metadata: scene, timestamp: NOW }),
    })
  expect((await at('/gatekeeper/get-scene-adapter')).status).toBe(200)
  expect((await at('/get-scene-adapter')).status).toBe(401)
})
