import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { freePort } from '../../testing/free-port.ts'
import { freshFolder } from '../../testing/fresh-folder.ts'
import { withPart } from '../../testing/parts/with-part.ts'
import { openSocket, type UpgradeRefused } from '../../testing/player/socket.ts'
import { createWallet } from '../../testing/player/wallet.ts'
import type { Bus } from '../bus/bus.ts'
import { type Broker, startBroker } from '../bus/fixtures.ts'
import { connectNats } from '../bus/nats.ts'
import type { Running } from '../chassis/lifecycle.ts'
import { silentLog } from '../chassis/log.ts'
import { joinRoom } from '../rooms/fixtures.ts'
import { busPayloads, type IslandChangedMessage } from '../wire/packets.ts'
import type { Position } from '../wire/peer.ts'
import { peerOf, subjects } from '../wire/subjects.ts'
import { at } from './core/fixtures.ts'
import { main } from './main.ts'

const PATIENCE = { timeout: 15_000 }
const [ada, bob] = [createWallet('ada'), createWallet('bob')]

/** A port that is free now. */
test('a process without configuration names the missing variables', async () => {
  await expect(main({})).rejects.toThrow(/NATS_URL/)
})

withPart('nats', 'an archipelago over NATS, with embedded rooms', (binary) => {
  let broker: Broker
  let connector: Bus
  let archipelago: Running | undefined
  let url: string
  const announced = new Map<string | undefined, IslandChangedMessage[]>()
  const bus = subjects('ns.city.0')

  beforeEach(async () => {
    broker = await startBroker(binary)
    const port = await freePort()
    url = `http://127.0.0.1:${port}`
    announced.clear()
    connector = await connectNats({ servers: [broker.url], name: 'connector', log: silentLog })
    connector.subscribe(bus.every.islandChanged, (payload, subject) => {
      const message = busPayloads.decodeIslandChanged(payload)
      const peer = peerOf(subject)
      if (message) announced.set(peer, [...(announced.get(peer) ?? []), message])
    })
    await connector.flush()
  })
  afterEach(async () => {
    await archipelago?.stop()
    archipelago = undefined
    await connector.close()
    await broker.kill()
  })

  const start = async (env: NodeJS.ProcessEnv = {}) => {
    archipelago = await main({
      ...env,
      NATS_URL: broker.url,
      BUS_SCOPE: 'ns.city.0',
      HTTP_SERVER_HOST: '127.0.0.1',
      HTTP_SERVER_PORT: new URL(url).port,
      ROOMS_URL: `${url.replace('http', 'ws')}/rooms`,
      ARCHIPELAGO_FLUSH_FREQUENCY: '0.1',
      DRAIN_SECONDS: '0',
      LOG_LEVEL: 'silent',
    })
  }
  const status = async (path: string) => (await fetch(url + path)).status
  const heartbeat = (peer: `0x${string}`, position: Position) =>
    connector.publish(bus.heartbeat(peer), busPayloads.encodeHeartbeat({ position }))
  const islandOf = (peer: `0x${string}`) => announced.get(peer)?.at(-1)?.islandId ?? ''

  test('two players near each other meet in the room announced to them', async () => {
    await start()
    heartbeat(ada.peer, at(0))
    heartbeat(bob.peer, at(10))
    await vi.waitFor(() => expect([...announced.keys()].sort()).toEqual([ada.peer, bob.peer].sort()), PATIENCE)
    expect(islandOf(bob.peer)).toBe(islandOf(ada.peer))
    expect(announced.get(ada.peer)?.[0]?.connStr).toBe(`ws-room:${url.replace('http', 'ws')}/rooms/${islandOf(ada.peer)}`)
    const first = await joinRoom(url, islandOf(ada.peer), ada)
    const second = await joinRoom(url, islandOf(ada.peer), bob)
    expect(second.peerIdentities).toEqual({ [first.alias]: ada.peer })
  })

  test('probes are answered before the broker can be reached', async () => {
    await broker.kill()
    const starting = start()
    await vi.waitFor(async () => expect(await status('/health/live')).toBe(200), PATIENCE)
    expect(await status('/health/ready')).toBe(503)
    await broker.start()
    await starting
    await vi.waitFor(async () => expect(await status('/health/ready')).toBe(200), PATIENCE)
    const metrics = await (await fetch(`${url}/metrics`)).text()
    for (const name of ['realm_archipelago_peers', 'realm_rooms_connections', 'process_cpu_seconds_total']) {
      expect(metrics).toContain(name)
    }
  })

  test('an upgrade is refused with 503 before the broker can be reached', async () => {
    await broker.kill()
    const starting = start()
    const upgrade = () => openSocket({ url: `${url.replace('http', 'ws')}/rooms/island-1` }).catch((error: unknown) => error)
    await vi.waitFor(async () => expect(((await upgrade()) as UpgradeRefused).status).toBe(503), PATIENCE)
    await broker.start()
    await starting
    expect(((await upgrade()) as Partial<UpgradeRefused>).status).not.toBe(503)
  })

  test('no player changes rooms when the broker restarts', async () => {
    await start()
    heartbeat(ada.peer, at(0))
    await vi.waitFor(() => expect(announced.get(ada.peer)).toHaveLength(1), PATIENCE)
    const island = islandOf(ada.peer)
    await broker.kill()
    await vi.waitFor(() => expect(connector.state).toBe('disconnected'), PATIENCE)
    await broker.start()
    await vi.waitFor(() => expect(connector.state).toBe('connected'), PATIENCE)
    await vi.waitFor(() => {
      heartbeat(bob.peer, at(10))
      expect(islandOf(bob.peer)).toBe(island)
    }, PATIENCE)
    expect(islandOf(ada.peer)).toBe(island)
  })

  test('while the broker is away for long it is not ready, and players enter the rooms they were admitted to all the same', async () => {
    await start()
    heartbeat(ada.peer, at(0))
    await vi.waitFor(() => expect(announced.get(ada.peer)).toHaveLength(1), PATIENCE)
    await broker.kill()
    await vi.waitFor(async () => expect(await status('/health/ready')).toBe(503), { timeout: 20_000 })
    await joinRoom(url, islandOf(ada.peer), ada)
  }, 40_000)

  test('while its logins are refused it is not ready with the reason of the broker, and alive; it is ready once they are accepted', async () => {
    const file = join(freshFolder(), 'nats.conf')
    const configure = (password: string) =>
      writeFileSync(file, `authorization { users: [{ user: cells, password: ${password} }] }\n`)
    configure('secret')
    await broker.kill()
    broker = await startBroker(binary, '-c', file)
    await start({ NATS_USER: 'cells', NATS_PASSWORD: 'secret' })
    await vi.waitFor(async () => expect(await status('/health/ready')).toBe(200), PATIENCE)
    configure('other')
    broker.reload()
    await vi.waitFor(async () => expect(await status('/health/ready')).toBe(503), { timeout: 20_000 })
    const { output } = (await (await fetch(`${url}/health/ready`)).json()) as { output: string }
    expect(output).toMatch(/^the bus is away: .*authorization violation/i)
    expect(await status('/health/live')).toBe(200)
    configure('secret')
    broker.reload()
    await vi.waitFor(async () => expect(await status('/health/ready')).toBe(200), PATIENCE)
  }, 60_000)

  test('room names are never used again after a restart', async () => {
    await start()
    heartbeat(ada.peer, at(0))
    await vi.waitFor(() => expect(announced.get(ada.peer)).toHaveLength(1), PATIENCE)
    await archipelago?.stop()
    await start()
    heartbeat(ada.peer, at(0))
    await vi.waitFor(() => expect(announced.get(ada.peer)).toHaveLength(2), PATIENCE)
    const [before, after] = announced.get(ada.peer) ?? []
    expect(after?.islandId).not.toBe(before?.islandId)
  })
})
