import { Authenticator } from '@dcl/crypto'
import { type AuthChain, type AuthLink, AuthLinkType } from '@dcl/schemas'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { contractWalletChain, createWallet, delegate, threeLinkChain, twoLinkChain } from '../../testing/player/wallet.ts'
import { claimedSigner } from './chain.ts'
import { isValidPlainChain } from './plain-chain.ts'
import { nativeLibrary, wasmLibrary } from './signature-library.ts'

const NOW = Date.now()
const libraries = [await nativeLibrary(), await wasmLibrary()].filter((library) => library !== undefined)
const isValid = (chain: AuthChain, text: string): boolean => {
  const [answer, ...others] = new Set(libraries.map((library) => isValidPlainChain(chain, text, { library, nowMs: NOW })))
  if (answer === undefined || others.length > 0) throw new Error('the libraries disagree')
  return answer
}
const TEXT = 'dcl-challenge'
const wallet = createWallet('plain')
const stranger = createWallet('plain stranger')
const three = threeLinkChain(wallet, TEXT)

/** A chain in which the delegate delegates again. */
function fourLinkChain(): AuthChain {
  const [first, second] = [wallet.delegation(), delegate({ ...wallet, identity: wallet.delegation().key })]
  return [three[0] as AuthLink, first.link, ...threeLinkChain(wallet, TEXT, second).slice(1)]
}

/** The same chain, as wallets write that count keys from 0. */
const countedFromZero = (chain: AuthChain): AuthChain =>
  chain.map((link) => ({
    ...link,
    signature: (link.signature ?? '').replace(/1b$/, '00').replace(/1c$/, '01'),
  })) as AuthChain

describe('a valid chain of plain wallets is recognized by', () => {
  test.each([
    ['two links', twoLinkChain(wallet, TEXT)],
    ['three links', three],
    ['four links', fourLinkChain()],
    ['keys counted from zero', countedFromZero(three)],
    ['a text beyond ASCII', twoLinkChain(wallet, 'dcl-Ünïcödé 🌍'), 'dcl-Ünïcödé 🌍'],
  ])('%s', async (_, chain, text = TEXT) => {
    expect(isValid(chain, text)).toBe(true)
    expect(await Authenticator.validateSignature(text, chain, null, NOW)).toMatchObject({ ok: true })
  })
})

describe('all other chains are left to the verifier', () => {
  const expired = delegate(wallet, new Date(NOW))
  test.each([
    ['another text', twoLinkChain(wallet, 'dcl-other')],
    ['signed by another wallet', [three[0], ...threeLinkChain(stranger, TEXT).slice(1)]],
    ['delegated by another wallet', three.with(1, stranger.delegation().link)],
    ['signed by the wallet although it delegated', three.with(2, twoLinkChain(wallet, TEXT)[1] as AuthLink)],
    ['a delegation that ends now', threeLinkChain(wallet, TEXT, expired)],
    ['a contract wallet', contractWalletChain(wallet, TEXT)],
    ['a signed text in the middle', [...twoLinkChain(wallet, TEXT), ...three.slice(1)]],
    ['nothing after the delegation', three.slice(0, 2)],
    ['a signer alone', three.slice(0, 1)],
    ['nothing', []],
    ['no signature', three.with(2, { ...three[2], signature: '' } as AuthLink)],
    ['a signature cut short', three.with(2, { ...three[2], signature: three[2]?.signature?.slice(0, -2) } as AuthLink)],
    [
      'a signature with another prefix',
      three.with(2, { ...three[2], signature: three[2]?.signature?.replace('0x', '0X') } as AuthLink),
    ],
    ['a signature of zeros', three.with(2, { ...three[2], signature: `0x${'0'.repeat(128)}1b` } as AuthLink)],
    ['a signature beyond the curve', three.with(2, { ...three[2], signature: `0x${'f'.repeat(128)}1b` } as AuthLink)],
  ] as [string, AuthChain][])('%s', (_, chain) => {
    expect(isValid(chain, TEXT)).toBe(false)
  })
})

test('every chain that is accepted is accepted by the library too, however the chain was altered', async () => {
  const chains = [twoLinkChain(wallet, TEXT), three, fourLinkChain(), threeLinkChain(stranger, TEXT)]
  const types = Object.values(AuthLinkType)
  const field = fc.constantFrom('payload' as const, 'signature' as const)
  const tampering = fc.oneof(
    fc.record({ how: fc.constant('drop' as const), at: fc.nat(4) }),
    fc.record({ how: fc.constant('retype' as const), at: fc.nat(4), type: fc.constantFrom(...types) }),
    fc.record({ how: fc.constant('swap' as const), at: fc.nat(4), from: fc.nat(3), take: fc.nat(4) }),
    fc.record({ how: fc.constant('edit' as const), at: fc.nat(4), field, place: fc.nat(200), put: fc.string({ maxLength: 2 }) }),
    fc.record({ how: fc.constant('none' as const), at: fc.constant(0) }),
  )
  type Tampering = typeof tampering extends fc.Arbitrary<infer T> ? T : never
  const tampered = (chain: AuthChain, done: Tampering): AuthChain => {
    const link = chain[done.at]
    if (!link || done.how === 'none') return chain
    if (done.how === 'drop') return chain.toSpliced(done.at, 1)
    if (done.how === 'retype') return chain.with(done.at, { ...link, type: done.type } as AuthLink)
    if (done.how === 'swap') return chain.with(done.at, chains[done.from]?.[done.take] ?? link)
    const text = link[done.field] ?? ''
    const edited = text.slice(0, done.place) + done.put + text.slice(done.place + done.put.length)
    return chain.with(done.at, { ...link, [done.field]: edited } as AuthLink)
  }
  let yes = 0
  const story = fc.asyncProperty(fc.nat(3), fc.array(tampering, { maxLength: 3 }), async (which, tamperings) => {
    const chain = tamperings.reduce(tampered, chains[which] ?? [])
    if (!claimedSigner(chain) || !isValid(chain, TEXT)) return
    yes++
    expect(await Authenticator.validateSignature(TEXT, chain, null, NOW)).toMatchObject({ ok: true })
  })
  await fc.assert(story, { numRuns: 600 })
  expect(yes).toBeGreaterThan(50)
})
