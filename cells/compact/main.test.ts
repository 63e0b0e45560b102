import { fileURLToPath } from 'node:url'
import { afterEach, expect, test, vi } from 'vitest'
import { SimulatedPlayer } from '../../testing/continuity/simulated-player.ts'
import { freePort } from '../../testing/free-port.ts'
import { withPart } from '../../testing/parts/with-part.ts'
import { createWallet } from '../../testing/player/wallet.ts'
import { type Program, startProgram } from '../../testing/program.ts'
import { startBroker } from '../bus/fixtures.ts'
import { joinRoom } from '../rooms/fixtures.ts'
import { main } from './main.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const PATIENCE = { timeout: 30_000, interval: 50 }

test('a process without configuration names the missing variables', async () => {
  await expect(main({})).rejects.toThrow(/NATS_URL/)
})

withPart('nats', 'two processes of Compact cells on one bus', (binary) => {
  const stack: (() => unknown)[] = []
  afterEach(async () => {
    for (const end of stack.splice(0).reverse()) await end()
  })

  async function start(broker: string): Promise<{ program: Program; url: string; stats: string }> {
    const statsPort = await freePort()
    const program = startProgram(process.execPath, ['cells/main.ts', 'compact'], {
      cwd: root,
      env: {
        NATS_URL: broker,
        BUS_SCOPE: 'ns.city.0',
        HTTP_SERVER_HOST: '127.0.0.1',
        HTTP_SERVER_PORT: '0',
        ROOMS_URL: 'ws://127.0.0.1/rooms',
        ARCHIPELAGO_FLUSH_FREQUENCY: '0.2',
        DRAIN_SECONDS: '1',
        STATS_HTTP_SERVER_PORT: String(statsPort),
        STATS_BUS_SCOPE: 'ns.city.*',
        STATS_REALM_NAME: 'city',
      },
    })
    stack.push(() => program[Symbol.asyncDispose]())
    const [, url = ''] = await program.prints(/"url":"(http:[^"]+)"/)
    await vi.waitFor(async () => expect((await fetch(`${url}/health/ready`)).status).toBe(200), PATIENCE)
    return { program, url, stats: `http://127.0.0.1:${statsPort}/stats` }
  }
  const peersAt = async (stats: string) => {
    const { peers } = (await (await fetch(`${stats}/peers`)).json()) as { peers: { id: string }[] }
    return peers.map(({ id }) => id).sort()
  }
  const roleAt = async (url: string) => ((await (await fetch(`${url}/debug`)).json()) as { role: string }).role

  test('two players meet in a room, keep it when the process they are at drains or is killed, and are in the statistics of both', {
    timeout: 90_000,
  }, async () => {
    const broker = await startBroker(binary)
    stack.push(() => broker[Symbol.asyncDispose]())
    const first = await start(broker.url)
    let current = first
    const players = ['ada', 'bob'].map(
      (name, n) => new SimulatedPlayer(name, { x: 10 * n, y: 0, z: 0 }, () => `${current.url.replace('http', 'ws')}/cells/0/ws`),
    )
    stack.push(() => {
      for (const player of players) player.leave()
    })
    await Promise.all(players.map((player) => player.arrive()))
    const heartbeats = setInterval(() => {
      for (const player of players) player.heartbeat()
    }, 200)
    stack.push(() => clearInterval(heartbeats))
    const inOneRoom = () => {
      const [room, ...others] = players.map((player) => player.room)
      expect(room).toBeDefined()
      expect(others).toEqual([room])
      return room ?? ''
    }
    const room = await vi.waitFor(inOneRoom, PATIENCE)
    const [ada, bob] = await Promise.all(['ada', 'bob'].map((name) => joinRoom(first.url, room, createWallet(name))))
    expect(Object.keys({ ...ada?.peerIdentities, ...bob?.peerIdentities })).toHaveLength(1)

    const second = await start(broker.url)
    expect([await roleAt(first.url), await roleAt(second.url)]).toEqual(['active', 'standby'])
    const expected = players.map(({ peer }) => peer).sort()
    for (const { stats } of [first, second])
      await vi.waitFor(async () => expect(await peersAt(stats)).toEqual(expected), PATIENCE)
    const metrics = await (await fetch(`${first.url}/metrics`)).text()
    const types = [...metrics.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name)
    expect(new Set(types).size).toBe(types.length)
    for (const line of [
      'realm_connector_players 2',
      'realm_archipelago_active 1',
      'realm_stats_peers 2',
      'realm_rooms_connections 2',
    ])
      expect(metrics).toContain(`\n${line}\n`)

    current = second
    first.program.signal('SIGTERM')
    expect(await first.program.ended).toBe(0)
    await vi.waitFor(async () => expect(await roleAt(second.url)).toBe('active'), PATIENCE)
    expect(await vi.waitFor(inOneRoom, PATIENCE)).toBe(room)
    expect(new Set(players.flatMap((player) => player.rooms))).toEqual(new Set([room]))
    expect(players.some(({ wasKicked }) => wasKicked)).toBe(false)
    expect(await peersAt(second.stats)).toEqual(expected)

    const third = await start(broker.url)
    await vi.waitFor(async () => expect(await peersAt(third.stats)).toEqual(expected), PATIENCE)
    current = third
    second.program.signal('SIGKILL')
    await vi.waitFor(async () => expect(await roleAt(third.url)).toBe('active'), PATIENCE)
    await vi.waitFor(
      async () => expect(await (await fetch(`${third.url}/status`)).json()).toMatchObject({ userCount: 2 }),
      PATIENCE,
    )
    expect(await vi.waitFor(inOneRoom, PATIENCE)).toBe(room)
    expect(new Set(players.flatMap((player) => player.rooms))).toEqual(new Set([room]))
    third.program.signal('SIGTERM')
    expect(await third.program.ended).toBe(0)
  })
})
