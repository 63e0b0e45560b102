import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
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
import { type ChainVerifier, createVerifier, type ThreadedVerifier, type VerifierOptions } from './verifier.ts'

const wallet = createWallet('verifier')
const stranger = createWallet('stranger')
const verifier = createVerifier({ log: silentLog, workers: 1 })
const others: ChainVerifier[] = []
const servers: Server[] = []

function verifierWith(options: Partial<VerifierOptions>): ThreadedVerifier {
  const made = createVerifier({ log: silentLog, workers: 1, ...options })
  others.push(made)
  return made
}

/** An Ethereum node that answers every question with `result`, or never. */
async function ethereum(result: string | undefined): Promise<{ url: string; requests: () => number }> {
  let requests = 0
  const server = createServer(async (request, response) => {
    requests++
    let body = ''
    for await (const chunk of request) body += chunk
    if (result === undefined) return
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ jsonrpc: '2.0', id: JSON.parse(body).id, result }))
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests: () => requests }
}

afterEach(async () => {
  await Promise.all(others.splice(0).map((made) => made.close()))
  for (const server of servers.splice(0)) server.closeAllConnections()
})
afterAll(() => verifier.close())

describe('a valid chain gives its wallet, in lower case', () => {
  test.each([
    ['two links', twoLinkChain(wallet, 'dcl-1')],
    ['three links', threeLinkChain(wallet, 'dcl-1')],
    ['a signer in lower case', twoLinkChain({ ...wallet, address: wallet.peer }, 'dcl-1')],
    ['a signer in upper case', twoLinkChain({ ...wallet, address: `0x${wallet.peer.slice(2).toUpperCase()}` }, 'dcl-1')],
  ])('%s', async (_, chain) => {
    expect(await verifier.verify(chain, 'dcl-1')).toEqual({ ok: true, peer: wallet.peer })
  })
})

test('a verifier is warm once every thread has checked a chain', async () => {
  const errors: unknown[] = []
  const made = verifierWith({ workers: 2, log: { ...silentLog, error: (...said: unknown[]) => void errors.push(said) } })
  const warming = made.warmUp()
  expect(made.pending).toBe(2)
  await warming
  expect(made.pending).toBe(0)
  expect(errors).toEqual([])
})

describe('an invalid chain is refused', () => {
  const chain = threeLinkChain(wallet, 'dcl-1')
  const expired = delegate(wallet, new Date('2020-01-01T00:00:00Z'))
  const foreign = { ...delegate(stranger), key: wallet.identity }
  test.each([
    ['another text signed', /final authority/, twoLinkChain(wallet, 'dcl-2')],
    [
      'the text replaced under the signature',
      /signer address/,
      chain.with(2, { ...threeLinkChain(wallet, 'dcl-2')[2], payload: 'dcl-1' } as never),
    ],
    ['an expired delegation', /expired/, threeLinkChain(wallet, 'dcl-1', expired)],
    ["another wallet's delegation", /signer address/, threeLinkChain(wallet, 'dcl-1', foreign)],
    [
      'a signer exchanged',
      /signer address/,
      chain.with(0, { type: chain[0]?.type, payload: stranger.address, signature: '' } as never),
    ],
    ['the only link is the text', /must start with a wallet/, oneLinkChain('dcl-1')],
    ['a signature that is no hex', /hex/, chain.with(2, { ...chain[2], signature: 'zz' } as never)],
    ['a contract wallet without Ethereum', /Missing provider/, contractWalletChain(wallet, 'dcl-1')],
  ])('%s', async (_, reason, bad) => {
    expect(await verifier.verify(bad, 'dcl-1')).toEqual({ ok: false, reason: expect.stringMatching(reason) })
  })

  test('a delegation is valid until its expiry, by the clock that is passed in', async () => {
    const until = threeLinkChain(wallet, 'dcl-1', delegate(wallet, new Date(1_000_000)))
    expect(await verifier.verify(until, 'dcl-1', 999_999)).toMatchObject({ ok: true })
    expect(await verifier.verify(until, 'dcl-1', 1_000_000)).toMatchObject({ ok: false })
  })
})

describe('the signature of a contract wallet is checked by its contract', () => {
  const magic = `0x1626ba7e${'0'.repeat(56)}`

  test('valid', async () => {
    const { url, requests } = await ethereum(magic)
    const chain = contractWalletChain(wallet, 'dcl-1')
    expect(await verifierWith({ ethereumRpcUrl: url }).verify(chain, 'dcl-1')).toEqual({ ok: true, peer: wallet.peer })
    expect(requests()).toBe(1)
  })

  test('invalid', async () => {
    const { url } = await ethereum(`0x${'0'.repeat(64)}`)
    const chain = contractWalletChain(wallet, 'dcl-1')
    expect(await verifierWith({ ethereumRpcUrl: url }).verify(chain, 'dcl-1')).toEqual({
      ok: false,
      reason: expect.stringContaining('Invalid'),
    })
  })

  test('plain wallets never wait for Ethereum', async () => {
    const { url, requests } = await ethereum(undefined)
    const plain = verifierWith({ ethereumRpcUrl: url })
    expect(await plain.verify(threeLinkChain(wallet, 'dcl-1'), 'dcl-1')).toMatchObject({ ok: true })
    expect(requests()).toBe(0)
  })

  test('an Ethereum node that hangs delays only its own check, up to the time limit', async () => {
    const { url } = await ethereum(undefined)
    const patient = verifierWith({ ethereumRpcUrl: url, ethereumTimeoutMs: 100 })
    expect(await patient.verify(contractWalletChain(wallet, 'dcl-1'), 'dcl-1')).toEqual({
      ok: false,
      reason: 'Ethereum did not answer within 100 ms',
    })
    expect(patient.pending).toBe(0)
  })

  test('the number of concurrent checks is limited', async () => {
    const { url } = await ethereum(undefined)
    const busy = verifierWith({ ethereumRpcUrl: url, ethereumTimeoutMs: 1_000, maxEthereumChecks: 1 })
    const first = busy.verify(contractWalletChain(wallet, 'dcl-1'), 'dcl-1')
    const second = busy.verify(contractWalletChain(wallet, 'dcl-1'), 'dcl-1')
    expect(await second).toEqual({ ok: false, reason: 'too many contract wallets are being checked' })
    expect(await first).toMatchObject({ ok: false })
  })
})

test('a full queue refuses at once', async () => {
  const narrow = verifierWith({ maxPending: 1 })
  const first = narrow.verify(twoLinkChain(wallet, 'dcl-1'), 'dcl-1')
  expect(narrow.pending).toBe(1)
  expect(await narrow.verify(twoLinkChain(wallet, 'dcl-1'), 'dcl-1')).toEqual({
    ok: false,
    reason: 'too many signatures are waiting',
    undecided: true,
  })
  expect(await first).toMatchObject({ ok: true })
})

test('closing answers the waiting checks', async () => {
  const ending = verifierWith({})
  const waiting = ending.verify(twoLinkChain(wallet, 'dcl-1'), 'dcl-1')
  await ending.close()
  expect(await waiting).toEqual({ ok: false, reason: 'the check was interrupted', undecided: true })
  expect(await ending.verify(twoLinkChain(wallet, 'dcl-1'), 'dcl-1')).toEqual({
    ok: false,
    reason: 'shutting down',
    undecided: true,
  })
})
