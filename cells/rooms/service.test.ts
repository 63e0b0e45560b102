import { afterEach, describe, expect, test, vi } from 'vitest'
import { createWallet } from '../../testing/player/wallet.ts'
import { connect, joinRoom, signIn, startTestRooms, twoInARoom } from './fixtures.ts'

const [ada, bob] = [createWallet('ada'), createWallet('bob')]
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

describe('leaving', () => {
  test('the others hear of it, and an empty room is gone', async () => {
    const { first, second } = await two()
    second.socket.terminate()
    expect((await first.next('peerLeaveMessage')).peerLeaveMessage).toEqual({ alias: second.alias })
    first.socket.close()
    await vi.waitFor(() => expect(world.rooms.members('island-1')).toEqual([]), PATIENCE)
    expect(await world.metric('rooms ')).toContain('realm_rooms_rooms 0')
  })

  test('the same wallet again takes over: the old session is kicked, the new one stays', async () => {
    const { first, second, url } = await two()
    const again = await joinRoom(url, 'island-1', ada)
    expect(again.alreadyConnected).toBe(true)
    expect(again.peerIdentities).toEqual({ [second.alias]: bob.peer })
    await first.next('peerKicked')
    expect(await first.closed).toEqual({ code: 1000, reason: 'superseded' })
    expect((await second.next('peerLeaveMessage')).peerLeaveMessage.alias).toBe(first.alias)
    expect((await second.next('peerJoinMessage')).peerJoinMessage).toEqual({ alias: again.alias, address: ada.peer })
    expect(world.rooms.members('island-1')).toEqual([bob.peer, ada.peer])
  })

  test('a peer of another island has a few seconds to leave this one', async () => {
    const { first, second, admit, url } = await two()
    await admit(bob.peer, 'island-2')
    await joinRoom(url, 'island-2', bob)
    world.clock.advance(4_999)
    expect(world.rooms.members('island-1')).toHaveLength(2)
    world.clock.advance(1)
    expect(await second.closed).toEqual({ code: 1000, reason: 'moved to another room' })
    await first.next('peerLeaveMessage')
    const back = await signIn(url, 'island-1', bob)
    await vi.waitFor(() => {
      world.clock.advance(1_000)
      expect(back.unread()).toEqual(['peerKicked'])
    }, PATIENCE)
  })

  test('a peer that is sent back in time stays', async () => {
    const { admit } = await two()
    await admit(bob.peer, 'island-2')
    await admit(bob.peer, 'island-1')
    world.clock.advance(60_000)
    expect(world.rooms.members('island-1')).toEqual([ada.peer, bob.peer])
  })

  test('a scene admission ends nothing', async () => {
    const { admit, url } = await two()
    await admit(bob.peer, 'scene-1', 'scene')
    await joinRoom(url, 'scene-1', bob)
    world.clock.advance(20_000)
    expect(world.rooms.members('island-1')).toEqual([ada.peer, bob.peer])
    expect(world.rooms.members('scene-1')).toEqual([bob.peer])
  })

  test('rooms that close send everybody away with 1012, spread, and let nobody in', async () => {
    const { first, second, url } = await two({ drainSeconds: 10 })
    const stopped = world.rooms.stop()
    expect(world.rooms.readiness()).toEqual({ ready: false, reason: 'stopping' })
    await expect(connect(url, '/rooms/island-1')).rejects.toThrow('503')
    world.clock.advance(0)
    expect(await first.closed).toEqual({ code: 1012, reason: 'restarting' })
    world.clock.advance(4_999)
    expect(world.rooms.members('island-1')).toEqual([bob.peer])
    world.clock.advance(1)
    expect(await second.closed).toEqual({ code: 1012, reason: 'restarting' })
    let isOver = false
    void stopped.then(() => {
      isOver = true
    })
    await vi.waitFor(() => {
      world.clock.advance(50)
      expect(isOver).toBe(true)
    }, PATIENCE)
  })
})

describe('looking', () => {
  const get = async (path: string) => {
    const response = await fetch(world.url + path)
    return { status: response.status, body: await response.json() }
  }

  test('the rooms and their members are listed', async () => {
    await two()
    const room = { room: 'island-1', members: [ada.peer, bob.peer] }
    expect(await get('/rooms')).toEqual({ status: 200, body: [room] })
    expect(await get('/cells/0/rooms')).toEqual({ status: 200, body: [room] })
    expect(await get('/rooms/island-1/members')).toEqual({ status: 200, body: room })
  })

  test('what is not there is not found', async () => {
    await open()
    expect((await get('/rooms/island-9/members')).status).toBe(404)
    expect((await get('/elsewhere')).status).toBe(404)
    await expect(connect(world.url, '/elsewhere')).rejects.toThrow('404')
    await expect(connect(world.url, '/rooms/%ff')).rejects.toThrow('404')
    await expect(connect(world.url, `/rooms/${'r'.repeat(300)}`)).rejects.toThrow('404')
  })

  test('what is no admission on the bus is counted and ignored', async () => {
    await open()
    await world.publish(`city.0.rooms.${ada.peer}.admission`, HELLO)
    await world.publish('city.0.rooms.admin.admission', Buffer.from('{"room":"island-1","kind":"island"}'))
    expect(await world.metric('admissions_malformed_total')).toContain('realm_rooms_admissions_malformed_total 2')
  })
})
