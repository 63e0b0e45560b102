import { afterEach, describe, expect, test, vi } from 'vitest'
import { chainOf, createWallet, oneLinkChain } from '../../testing/player/wallet.ts'
import { roomPackets } from '../wire/room-packets.ts'
import { connect, joinRoom, signIn, startTestRooms, twoInARoom } from './fixtures.ts'

const [ada, bob, eve] = [createWallet('ada'), createWallet('bob'), createWallet('eve')]
const DEADLINE = { timeout: 15_000 }
const HELLO = Buffer.from('hello')

let server: Awaited<ReturnType<typeof startTestRooms>>
afterEach(() => server.close())

async function open(options?: Parameters<typeof startTestRooms>[0]) {
  server = await startTestRooms(options)
  return server
}

async function two(options?: Parameters<typeof startTestRooms>[0]) {
  const arranged = await twoInARoom(ada, bob, options)
  server = arranged.server
  return { ...arranged, ...arranged.server }
}

describe('the entry to a room', () => {
  test('a client gets a challenge and a welcome, and every member is informed of the others', async () => {
    const { first, second, peerJoinMessage } = await two()
    expect(first.protocol).toBe('rfc5')
    expect(first.challengeToSign).toMatch(/^dcl-[^:]+$/)
    expect(first.alreadyConnected).toBe(false)
    expect(first.peerIdentities).toEqual({})
    expect(second.peerIdentities).toEqual({ [first.alias]: ada.peer })
    expect(peerJoinMessage).toEqual({ alias: second.alias, address: bob.peer })
    expect(server.rooms.members('island-1')).toEqual([ada.peer, bob.peer])
  })

  test('a client may offer no subprotocol; one that offers only others is given none', async () => {
    const { url } = await open()
    expect((await connect(url, '/rooms/island-1', [])).protocol).toBe('')
    await expect(connect(url, '/rooms/island-1', ['rfc4'])).rejects.toThrow(/subprotocol/i)
  })

  test('rooms are also served below the path of any slot', async () => {
    const { url } = await open()
    const client = await connect(url, '/cells/7/rooms/island-1')
    client.send(roomPackets.identification(ada.address))
    await client.next('challengeMessage')
  })

  test('a client that was not admitted to the room is kicked, and does not reconnect', async () => {
    const { url, admit, clock } = await open()
    await admit(eve.peer, 'island-2')
    const client = await signIn(url, 'island-1', eve)
    await vi.waitFor(() => {
      clock.advance(1_000)
      expect(client.unread()).toEqual(['peerKicked'])
    }, DEADLINE)
    expect(await client.closed).toEqual({ code: 1008, reason: 'not admitted' })
    expect(server.rooms.members('island-1')).toEqual([])
  })

  test('an admission may arrive a moment after its client', async () => {
    const { url, admit } = await open()
    const client = await signIn(url, 'island-1', ada)
    await admit(ada.peer, 'island-1')
    await client.next('welcomeMessage')
  })

  test.each([
    ['bytes that are not a packet', [new Uint8Array([0xff, 0xff])], 1007],
    ['an invalid address', [roomPackets.identification('bob')], 1008],
    ['a signature before the challenge', [roomPackets.signedChallenge('[]')], 1002],
    ['an update before the welcome', [roomPackets.update(1, HELLO, false)], 1002],
    ['text that is not an auth chain', [roomPackets.identification(ada.address), roomPackets.signedChallenge('nonsense')], 1008],
    [
      'a forged chain',
      [roomPackets.identification(ada.address), roomPackets.signedChallenge(JSON.stringify(oneLinkChain('dcl-')))],
      1008,
    ],
    ['a message above the limit', [Buffer.alloc(70_000)], 1009],
  ])('%s ends the connection', async (_, packets, code) => {
    const { url } = await open()
    const client = await connect(url, '/rooms/island-1')
    for (const packet of packets) client.send(packet)
    expect((await client.closed).code).toBe(code)
  })

  test('a signature of another challenge is refused', async () => {
    const { url, admit } = await open()
    await admit(ada.peer, 'island-1')
    const { challengeToSign } = await signIn(url, 'island-1', ada)
    const replaying = await connect(url, '/rooms/island-1')
    replaying.send(roomPackets.identification(ada.address))
    await replaying.next('challengeMessage')
    replaying.send(roomPackets.signedChallenge(JSON.stringify(chainOf('two', ada, challengeToSign))))
    expect((await replaying.closed).code).toBe(1008)
  })

  test('a client that does not finish the handshake in time is disconnected', async () => {
    const { url, clock } = await open({ limits: { handshakeMs: 30_000 } })
    const client = await connect(url, '/rooms/island-1')
    clock.advance(30_000)
    expect(await client.closed).toMatchObject({ code: 1008 })
  })

  test('unknown messages are ignored', async () => {
    const { first, second } = await two()
    first.send(roomPackets.kicked('not for a server'))
    first.send(new Uint8Array([0xfa, 0x07, 0x00]))
    first.send(roomPackets.update(0, HELLO, false))
    await second.next('peerUpdateMessage')
  })

  test('a full room admits only new sessions of its members', async () => {
    const { url, admit } = await open({ limits: { maxMembersPerRoom: 1 } })
    await admit(ada.peer, 'island-1')
    await admit(bob.peer, 'island-1')
    await joinRoom(url, 'island-1', ada)
    const refused = await signIn(url, 'island-1', bob)
    expect((await refused.next('peerKicked')).peerKicked.reason).toMatch(/full/)
    expect((await refused.closed).code).toBe(1013)
    await joinRoom(url, 'island-1', ada)
  })

  test('the number of unauthenticated clients is limited', async () => {
    const { url } = await open({ limits: { maxUnauthenticated: 1 } })
    await connect(url, '/rooms/island-1')
    await expect(connect(url, '/rooms/island-1')).rejects.toThrow('503')
    expect(await server.metric('upgrades_refused_total')).toContain('realm_rooms_upgrades_refused_total{reason="full"} 1')
  })

  test('admissions by an archipelago that another one took over from are ignored', async () => {
    const { url, admit } = await open()
    await admit(ada.peer, 'island-1', 'island', '000000002-b')
    await admit(ada.peer, 'island-2', 'island', '000000001-a')
    await joinRoom(url, 'island-1', ada)
    expect(await server.metric('admissions_stale_total')).toContain('realm_rooms_admissions_stale_total 1')
  })
})
