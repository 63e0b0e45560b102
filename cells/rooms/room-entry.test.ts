import { afterEach, describe, expect, test, vi } from 'vitest'
import { chainOf, createWallet, oneLinkChain } from '../../testing/player/wallet.ts'
import { roomPackets } from '../wire/room-packets.ts'
import { connect, joinRoom, signIn, startTestRooms, twoInARoom } from './fixtures.ts'

const [ada, bob, eve] = [createWallet('ada'), createWallet('bob'), createWallet('eve')]
const PATIENCE = { timeout: 15_000 }
const HELLO = Buffer.from('hello')

let world: Awaited<ReturnType<typeof startTestRooms>>
afterEach(() => world.close())

async function open(options?: Parameters<typeof startTestRooms>[0]) {
  world = await startTestRooms(options)
  return world
}

async function two(options?: Parameters<typeof startTestRooms>[0]) {
  const arranged = await twoInARoom(ada, bob, options)
  world = arranged.world
  return { ...arranged, ...arranged.world }
}

describe('entering', () => {
  test('a challenge, a welcome, and everybody knows everybody', async () => {
    const { first, second, peerJoinMessage } = await two()
    expect(first.protocol).toBe('rfc5')
    expect(first.challengeToSign).toMatch(/^dcl-[^:]+$/)
    expect(first.alreadyConnected).toBe(false)
    expect(first.peerIdentities).toEqual({})
    expect(second.peerIdentities).toEqual({ [first.alias]: ada.peer })
    expect(peerJoinMessage).toEqual({ alias: second.alias, address: bob.peer })
    expect(world.rooms.members('island-1')).toEqual([ada.peer, bob.peer])
  })

  test('a client that offers no subprotocol is welcome, one that offers others gets none of them', async () => {
    const { url } = await open()
    expect((await connect(url, '/rooms/island-1', [])).protocol).toBe('')
    await expect(connect(url, '/rooms/island-1', ['rfc4'])).rejects.toThrow(/subprotocol/i)
  })

  test('the rooms are also there below the path of any cell', async () => {
    const { url } = await open()
    const visitor = await connect(url, '/cells/7/rooms/island-1')
    visitor.send(roomPackets.identification(ada.address))
    await visitor.next('challengeMessage')
  })

  test('somebody who was not admitted to this room is told so and does not come back', async () => {
    const { url, admit, clock } = await open()
    await admit(eve.peer, 'island-2')
    const visitor = await signIn(url, 'island-1', eve)
    await vi.waitFor(() => {
      clock.advance(1_000)
      expect(visitor.unread()).toEqual(['peerKicked'])
    }, PATIENCE)
    expect(await visitor.closed).toEqual({ code: 1008, reason: 'not admitted' })
    expect(world.rooms.members('island-1')).toEqual([])
  })

  test('an admission that comes a moment after its client is in time', async () => {
    const { url, admit } = await open()
    const visitor = await signIn(url, 'island-1', ada)
    await admit(ada.peer, 'island-1')
    await visitor.next('welcomeMessage')
  })

  test.each([
    ['bytes that are no packet', [new Uint8Array([0xff, 0xff])], 1007],
    ['no address', [roomPackets.identification('bob')], 1008],
    ['a signature before the challenge', [roomPackets.signedChallenge('[]')], 1002],
    ['an update before the welcome', [roomPackets.update(1, HELLO, false)], 1002],
    ['no chain', [roomPackets.identification(ada.address), roomPackets.signedChallenge('nonsense')], 1008],
    [
      'a forged chain',
      [roomPackets.identification(ada.address), roomPackets.signedChallenge(JSON.stringify(oneLinkChain('dcl-')))],
      1008,
    ],
    ['more than a message may hold', [Buffer.alloc(70_000)], 1009],
  ])('%s ends the connection', async (_, packets, code) => {
    const { url } = await open()
    const visitor = await connect(url, '/rooms/island-1')
    for (const packet of packets) visitor.send(packet)
    expect((await visitor.closed).code).toBe(code)
  })

  test('a signature of another challenge does not count', async () => {
    const { url, admit } = await open()
    await admit(ada.peer, 'island-1')
    const { challengeToSign } = await signIn(url, 'island-1', ada)
    const thief = await connect(url, '/rooms/island-1')
    thief.send(roomPackets.identification(ada.address))
    await thief.next('challengeMessage')
    thief.send(roomPackets.signedChallenge(JSON.stringify(chainOf('two', ada, challengeToSign))))
    expect((await thief.closed).code).toBe(1008)
  })

  test('whoever takes too long over the handshake is sent away', async () => {
    const { url, clock } = await open({ limits: { handshakeMs: 30_000 } })
    const visitor = await connect(url, '/rooms/island-1')
    clock.advance(30_000)
    expect(await visitor.closed).toMatchObject({ code: 1008 })
  })

  test('words we do not know are ignored', async () => {
    const { first, second } = await two()
    first.send(roomPackets.kicked('you are not my room'))
    first.send(new Uint8Array([0xfa, 0x07, 0x00]))
    first.send(roomPackets.update(0, HELLO, false))
    await second.next('peerUpdateMessage')
  })

  test('a full room refuses all but those who are in it already', async () => {
    const { url, admit } = await open({ limits: { maxMembersPerRoom: 1 } })
    await admit(ada.peer, 'island-1')
    await admit(bob.peer, 'island-1')
    await joinRoom(url, 'island-1', ada)
    const refused = await signIn(url, 'island-1', bob)
    expect((await refused.next('peerKicked')).peerKicked.reason).toMatch(/full/)
    expect((await refused.closed).code).toBe(1013)
    await joinRoom(url, 'island-1', ada)
  })

  test('no more strangers are let in than may be', async () => {
    const { url } = await open({ limits: { maxUnauthenticated: 1 } })
    await connect(url, '/rooms/island-1')
    await expect(connect(url, '/rooms/island-1')).rejects.toThrow('503')
    expect(await world.metric('upgrades_refused_total')).toContain('realm_rooms_upgrades_refused_total{reason="full"} 1')
  })

  test('an archipelago that another one took over from admits nobody', async () => {
    const { url, admit } = await open()
    await admit(ada.peer, 'island-1', 'island', '000000002-b')
    await admit(ada.peer, 'island-2', 'island', '000000001-a')
    await joinRoom(url, 'island-1', ada)
    expect(await world.metric('admissions_stale_total')).toContain('realm_rooms_admissions_stale_total 1')
  })
})
