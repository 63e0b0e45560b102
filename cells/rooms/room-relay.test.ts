import { afterEach, describe, expect, test, vi } from 'vitest'
import { createWallet } from '../../testing/player/wallet.ts'
import { roomPackets } from '../wire/room-packets.ts'
import { joinRoom, type startTestRooms, twoInARoom } from './fixtures.ts'
import { defaultLimits } from './limits.ts'

const [ada, bob, eve] = [createWallet('ada'), createWallet('bob'), createWallet('eve')]
const DEADLINE = { timeout: 15_000 }
const HELLO = Buffer.from('hello')

let server: Awaited<ReturnType<typeof startTestRooms>>
afterEach(() => server.close())

async function two(options?: Parameters<typeof startTestRooms>[0]) {
  const arranged = await twoInARoom(ada, bob, options)
  server = arranged.server
  return { ...arranged, ...arranged.server }
}

describe('a room', () => {
  test('relays an update to all other members, under the alias of its sender', async () => {
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

  test('does not relay updates to other rooms', async () => {
    const { first, second, url, admit } = await two()
    await admit(eve.peer, 'island-2')
    const other = await joinRoom(url, 'island-2', eve)
    expect(other.peerIdentities).toEqual({})
    first.send(roomPackets.update(0, HELLO, false))
    await second.next('peerUpdateMessage')
    expect(other.unread()).toEqual([])
  })

  test('keeps the order of updates', async () => {
    const { first, second } = await two()
    for (let n = 0; n < 100; n++) first.send(roomPackets.update(0, Buffer.from([n]), n % 2 === 0))
    for (let n = 0; n < 100; n++) expect((await second.next('peerUpdateMessage')).peerUpdateMessage.body[0]).toBe(n)
  })

  test('drops unreliable updates above the rate, and ends the session at a reliable one', async () => {
    const { first, second } = await two({ limits: { messages: { perSecond: 1, burst: 12 } } })
    for (let n = 0; n < 20; n++) first.send(roomPackets.update(0, HELLO, true))
    first.send(roomPackets.update(0, HELLO, false))
    expect(await first.closed).toEqual({ code: 1008, reason: 'too many messages' })
    for (let n = 0; n < 10; n++) await second.next('peerUpdateMessage')
    await second.next('peerLeaveMessage')
    expect(await server.metric('packets_dropped_total')).toContain('realm_rooms_packets_dropped_total{reason="rate"} 10')
  })

  test('drops unreliable updates to a client that does not read, then those of the loudest sender, and ends its session after a time', async () => {
    const { first, second, url, admit } = await two({
      limits: {
        ...{ messages: { perSecond: 1e6, burst: 1e6 }, bytes: { perSecond: 1e9, burst: 1e9 } },
        backlog: { ...defaultLimits.backlog, behindMs: 1_000 },
      },
    })
    await admit(eve.peer, 'island-1')
    const third = await joinRoom(url, 'island-1', eve)
    const body = Buffer.alloc(60_000)
    // How much the kernel takes before anything is unsent depends on the machine.
    const sendUntilDropped = async (reason: string, unreliable: boolean) => {
      const dropped = async () => Number((await server.metric(`packets_dropped_total{reason="${reason}"`))[0]?.split(' ')[1] ?? 0)
      const before = await dropped()
      await vi.waitFor(async () => {
        for (let n = 0; n < 20; n++) first.send(roomPackets.update(0, body, unreliable))
        expect(await dropped()).toBeGreaterThan(before)
      }, DEADLINE)
    }
    second.socket.pause()
    await sendUntilDropped('buffer', true)
    await sendUntilDropped('share', false)
    for (let n = 0; n < 20; n++) first.send(roomPackets.update(0, body, false))
    await first.received()
    third.send(roomPackets.update(0, HELLO, false))
    await third.received()
    expect(server.rooms.members('island-1')).toEqual([ada.peer, bob.peer, eve.peer])
    second.socket.resume()
    await vi.waitFor(() => expect(second.bodies()).toContainEqual(HELLO), DEADLINE)

    second.socket.pause()
    await sendUntilDropped('share', false)
    await vi.waitFor(async () => {
      for (let n = 0; n < 20; n++) first.send(roomPackets.update(0, body, false))
      await first.received()
      server.clock.advance(1_000)
      expect(server.rooms.members('island-1')).toEqual([ada.peer, eve.peer])
    }, DEADLINE)
    expect(await server.metric('sessions_ended_total{')).toEqual(['realm_rooms_sessions_ended_total{ending="too_slow"} 1'])
  })

  test('never pings a client that sends, pings a silent one, and ends a broken connection', async () => {
    const { first, second } = await two()
    for (let n = 0; n < 5; n++) {
      first.send(roomPackets.update(0, HELLO, false))
      await second.next('peerUpdateMessage')
      server.clock.advance(15_000)
    }
    await vi.waitFor(() => expect(second.pings()).toBe(1), DEADLINE)
    expect(first.pings()).toBe(0)
    second.socket.pause()
    server.clock.advance(45_000)
    await first.received()
    server.clock.advance(45_000)
    await first.next('peerLeaveMessage')
  })
})
