import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, type TestContext, test, vi } from 'vitest'
import { signedFetch } from '../../testing/player/signed-fetch.ts'
import { createWallet, type Wallet } from '../../testing/player/wallet.ts'
import { emptyDenyList } from '../identity/deny-list.ts'
import { aBan, aGatekeeper, answerOf } from './fixtures.ts'
import { messageHandlers } from './message-handlers.ts'

const [ana, ben] = [createWallet('ana'), createWallet('ben')]

async function aService(answer: { status?: number; json?: unknown }): Promise<string> {
  const server = createServer((_, response) => response.writeHead(answer.status ?? 200).end(JSON.stringify(answer.json)))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function aMessenger(t: TestContext, options: Parameters<typeof aGatekeeper>[1] = {}) {
  const gatekeeper = await aGatekeeper(t, options)
  const ask = (wallet: Wallet, metadata: Record<string, unknown> = { signer: 'dcl:explorer' }) =>
    signedFetch(`${gatekeeper.url}/private-messages/token`, { wallet, metadata, timestamp: gatekeeper.clock.now() })
  return { ...gatekeeper, ask }
}

async function tokenOf(answer: Response): Promise<{ sub: string; metadata: string; video: Record<string, unknown> }> {
  expect(answer.status).toBe(200)
  const { adapter } = (await answer.json()) as { adapter: string }
  expect(adapter).toMatch(/^livekit:wss:\/\/livekit\.example\.org\?access_token=/)
  return JSON.parse(Buffer.from(adapter.split('.').at(-2) ?? '', 'base64url').toString())
}

test.for([
  [{ json: { private_messages_privacy: 'only_friends' } }, 'only_friends'],
  [{ json: { private_messages_privacy: 'all' } }, 'all'],
  [{ status: 500, json: {} }, 'all'],
  [{ json: { other: 'shape' } }, 'all'],
  [undefined, 'all'],
] as const)('a player enters to receive and to send data, with the privacy of %j', async ([social, privacy], t) => {
  const { ask } = await aMessenger(t, { config: { SOCIAL_SERVICE_URL: social && (await aService(social)) } })
  const { sub, metadata, video } = await tokenOf(await ask(ana))
  expect([sub, JSON.parse(metadata)]).toEqual([ana.peer, { private_messages_privacy: privacy }])
  expect(video).toMatchObject({
    ...{ room: 'private-messages', canPublish: false, canSubscribe: true, canPublishData: true, canUpdateOwnMetadata: false },
  })
})

test('a banned wallet, a banned device and a denied wallet are refused as Unity expects', async (t) => {
  const denyList = await aService({ json: { users: [{ wallet: ben.address }] } })
  const bans = [aBan({ bannedAddress: ana.peer, bannedDeviceId: 'phone' })]
  const { ask, service } = await aMessenger(t, { bans, config: { DENYLIST_URL: denyList } })
  await vi.waitFor(() => expect(service.readiness().ready).toBe(true))
  expect(await answerOf(await ask(ana))).toEqual([403, { error: 'Access denied, platform-banned user' }])
  expect(await answerOf(await ask(ben))).toEqual([401, { error: 'Access denied, deny-listed wallet' }])
  const other = createWallet('other')
  expect((await ask(other, { signer: 'dcl:explorer', deviceIdentifier: 'Phone' })).status).toBe(403)
  expect((await ask(other)).status).toBe(200)
})

test('scene code gets no token, and neither does a request without a signer', async (t) => {
  const { ask } = await aMessenger(t)
  for (const metadata of [{ signer: 'decentraland-kernel-scene' }, {}])
    expect(await answerOf(await ask(ana, metadata))).toMatchObject([400, { ok: false }])
})

test('a realm with embedded rooms refuses, so that explorers go on without', async (t) => {
  const transport = { kind: 'ws-room' as const, connectionString: () => 'ws-room:wss://rooms.example.org/x' }
  const { ask } = await aMessenger(t, { transport })
  expect(await answerOf(await ask(ana))).toEqual([403, { error: 'This realm has no room for private messages' }])
})

test('while the bans are not known the answer is an outage', async (t) => {
  const { ask } = await aMessenger(t, { broken: 'gone' })
  const answer = await ask(ana)
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5'])
})

test('a change of the privacy reaches the room, and a player who is not there is named so', async () => {
  const update = vi.fn(async (_room: string, identity: string) => identity === ana.peer)
  const { privacy } = messageHandlers({
    ...{
      bans: { known: true, against: () => undefined },
      denyList: emptyDenyList,
      transport: undefined,
      connections: { record() {} },
    },
    ...{ control: { rooms: { update } }, trustsCloudflare: false, privateMessagesRoom: 'private-messages' },
    social: { isConfigured: false, ask: async () => undefined },
  })
  const change = async (wallet: Wallet) =>
    privacy({ params: { address: wallet.address }, body: { private_messages_privacy: 'only_friends' } } as never)
  expect(await change(ana)).toEqual({ status: 204 })
  expect(update).toHaveBeenCalledWith('private-messages', ana.peer, { metadata: '{"private_messages_privacy":"only_friends"}' })
  await expect(change(ben)).rejects.toMatchObject({ code: 'INVALID', message: 'Participant is not connected to the room' })
})

test.for([
  ['{"private_messages_privacy":"ALL"}', 400, { error: 'Participant is not connected to the room' }],
  ['{"private_messages_privacy":"none"}', 400, { ok: false }],
  ['{}', 400, { ok: false }],
] as const)('the privacy %s of a player who is in no room is answered %i', async ([body, status, answer], t) => {
  const COMMS_GATEKEEPER_AUTH_TOKEN = 'services-token-01234'
  const config = { COMMS_GATEKEEPER_AUTH_TOKEN, LIVEKIT_HOST: undefined }
  const { url } = await aGatekeeper(t, { config })
  const headers = { authorization: `Bearer ${COMMS_GATEKEEPER_AUTH_TOKEN}` }
  const response = await fetch(`${url}/users/${ana.peer}/private-messages-privacy`, { method: 'PATCH', headers, body })
  expect(await answerOf(response)).toMatchObject([status, answer])
})
