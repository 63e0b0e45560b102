import { afterEach, describe, expect, test, vi } from 'vitest'
import { createWallet } from '../../testing/player/wallet.ts'
import { connect, joinRoom, signIn, startTestRooms, twoInARoom } from './fixtures.ts'

const [ada, bob] = [createWallet('ada'), createWallet('bob')]
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

describe('a session', () => {
  test('that ends is announced to the other members, and an empty room ceases to exist', async () => {
    const { first, second } = await two()
    second.socket.terminate()
    expect((await first.next('peerLeaveMessage')).peerLeaveMessage).toEqual({ alias: second.alias })
    first.socket.close()
    await vi.waitFor(() => expect(server.rooms.members('island-1')).toEqual([]), DEADLINE)
    expect(await server.metric('rooms ')).toContain('realm_rooms_rooms 0')
  })

  test('is replaced and kicked by a newer one of the same wallet', async () => {
    const { first, second, url } = await two()
    const again = await joinRoom(url, 'island-1', ada)
    expect(again.alreadyConnected).toBe(true)
    expect(again.peerIdentities).toEqual({ [second.alias]: bob.peer })
    await first.next('peerKicked')
    expect(await first.closed).toEqual({ code: 1000, reason: 'superseded' })
    expect((await second.next('peerLeaveMessage')).peerLeaveMessage.alias).toBe(first.alias)
    expect((await second.next('peerJoinMessage')).peerJoinMessage).toEqual({ alias: again.alias, address: ada.peer })
    expect(server.rooms.members('island-1')).toEqual([bob.peer, ada.peer])
  })

  test('continues for a few seconds when its peer is admitted to another island', async () => {
    const { first, second, admit, url } = await two()
    await admit(bob.peer, 'island-2')
    await joinRoom(url, 'island-2', bob)
    server.clock.advance(4_999)
    expect(server.rooms.members('island-1')).toHaveLength(2)
    server.clock.advance(1)
    expect(await second.closed).toEqual({ code: 1000, reason: 'moved to another room' })
    await first.next('peerLeaveMessage')
    const back = await signIn(url, 'island-1', bob)
    await vi.waitFor(() => {
      server.clock.advance(1_000)
      expect(back.unread()).toEqual(['peerKicked'])
    }, DEADLINE)
  })

  test('continues when its peer is admitted again in time', async () => {
    const { admit } = await two()
    await admit(bob.peer, 'island-2')
    await admit(bob.peer, 'island-1')
    server.clock.advance(60_000)
    expect(server.rooms.members('island-1')).toEqual([ada.peer, bob.peer])
  })

  test('is not ended by the admission to a scene', async () => {
    const { admit, url } = await two()
    await admit(bob.peer, 'scene-1', 'scene')
    await joinRoom(url, 'scene-1', bob)
    server.clock.advance(20_000)
    expect(server.rooms.members('island-1')).toEqual([ada.peer, bob.peer])
    expect(server.rooms.members('scene-1')).toEqual([bob.peer])
  })

  test('is ended with 1012 when the rooms stop: spread over time, while upgrades are refused', async () => {
    const { first, second, url } = await two({ drainSeconds: 10 })
    const stopped = server.rooms.stop()
    expect(server.rooms.readiness()).toEqual({ ready: false, reason: 'stopping' })
    await expect(connect(url, '/rooms/island-1')).rejects.toThrow('503')
    server.clock.advance(0)
    expect(await first.closed).toEqual({ code: 1012, reason: 'restarting' })
    server.clock.advance(4_999)
    expect(server.rooms.members('island-1')).toEqual([bob.peer])
    server.clock.advance(1)
    expect(await second.closed).toEqual({ code: 1012, reason: 'restarting' })
    let isOver = false
    void stopped.then(() => {
      isOver = true
    })
    await vi.waitFor(() => {
      server.clock.advance(50)
      expect(isOver).toBe(true)
    }, DEADLINE)
  })
})

describe('HTTP and the bus', () => {
  const get = async (path: string) => {
    const response = await fetch(server.url + path)
    return { status: response.status, body: await response.json() }
  }

  test('rooms are listed with the number of their members, and without their wallets', async () => {
    await two()
    const room = { room: 'island-1', memberCount: 2 }
    expect(await get('/rooms')).toEqual({ status: 200, body: [room] })
    expect(await get('/cells/0/rooms')).toEqual({ status: 200, body: [room] })
    expect(await get('/rooms/island-1/members')).toEqual({ status: 200, body: room })
  })

  test('unknown rooms and paths are not found', async () => {
    await open()
    expect((await get('/rooms/island-9/members')).status).toBe(404)
    expect((await get('/unknown')).status).toBe(404)
    await expect(connect(server.url, '/unknown')).rejects.toThrow('404')
    await expect(connect(server.url, '/rooms/%ff')).rejects.toThrow('404')
    await expect(connect(server.url, `/rooms/${'r'.repeat(300)}`)).rejects.toThrow('404')
  })

  test('messages on the bus that are not an admission are counted and ignored', async () => {
    await open()
    await server.publish(`city.0.rooms.${ada.peer}.admission`, HELLO)
    await server.publish('city.0.rooms.admin.admission', Buffer.from('{"room":"island-1","kind":"island"}'))
    expect(await server.metric('admissions_malformed_total')).toContain('realm_rooms_admissions_malformed_total 2')
  })
})
