import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { V1Pod } from '@kubernetes/client-node'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { relayText } from '../cells/wire/relay-address.ts'
import { conditionOf, type Realm } from '../crds/realm.ts'
import { type RunningCluster, startCluster } from '../testing/cluster/cluster.ts'
import type { IngressProxy } from '../testing/cluster/ingress-proxy.ts'
import { withoutRoute } from '../testing/cluster/no-route.ts'
import { installProduct, movementOf, movementValues, OPERATOR_NAMESPACE, PRODUCT_IMAGE } from '../testing/cluster/product.ts'
import { applyRealm, REALMS_NAMESPACE } from '../testing/cluster/realm.ts'
import { startExplorer } from '../testing/explorers.ts'
import { liveKitClient } from '../testing/livekit-room.ts'
import { runCommand } from '../testing/parts/command.ts'
import { withPart } from '../testing/parts/with-part.ts'
import { connectorUrl, followAbout } from '../testing/player/about.ts'
import { connectMovingPlayer } from '../testing/player/moving-player.ts'
import { connectPlayer, type Player } from '../testing/player/player.ts'
import { createWallet } from '../testing/player/wallet.ts'
import { enterWorld, joinRoomAt } from '../testing/player/world.ts'
import { startProgram } from '../testing/program.ts'
import { commandsOf } from '../testing/readme.ts'
import { upgradeToRelease } from './release-on-cluster.ts'

const SECONDS = 1_000
const PATIENCE_MS = 240 * SECONDS
const spawn = { x: 8, y: 0, z: 8 }
const exampleOf = (file: string) => parse(readFileSync(new URL(`../examples/${file}`, import.meta.url), 'utf8'))
const example = exampleOf('realm.yaml')
/** With the LiveKit that players outside reach, at the address of a node of this cluster. */
const outsideAt = (ipv4: string) => {
  const { livekit } = exampleOf('livekit-outside.yaml').spec
  return { ...example, spec: { ...example.spec, livekit: { ...livekit, service: { ...livekit.service, addresses: { ipv4 } } } } }
}

// Everything a realm may consist of; what belongs to one carries its label.
const KINDS =
  'commscells,deployments,statefulsets,replicasets,pods,services,secrets,configmaps,serviceaccounts,ingresses,networkpolicies,poddisruptionbudgets'
const MAIN = 'comms.decentraland.org/realm=main'
const OF_MAIN = ['--selector', MAIN, '--namespace', REALMS_NAMESPACE]

withPart('debian', 'the product on a real cluster', () => {
  withPart('kube', 'with real parts', (kube) => {
    withPart('nats', 'a NATS', (nats) => {
      withPart('livekit', 'and a LiveKit', (livekit) => {
        withPart('rtc', 'seen by its players', (rtc) => onCluster(kube, { nats, livekit }, rtc))
      })
    })
  })
})

function onCluster(kube: string, servers: { nats: string; livekit: string }, rtc: string): void {
  const livekit = liveKitClient(rtc)
  let cluster: RunningCluster
  let ingress: IngressProxy

  beforeAll(async () => {
    const progress = (line: string) => process.stderr.write(`${line}\n`)
    cluster = await startCluster({ kube, progress })
    const { provider } = await installProduct(cluster, servers, progress, movementValues(cluster))
    ingress = await cluster.startIngress(provider)
    await applyRealm(cluster, ingress, outsideAt(cluster.nodes[0]?.address ?? ''))
  }, PATIENCE_MS)

  afterAll(async () => {
    await livekit.dispose()
    await ingress?.stop()
    await cluster?.stop()
  }, PATIENCE_MS)

  const list = async <T extends { kind: string; metadata: { name: string } }>(...query: string[]): Promise<T[]> =>
    (JSON.parse(await cluster.kubectl('get', ...query, '--output', 'json')) as { items: T[] }).items

  const realm = async (): Promise<Realm> =>
    JSON.parse(await cluster.kubectl('get', 'realm', 'main', '--namespace', REALMS_NAMESPACE, '--output', 'json'))

  const enter = async (url?: string): Promise<Player> =>
    connectPlayer({ url: url ?? (await connectorUrl(`${ingress.url}/main/about`)), wallet: createWallet() })

  test('the example becomes a published realm, whose pods pass the restricted profile', async () => {
    const pods = await list<V1Pod & { kind: string; metadata: { name: string } }>('pods', ...OF_MAIN)
    expect(pods.map(({ status }) => status?.phase)).toEqual(pods.map(() => 'Running'))
    const components = pods.map(({ metadata }) => metadata.labels?.['app.kubernetes.io/component'])
    expect(components.sort()).toEqual(['archipelago', 'archipelago', 'connector', 'gatekeeper', 'livekit', 'nats', 'stats'])
    await vi.waitFor(async () => expect(conditionOf(await realm(), 'Ready')?.status).toBe('True'), 30 * SECONDS)
  })

  /** Without a route to the pod of LiveKit, its node ports are left. */
  async function asOutside<T>(work: () => Promise<T>): Promise<T> {
    const [pod] = await list<V1Pod & { kind: string; metadata: { name: string } }>(
      'pods',
      '--selector',
      `${MAIN},app.kubernetes.io/component=livekit`,
      ...OF_MAIN.slice(2),
    )
    return withoutRoute({ address: pod?.status?.podIP ?? '', ports: '30000-32767' }, work)
  }

  test(
    'explorers outside connect, are on one island and receive each other through the node ports of its LiveKit',
    {
      timeout: 60 * SECONDS,
    },
    () =>
      asOutside(async () => {
        const { livekit: outside } = (await realm()).status ?? {}
        expect(outside).toMatchObject({ addresses: [cluster.nodes[0]?.address], udpPort: 30_782, tcpPort: 30_781 })
        const { about } = await followAbout(`${ingress.url}/main/about`)
        expect(about).toMatchObject({ healthy: true, acceptingUsers: true, configurations: { realmName: 'main' } })
        const [ada, bob] = [await enter(), await enter()]
        for (const player of [ada, bob]) player.heartbeat(spawn)
        await vi.waitFor(() => expect(ada.island?.islandId).toBe(bob.island?.islandId ?? 'none yet'), 20 * SECONDS)
        const rooms = await Promise.all([ada, bob].map(({ island }) => livekit.join(island?.connStr ?? '')))
        const [adas, bobs] = rooms
        await vi.waitFor(() => expect(adas?.others()).toEqual([bob.peer]), 10 * SECONDS)
        await vi.waitFor(() => expect(bobs?.others()).toEqual([ada.peer]), 10 * SECONDS)
        await adas?.send('hello')
        await vi.waitFor(() => expect(bobs?.received).toEqual([{ from: ada.peer, text: 'hello' }]), 10 * SECONDS)
        for (const room of rooms) await room.leave()
        for (const player of [ada, bob]) player.close()
      }),
  )

  test('realmctl forward opens the realm on this machine: a player there and one who is inside receive each other', {
    timeout: 90 * SECONDS,
  }, async () => {
    const command = ['cli/main.ts', 'forward', 'main', '-n', REALMS_NAMESPACE, '--port', '0', '--kubeconfig', cluster.kubeconfig]
    await using forward = startProgram(process.execPath, command, { cwd: fileURLToPath(new URL('../', import.meta.url)) })
    const [, url = ''] = await forward.prints(/is on this machine at (http:\/\/127\.0\.0\.1:\d+)/, 30 * SECONDS)
    expect((await followAbout(`${url}/about`)).about).toMatchObject({ healthy: true, configurations: { realmName: 'main' } })
    const socket = await connectorUrl(`${url}/main/about`)
    expect(socket).toBe(`${url.replace('http', 'ws')}/cells/0/ws`)

    const [inside, outside] = [await enter(), await enter(socket)]
    for (const player of [inside, outside]) player.heartbeat(spawn)
    await vi.waitFor(() => expect(outside.island?.islandId).toBe(inside.island?.islandId ?? 'none yet'), 20 * SECONDS)
    // Players outside the cluster reach the media of its LiveKit, so they are not forwarded.
    expect(outside.island?.connStr.split('?')[0]).toBe(inside.island?.connStr.split('?')[0])
    const rooms = await Promise.all([inside, outside].map(({ island }) => livekit.join(island?.connStr ?? '')))
    await vi.waitFor(() => expect(rooms.map((room) => room.others())).toEqual([[outside.peer], [inside.peer]]), 10 * SECONDS)
    const [ofInside, ofOutside] = rooms
    await ofInside?.send('come in')
    await vi.waitFor(() => expect(ofOutside?.received).toEqual([{ from: inside.peer, text: 'come in' }]), 10 * SECONDS)
    await ofOutside?.send('I am')
    await vi.waitFor(() => expect(ofInside?.received).toEqual([{ from: outside.peer, text: 'I am' }]), 10 * SECONDS)

    const peers = (await (await fetch(`${url}/stats/peers`)).json()) as { peers: { address: string }[] }
    expect(peers.peers.map(({ address }) => address)).toEqual(expect.arrayContaining([inside.peer, outside.peer]))
    expect((await fetch(`${url}/gatekeeper/ping`)).status).toBe(200)
    const top = ['cli/main.ts', 'top', '--cluster', '--kubeconfig', cluster.kubeconfig]
    // What a busy pod did not say in time is not shown.
    await vi.waitFor(
      async () => {
        const shown = await runCommand(process.execPath, top, { cwd: fileURLToPath(new URL('../', import.meta.url)) })
        // Without the metrics API, CPU and memory are not known; connectors have measured the joins.
        expect(shown).toMatch(/^main +healthy +\d+ +\S+ +1\/1 +- +- +\d+ +[\d.]+ m?s +[\d.]+% /m)
        expect(shown).toMatch(/^CPU and memory are not known: this cluster has no metrics API; metrics-server adds it/m)
      },
      { timeout: 30 * SECONDS, interval: 1_000 },
    )
    for (const room of rooms) await room.leave()
    process.kill(forward.pid, 'SIGINT')
    expect(await forward.ended).toBe(0)
    await outside.closed
    inside.close()
  })

  /** Replaces the pod of the relay, as an upgrade does, while something happens over and over again. */
  async function replaceRelay(meanwhile: () => Promise<void>): Promise<void> {
    const relay = 'deployment/realm-operator-movement'
    const relayPods = async () =>
      (await list<V1Pod & { kind: string; metadata: { name: string } }>('pods', '--namespace', OPERATOR_NAMESPACE))
        .map(({ metadata }) => metadata.name)
        .filter((name) => name.startsWith('realm-operator-movement-'))
    const before = await relayPods()
    await cluster.kubectl('rollout', 'restart', relay, '--namespace', OPERATOR_NAMESPACE)
    const isReplaced = async () => (await relayPods()).every((name) => !before.includes(name))
    const end = Date.now() + 90 * SECONDS
    while (!(await isReplaced())) {
      expect(Date.now(), 'the pod of the relay is replaced in time').toBeLessThan(end)
      await meanwhile()
    }
    await meanwhile()
  }

  /** Waits until the realm says of its relay what it is to say. */
  const relayIs = (status: string, reason: string) =>
    vi.waitFor(async () => expect(conditionOf(await realm(), 'MovementReachable')).toMatchObject({ status, reason }), {
      timeout: 60 * SECONDS,
      interval: SECONDS,
    })
  const scaleRelay = (replicas: number) =>
    cluster.kubectl('scale', 'deployment/realm-operator-movement', `--replicas=${replicas}`, '--namespace', OPERATOR_NAMESPACE)

  test('players outside the cluster see each other move through its relay, whose upgrade they do not notice', {
    timeout: 240 * SECONDS,
  }, async () => {
    const relay = movementOf(cluster)
    await relayIs('True', 'Reachable')
    expect((await realm()).status?.movement).toMatchObject({ host: relayText(relay), bevy: `PULSE_SERVER=${relayText(relay)}` })

    const [ada, bob] = await Promise.all([1, 2].map(() => connectMovingPlayer(relay, { wallet: createWallet(), realm: 'main' })))
    let step = 0
    await vi.waitFor(
      () => {
        bob?.walk(step++ % 250)
        expect(ada?.happened).toContain('playerStateDelta')
      },
      { timeout: 20 * SECONDS, interval: 100 },
    )

    await replaceRelay(async () => {
      const seen = ada?.happened.length ?? 0
      bob?.walk(step++ % 250)
      await vi.waitFor(() => expect(ada?.happened.length).toBeGreaterThan(seen), { timeout: 10 * SECONDS, interval: 20 })
    })
    for (const player of [ada, bob]) {
      expect(player?.happened.filter((each) => /^(playerLeft|ended|handshake)/.test(each))).toEqual(['handshake'])
      await player?.stop()
    }
  })

  withPart('bevy', 'and by Bevy explorers', (bevy) => {
    test('which see each other move through the UDP port of the relay', { timeout: 120 * SECONDS }, async () => {
      const { bevy: setting = '' } = (await realm()).status?.movement ?? {}
      const [, relay] = setting.split('=')
      const explorers = [1, 2].map((seed) => startExplorer(bevy, `${ingress.url}/main`, seed, '2,0', relay))
      await using one = explorers[0]?.program
      await using two = explorers[1]?.program
      const movement = /movement data: Movement/
      await Promise.all([one, two].map((program) => program?.prints(movement, 90 * SECONDS)))
    })
  })

  test('players are not affected when the operator and the realm provider are lost', { timeout: 120 * SECONDS }, async () => {
    const url = await connectorUrl(`${ingress.url}/main/about`)
    const player = await enter(url)
    const beat = setInterval(() => player.heartbeat(spawn), SECONDS)
    try {
      const { islandId } = await player.nextIsland(20 * SECONDS)
      const allPods = ['--all', '--namespace', OPERATOR_NAMESPACE, '--grace-period=0', '--force']
      await cluster.kubectl('delete', 'pods', ...allPods)
      // Explorers keep the URL of their realm's sockets: they connect while the operator and the provider are gone.
      const late = await enter(url)
      late.heartbeat(spawn)
      expect((await late.nextIsland(20 * SECONDS)).islandId).toBe(islandId)
      const back = ['deployment/realm-operator', 'deployment/realm-operator-provider']
      for (const one of back) await cluster.kubectl('rollout', 'status', one, '--namespace', OPERATOR_NAMESPACE, '--timeout=60s')
      await vi.waitFor(async () => expect(await connectorUrl(`${ingress.url}/main/about`)).toBe(url), 20 * SECONDS)
      expect(player.islands.map((island) => island.islandId)).toEqual(player.islands.map(() => islandId))
      expect(player.kicked).toBe(false)
      late.close()
    } finally {
      clearInterval(beat)
      player.close()
    }
  })

  test('kubectl scale gives the realm a second cell, also while the relay is gone', { timeout: 120 * SECONDS }, async () => {
    await relayIs('True', 'Reachable')
    await scaleRelay(0)
    await cluster.kubectl('scale', 'realm/main', '--replicas=2', '--namespace', REALMS_NAMESPACE)
    await cluster.kubectl(
      'wait',
      'realm/main',
      '--for=jsonpath={.status.readyReplicas}=2',
      '--namespace',
      REALMS_NAMESPACE,
      '--timeout=60s',
    )
    expect((await list('commscells', ...OF_MAIN)).map(({ metadata }) => metadata.name)).toEqual(['main-0', 'main-1'])
  })

  test('the worlds of the example share one gatekeeper, in which two players meet', { timeout: 180 * SECONDS }, async () => {
    const objects = parseAllDocuments(readFileSync(new URL('../examples/world.yaml', import.meta.url), 'utf8'))
    const [plaza, attic, secrets] = objects.map((each) => each.toJS())
    await cluster.apply([secrets, attic], REALMS_NAMESPACE)
    await applyRealm(cluster, ingress, plaza)
    const published = ['--for=condition=Published', 'realm/attic', '--namespace', REALMS_NAMESPACE, '--timeout=60s']
    await cluster.kubectl('wait', ...published)
    const pods = await list<V1Pod & { kind: string; metadata: { name: string } }>('pods', '--namespace', REALMS_NAMESPACE)
    const ofWorlds = pods.filter(({ metadata }) => /^(plaza|attic)-/.test(metadata.name))
    expect(ofWorlds.map(({ metadata }) => metadata.labels?.['app.kubernetes.io/component'])).toEqual(['gatekeeper'])

    const [ada, bob] = [createWallet(), createWallet()]
    const enter = async (wallet: typeof ada) => {
      const { status, room = '' } = await enterWorld(`${ingress.url}/attic/about`, wallet, { secret: 'open sesame' })
      expect(status).toBe(200)
      return joinRoomAt(room, wallet)
    }
    expect((await enterWorld(`${ingress.url}/attic/about`, ada)).status).toBe(403)
    const [first, second] = [await enter(ada), await enter(bob)]
    expect(second.peerIdentities).toEqual({ [first.alias]: ada.peer })
    for (const { socket } of [first, second]) socket.close()
    await cluster.kubectl('delete', 'realm', 'attic', 'plaza', '--namespace', REALMS_NAMESPACE, '--timeout=60s')
    const kinds = ['--selector', 'comms.decentraland.org/realm in (plaza, attic)', '--namespace', REALMS_NAMESPACE]
    await vi.waitFor(async () => expect(await list(KINDS, ...kinds)).toEqual([]), { timeout: 60 * SECONDS, interval: SECONDS })
  })

  test('a realm whose relay is gone says so and stays ready, and says when the relay is back', {
    timeout: 150 * SECONDS,
  }, async () => {
    await relayIs('False', 'NoAnswer')
    expect(conditionOf(await realm(), 'Ready')?.status).toBe('True')
    await scaleRelay(1)
    await relayIs('True', 'Reachable')
  })

  test('the chart grants every permission that was used so far', async () => {
    for (const name of ['operator', 'provider']) {
      const of = ['--namespace', OPERATOR_NAMESPACE, '--selector', `app.kubernetes.io/name=${name}`]
      const log = await cluster.kubectl('logs', ...of, '--tail=-1')
      expect(log).toContain(`"level":"info"`)
      expect(log.split('\n').filter((line) => line.includes('forbidden'))).toEqual([])
    }
  })

  test('kubectl delete leaves nothing of a realm', { timeout: 120 * SECONDS }, async () => {
    await cluster.kubectl('delete', 'realm/main', '--namespace', REALMS_NAMESPACE, '--timeout=60s')
    const left = async () => (await list(KINDS, ...OF_MAIN)).map(({ kind, metadata }) => `${kind} ${metadata.name}`)
    await vi.waitFor(async () => expect(await left()).toEqual([]), { timeout: 90 * SECONDS, interval: SECONDS })
    await vi.waitFor(async () => expect((await fetch(`${ingress.url}/main/about`)).status).toBe(404), 10 * SECONDS)
  })

  test('the commands of the README work as they stand there', { timeout: 240 * SECONDS }, async () => {
    const root = fileURLToPath(new URL('../', import.meta.url))
    const [install, ...commands] = commandsOf('kubernetes')
    // The chart is installed already, with the images of this machine.
    await cluster.helm(...wordsOf(install, root), '--reuse-values', '--wait')
    for (const command of commands) {
      const answer = await cluster.kubectl(...wordsOf(command, root))
      if (command.startsWith('kubectl get')) expect(answer).toMatch(/\/main\s+\w+\s+1\s.*True/) // one cell, published
      if (command.startsWith('kubectl describe')) expect(answer).toMatch(/Reason:\s+ServedByProvider/)
    }
    await vi.waitFor(async () => expect(await list('commscells', ...['--selector', MAIN])).toEqual([]), 60 * SECONDS)
  })

  withPart('crane', 'upgraded to a release', (crane) => {
    test('whose chart names the image by its digest, and whose nodes pull it from a registry', {
      timeout: 240 * SECONDS,
    }, async () => {
      const digest = await upgradeToRelease(cluster, { crane, kube })
      const pods = await list<V1Pod & { kind: string; metadata: { name: string } }>('pods', '--namespace', OPERATOR_NAMESPACE)
      const running = pods.filter(({ metadata }) => !metadata.deletionTimestamp)
      const images = running.flatMap(({ status }) => status?.containerStatuses?.map(({ imageID }) => imageID.split('@')[1]) ?? [])
      expect([...new Set(images)]).toEqual([digest])
    })
  })

  test('helm test makes a realm, joins it as a player and removes it', { timeout: 240 * SECONDS }, async () => {
    const logs = await cluster.helm('test', 'realm-operator', '--namespace', OPERATOR_NAMESPACE, '--logs', '--timeout', '180s')
    expect(logs).toMatch(/it is ready, and published.*joined at ws:.*removed it/s)
    const ofCheck = ['--selector', 'comms.decentraland.org/realm=install-check', '--namespace', OPERATOR_NAMESPACE]
    await vi.waitFor(async () => expect(await list(KINDS, ...ofCheck)).toEqual([]), { timeout: 60 * SECONDS, interval: SECONDS })
  })

  test('helm uninstall leaves the CRDs and nothing else', { timeout: 90 * SECONDS }, async () => {
    await cluster.helm('uninstall', 'realm-operator', '--namespace', OPERATOR_NAMESPACE, '--wait')
    const ours = ['--selector', 'app.kubernetes.io/part-of=realm-operator']
    const kinds = 'deployments,services,serviceaccounts,poddisruptionbudgets,roles,rolebindings,clusterroles,clusterrolebindings'
    expect(await list(kinds, '--all-namespaces', ...ours)).toEqual([])
    expect(await cluster.kubectl('get', 'crd', 'realms.comms.decentraland.org', '--output', 'name')).toContain('realms.comms')
  })
}

/** A command's arguments, with the paths of the repository found from anywhere. */
const wordsOf = (command: string | undefined, root: string): string[] =>
  (command ?? '')
    .split(' ')
    .slice(1)
    .map((word) => word.replace('REGISTRY/realm-operator', PRODUCT_IMAGE))
    .map((word) => (word === 'helm' || word.startsWith('examples/') ? join(root, word) : word))
