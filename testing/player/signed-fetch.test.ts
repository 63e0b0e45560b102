import { expect, test } from 'vitest'
import { signedHeaders, signedText } from './signed-fetch.ts'
import { delegate, threeLinkChain, walletOfKey } from './wallet.ts'

// The vector of gatekeeper.md §2.3.
const owner = walletOfKey('11'.repeat(32))
const ephemeral = walletOfKey('22'.repeat(32))
const timestamp = 1_700_000_000_000
const metadata = { sceneId: 'bafkTEST', realmName: 'main' }
const delegation = delegate(owner, new Date('2099-01-01T00:00:00.000Z'), ephemeral.identity)

test('the address of a wallet is derived from its key', () => {
  expect(owner.address).toBe('0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A')
  expect(owner.peer).toBe('0x19e7e376e7c213b7e7e7e46cc70a5dd086daff2a')
})

test('a delegation has the signature that every other implementation produces', () => {
  expect(delegation.link.payload).toBe(
    'Decentraland Login\nEphemeral address: 0x1563915e194D8CfBA1943570603F7606A3115508\nExpiration: 2099-01-01T00:00:00.000Z',
  )
  expect(delegation.link.signature).toBe(
    '0xcdddebfa1de8a7edd5c4a3dac5890590050d21ab9d997586e3aa0e3741fa4a8d39a1d7e065e849aff79fe63787a4b3fd084d1f8797d78b920752d2531e0ef6001c',
  )
})

test.each([
  [
    'legacy',
    'post:/get-scene-adapter:1700000000000:{"sceneid":"bafktest","realmname":"main"}',
    '0x2dc8943d9081ae32bbdef0a07a83903c8b5751784638f2596da554739e05815b5ab136808abfc3ca5e46f6067e2ef2c2e2b1782f4cc74dfdda1ece2bc01730481c',
  ],
  [
    'current',
    'post:/get-scene-adapter:1700000000000:{"sceneId":"bafkTEST","realmName":"main"}',
    '0x20c13b7319a8532083bd0edcfb0c15b03b109f651f6f145ea25122e9594369df5a448cf905d46e4952d203ba15b2c6efcc2a66d569988f5271d352c0e1f1513f1c',
  ],
] as const)('a %s signed fetch signs the text other implementations sign', (format, text, signature) => {
  expect(signedText(format, 'POST', '/get-scene-adapter', timestamp, JSON.stringify(metadata))).toBe(text)
  expect(threeLinkChain(owner, text, delegation)[2]?.signature).toBe(signature)
})

test('the headers of a signed fetch carry one link each, the time and the metadata as signed', () => {
  const headers = signedHeaders('/get-scene-adapter', { wallet: owner, method: 'POST', metadata, timestamp })
  expect(Object.keys(headers)).toEqual([
    'x-identity-auth-chain-0',
    'x-identity-auth-chain-1',
    'x-identity-auth-chain-2',
    'x-identity-timestamp',
    'x-identity-metadata',
  ])
  expect(headers['x-identity-metadata']).toBe('{"sceneId":"bafkTEST","realmName":"main"}')
  expect(JSON.parse(headers['x-identity-auth-chain-2'] ?? '')).toMatchObject({ type: 'ECDSA_SIGNED_ENTITY' })
})
