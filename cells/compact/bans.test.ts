import { expect, test, vi } from 'vitest'
import { connectPlayer } from '../../testing/player/player.ts'
import { createWallet } from '../../testing/player/wallet.ts'
import { createMemoryBus } from '../bus/memory.ts'
import { systemClock } from '../chassis/clock.ts'
import { listen } from '../chassis/listen.ts'
import { silentLog } from '../chassis/log.ts'
import { onEachDatabase } from '../gatekeeper/database.fixtures.ts'
import { aGatekeeper } from '../gatekeeper/fixtures.ts'
import { aTown, MALL, owner, PARK } from '../gatekeeper/scenes/fixtures.ts'
import { createVerifier } from '../identity/verifier.ts'
import { joinRoom, signIn, startTestRooms } from '../rooms/fixtures.ts'
import { startCellServices } from './cell-services.ts'

const DEADLINE = { timeout: 20_000, interval: 20 }
const MODERATOR_TOKEN = 'moderators-token-0123'

onEachDatabase('a ban over the API of a gatekeeper', (empty) => {
  test('ends the sessions at the connector and in the embedded rooms, by the version of the bans and without a sweep', async (t) => {
    const gatekeeper = await aGatekeeper(t, {
      ...{ storage: await empty(), clock: systemClock },
      config: { MODERATOR_TOKEN },
    })
    const verifier = createVerifier({ log: silentLog, workers: 1 })
    const services = await startCellServices(
      {
        connector: { DRAIN_SECONDS: '0', COMMS_GATEKEEPER_URL: gatekeeper.url, BAN_SWEEP_INTERVAL_MS: String(80_000_000) },
        archipelago: { NATS_URL: 'nats://127.0.0.1', ROOMS_URL: 'ws://127.0.0.1/rooms', ARCHIPELAGO_FLUSH_FREQUENCY: '0.2' },
      },
      { bus: createMemoryBus(silentLog), log: silentLog, clock: systemClock, verifier },
    )
    const { url, stop } = await listen(services.app, { host: '127.0.0.1', port: 0 })
    t.onTestFinished(async () => {
      await services.stop()
      await Promise.all([stop(), verifier.close()])
    })
    const [good, bad] = [createWallet('good'), createWallet('bad')]
    const enter = async (wallet: typeof good) => {
      const player = await connectPlayer({ url: `${url.replace('http', 'ws')}/ws`, wallet })
      const heartbeats = setInterval(() => player.heartbeat({ x: 8, y: 0, z: 8 }), 200)
      void player.closed.then(() => clearInterval(heartbeats))
      await vi.waitFor(() => expect(player.island).toBeDefined(), DEADLINE)
      const room = player.island?.islandId ?? ''
      return { player, room, member: await joinRoom(url, room, wallet) }
    }
    const [stays, goes] = [await enter(good), await enter(bad)]

    const banned = await fetch(`${gatekeeper.url}/users/${bad.peer}/bans?moderator=Ruth`, {
      method: 'POST',
      headers: { authorization: `Bearer ${MODERATOR_TOKEN}` },
      body: JSON.stringify({ reason: 'spam' }),
    })
    expect(banned.status).toBe(201)
    await goes.player.closed
    expect([goes.player.kicked, stays.player.kicked]).toEqual([true, false])
    expect(await goes.member.closed).toEqual({ code: 1008, reason: 'banned' })
    // The room still has the admission, as a client still has the URL.
    expect(await (await signIn(url, goes.room, bad)).closed).toEqual({ code: 1008, reason: 'banned' })
    expect(stays.member.socket.readyState).toBe(stays.member.socket.OPEN)
    stays.player.close()
  })

  test('from a scene ends the session in its embedded room, and in no other', async (t) => {
    const rooms = await startTestRooms()
    t.onTestFinished(rooms.close)
    const { call, entry, clock } = await aTown(t, await empty(), {
      bus: rooms.bus,
      config: { LIVEKIT_HOST: undefined, ROOMS_URL: 'ws://127.0.0.1/rooms', BUS_SCOPE: 'city.0' },
    })
    const [good, bad] = [createWallet('good'), createWallet('bad')]
    const [park, mall] = [`scene-main:${PARK}`, `scene-main:${MALL}`]
    for (const wallet of [good, bad]) await entry(wallet)
    await entry(bad, { sceneId: MALL, parcel: '20,20' })
    const [stays, goes, inMall] = [
      await joinRoom(rooms.url, park, good),
      await joinRoom(rooms.url, park, bad),
      await joinRoom(rooms.url, mall, bad),
    ]

    expect((await call(owner, 'POST', '/scene-bans', { banned_address: bad.address }))[0]).toBe(204)
    await vi.waitFor(() => {
      clock.advance(100)
      expect(rooms.rooms.members(park)).toEqual([good.peer])
    }, DEADLINE)
    expect(await goes.closed).toEqual({ code: 1008, reason: 'not admitted' })
    expect(rooms.rooms.members(mall)).toEqual([bad.peer])
    for (const { socket } of [stays, inMall]) expect(socket.readyState).toBe(socket.OPEN)

    // The client has the URL still: it waits for an admission that does not come.
    const again = await signIn(rooms.url, park, bad)
    await again.received()
    expect((await entry(bad))[0]).toBe(403)
    expect(rooms.rooms.members(park)).toEqual([good.peer])
  })
})
