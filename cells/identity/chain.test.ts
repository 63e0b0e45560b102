import { type AuthChain, AuthLinkType } from '@dcl/schemas'
import { describe, expect, test } from 'vitest'
import { contractWalletChain, createWallet, oneLinkChain, threeLinkChain, twoLinkChain } from '../../testing/player/wallet.ts'
import { claimedSigner, needsEthereum, parseAuthChain } from './chain.ts'

const wallet = createWallet('chain')
const [signer, signed] = twoLinkChain(wallet, 'dcl-1') as [AuthChain[number], AuthChain[number]]

describe('the signer of a chain is the wallet it starts with', () => {
  test.each([
    ['two links', twoLinkChain(wallet, 'dcl-1')],
    ['three links', threeLinkChain(wallet, 'dcl-1')],
    ['a contract wallet', contractWalletChain(wallet, 'dcl-1')],
  ])('%s', (_, chain) => expect(claimedSigner(chain)).toBe(wallet.peer))
})

describe('a chain of the wrong shape has no signer', () => {
  test.each<[string, AuthChain]>([
    ['no link', []],
    ['one link, the text itself as wallet', oneLinkChain('dcl-1')],
    ['one link, a wallet and nothing signed', [signer]],
    ['a signed entity first', [signed, signed]],
    ['nothing signed at the end', threeLinkChain(wallet, 'dcl-1').slice(0, 2)],
    ['a text the wallet signed once, in place of a delegation', [signer, { ...signed, payload: createWallet().address }, signed]],
    ['a signer in the middle', [signer, signer, signed]],
    ['an unknown link in the middle', [signer, { ...signed, type: 'TRUST_ME' as AuthLinkType }, signed]],
    ['a signer that is no address', [{ ...signer, payload: 'dcl-1' }, signed]],
    ['more links than allowed', [signer, ...Array(9).fill(threeLinkChain(wallet, 'x')[1]), signed]],
  ])('%s', (_, chain) => expect(claimedSigner(chain)).toBeUndefined())
})

test('only contract wallets need Ethereum', () => {
  expect(needsEthereum(threeLinkChain(wallet, 'dcl-1'))).toBe(false)
  expect(needsEthereum(contractWalletChain(wallet, 'dcl-1'))).toBe(true)
  expect(needsEthereum([signer, { ...signed, type: AuthLinkType.ECDSA_EIP_1654_SIGNED_ENTITY }])).toBe(true)
})

test('a chain is the same after a round trip through JSON', () => {
  const chain = threeLinkChain(wallet, 'dcl-1')
  expect(parseAuthChain(JSON.stringify(chain))).toEqual(chain)
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
  JSON.stringify(Array(11).fill(signer)),
])('%.40s is no auth chain', (json) => {
  expect(parseAuthChain(json)).toBeUndefined()
})
