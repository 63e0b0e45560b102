import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decideScene, objectionToSceneCode, readSceneClaim } from './scene-access.ts'
import { readSignedRequest } from './signed-request.ts'

const NOW = 1_700_000_000_000
const WALLET = '0x19e7e376e7c213b7e7e7e46cc70a5dd086daff2a'

/** What the gatekeeper decides about metadata sent with the legacy signature of other metadata. */
function decide(sent: string, signed = sent) {
  const links = [
    { type: 'SIGNER', payload: WALLET, signature: '' },
    { type: 'ECDSA_SIGNED_ENTITY', payload: `post:/get-scene-adapter:${NOW}:${signed}`.toLowerCase(), signature: '0x00' },
  ]
  const read = readSignedRequest({
    method: 'POST',
    path: '/get-scene-adapter',
    nowMs: NOW,
    objection: objectionToSceneCode,
    headers: {
      ...Object.fromEntries(links.map((link, i) => [`x-identity-auth-chain-${i}`, JSON.stringify(link)])),
      'x-identity-timestamp': String(NOW),
      'x-identity-metadata': sent,
    },
  })
  if ('rejection' in read) return { rejection: read.rejection.cause }
  const claim = readSceneClaim(read.claim.metadata, read.claim.spelled)
  if ('outcome' in claim) return claim
  return { claim, decision: decideScene(claim, { banned: false, denied: false }, 'scene-') }
}

/** The text with the case of every n-th character changed, for which `flips[n]` is true. */
const flipped = (text: string, flips: readonly boolean[]): string =>
  [...text]
    .map((character, i) => {
      if (!flips[i % flips.length]) return character
      return character === character.toLowerCase() ? character.toUpperCase() : character.toLowerCase()
    })
    .join('')

test('scene code gets no token, whatever the case in which a third party sends what it signed', () => {
  const signed = '{"realmName":"main","sceneId":"bafk","signer":"decentraland-kernel-scene"}'
  for (let i = 0; i < 'decentraland-kernel-scene'.length; i++) {
    const value = flipped('decentraland-kernel-scene', [...Array(i).fill(false), true, ...Array(40).fill(false)])
    expect(decide(signed.replace('decentraland-kernel-scene', value), signed)).toEqual({ rejection: 'policy' })
  }
  expect(decide(signed.replace('kernel', '\u212Aernel'), signed)).toEqual({ rejection: 'policy' })
})

/** Names that the client sees again are in the case in which they were sent. */
const inLowerCase = (decision: object): unknown => JSON.parse(JSON.stringify(decision).toLowerCase())

test('metadata with the same legacy signature gets the same decision, but for the case of names, or is not accepted as signed', () => {
  const value = fc.oneof(
    fc.constantFrom('decentraland-kernel-scene', 'dcl:explorer', 'main', 'My.dcl.eth', 'QmABC', 'Phone-1', '', 'İK\u212A'),
    fc.string({ maxLength: 12 }),
    fc.boolean(),
    fc.constant(null),
    fc.record({ serverName: fc.string({ maxLength: 5 }), hostname: fc.string({ maxLength: 5 }) }),
  )
  const metadata = fc.record(
    { realmName: value, sceneId: value, signer: value, deviceIdentifier: value, realm: value, isGuest: value },
    { requiredKeys: ['realmName'] },
  )
  let accepted = 0
  fc.assert(
    fc.property(metadata, fc.array(fc.boolean(), { minLength: 1, maxLength: 60 }), fc.boolean(), (signed, flips, keepKeys) => {
      const text = JSON.stringify(signed)
      const sent = keepKeys
        ? JSON.stringify(signed, (_, value) => (typeof value === 'string' ? flipped(value, flips) : value))
        : flipped(text, flips)
      fc.pre(sent.toLowerCase() === text.toLowerCase())
      const answer = decide(sent, text)
      if ('rejection' in answer && (answer.rejection === 'key_case' || answer.rejection === 'metadata')) return
      accepted++
      expect(inLowerCase(answer)).toEqual(inLowerCase(decide(text)))
    }),
    { numRuns: 2_000 },
  )
  expect(accepted).toBeGreaterThan(500)
})
