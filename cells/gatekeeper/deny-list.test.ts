import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createWallet } from '../../testing/player/wallet.ts'
import { aGatekeeper, answerOf } from './fixtures.ts'

const ana = createWallet('ana')

/** The URL of a web server that gives every request this answer. */
async function aServer({ status, body }: { status: number; body: string }): Promise<string> {
  const server = createServer((_, response) => response.writeHead(status).end(body)).listen(0, '127.0.0.1')
  await vi.waitFor(() => expect(server.listening).toBe(true))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/denylist.json`
}
const naming = (...wallets: unknown[]) => JSON.stringify({ users: wallets.map((wallet) => ({ wallet })) })

test('a wallet on the list is refused with 401, whatever the case it is written in', async (t) => {
  const url = await aServer({ status: 200, body: naming(ana.address, 'not-a-wallet', 7) })
  const { ask, service } = await aGatekeeper(t, { config: { DENYLIST_URL: url } })
  await vi.waitFor(() => expect(service.readiness()).toEqual({ ready: true }))
  expect(await answerOf(await ask(ana, { realmName: 'main', sceneId: 'bafk' }))).toEqual([
    401,
    { error: 'Access denied, deny-listed wallet' },
  ])
  expect((await ask(createWallet('ben'), { realmName: 'main', sceneId: 'bafk' })).status).toBe(200)
})

test('until the list was read for the first time every request is refused, and the gatekeeper is not ready', async (t) => {
  const url = await aServer({ status: 500, body: '{}' })
  const { ask, service } = await aGatekeeper(t, { config: { DENYLIST_URL: url } })
  expect(await answerOf(await ask(ana, { realmName: 'main', sceneId: 'bafk' }))).toEqual([
    503,
    { error: 'The deny list has not been read yet' },
  ])
  expect(service.readiness()).toEqual({ ready: false, reason: 'the deny list has not been read yet' })
})
