import { setTimeout as sleep } from 'node:timers/promises'
import { request } from 'undici'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { KubeObject } from '../cells/kube/kube-object.ts'
import { resources } from '../cells/kube/resources.ts'
import { conditionOf } from '../crds/realm.ts'
import { CELL_LABEL } from '../operator/desired/naming.ts'
import { withPart } from '../testing/parts/with-part.ts'
import { connectPlayer } from '../testing/player/player.ts'
import { createWallet } from '../testing/player/wallet.ts'
import { exposures, type ProxiedRealms, startProxiedRealms } from '../testing/proxies/proxied-realms.ts'
import { GATEWAY_CONTROLLER } from '../testing/proxies/traefik.ts'

/** How long players stand still. By default only for as long as the events take that might end their sockets. */
const MINUTES = process.env.REALM_FULL === '1' ? 10 : 0
const EVENTS = 6
const HEARTBEAT_MS = 2_000
/** A connector pings a client that is silent for so long. */
const PING_SECONDS = 74
const patient = { timeout: 40_000, interval: 100 }

const ways = [
  { way: 'Traefik at an Ingress', realm: 'walled', port: ({ traefik }: ProxiedRealms) => traefik.ingressPort },
  { way: 'Traefik at a Gateway', realm: 'gated', port: ({ traefik }: ProxiedRealms) => traefik.gatewayPort },
  { way: 'nginx at an Ingress', realm: 'walled', port: ({ nginx }: ProxiedRealms) => nginx.port },
] as const
type Alias = KubeObject & { spec: { selector: Record<string, string> } }
/** The code of a connector that ends: clients come back at once (RFC 6455 registry: service restart). */
const RESTARTING = 1012
type Way = (typeof ways)[number]

const hostOf = (realm: string) => `${realm}.example.org`
const realmSpec = (type: keyof typeof exposures, host: string, spec: object = {}) => ({
  livekit: { type: 'External', url: 'wss://livekit.example.org', credentials: { secretName: 'livekit' } },
  gatekeeper: { database: { type: 'Embedded' } },
  version: '1.0.0',
  cells: { replicas: 1, max: 12 },
  rollout: { joinProbe: 'None' },
  exposure: { ...exposures[type], host: hostOf(host) },
  ...spec,
})

withPart('kube', 'realms on a real API server', (kube) => {
  withPart('gatewayApi', 'with the Gateway API', (gatewayApi) => {
    withPart('traefik', 'behind a real Traefik', (traefik) => {
      withPart('nginx', 'and a real nginx', (nginx) => behindProxies({ kube, gatewayApi, traefik, nginx }))
    })
  })
})

function behindProxies(parts: Parameters<typeof startProxiedRealms>[0]) {
  let realms: ProxiedRealms
  beforeAll(async () => {
    realms = await startProxiedRealms(parts)
    await declareBoth()
  }, 180_000)
  afterAll(() => realms?.stop())

  const declareBoth = async (spec: object = {}) => {
    await realms.declare(realmSpec('Ingress', 'walled', spec), 'walled')
    await realms.declare(realmSpec('Gateway', 'gated', spec), 'gated')
  }
  /** Asks as a client at the host of a realm. */
  const ask = async ({ port }: Way, path: string, realm: string) => {
    const answer = await request(`http://127.0.0.1:${port(realms)}${path}`, { headers: { host: hostOf(realm) } })
    return { status: answer.statusCode, text: await answer.body.text() }
  }
  const isThere = async (way: Way, realm: string) => (await ask(way, '/about', realm)).status === 200
  const adapterOf = async (way: Way): Promise<string> => {
    const { status, text } = await ask(way, '/about', way.realm)
    return status === 200 ? (JSON.parse(text) as { comms: { adapter: string } }).comms.adapter : `answered ${status}`
  }
  const enter = ({ port, realm }: Way, slot = 0, wallet = createWallet()) =>
    connectPlayer({
      ...{ url: `ws://127.0.0.1:${port(realms)}/cells/${slot}/ws`, wallet, subprotocol: null },
      headers: { host: hostOf(realm) },
    })
  /** The cell that a player reaches at the URL of a slot. */
  const cellAt = async (way: Way, slot: number) => {
    const player = await enter(way, slot).catch(() => undefined)
    player?.close()
    return player && realms.pods.cellOf(player.peer)
  }
  const reached = (slot: number, cell: (realm: string) => string | RegExp) =>
    Promise.all(
      ways.map(async (way) => {
        const expected = cell(way.realm)
        await expect
          .poll(() => cellAt(way, slot), patient)
          .toEqual(typeof expected === 'string' ? expected : expect.stringMatching(expected))
      }),
    )

  test('are described at their hosts, and the operator knows that Traefik serves them', async () => {
    for (const way of ways)
      await expect.poll(() => adapterOf(way), patient).toBe(`archipelago:archipelago:wss://${hostOf(way.realm)}/cells/0/ws`)
    for (const realm of ['walled', 'gated'])
      await expect
        .poll(async () => conditionOf(await realms.realmOf(realm), 'RouteAccepted'), patient)
        .toMatchObject({ status: 'True', reason: 'Accepted' })
    const ingress = await realms.get(resources.Ingress, 'walled')
    expect(ingress?.status).toMatchObject({ loadBalancer: { ingress: [{ ip: '127.0.0.1' }] } })
    for (const name of ['gated', 'gated.slots-0', 'gated.slots-8'])
      expect((await realms.get(resources.HTTPRoute, name))?.status).toMatchObject({
        parents: [{ controllerName: GATEWAY_CONTROLLER, parentRef: { name: 'edge' } }],
      })
  })

  const minutes = MINUTES > 0 ? `, for ${MINUTES} minutes` : ''
  test(`keep the sockets of players who stand still, whatever changes around them${minutes}`, {
    timeout: 180_000 + MINUTES * 60_000,
  }, async () => {
    const players = await standStill()
    const spread = () => sleep((MINUTES * 60_000) / EVENTS)
    try {
      await spread()
      await declareBoth({ cells: { replicas: 2, max: 12 } })
      await reached(1, (realm) => `${realm}-1`)
      // The number of one begins with that of another.
      for (const way of ways) await expect.poll(() => cellAt(way, 10), patient).toBe(await selectedBy(way.realm, 10))
      await spread()
      await realms.declare(realmSpec('Ingress', 'another'), 'another')
      await realms.declare(realmSpec('Gateway', 'further'), 'further')
      await expect.poll(() => othersThere(), patient).toEqual([true, true, true])
      await spread()
      await Promise.all([realms.remove('another'), realms.remove('further')])
      await expect.poll(() => othersThere(), patient).toEqual([false, false, false])
      await spread()
      await declareBoth({ cells: { replicas: 2, max: 12 }, version: '2.0.0' })
      await reached(0, (realm) => new RegExp(`^${realm}-0-\\w{6}$`))
      await reached(1, (realm) => new RegExp(`^${realm}-1-\\w{6}$`))
      await spread()
      await declareBoth({ version: '2.0.0' })
      await reached(1, (realm) => new RegExp(`^${realm}-0-\\w{6}$`))
      await spread()
      for (const each of players) await each.isServed()
    } finally {
      for (const each of players) each.restHeartbeats()
    }
    // Their connectors are those of the first cells. Only when these end do the sockets, and by them.
    const endings = players.map(({ player }) => player.closed)
    await Promise.all(['walled-0', 'gated-0'].map((cell) => realms.pods.end(cell)))
    expect((await Promise.all(endings)).map(({ code }) => code)).toEqual(players.map(() => RESTARTING))
    for (const { way, player } of players) {
      const again = await enter(way, 0, player.wallet)
      expect(realms.pods.cellOf(again.peer)).toMatch(/-0-\w{6}$/)
      again.close()
    }
  })

  /** A player of either kind by each way: one whose explorer sends heartbeats, and one whose explorer sends nothing. */
  const standStill = () =>
    Promise.all(
      ways.flatMap((way) =>
        [true, false].map(async (talks) => {
          const player = await enter(way)
          const heartbeats = talks ? setInterval(() => player.heartbeat({ x: 1, y: 0, z: 1 }), HEARTBEAT_MS) : undefined
          const isServed = async () => {
            expect(await Promise.race([player.closed, 'open'])).toBe('open')
            if (talks) await expect.poll(() => realms.pods.tookHeartbeat(player.peer), patient).toBe(true)
            if (talks) expect(player.socket.pings).toBe(0)
            else expect(player.socket.pings).toBeGreaterThanOrEqual(Math.floor((MINUTES * 60) / PING_SECONDS))
            if (MINUTES > 0) console.log(`${way.way}: ${talks ? 'talking' : 'silent'}, ${player.socket.pings} pings, still open`)
            realms.pods.place(player.peer, 'island')
            expect((await player.nextIsland(10_000)).islandId).toBe('island')
          }
          return { way, player, isServed, restHeartbeats: () => clearInterval(heartbeats) }
        }),
      ),
    )
  const othersThere = () => Promise.all(ways.map((way) => isThere(way, way.realm === 'walled' ? 'another' : 'further')))
  const selectedBy = async (realm: string, slot: number) => {
    const alias = await realms.get<Alias>(resources.Service, `${realm}-slot-${slot}`)
    return alias?.spec.selector[CELL_LABEL]
  }
}
