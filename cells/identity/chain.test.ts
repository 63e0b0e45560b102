import { type AuthChain, AuthLinkType } from '@dcl/schemas'
import { describe, expect, test } from 'vitest'
import {
  contractWalletChain,
  createWallet,
  delegate,
  oneLinkChain,
  threeLinkChain,
  twoLinkChain,
} from '../../testing/player/wallet.ts'
import { AUTH_LINK } from './auth-link-types.ts'
import { parseAuthChain, readChain } from './chain.ts'

const NOW = Date.now()
const wallet = createWallet('chain')
const [signer, signed] = twoLinkChain(wallet, 'dcl-1') as [AuthChain[number], AuthChain[number]]
const three = threeLinkChain(wallet, 'dcl-1')
const delegation = three[1] as AuthChain[number]
const read = (chain: AuthChain) => readChain(chain, 'dcl-1', NOW)

describe('a chain claims signatures of', () => {
  const { address } = wallet.delegation().key
  test.each([
    ['the wallet', twoLinkChain(wallet, 'dcl-1'), [['key', wallet.address, false]]],
    [
      'the wallet and its delegate',
      three,
      [
        ['key', wallet.address, true],
        ['key', address, false],
      ],
    ],
    [
      'a contract wallet and its delegate',
      contractWalletChain(wallet, 'dcl-1'),
      [
        ['contract', wallet.address, true],
        ['key', address, false],
      ],
    ],
    [
      'a contract',
      [signer, { ...signed, type: AuthLinkType.ECDSA_EIP_1654_SIGNED_ENTITY }],
      [['contract', wallet.address, false]],
    ],
  ] as [string, AuthChain, [string, string, boolean][]][])('%s', (_, chain, expected) => {
    const signatures = expected.map(([checkedBy, by, isDelegation]) => ({ checkedBy, signer: by.toLowerCase(), isDelegation }))
    expect(read(chain)).toMatchObject({ peer: wallet.peer, signatures })
  })
})

describe('a chain is refused before any cryptography', () => {
  const changed = (change: Partial<AuthChain[number]>): AuthChain => [signer, { ...delegation, ...change } as never, signed]
  const withSignature = (signature: string): AuthChain => [signer, { ...signed, signature } as never]
  test.each<[string, RegExp, AuthChain]>([
    ['no link', /must start/, []],
    ['one link, the text itself as wallet', /must start/, oneLinkChain('dcl-1')],
    ['one link, a wallet and nothing signed', /must start/, [signer]],
    ['a signed entity first', /must start/, [signed, signed]],
    ['nothing signed at the end', /must start/, three.slice(0, 2)],
    ['a text the wallet signed once, in place of a delegation', /must start/, [signer, { ...signed, payload: 'x' }, signed]],
    ['a signer in the middle', /must start/, [signer, signer, signed]],
    ['an unknown link in the middle', /must start/, changed({ type: 'TRUST_ME' as AuthLinkType })],
    ['a signer that is no address', /must start/, [{ ...signer, payload: 'dcl-1' }, signed]],
    ['more links than any client sends', /at most 3 links; this one has 4/, [signer, delegation, delegation, signed]],
    ['ten links', /at most 3 links; this one has 10/, [signer, ...Array<never>(8).fill(delegation as never), signed]],
    ['another text', /signs another text/, twoLinkChain(wallet, 'dcl-2')],
    ['a delegation that ends now', /expired at/, threeLinkChain(wallet, 'dcl-1', delegate(wallet, new Date(NOW)))],
    ['a delegation of one line', /no ephemeral address/, changed({ payload: 'Decentraland Login' })],
    [
      'a delegation to no address',
      /not to an Ethereum address/,
      changed({ payload: 'a\nEphemeral address: me\nExpiration: 2099-01-01' }),
    ],
    [
      'a delegation without a date',
      /no date/,
      changed({ payload: `a\nEphemeral address: ${wallet.address}\nExpiration: for ever` }),
    ],
    ['no signature', /hexadecimal/, withSignature('')],
    ['a signature that is no hex', /hexadecimal/, withSignature('zz')],
    ['a signature cut short', /hexadecimal/, withSignature(signed.signature?.slice(0, -2) ?? '')],
    ['a signature with another prefix', /hexadecimal/, withSignature((signed.signature ?? '').replace('0x', '0X'))],
    ['a signature without a prefix', /hexadecimal/, withSignature((signed.signature ?? '').slice(2))],
    ['the signature of a third key', /hexadecimal/, withSignature(`${signed.signature?.slice(0, -2)}1d`)],
  ])('%s', (_, reason, chain) => expect(read(chain)).toEqual({ reason: expect.stringMatching(reason) }))
})

test('a chain is the same after a round trip through JSON', () => {
  expect(parseAuthChain(JSON.stringify(three))).toEqual(three)
})

test.each([
  'no json',
  'null',
  '{}',
  '"[]"',
  '[null]',
  '[[]]',
  '[{"type":"SIGNER"}]',
  '[{"type":"SIGNER","payload":{},"signature":""}]',
  '[{"type":"SIGNER","payload":"0x","signature":1}]',
  JSON.stringify([{ type: 'SIGNER', payload: 'x'.repeat(8_193), signature: '' }]),
])('%.40s is no auth chain', (json) => {
  expect(parseAuthChain(json)).toBeUndefined()
})

test('the types of links are those that clients know', () => {
  expect(Object.values<string>(AUTH_LINK).sort()).toEqual(Object.values<string>(AuthLinkType).sort())
})
