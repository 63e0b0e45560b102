import { afterAll, afterEach, describe, expect, test } from 'vitest'
import {
  contractWalletChain,
  createWallet,
  delegate,
  oneLinkChain,
  threeLinkChain,
  twoLinkChain,
} from '../../testing/player/wallet.ts'
import { silentLog } from '../chassis/log.ts'
import { aClient } from './fixtures.ts'
import { type ChainVerifier, createVerifier, type ThreadedVerifier, type VerifierOptions } from './verifier.ts'

const wallet = createWallet('verifier')
const stranger = createWallet('stranger')
const client = aClient()
const verifier = createVerifier({ log: silentLog, workers: 1 })
const others: ChainVerifier[] = []

function verifierWith(options: Partial<VerifierOptions>): ThreadedVerifier {
  const made = createVerifier({ log: silentLog, workers: 1, ...options })
  others.push(made)
  return made
}

afterEach(async () => {
  await Promise.all(others.splice(0).map((made) => made.close()))
})
afterAll(() => verifier.close())

describe('a valid chain gives its wallet, in lower case', () => {
  test.each([
    ['two links', twoLinkChain(wallet, 'dcl-1')],
    ['three links', threeLinkChain(wallet, 'dcl-1')],
    ['a signer in lower case', twoLinkChain({ ...wallet, address: wallet.peer }, 'dcl-1')],
    ['a signer in upper case', twoLinkChain({ ...wallet, address: `0x${wallet.peer.slice(2).toUpperCase()}` }, 'dcl-1')],
  ])('%s', async (_, chain) => {
    expect(await verifier.verify({ chain, payload: 'dcl-1' }, client)).toEqual({ ok: true, peer: wallet.peer })
  })
})

test('a verifier is warm once every thread has loaded its library', async () => {
  const said: unknown[][] = []
  const log = {
    ...silentLog,
    info: (...words: unknown[]) => void said.push(words),
    error: (...words: unknown[]) => void said.push(words),
  }
  const made = verifierWith({ workers: 2, log })
  await made.warmUp()
  const library = await made.library
  expect(['native', 'wasm']).toContain(library)
  expect(said).toEqual([[{ library }, 'signatures are checked']])
})

describe('an invalid chain is refused', () => {
  const chain = threeLinkChain(wallet, 'dcl-1')
  const expired = delegate(wallet, new Date('2020-01-01T00:00:00Z'))
  const foreign = { ...delegate(stranger), key: wallet.identity }
  test.each([
    ['another text signed', 'the chain signs another text', twoLinkChain(wallet, 'dcl-2')],
    [
      'the text replaced under the signature',
      `the text is not signed by ${wallet.delegation().key.address.toLowerCase()}`,
      chain.with(2, { ...threeLinkChain(wallet, 'dcl-2')[2], payload: 'dcl-1' } as never),
    ],
    ['an expired delegation', 'the delegation expired at 2020-01-01T00:00:00.000Z', threeLinkChain(wallet, 'dcl-1', expired)],
    ["another wallet's delegation", `the delegation is not signed by ${wallet.peer}`, threeLinkChain(wallet, 'dcl-1', foreign)],
    [
      'a signer exchanged',
      `the delegation is not signed by ${stranger.peer}`,
      chain.with(0, { type: chain[0]?.type, payload: stranger.address, signature: '' } as never),
    ],
    ['the only link is the text', 'the chain must start with a wallet and end with a signed text', oneLinkChain('dcl-1')],
    [
      'a contract wallet without Ethereum',
      'contract wallets are not accepted: no Ethereum server is configured',
      contractWalletChain(wallet, 'dcl-1'),
    ],
  ])('%s', async (_, reason, bad) => {
    expect(await verifier.verify({ chain: bad, payload: 'dcl-1' }, client)).toEqual({ ok: false, reason })
  })

  test('a delegation is valid until its expiry, by the clock that is passed in, though its signature is known', async () => {
    const until = threeLinkChain(wallet, 'dcl-1', delegate(wallet, new Date(1_000_000)))
    expect(await verifier.verify({ chain: until, payload: 'dcl-1', nowMs: 999_999 }, client)).toMatchObject({ ok: true })
    expect(await verifier.verify({ chain: until, payload: 'dcl-1', nowMs: 1_000_000 }, client)).toMatchObject({ ok: false })
  })
})

test('the delegation of a returning player is not checked again, one that was not valid is', async () => {
  const checked: string[][] = []
  const made = verifierWith({
    startThread: ({ message }) => {
      queueMicrotask(() => message({ library: 'native' }))
      const post = (batch: readonly { signatures: readonly { text: string }[] }[]) => {
        for (const { signatures } of batch) checked.push(signatures.map(({ text }) => text.split('\n')[0] ?? ''))
        queueMicrotask(() => message({ invalid: batch.map(({ signatures }) => (signatures.at(-1)?.text === 'bad' ? 0 : -1)) }))
      }
      return { post, terminate: async () => {} }
    },
  })
  const ask = (payload: string) => made.verify({ chain: threeLinkChain(wallet, payload), payload }, client)
  expect(await ask('bad')).toMatchObject({ ok: false })
  expect(await ask('one')).toMatchObject({ ok: true })
  expect(await ask('two')).toMatchObject({ ok: true })
  expect(await ask('bad')).toEqual({ ok: false, reason: expect.stringMatching(/^the text is not signed/) })
  expect(checked).toEqual([['Decentraland Login', 'bad'], ['Decentraland Login', 'one'], ['two'], ['bad']])
})

test('a full queue refuses at once', async () => {
  const narrow = verifierWith({ maxWaiting: 1 })
  const ask = () => narrow.verify({ chain: twoLinkChain(wallet, 'dcl-1'), payload: 'dcl-1' }, client)
  const first = ask() // waits for the thread
  expect(narrow.pending).toBe(1)
  expect(await ask()).toEqual({ ok: false, reason: 'too many signatures are waiting', undecided: true })
  expect(await first).toMatchObject({ ok: true })
})

test('closing answers the waiting checks', async () => {
  const ending = verifierWith({})
  const ask = () => ending.verify({ chain: twoLinkChain(wallet, 'dcl-1'), payload: 'dcl-1' }, client)
  const waiting = ask()
  await ending.warmUp()
  const underWay = ask()
  await ending.close()
  expect(await Promise.all([waiting, underWay])).toEqual([
    expect.objectContaining({ undecided: true }),
    expect.objectContaining({ undecided: true }),
  ])
  expect(await ask()).toEqual({ ok: false, reason: 'shutting down', undecided: true })
})
