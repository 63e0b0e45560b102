import { afterEach, describe, expect, test, vi } from 'vitest'
import { createWallet } from '../../testing/player/wallet.ts'
import { roomPackets } from '../wire/room-packets.ts'
import { joinRoom, type startTestRooms, twoInARoom } from './fixtures.ts'

const [ada, bob, eve] = [createWallet('ada'), createWallet('bob'), createWallet('eve')]
const PATIENCE = { timeout: 15_000 }
const HELLO = Buffer.from('hello')

let world: Awaited<ReturnType<typeof startTestRooms>>
afterEach(() => world.close())

async function two(options?: Parameters<typeof startTestRooms>[0]) {
  const arranged = await twoInARoom(ada, bob, options)
  world = arranged.world
  return { ...arranged, ...arranged.world }
}

describe('talking', () => {
  test('an update reaches everybody else, under the alias of who sent it', async () => {
    const { first, second } = await two()
    first.send(roomPackets.update(99, HELLO, true))
    const { peerUpdateMessage } = await second.next('peerUpdateMessage')
    expect({ ...peerUpdateMessage, body: Buffer.from(peerUpdateMessage.body) }).toEqual({
      fromAlias: first.alias,
      body: HELLO,
      unreliable: true,
    })
    expect(first.unread()).toEqual([])
  })

  test('it does not reach other rooms', async () => {
    const { first, second, url, admit } = await two()
    await admit(eve.peer, 'island-2')
    const elsewhere = await joinRoom(url, 'island-2', eve)
    expect(elsewhere.peerIdentities).toEqual({})
    first.send(roomPackets.update(0, HELLO, false))
    await second.next('peerUpdateMessage')
    expect(elsewhere.unread()).toEqual([])
  })

  test('order is kept', async () => {
    const { first, second } = await two()
    for (let n = 0; n < 100; n++) first.send(roomPackets.update(0, Buffer.from([n]), n % 2 === 0))
    for (let n = 0; n < 100; n++) expect((await second.next('peerUpdateMessage')).peerUpdateMessage.body[0]).toBe(n)
  })

  test('who says too much loses what may be lost, and its place when it insists', async () => {
    const { first, second } = await two({ limits: { messages: { perSecond: 1, burst: 12 } } })
    for (let n = 0; n < 20; n++) first.send(roomPackets.update(0, HELLO, true))
    first.send(roomPackets.update(0, HELLO, false))
    expect(await first.closed).toEqual({ code: 1008, reason: 'too many messages' })
    for (let n = 0; n < 10; n++) await second.next('peerUpdateMessage')
    await second.next('peerLeaveMessage')
    expect(await world.metric('packets_dropped_total')).toContain('realm_rooms_packets_dropped_total{reason="rate"} 10')
  })

  test('who does not read misses what may be missed, and is cut off before it fills our memory', async () => {
    const { first, second } = await two({
      limits: { messages: { perSecond: 1e6, burst: 1e6 }, bytes: { perSecond: 1e9, burst: 1e9 } },
    })
    second.socket.pause()
    const body = Buffer.alloc(60_000)
    await vi.waitFor(async () => {
      for (let n = 0; n < 20; n++) first.send(roomPackets.update(0, body, true))
      const dropped = await world.metric('packets_dropped_total{reason="buffer"')
      expect(Number(dropped[0]?.split(' ')[1])).toBeGreaterThan(0)
    }, PATIENCE)
    expect(world.rooms.members('island-1')).toContain(bob.peer)
    for (let n = 0; n < 20; n++) first.send(roomPackets.update(0, body, false))
    await first.next('peerLeaveMessage')
    expect(world.rooms.members('island-1')).toEqual([ada.peer])
  })

  test('a client that talks is never pinged, a silent one is, and a dead line is given up', async () => {
    const { first, second } = await two()
    for (let n = 0; n < 5; n++) {
      first.send(roomPackets.update(0, HELLO, false))
      await second.next('peerUpdateMessage')
      world.clock.advance(15_000)
    }
    await vi.waitFor(() => expect(second.pings()).toBe(1), PATIENCE)
    expect(first.pings()).toBe(0)
    second.socket.pause()
    world.clock.advance(45_000)
    await first.heard()
    world.clock.advance(45_000)
    await first.next('peerLeaveMessage')
  })
})
