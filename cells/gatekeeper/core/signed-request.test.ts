import { expect, test } from 'vitest'
import { type Metadata, type RequestToRead, readSignedRequest } from './signed-request.ts'

const NOW = 1_700_000_000_000
const WALLET = '0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A'
const METADATA = '{"sceneId":"bafkTEST","realmName":"main"}'

const signer = { type: 'SIGNER', payload: WALLET, signature: '' }
const entity = (payload: string) => ({ type: 'ECDSA_SIGNED_ENTITY', payload, signature: '0x00' })
const legacyText = (metadata: string, timestamp: number | string = NOW) =>
  `post:/get-scene-adapter:${timestamp}:${metadata}`.toLowerCase()
const currentText = (metadata: string, timestamp: number | string = NOW) => `post:/get-scene-adapter:${timestamp}:${metadata}`

interface GivenRequest {
  links?: readonly unknown[]
  timestamp?: number | string | undefined
  metadata?: string | undefined
  signedText?: string
  objection?: RequestToRead['objection']
}

function read(request: GivenRequest) {
  const { timestamp, metadata } = { timestamp: NOW, metadata: METADATA, ...request }
  const links = request.links ?? [signer, entity(request.signedText ?? legacyText(metadata ?? '{}', timestamp ?? 0))]
  return readSignedRequest({
    method: 'POST',
    path: '/get-scene-adapter',
    nowMs: NOW,
    headers: {
      ...Object.fromEntries(
        links.map((link, i) => [`x-identity-auth-chain-${i}`, typeof link === 'string' ? link : JSON.stringify(link)]),
      ),
      ...(timestamp !== undefined && { 'x-identity-timestamp': String(timestamp) }),
      ...(metadata !== undefined && { 'x-identity-metadata': metadata }),
    },
    ...(request.objection && { objection: request.objection }),
  })
}
const rejectionOf = (request: GivenRequest) => {
  const answer = read(request)
  return 'rejection' in answer ? answer.rejection : undefined
}

test('both formats are recognized by the text in the last link', () => {
  expect(read({ signedText: legacyText(METADATA) })).toMatchObject({
    claim: {
      format: 'legacy',
      payload: 'post:/get-scene-adapter:1700000000000:{"sceneid":"bafktest","realmname":"main"}',
      wallet: WALLET.toLowerCase(),
      metadata: { sceneId: 'bafktest', realmName: 'main' },
    },
  })
  expect(read({ signedText: currentText(METADATA) })).toMatchObject({
    claim: {
      format: 'current',
      payload: 'post:/get-scene-adapter:1700000000000:{"sceneId":"bafkTEST","realmName":"main"}',
    },
  })
})

test('method and path are signed in lower case, as the client wrote them', () => {
  const headers = {
    'x-identity-auth-chain-0': JSON.stringify(signer),
    'x-identity-auth-chain-1': JSON.stringify(entity(`get:/realm/a%2fb:${NOW}:{}`)),
    'x-identity-timestamp': String(NOW),
  }
  expect(readSignedRequest({ method: 'GET', path: '/Realm/a%2Fb', nowMs: NOW, headers })).toHaveProperty('claim')
  expect(readSignedRequest({ method: 'GET', path: '/realm/a/b', nowMs: NOW, headers })).toHaveProperty('rejection')
})

const links = (count: number) => [signer, ...Array.from({ length: count - 1 }, () => entity(legacyText(METADATA)))]
test.each<[string, GivenRequest, number, string, RegExp]>([
  ['1: a link that is not JSON', { links: [signer, '{'] }, 400, 'chain', /^Invalid chain format: /],
  ['1: a link without a signature', { links: [signer, { type: 'a', payload: 'b' }] }, 400, 'chain', /^Invalid chain format: /],
  ['1: a link that is an array', { links: [signer, []] }, 400, 'chain', /^Invalid chain format: /],
  ['1: a link that is null', { links: [signer, 'null'] }, 400, 'chain', /^Invalid chain format: /],
  ['1: a link that is too long', { links: [signer, entity('x'.repeat(12_300))] }, 400, 'chain', /^Invalid chain format: /],
  ['2: four links', { links: links(4) }, 400, 'chain', /^Auth chain exceeds maximum length of 3$/],
  ['2: one link', { links: links(1) }, 400, 'chain', /^Invalid Auth Chain$/],
  ['2: no link', { links: [] }, 400, 'chain', /^Invalid Auth Chain$/],
  ['3: a timestamp that is not a number', { timestamp: 'soon' }, 400, 'timestamp', /^Invalid chain timestamp: /],
  ['3: a timestamp that is too long', { timestamp: '9'.repeat(400) }, 400, 'timestamp', /^Invalid chain timestamp: .{1,70}$/],
  ['4: no timestamp', { timestamp: undefined }, 401, 'expired', /^Expired signature: /],
  ['4: a minute and a millisecond ago', { timestamp: NOW - 60_001 }, 401, 'expired', /^Expired signature: /],
  [
    '5: a minute and a millisecond ahead',
    { timestamp: NOW + 60_001 },
    401,
    'future',
    /^Signature timestamp is too far in the future: /,
  ],
  ['6: metadata that is not JSON', { metadata: '{' }, 400, 'metadata', /^Invalid chain metadata: "\{"$/],
  ['6: metadata that is an array', { metadata: '[]' }, 400, 'metadata', /^Invalid chain metadata: /],
  ['6: metadata that is a string', { metadata: '"a"' }, 400, 'metadata', /^Invalid chain metadata: /],
  [
    '6: metadata that is too long',
    { metadata: `{"a":"${'x'.repeat(4_100)}"}` },
    400,
    'metadata',
    /^Invalid chain metadata: .{1,70}$/,
  ],
  ['7: metadata that the route does not accept', { objection: () => 'no' }, 400, 'policy', /^Invalid metadata content: no$/],
  ['8: another path', { signedText: `post:/other:${NOW}:{}` }, 401, 'signature', /^Invalid signature: /],
  ['8: other metadata', { signedText: legacyText('{}') }, 401, 'signature', /^Invalid signature: /],
  [
    '8: a first link that is not a wallet',
    { links: [entity('a'), entity(legacyText(METADATA))] },
    401,
    'signature',
    /^Invalid signature: /,
  ],
])('%s is rejected', (_, request, status, cause, message) => {
  expect(rejectionOf(request)).toEqual({ status, cause, message: expect.stringMatching(message) })
})

test('of two errors the earlier one is reported', () => {
  expect(rejectionOf({ links: [signer, '{'], timestamp: 'soon', metadata: '[' })).toMatchObject({ cause: 'chain' })
  expect(rejectionOf({ timestamp: 'soon', metadata: '[' })).toMatchObject({ cause: 'timestamp' })
  expect(rejectionOf({ timestamp: NOW - 99_999, metadata: '[' })).toMatchObject({ cause: 'expired' })
  expect(rejectionOf({ metadata: '[', objection: () => 'no' })).toMatchObject({ cause: 'metadata' })
  expect(rejectionOf({ objection: () => 'no', signedText: 'else' })).toMatchObject({ cause: 'policy' })
})

test.each([-60_000, 0, 60_000])('a request signed %i ms from now is within the window', (offset) => {
  expect(rejectionOf({ timestamp: NOW + offset })).toBeUndefined()
})

test('reading stops at the first gap between links', () => {
  const headers = {
    'x-identity-auth-chain-0': JSON.stringify(signer),
    'x-identity-auth-chain-2': JSON.stringify(entity('x')),
    'x-identity-timestamp': String(NOW),
  }
  expect(readSignedRequest({ method: 'POST', path: '/', nowMs: NOW, headers })).toMatchObject({
    rejection: { message: 'Invalid Auth Chain' },
  })
})

test.each([undefined, 'null', '{}'])('metadata %j is an empty object', (metadata) => {
  expect(read({ metadata })).toMatchObject({ claim: { metadata: {} satisfies Metadata } })
})

test.each([
  '{"SceneId":"b","realmName":"main"}',
  '{"sceneId":"a","sceneid":"b","realmName":"main"}',
  '{"realm":{"ServerName":"a"},"realmName":"main"}',
  '{"Realm":{"serverName":"a"}}',
  '{"\\u0053ceneId":"b"}',
  '{"intent\u212A":1,"\u212A":1,"SIGNER":"dcl:explorer"}',
])('a legacy signature does not cover %s, whose keys differ from the expected ones only in case', (metadata) => {
  expect(rejectionOf({ metadata, signedText: legacyText(metadata) })).toMatchObject({ status: 400, cause: 'key_case' })
})

test('the same keys are accepted in the current format, which signs them unchanged', () => {
  const metadata = '{"SceneId":"b","sceneId":"a","realmName":"main"}'
  expect(read({ metadata, signedText: currentText(metadata) })).toMatchObject({ claim: { metadata: { sceneId: 'a' } } })
})

test('keys that no decision depends on may have any case', () => {
  const metadata = '{"sceneId":"a","realmName":"main","Origin":"x","realm":{"Protocol":"v3"},"__proto__":{"signer":"x"}}'
  expect(read({ metadata })).toHaveProperty('claim')
})
