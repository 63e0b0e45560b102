import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createWallet } from '../../../testing/player/wallet.ts'
import { ManualClock, systemClock } from '../../chassis/clock.ts'
import { silentLog } from '../../chassis/log.ts'
import { aGatekeeper, answerOf } from '../fixtures.ts'
import { httpDenyList } from './deny-list.ts'

const ana = createWallet('ana')

/** A web server that answers what `says` holds, and counts. */
async function aServer(says: { status: number; body: string }) {
  const seen = { requests: 0 }
  const server = createServer((_, response) => {
    seen.requests++
    response.writeHead(says.status).end(says.body)
  }).listen(0, '127.0.0.1')
  await vi.waitFor(() => expect(server.listening).toBe(true))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/denylist.json`, seen, says }
}
const naming = (...wallets: unknown[]) => JSON.stringify({ users: wallets.map((wallet) => ({ wallet })) })

test('a wallet on the list is refused with 401, whatever the case it is written in', async (t) => {
  const { url } = await aServer({ status: 200, body: naming(ana.address, 'nobody', 7) })
  const { ask, cell } = await aGatekeeper(t, { config: { DENYLIST_URL: url } })
  await vi.waitFor(() => expect(cell.readiness()).toEqual({ ready: true }))
  expect(await answerOf(await ask(ana, { realmName: 'main', sceneId: 'bafk' }))).toEqual([
    401,
    { error: 'Access denied, deny-listed wallet' },
  ])
  expect((await ask(createWallet('ben'), { realmName: 'main', sceneId: 'bafk' })).status).toBe(200)
})

test('before the list was ever read nobody gets in, and the gatekeeper is not ready', async (t) => {
  const { url } = await aServer({ status: 500, body: '{}' })
  const { ask, cell } = await aGatekeeper(t, { config: { DENYLIST_URL: url } })
  expect(await answerOf(await ask(ana, { realmName: 'main', sceneId: 'bafk' }))).toEqual([
    503,
    { error: 'The deny list has not been read yet' },
  ])
  expect(cell.readiness()).toEqual({ ready: false, reason: 'the deny list has not been read yet' })
})

test('the list is read again every five minutes, and kept while it cannot be had', async () => {
  const server = await aServer({ status: 200, body: naming(ana.address) })
  const clock = new ManualClock()
  const list = httpDenyList(server.url, { clock, log: silentLog })
  await vi.waitFor(() => expect(list.has(ana.peer)).toBe(true))
  server.says.body = '{}'
  server.says.status = 502
  await vi.waitFor(() => {
    clock.advance(6 * 60_000)
    expect(server.seen.requests).toBeGreaterThan(1)
  })
  expect(list.has(ana.peer)).toBe(true)
  server.says.status = 200
  await vi.waitFor(() => {
    clock.advance(12_000)
    expect(list.has(ana.peer)).toBe(false)
  })
  await list.stop()
})

test.each(['{"users":7}', '[]', 'null', '"a"', '{"users":[null,7,{}]}'])('a list that reads %s is empty', async (body) => {
  const { url } = await aServer({ status: 200, body })
  const list = httpDenyList(url, { clock: systemClock, log: silentLog })
  await vi.waitFor(() => expect(list.known).toBe(true))
  expect(list.size).toBe(0)
  await list.stop()
})
