import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Authenticator } from '@dcl/crypto'
import { type AuthChain, AuthLinkType } from '@dcl/schemas'
import { afterEach, describe, expect, test } from 'vitest'
import { contractWalletChain, createWallet } from '../../testing/player/wallet.ts'
import { silentLog } from '../chassis/log.ts'
import { aClient } from './fixtures.ts'
import { type ChainVerifier, createVerifier, type VerifierOptions } from './verifier.ts'

const wallet = createWallet('contract')
const chain = contractWalletChain(wallet, 'dcl-1')
const delegation = chain[1]?.payload ?? ''
const MAGIC = `0x1626ba7e${'0'.repeat(56)}`
const NO = `0x${'0'.repeat(64)}`
/** What `@dcl/crypto` asks a contract about: the text, or the text as a person signs it. */
const [rawHash, personalHash] = [
  Authenticator.createEIP1271MessageHash(delegation),
  Authenticator.createEthereumMessageHash(delegation),
].map((hash) => Buffer.from(hash).toString('hex'))

const verifiers: ChainVerifier[] = []
const servers: Server[] = []
afterEach(async () => {
  await Promise.all(verifiers.splice(0).map((made) => made.close()))
  for (const server of servers.splice(0)) server.closeAllConnections()
})

interface RpcRequest {
  id: number
  method: string
  params: [{ to: string; data: string }, string]
}
type Answer = { result: unknown } | { error: unknown } | 'never' | 'nonsense'

/** An Ethereum node that answers what a test says. */
async function ethereum(answer: (request: RpcRequest) => Answer | Promise<Answer>) {
  const requests: RpcRequest[] = []
  const open = { now: 0, most: 0 }
  const server = createServer(async (request, response) => {
    open.most = Math.max(open.most, ++open.now)
    response.on('close', () => open.now--)
    let body = ''
    for await (const chunk of request) body += chunk
    const asked = JSON.parse(body) as RpcRequest
    requests.push(asked)
    const given = await answer(asked)
    if (given === 'never') return
    response.setHeader('content-type', 'application/json')
    response.end(given === 'nonsense' ? '<html>' : JSON.stringify({ jsonrpc: '2.0', id: asked.id, ...given }))
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, open }
}

function verifierWith(options: Partial<VerifierOptions>) {
  const made = createVerifier({ log: silentLog, workers: 1, ...options })
  verifiers.push(made)
  return (asked: AuthChain = chain, client = aClient()) => made.verify({ chain: asked, payload: 'dcl-1' }, client)
}

test('a signature is valid when the contract says so, after one call', async () => {
  const { url, requests } = await ethereum(() => ({ result: MAGIC }))
  expect(await verifierWith({ ethereumRpcUrl: url })()).toEqual({ ok: true, peer: wallet.peer })
  const signature = chain[1]?.signature?.slice(2) ?? ''
  const data = `0x1626ba7e${rawHash}${'40'.padStart(64, '0')}${'41'.padStart(64, '0')}${signature}${'0'.repeat(62)}`
  expect(requests).toEqual([{ jsonrpc: '2.0', id: 1, method: 'eth_call', params: [{ to: wallet.peer, data }, 'latest'] }])
})

test('@dcl/crypto makes the same call', async () => {
  const theirs: RpcRequest[] = []
  const sendAsync = (request: RpcRequest, answered: (error: null, answer: object) => void) => {
    theirs.push(request)
    answered(null, { jsonrpc: '2.0', id: request.id, result: MAGIC })
  }
  expect(await Authenticator.validateSignature('dcl-1', chain, { sendAsync } as never)).toEqual({ ok: true })
  const { url, requests: ours } = await ethereum(() => ({ result: MAGIC }))
  await verifierWith({ ethereumRpcUrl: url })()
  const asked = ({ method, params: [{ to, data }, block] }: RpcRequest) => ({ method, to: to.toLowerCase(), data, block })
  expect(ours.map(asked)).toEqual(theirs.map(asked))
})

test('a contract may know the text as a person signs it', async () => {
  const { url, requests } = await ethereum(({ params: [{ data }] }) => ({
    result: data.includes(personalHash ?? '?') ? MAGIC : NO,
  }))
  expect(await verifierWith({ ethereumRpcUrl: url })()).toMatchObject({ ok: true })
  expect(requests).toHaveLength(2)
})

describe('a signature is not valid, after two calls,', () => {
  test.each<[string, Answer]>([
    ['when the contract says so', { result: NO }],
    ['when there is no contract', { result: '0x' }],
    ['when the contract reverts', { error: { code: 3, message: 'execution reverted' } }],
    ['when a server says in words that it reverted', { error: { code: -32000, message: 'VM Exception: revert' } }],
  ])('%s', async (_, answer) => {
    const { url, requests } = await ethereum(() => answer)
    expect(await verifierWith({ ethereumRpcUrl: url })()).toEqual({
      ok: false,
      reason: `the contract ${wallet.peer} does not accept the signature`,
    })
    expect(requests).toHaveLength(2)
  })
})

describe('whether a signature is valid is not known, after one call,', () => {
  test.each<[string, Answer, RegExp]>([
    ['when the server has too much to do', { error: { code: -32005, message: 'rate limited' } }, /status 200 and no result/],
    ['when the answer is no JSON', 'nonsense', /did not answer/],
    ['when the answer takes too long', 'never', /did not answer/],
    ['when the answer has another shape', { result: { magic: MAGIC } }, /no result/],
  ])('%s', async (_, answer, reason) => {
    const { url, requests } = await ethereum(() => answer)
    const verify = verifierWith({ ethereumRpcUrl: url, ethereumTimeoutMs: 200 })
    expect(await verify()).toEqual({ ok: false, undecided: true, reason: expect.stringMatching(reason) })
    expect(requests).toHaveLength(1)
  })
})

test('a contract is not asked about a chain whose other signatures are not valid, nor about one of plain wallets', async () => {
  const { url, requests } = await ethereum(() => ({ result: MAGIC }))
  const verify = verifierWith({ ethereumRpcUrl: url })
  const forged = chain.with(2, { ...contractWalletChain(wallet, 'dcl-2')[2], payload: 'dcl-1' } as never)
  expect(await verify(forged)).toMatchObject({ ok: false, reason: expect.stringContaining('the text is not signed') })
  expect(requests).toEqual([])
})

test('a contract may sign the text itself', async () => {
  const { url } = await ethereum(() => ({ result: MAGIC }))
  const signed = { type: AuthLinkType.ECDSA_EIP_1654_SIGNED_ENTITY, payload: 'dcl-1', signature: `0x${'ab'.repeat(200)}` }
  expect(await verifierWith({ ethereumRpcUrl: url })([chain[0] as never, signed])).toEqual({ ok: true, peer: wallet.peer })
})

test('a delegation that the contract accepted is not asked about again for a while', async () => {
  const { url, requests } = await ethereum(() => ({ result: MAGIC }))
  const verify = verifierWith({ ethereumRpcUrl: url })
  for (let i = 0; i < 3; i++) expect(await verify()).toMatchObject({ ok: true })
  expect(requests).toHaveLength(1)
})

test('no more than eight checks are under way, two of them for one client, and others take their turn', async () => {
  const held: (() => void)[] = []
  const { url, requests, open } = await ethereum(() => new Promise((resolve) => held.push(() => resolve({ result: NO }))))
  const verify = verifierWith({ ethereumRpcUrl: url })
  const chains = Array.from({ length: 20 }, (_, i) => contractWalletChain(createWallet(`contract ${i}`), 'dcl-1'))
  const one = chains.slice(0, 10).map((asked) => verify(asked, aClient(1)))
  await expect.poll(() => requests.length).toBe(2)
  const many = chains.slice(10).map((asked, i) => verify(asked, aClient(10 + i)))
  await expect.poll(() => requests.length).toBe(8)
  const verdicts = Promise.all([...one, ...many])
  let over = false
  verdicts.then(() => (over = true))
  while (!over) {
    held.shift()?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect((await verdicts).every((verdict) => !verdict.ok)).toBe(true)
  expect(requests).toHaveLength(40)
  expect(open.most).toBe(8)
})
