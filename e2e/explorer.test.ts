import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { RoomServiceClient } from 'livekit-server-sdk'
import { expect, onTestFinished, test, vi } from 'vitest'
import { systemClock } from '../cells/chassis/clock.ts'
import { silentLog } from '../cells/chassis/log.ts'
import { openStorage } from '../cells/gatekeeper/adapters/open-storage.ts'
import { aGatekeeper } from '../cells/gatekeeper/fixtures.ts'
import { sceneMetadataOf } from '../cells/gatekeeper/upstream/fixtures.ts'
import { aCatalystAbout } from '../cells/realm-provider/fixtures.ts'
import { type LivekitServer, startLivekitServer } from '../cli/adapters/livekit-server.ts'
import { startBareRealm } from '../testing/bare-realm.ts'
import { startExplorer } from '../testing/explorers.ts'
import { freshFolder } from '../testing/fresh-folder.ts'
import { startHostInPlace } from '../testing/host-in-place.ts'
import { withPart } from '../testing/parts/with-part.ts'
import { connectMovingPlayer } from '../testing/player/moving-player.ts'
import { signedFetch } from '../testing/player/signed-fetch.ts'
import { createWallet } from '../testing/player/wallet.ts'
import { startProgram } from '../testing/program.ts'
import { relayKeyFile, startRelayProcess } from '../testing/relay-process.ts'
import { badNetwork, udpProxy } from '../testing/udp-proxy.ts'
import { aWebServer } from '../testing/web-server.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const SECONDS = 1_000

/** The real `npm start`, on a port of its own. */
function npmStart(...args: string[]) {
  return startProgram('npm', ['start', '--', '--port', '0', '--data', freshFolder(), ...args], { cwd: root })
}

/** The options by which the program uses a LiveKit that runs already. */
function optionsOf({ url, apiKey, apiSecret }: LivekitServer): string[] {
  const secret = join(freshFolder(), 'secret')
  writeFileSync(secret, apiSecret)
  return ['--livekit', url, '--livekit-api-key', apiKey, '--livekit-api-secret-file', secret]
}

const asked = async <Answer>(url: string): Promise<Answer> =>
  (await fetch(url, { signal: AbortSignal.timeout(5_000) })).json() as Promise<Answer>

/** A manifest with the example's realm, whose world is empty, and the realm `city` with the content of a catalyst. */
async function aManifestWithCity() {
  const asked: string[] = []
  const url: string = await aWebServer((path) => {
    asked.push(path)
    if (path === '/about') return { json: aCatalystAbout(url) }
    return /\/(?:active|profiles)$/.test(path) ? { json: [] } : { status: 404, json: {} }
  })
  const main = readFileSync(join(root, 'examples/realm.yaml'), 'utf8')
  const city = { catalysts: [url], map: { sizes: [{ left: -150, top: 150, right: 150, bottom: -150 }] } }
  const realm = { spec: { livekit: { type: 'None' }, gatekeeper: { replicas: 0 }, content: city }, metadata: { name: 'city' } }
  const [, kind = ''] = /(apiVersion: .*\nkind: .*\n)/.exec(main) ?? []
  const file = join(freshFolder(), 'realms.yaml')
  writeFileSync(file, `${main}\n---\n${kind}metadata: ${JSON.stringify(realm.metadata)}\nspec: ${JSON.stringify(realm.spec)}\n`)
  return { file, asked }
}

/** How often the realm provider of npm start answered, by route and status. */
async function answersOf(url: string): Promise<Map<string, number>> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const counters = text.matchAll(/^realm_provider_http_requests_total\{(.*)\} (\d+)$/gm)
  return new Map(Array.from(counters, ([, labels = '', count]) => [labels, Number(count)]))
}

withPart('bevy', 'a Bevy explorer', (folder) => {
  test('joins the realm of npm start, and shares a room with exactly the players near it', {
    timeout: 150 * SECONDS,
  }, async () => {
    const { file, asked: askedOfCatalyst } = await aManifestWithCity()
    await using realm = npmStart('-f', file, '--rooms', 'embedded')
    const [, url = ''] = await realm.prints(/on this machine at (http:\S+)/)
    await realm.prints(/main: published.*city: published|city: published.*main: published/, 90 * SECONDS)
    const answersBefore = await answersOf(url)
    const explorers = [
      startExplorer(folder, `${url}/main`, 1, '2,0'),
      startExplorer(folder, `${url}/main`, 2, '2,0'),
      startExplorer(folder, `${url}/main`, 3, '60,60'),
    ]
    await using one = explorers[0]?.program
    await using two = explorers[1]?.program
    await using far = explorers[2]?.program
    void [one, two, far]
    const [a = '', b = '', c = ''] = await Promise.all(explorers.map((explorer) => explorer.address()))
    expect(new Set([a, b, c]).size).toBe(3)

    await vi.waitFor(async () => {
      const { peers } = await asked<{ peers: { address: string; parcel: [number, number] }[] }>(`${url}/main/stats/peers`)
      expect(Object.fromEntries(peers.map(({ address, parcel }) => [address, parcel]))).toEqual({
        [a]: [2, 0],
        [b]: [2, 0],
        [c]: [60, 60],
      })
    }, 60 * SECONDS)
    // In embedded rooms this explorer sends its movement to the room, and to no relay.
    await Promise.all([one, two].map((program) => program?.prints(/movement data: Movement/)))
    // The rooms are public and name no members; the islands say who shares which.
    await vi.waitFor(async () => {
      const { islands } = await asked<{ islands: { id: string; peers: { address: string }[] }[] }>(`${url}/main/stats/islands`)
      const together = islands.map(({ peers }) => peers.map(({ address }) => address).sort())
      expect(together.sort()).toEqual([[a, b].sort(), [c]].sort())
      const rooms = await asked<{ room: string; memberCount: number }[]>(`${url}/main/cells/0/rooms`)
      const counts = Object.fromEntries(rooms.map(({ room, memberCount }) => [room, memberCount]))
      expect(counts).toEqual(Object.fromEntries(islands.map(({ id, peers }) => [id, peers.length])))
    }, 60 * SECONDS)

    // Heartbeats keep arriving, so the explorers stay connected.
    const lastPings = async () =>
      (await asked<{ peers: { lastPing: number }[] }>(`${url}/main/stats/peers`)).peers.map(({ lastPing }) => lastPing)
    const before = Math.max(...(await lastPings()))
    await vi.waitFor(async () => expect(Math.min(...(await lastPings()))).toBeGreaterThan(before), 20 * SECONDS)

    // From the empty world into that of a catalyst, and back: this explorer changes its realm by a new start only.
    far?.signal('SIGKILL')
    const peersIn = async (name: string) =>
      (await asked<{ peers: { address: string }[] }>(`${url}/${name}/stats/peers`)).peers.map(({ address }) => address)
    for (const name of ['city', 'main']) {
      await using program = startExplorer(folder, `${url}/${name}`, 3, '60,60').program
      await vi.waitFor(async () => expect(await peersIn(name)).toContain(c), 60 * SECONDS)
      void program
    }
    expect(askedOfCatalyst.join()).toMatch(/\/content\/+entities\/active/)
    const isNew = ([labels, count]: [string, number]) => count > (answersBefore.get(labels) ?? 0)
    // A realm that is no world has no list of scenes, and an empty one no profiles.
    const known = /status="2\d\d"|route="\/:realm\/(?:scenes|lambdas\/profiles\/:id)",status="404"/
    const failed = [...(await answersOf(url))].filter((answers) => isNew(answers) && !known.test(answers[0]))
    expect(failed).toEqual([])
  })

  test('enters a world of npm start, whose gatekeeper counts it', { timeout: 180 * SECONDS }, async () => {
    await using realm = npmStart('-f', 'examples/world.yaml', '--rooms', 'embedded')
    const [, url = ''] = await realm.prints(/on this machine at (http:\S+)/, 90 * SECONDS)
    await realm.prints(/plaza: published/, 90 * SECONDS)
    const explorer = startExplorer(folder, `${url}/plaza`, 8, '0,0')
    await using program = explorer.program
    await explorer.address()
    await vi.waitFor(async () => {
      expect(await asked(`${url}/plaza/gatekeeper/live-data`)).toMatchObject({ data: { totalUsers: 1 } })
    }, 60 * SECONDS)
    expect(program.output()).not.toMatch(/failed to set realm|unrecognised/)
  })

  withPart('livekit', 'and LiveKit', (binary) => {
    test('is a participant of the room that the archipelago announced', { timeout: 150 * SECONDS }, async () => {
      const livekit = await startLivekitServer(binary, '127.0.0.1', silentLog)
      try {
        await using realm = npmStart(...optionsOf(livekit))
        const [, url = ''] = await realm.prints(/on this machine at (http:\S+)/)
        const explorer = startExplorer(folder, `${url}/main`, 4, '10,10')
        await using program = explorer.program
        void program
        const address = await explorer.address()
        const rooms = new RoomServiceClient(livekit.url.replace('ws:', 'http:'), livekit.apiKey, livekit.apiSecret)
        await vi.waitFor(async () => {
          const { islands } = await asked<{ islands: { id: string; peers: { address: string }[] }[] }>(
            `${url}/main/stats/islands`,
          )
          const island = islands.find(({ peers }) => peers.some((peer) => peer.address === address))
          const participants = island ? await rooms.listParticipants(island.id) : []
          expect(participants.map(({ identity }) => identity)).toEqual([address])
        }, 90 * SECONDS)
      } finally {
        await livekit.stop()
      }
    })

    test('is a participant of the room of a world', { timeout: 180 * SECONDS }, async () => {
      const livekit = await startLivekitServer(binary, '127.0.0.1', silentLog)
      try {
        await using realm = npmStart('-f', 'examples/world.yaml', ...optionsOf(livekit))
        const [, url = ''] = await realm.prints(/on this machine at (http:\S+)/, 90 * SECONDS)
        await realm.prints(/plaza: published/, 90 * SECONDS)
        const explorer = startExplorer(folder, `${url}/plaza`, 9, '0,0')
        await using program = explorer.program
        void program
        const address = await explorer.address()
        const rooms = new RoomServiceClient(livekit.url.replace('ws:', 'http:'), livekit.apiKey, livekit.apiSecret)
        await vi.waitFor(async () => {
          const open = await Promise.all((await rooms.listRooms()).map(({ name }) => rooms.listParticipants(name)))
          expect(open.flat().map(({ identity }) => identity)).toContain(address)
          expect(await asked(`${url}/plaza/gatekeeper/live-data`)).toMatchObject({ data: { totalUsers: 1 } })
        }, 90 * SECONDS)
      } finally {
        await livekit.stop()
      }
    })

    test.skipIf(process.getuid?.() !== 0)(
      'enters the room of a scene at a gatekeeper of ours, in place of the one it knows, and is shown out by a ban from the scene (needs root)',
      { timeout: 150 * SECONDS },
      async (t) => {
        const scene = { id: 'bafkpark', parcel: '2,0' }
        const [livekit, realm, storage] = await Promise.all([
          startLivekitServer(binary, '127.0.0.1', silentLog),
          startBareRealm('main', scene),
          openStorage({}, { clock: systemClock, log: silentLog }),
        ])
        for (const started of [livekit, realm]) t.onTestFinished(() => started.stop())
        const MODERATOR_TOKEN = 'moderators-token-0123'
        const { url: LIVEKIT_HOST, apiKey: LIVEKIT_API_KEY, apiSecret: LIVEKIT_API_SECRET } = livekit
        const keys = { LIVEKIT_HOST, LIVEKIT_API_URL: undefined, LIVEKIT_API_KEY, LIVEKIT_API_SECRET }
        const upstream = { CONTENT_URL: `${realm.url}/content`, LAMBDAS_URL: `${realm.url}/lambdas` }
        const config = { ...keys, ...upstream, MODERATOR_TOKEN }
        const { url } = await aGatekeeper(t, { storage, clock: systemClock as never, config })
        const inPlace = await startHostInPlace('comms-gatekeeper.decentraland.org', url)
        t.onTestFinished(() => inPlace.stop())

        const explorers = [31, 32].map((seed) => startExplorer(folder, realm.url, seed, scene.parcel, undefined, inPlace))
        for (const { program } of explorers) t.onTestFinished(() => program[Symbol.asyncDispose]())
        const [a = '', b = ''] = await Promise.all(explorers.map((explorer) => explorer.address()))
        const rooms = new RoomServiceClient(livekit.url.replace('ws:', 'http:'), livekit.apiKey, livekit.apiSecret)
        const inScene = async () => (await rooms.listParticipants('scene-main:bafkpark')).map(({ identity }) => identity).sort()
        await vi.waitFor(async () => expect(await inScene()).toEqual([a, b].sort()), { timeout: 60 * SECONDS, interval: 200 })

        const administrator = createWallet('administrator')
        const appointed = await fetch(`${url}/moderation/scene-admins?moderator=test`, {
          method: 'POST',
          headers: { authorization: `Bearer ${MODERATOR_TOKEN}`, 'content-type': 'application/json' },
          body: JSON.stringify({ scene: scene.id, admin: administrator.address, reason: 'a test' }),
        })
        expect(appointed.status).toBe(204)
        const metadata = sceneMetadataOf(scene.id, scene.parcel)
        const ban = { wallet: administrator, method: 'POST', metadata, body: { banned_address: a }, format: 'current' } as const
        expect((await signedFetch(`${url}/scene-bans`, ban)).status).toBe(204)
        await vi.waitFor(async () => expect(await inScene()).toEqual([b]), { timeout: 30 * SECONDS, interval: 200 })
      },
    )

    test('sees another player of its realm move, over the movement relay of npm start and a bad network', {
      timeout: 150 * SECONDS,
    }, async () => {
      const livekit = await startLivekitServer(binary, '127.0.0.1', silentLog)
      try {
        await using realm = npmStart(...optionsOf(livekit))
        const [, url = ''] = await realm.prints(/on this machine at (http:\S+)/)
        const [, relay = ''] = await realm.prints(/Movement relay at UDP (\S+):/)
        const target = { host: '127.0.0.1', port: Number(relay.split(':').at(-1)) }
        const network = await udpProxy({ target: target.port, delayMs: badNetwork({ lossShare: 0.1, delayMs: 200 }) })
        onTestFinished(() => network.close())
        const ways = [relay, `127.0.0.1:${network.port}`]
        const explorers = ways.map((way, i) => startExplorer(folder, `${url}/main`, 5 + i, '2,0', way))
        await using one = explorers[0]?.program
        await using two = explorers[1]?.program
        const [neighbour, stranger] = await Promise.all(
          ['main', 'elsewhere'].map((realm) => connectMovingPlayer(target, { wallet: createWallet(realm), realm })),
        )
        onTestFinished(async () => void (await Promise.all([neighbour?.stop(), stranger?.stop()])))
        // What an explorer logs of the movement of another one.
        const movement = /movement data: Movement/
        await Promise.all([one, two].map((program) => program?.prints(movement)))
        const addresses = await Promise.all(explorers.map((explorer) => explorer.address()))
        await vi.waitFor(() => {
          expect([...(neighbour?.model.known.values() ?? [])].map(({ wallet }) => wallet).sort()).toEqual(addresses.sort())
        }, 60 * SECONDS)
        expect(stranger?.happened).toContain('handshake')
        expect(stranger?.model.known.size).toBe(0)
      } finally {
        await livekit.stop()
      }
    })

    test('does not notice that another process takes its movement relay over', { timeout: 150 * SECONDS }, async () => {
      const livekit = await startLivekitServer(binary, '127.0.0.1', silentLog)
      try {
        await using realm = npmStart(...optionsOf(livekit))
        const [, url = ''] = await realm.prints(/on this machine at (http:\S+)/)
        const keyFile = relayKeyFile()
        const first = await startRelayProcess(keyFile)
        const balancer = await udpProxy({ target: first.udpPort })
        onTestFinished(() => balancer.close())
        const explorer = startExplorer(folder, `${url}/main`, 7, '2,0', `127.0.0.1:${balancer.port}`)
        await using program = explorer.program
        const options = { wallet: createWallet('neighbour'), realm: 'main' }
        const neighbour = await connectMovingPlayer({ host: '127.0.0.1', port: balancer.port }, options)
        let step = 0
        const walking = setInterval(() => neighbour.walk(++step % 256), 200)
        onTestFinished(async () => {
          clearInterval(walking)
          await neighbour.stop()
        })
        const seen = () => program.output().match(/movement data: Movement/g)?.length ?? 0
        await vi.waitFor(() => expect(seen()).toBeGreaterThan(3), 90 * SECONDS)
        expect(neighbour.model.known.size).toBe(1)
        const env = { HAND_OVER_FROM: '127.0.0.1', HAND_OVER_FROM_PORT: String(first.handOverPort) }
        const second = await startRelayProcess(keyFile, env)
        balancer.retarget(second.udpPort)
        first.program.signal('SIGTERM')
        expect(await first.program.ended).toBe(0)
        const before = seen()
        await vi.waitFor(() => expect(seen()).toBeGreaterThan(before + 3), 60 * SECONDS)
        expect(neighbour.happened.filter((each) => /^(playerLeft|ended)/.test(each))).toEqual([])
      } finally {
        await livekit.stop()
      }
    })
  })
})
