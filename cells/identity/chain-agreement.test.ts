import { Authenticator } from '@dcl/crypto'
import { type AuthChain, type AuthLink, AuthLinkType } from '@dcl/schemas'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createWallet, delegate, threeLinkChain, twoLinkChain } from '../../testing/player/wallet.ts'
import { parsePeerId } from '../wire/peer.ts'
import { readChain } from './chain.ts'
import { isSignedByKey } from './key-signature.ts'
import { nativeLibrary, wasmLibrary } from './signature-library.ts'

const NOW = Date.now()
const TEXT = 'dcl-challenge'
const wallet = createWallet('agreement')
const stranger = createWallet('agreement of a stranger')
const three = threeLinkChain(wallet, TEXT)

const libraries = [await nativeLibrary(), await wasmLibrary()].filter((library) => library !== undefined)

/** Our answer about a chain, the same with every library. */
function isValid(chain: AuthChain, text = TEXT): boolean {
  const claim = readChain(chain, text, NOW)
  if ('reason' in claim) return false
  const answers = libraries.map((library) => claim.signatures.every((signature) => isSignedByKey(library, signature)))
  if (new Set(answers).size !== 1) throw new Error('the libraries disagree')
  return answers[0] === true
}

const isValidForDcl = async (chain: AuthChain, text = TEXT): Promise<boolean> =>
  (await Authenticator.validateSignature(text, chain, null, NOW)).ok

const order = 0xffff_ffff_ffff_ffff_ffff_ffff_ffff_fffe_baae_dce6_af48_a03b_bfd2_5e8c_d036_4141n

/** The other signature with the same key and text: s is in the upper half, and the other of two keys fits. */
function malleated(signature: string): string {
  const s = order - BigInt(`0x${signature.slice(66, 130)}`)
  return `${signature.slice(0, 66)}${s.toString(16).padStart(64, '0')}${signature.endsWith('1b') ? '1c' : '1b'}`
}

/** A chain whose signatures are written in another way. */
const rewritten = (chain: AuthChain, write: (signature: string) => string): AuthChain =>
  chain.map((link) => (link.signature ? { ...link, signature: write(link.signature) } : link)) as AuthChain

const expiring = (form: string) => {
  const { key } = wallet.delegation()
  const payload = `Decentraland Login\nEphemeral address: ${key.address}\nExpiration: ${form}`
  const signature = Authenticator.createSignature(wallet.identity, payload)
  return threeLinkChain(wallet, TEXT, { key, link: { type: AuthLinkType.ECDSA_PERSONAL_EPHEMERAL, payload, signature } })
}

describe('@dcl/crypto accepts it, and so do we', () => {
  test.each<[string, AuthChain, string?]>([
    ['two links', twoLinkChain(wallet, TEXT)],
    ['three links', three],
    ['a text beyond ASCII', twoLinkChain(wallet, 'dcl-Ünïcödé 🌍'), 'dcl-Ünïcödé 🌍'],
    ['half of a surrogate pair', twoLinkChain(wallet, 'dcl-\ud83c'), 'dcl-\ud83c'],
    ['an empty text', twoLinkChain(wallet, ''), ''],
    ['keys counted from zero', rewritten(three, (text) => text.replace(/1b$/, '00').replace(/1c$/, '01'))],
    ['keys counted from zero, in one digit', rewritten(three, (text) => text.replace(/1b$/, '0').replace(/1c$/, '1'))],
    ['s in the upper half', rewritten(three, malleated)],
    ['signatures in upper case', rewritten(three, (text) => `0x${text.slice(2).toUpperCase()}`)],
    ['an expiration as a day', expiring('2099-01-01')],
    ['an expiration in words', expiring('Thu, 01 Jan 2099 00:00:00 GMT')],
    ['an expiration with a line after it', expiring('2099-01-01T00:00:00Z\nand more')],
    ['line ends of Windows', three.with(1, { ...three[1], payload: three[1]?.payload.replaceAll('\n', '\r\n') } as AuthLink)],
    ['a delegate whose address begins with 0X', delegatedTo((address) => address.replace('0x', '0X'))],
  ])('%s', async (_, chain, text = TEXT) => {
    expect([await isValidForDcl(chain, text), isValid(chain, text)]).toEqual([true, true])
  })
})

function delegatedTo(write: (address: string) => string): AuthChain {
  const { key } = wallet.delegation()
  return threeLinkChain(wallet, TEXT, delegate(wallet, new Date(NOW + 60_000), { ...key, address: write(key.address) }))
}

describe('@dcl/crypto refuses it, and so do we', () => {
  test.each<[string, AuthChain]>([
    ['another text', twoLinkChain(wallet, 'dcl-other')],
    ['signed by another wallet', [three[0] as AuthLink, ...threeLinkChain(stranger, TEXT).slice(1)]],
    ['delegated by another wallet', three.with(1, stranger.delegation().link)],
    ['signed by the wallet although it delegated', three.with(2, twoLinkChain(wallet, TEXT)[1] as AuthLink)],
    [
      'the text replaced under the signature',
      threeLinkChain(wallet, 'dcl-other').map((l, i) => (i === 2 ? { ...l, payload: TEXT } : l)),
    ],
    ['a delegation that ends now', threeLinkChain(wallet, TEXT, delegate(wallet, new Date(NOW)))],
    ['no date of expiration', expiring('for ever')],
    ['signatures that begin with 0X', rewritten(three, (text) => text.replace('0x', '0X'))],
    ['signatures without a prefix', rewritten(three, (text) => text.slice(2))],
    ['a third key', rewritten(three, (text) => `${text.slice(0, -2)}1d`)],
    ['the other key', rewritten(three, (text) => text.replace(/1[bc]$/, (v) => (v === '1b' ? '1c' : '1b')))],
    ['signatures of zeros', rewritten(three, () => `0x${'0'.repeat(128)}1b`)],
    ['signatures beyond the curve', rewritten(three, () => `0x${'f'.repeat(128)}1b`)],
    ['a delegate without a prefix', delegatedTo((address) => address.slice(2))],
    ['a delegate with a space after it', delegatedTo((address) => `${address} `)],
  ])('%s', async (_, chain) => {
    expect([await isValidForDcl(chain), isValid(chain)]).toEqual([false, false])
  })
})

test('@dcl/crypto gives the same answer about every chain that has a shape, however it was altered', async () => {
  const chains = [twoLinkChain(wallet, TEXT), three, threeLinkChain(stranger, TEXT)]
  const field = fc.constantFrom('payload' as const, 'signature' as const)
  const tampering = fc.oneof(
    fc.record({ how: fc.constant('swap' as const), at: fc.nat(2), from: fc.nat(2), take: fc.nat(2) }),
    fc.record({ how: fc.constant('edit' as const), at: fc.nat(2), field, place: fc.nat(200), put: fc.string({ maxLength: 2 }) }),
    fc.record({ how: fc.constant('case' as const), at: fc.nat(2), field, place: fc.nat(200), length: fc.nat(200) }),
    fc.record({ how: fc.constant('malleate' as const), at: fc.nat(2) }),
    fc.record({ how: fc.constant('none' as const), at: fc.constant(0) }),
  )
  type Tampering = typeof tampering extends fc.Arbitrary<infer T> ? T : never
  const tampered = (chain: AuthChain, done: Tampering): AuthChain => {
    const link = chain[done.at]
    if (!link || done.how === 'none') return chain
    if (done.how === 'malleate') return rewritten(chain, (text) => (/^0x[\da-f]{130}$/.test(text) ? malleated(text) : text))
    if (done.how === 'swap') return chain.with(done.at, chains[done.from]?.[done.take] ?? link)
    const text = link[done.field] ?? ''
    const { place } = done
    const edited =
      done.how === 'edit'
        ? text.slice(0, place) + done.put + text.slice(place + done.put.length)
        : text.slice(0, place) + text.slice(place, place + done.length).toUpperCase() + text.slice(place + done.length)
    return chain.with(done.at, { ...link, [done.field]: edited } as AuthLink)
  }
  // Our rules of shape are stricter (see `readChain`): where they refuse, the answers may differ.
  const hasShape = ([signer, ...links]: AuthChain) =>
    signer?.type === AuthLinkType.SIGNER &&
    parsePeerId(signer.payload) !== undefined &&
    links.length > 0 &&
    links.every(({ type }, i) =>
      i === links.length - 1
        ? type === AuthLinkType.ECDSA_PERSONAL_SIGNED_ENTITY
        : type === AuthLinkType.ECDSA_PERSONAL_EPHEMERAL,
    )
  const answered = { yes: 0, no: 0 }
  const story = fc.asyncProperty(fc.nat(2), fc.array(tampering, { maxLength: 3 }), async (which, tamperings) => {
    const chain = tamperings.reduce(tampered, chains[which] ?? [])
    if (!hasShape(chain)) return
    const answer = isValid(chain)
    answered[answer ? 'yes' : 'no']++
    expect(answer).toBe(await isValidForDcl(chain))
  })
  await fc.assert(story, { numRuns: 600 })
  expect(answered.yes).toBeGreaterThan(50)
  expect(answered.no).toBeGreaterThan(50)
})
