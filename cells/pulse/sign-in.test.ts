import { afterAll, expect, test } from 'vitest'
import { createWallet } from '../../testing/player/wallet.ts'
import { silentLog } from '../chassis/log.ts'
import { aFakeVerifier } from '../identity/fixtures.ts'
import { createVerifier } from '../identity/verifier.ts'
import { encodeRequest } from './core/messages/fixtures.ts'
import { aPulse, handshakeOf } from './fixtures.ts'

const verifier = createVerifier({ log: silentLog, workers: 1 })
afterAll(() => verifier.close())

const [ANNA, BEN] = [createWallet('anna'), createWallet('ben')]
const signedIn = async (pulse: ReturnType<typeof aPulse>, wallet = ANNA, options?: Parameters<typeof handshakeOf>[1]) => {
  const client = pulse.connect()
  expect(await client.signIn(handshakeOf(wallet, options))).toBe('true')
  return client
}

test.each(['two', 'three'] as const)('a player signs in with a chain of %s links', async (chain) => {
  const pulse = aPulse({ verifier })
  await signedIn(pulse, ANNA, { chain })
  expect(pulse.server.find(ANNA.peer)).toBeDefined()
  expect(pulse.relay.size).toBe(1)
})

test.each([
  ['no JSON', '{', 'Invalid auth chain JSON'],
  ['a list', '[]', 'Invalid auth chain JSON'],
  ['no time stamp', '{"x-identity-metadata":"{}"}', 'the timestamp is not a number of milliseconds'],
  ['no chain', JSON.stringify({ 'x-identity-timestamp': String(Date.now()) }), 'the auth chain is incomplete'],
])('%s is refused with a sentence, and the client may try once more', async (_, json, sentence) => {
  const pulse = aPulse({ verifier })
  const client = pulse.connect()
  expect(await client.signIn(encodeRequest({ handshake: { authChain: Buffer.from(json) } }))).toBe(sentence)
  expect(await client.signIn(handshakeOf(ANNA))).toBe('true')
})

test('the signature must be of that wallet, and of that moment', async () => {
  const pulse = aPulse({ verifier })
  const old = pulse.connect()
  expect(await old.signIn(handshakeOf(ANNA, { timestamp: Date.now() - 61_000 }))).toMatch(/differs by more than a minute/)
  const forged = pulse.connect()
  const bytes = Buffer.from(handshakeOf(ANNA))
  const signature = bytes.lastIndexOf('signature\\":\\"0x')
  bytes.write('0000', signature + 20)
  expect(await forged.signIn(bytes)).not.toBe('true')
  expect(pulse.relay.size).toBe(0)
})

test('a third handshake is not read', async () => {
  const pulse = aPulse({ verifier })
  const client = pulse.connect()
  const wrong = encodeRequest({ handshake: { authChain: Buffer.from('{') } })
  await client.signIn(wrong)
  await client.signIn(wrong)
  await client.signIn(handshakeOf(ANNA))
  expect(client.happened.at(-1)).toBe('left 3')
})

test('a handshake that was recorded on its way cannot be used again', async () => {
  const pulse = aPulse({ verifier })
  const bytes = handshakeOf(ANNA)
  const client = pulse.connect()
  await client.signIn(bytes)
  const thief = pulse.connect()
  await thief.signIn(bytes)
  expect(thief.happened.at(-1)).toBe('left 14')
  expect(client.happened.at(-1)).toBe('connect')
})

test('a banned player is told so, and is out', async () => {
  const pulse = aPulse({ verifier, refusalOf: (wallet) => (wallet === BEN.peer ? 'banned' : undefined) })
  const client = pulse.connect()
  expect(await client.signIn(handshakeOf(BEN))).toBe('banned')
  pulse.run(200)
  expect(client.happened.at(-1)).toBe('left 5')
  await signedIn(pulse, ANNA)
})

test('a player that is banned while connected is out within a second', async () => {
  let isBanned = false
  const pulse = aPulse({ verifier, refusalOf: () => (isBanned ? 'banned' : undefined) })
  const client = await signedIn(pulse)
  pulse.run(10_000)
  expect(client.happened.at(-1)).toBe('connect')
  isBanned = true
  pulse.run(1_100)
  expect(client.happened.at(-1)).toBe('left 5')
})

test('a player who is on a deny list that was just read is out at once', async () => {
  const denied = new Set<string>()
  const pulse = aPulse({ verifier, refusalOf: (wallet) => (denied.has(wallet) ? 'banned' : undefined) })
  const [anna, ben] = [await signedIn(pulse, ANNA), await signedIn(pulse, BEN)]
  denied.add(BEN.peer)
  pulse.server.endDenied()
  pulse.run(100)
  expect([anna.happened.at(-1), ben.happened.at(-1)]).toEqual(['connect', 'left 5'])
})

test('a client that does not sign in is disconnected after half a minute, one that did is not', async () => {
  const pulse = aPulse({ verifier })
  const client = await signedIn(pulse)
  const silent = pulse.connect()
  pulse.run(31_000)
  expect(silent.happened.at(-1)).toBe('left 2')
  expect(client.happened.at(-1)).toBe('connect')
})

test('clients of one address that have not signed in are limited, and take no place of others', async () => {
  const pulse = aPulse({ verifier, limits: { maxUnauthenticatedPerAddress: 2 } })
  const strangers = Array.from({ length: 3 }, () => pulse.connect('192.0.2.1'))
  pulse.run(500)
  expect(strangers.map(({ happened }) => happened.at(-1))).toEqual(['connect', 'connect', 'left 7'])
  await signedIn(pulse)
})

test('while the verifier is busy a client is sent away to come back', async () => {
  const busy = aFakeVerifier(async () => ({ ok: false, reason: 'too many signatures are waiting', undecided: true }))
  const pulse = aPulse({ verifier: busy })
  const client = pulse.connect()
  await client.signIn(handshakeOf(ANNA))
  expect(client.happened.at(-1)).toBe('left 1')
})

test('before it has signed in a client is not read', async () => {
  const pulse = aPulse({ verifier })
  const client = pulse.connect()
  client.teleport('main', 5)
  pulse.run(200)
  expect(client.happened).toEqual(['connect'])
  expect(pulse.relay.size).toBe(0)
})

test('a wallet that signs in again takes over, and who sees it does not notice', async () => {
  const pulse = aPulse({ verifier })
  const [anna, ben] = [await signedIn(pulse, ANNA), await signedIn(pulse, BEN)]
  for (const client of [anna, ben]) client.teleport('main', 48_490)
  pulse.run(1_000)
  const again = pulse.connect()
  const initialState = { state: { parcelIndex: 48_490, stateFlags: 1 }, realm: 'main' }
  await again.signIn(handshakeOf(BEN, { timestamp: Date.now() + 1, initialState }))
  pulse.run(1_000)
  expect(ben.happened.at(-1)).toBe('left 4')
  expect(anna.model.received.filter((line) => line.startsWith('playerLeft'))).toEqual([])
  expect(anna.model.of(BEN.peer)).toBeDefined()
  expect(again.model.of(ANNA.peer)).toBeDefined()
})
