import { expect, test, vi } from 'vitest'
import { signedFetch } from '../../testing/player/signed-fetch.ts'
import { createWallet } from '../../testing/player/wallet.ts'
import { ManualClock } from '../chassis/clock.ts'
import { listen } from '../chassis/listen.ts'
import { silentLog } from '../chassis/log.ts'
import { Metrics } from '../chassis/metrics.ts'
import { readConfig } from '../gatekeeper/config.ts'
import { aBan, aStorage, aVerifier } from '../gatekeeper/fixtures.ts'
import { aWorld, aWorldsFile } from '../gatekeeper/worlds/fixtures.ts'
import { joinRoom } from '../rooms/fixtures.ts'
import { readAdapter } from '../wire/adapter.ts'
import { startWorldGatekeeper } from './world-gatekeeper.ts'

const [ana, ben] = [createWallet('ana'), createWallet('ben')]

test('two players meet in the embedded room of a world; a banned one and one off its list are shown out', async (t) => {
  const [clock, storage] = [new ManualClock(Date.now()), aStorage()]
  const worlds = aWorldsFile(aWorld())
  const config = readConfig({
    ROOMS_SERVER: 'Self',
    ROOMS_URL: 'ws://127.0.0.1:1/gatekeeper/rooms',
    WORLDS_FILE: worlds.file,
    DATABASE_FOLDER: '/unused',
  })
  const shared = { log: silentLog, clock, verifier: aVerifier(), metrics: new Metrics('gatekeeper') }
  const service = await startWorldGatekeeper(config, { ...shared, storage })
  const http = await listen(service.app, { host: '127.0.0.1', port: 0 })
  t.onTestFinished(async () => {
    const stopped = service.stop()
    const ticking = setInterval(() => clock.advance(1_000), 5)
    await stopped
    clearInterval(ticking)
    await http.stop()
  })

  const enter = async (wallet: typeof ana) => {
    const answer = await signedFetch(`${http.url}/gatekeeper/worlds/plaza/comms`, {
      ...{ wallet, method: 'POST', timestamp: clock.now() },
      metadata: { intent: 'dcl:explorer:comms-handshake', signer: 'dcl:explorer', isGuest: false },
    })
    if (answer.status !== 200) return answer.status
    const comms = readAdapter(((await answer.json()) as { fixedAdapter: string }).fixedAdapter)
    expect(comms).toEqual({ kind: 'ws-room', url: 'ws://127.0.0.1:1/gatekeeper/rooms/world%3Arealms.plaza' })
    return 200
  }
  expect([await enter(ana), await enter(ben)]).toEqual([200, 200])
  const [first, second] = [
    await joinRoom(`${http.url}/gatekeeper`, 'world:realms.plaza', ana),
    await joinRoom(http.url, 'world:realms.plaza', ben),
  ]
  expect(second.peerIdentities).toEqual({ [first.alias]: ana.peer })
  const players = async () =>
    ((await (await fetch(`${http.url}/live-data`)).json()) as { data: { totalUsers: number } }).data.totalUsers
  clock.advance(1_000)
  expect(await players()).toBe(2)

  const soon = (check: () => unknown) =>
    vi.waitFor(
      async () => {
        clock.advance(500)
        await check()
      },
      { timeout: 10_000 },
    )
  storage.bans = [aBan({ bannedAddress: ben.peer })]
  await soon(async () => expect(await players()).toBe(1))
  expect((await second.closed).code).toBe(1008)
  expect(await enter(ben)).toBe(401)
  worlds.write(aWorld({ access: { type: 'Allowlist', wallets: [ben.peer] } }))
  await soon(async () => expect(await players()).toBe(0))
  expect((await first.closed).code).toBe(1008)
  expect(await enter(ana)).toBe(401)
})
