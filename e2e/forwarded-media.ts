import { join } from 'node:path'
import { expect, vi } from 'vitest'
import type { RelayAddress } from '../cells/wire/relay-address.ts'
import { withoutRoute } from '../testing/cluster/no-route.ts'
import type { liveKitClient } from '../testing/livekit-room.ts'
import { runCommand } from '../testing/parts/command.ts'
import { connectorUrl } from '../testing/player/about.ts'
import { connectMovingPlayer } from '../testing/player/moving-player.ts'
import { connectPlayer } from '../testing/player/player.ts'
import { createWallet } from '../testing/player/wallet.ts'
import { startProgram } from '../testing/program.ts'
import { REALMCTL } from '../testing/realmctl.ts'

interface Place {
  kubeconfig: string
  namespace: string
  /** Folder with a kubectl. */
  kube: string
  /** Where players inside the cluster find the realm. */
  about: string
  /** Where players who need no forwarding find the relay. */
  relay: RelayAddress
  livekit: ReturnType<typeof liveKitClient>
}

const SECONDS = 1_000
/** Those of a LiveKit that only players inside the cluster reach. */
const MEDIA_PORTS = '7881-7882'

/**
 * Has a player who reaches nothing but `realmctl forward` meet one who is inside the cluster, in a room of a LiveKit that is open to players
 * inside only, and see the other one walk through a relay.
 */
export async function meetThroughForward({ kubeconfig, namespace, kube, about, relay, livekit }: Place): Promise<void> {
  const words = ['forward', 'main', '-n', namespace, '--port', '0', '--kubeconfig', kubeconfig]
  await using forward = startProgram(process.execPath, [REALMCTL, ...words])
  const [, url = ''] = await forward.prints(/is on this machine at (http:\/\/127\.0\.0\.1:\d+)/)
  const signalling = url.replace('http', 'ws')
  await forward.prints(new RegExp(`signalling at ${signalling}, media over TCP at 127\\.0\\.0\\.1:\\d+`))
  const [, relayPort = ''] = await forward.prints(/PULSE_SERVER=127\.0\.0\.1:(\d+)/)
  const urls = [await connectorUrl(about), await connectorUrl(`${url}/about`)]
  const [inside, outside] = await Promise.all(urls.map((socket) => connectPlayer({ url: socket, wallet: createWallet() })))
  if (!inside || !outside) throw new Error('two players were to enter')
  for (const player of [inside, outside]) player.heartbeat({ x: 8, y: 0, z: 8 })
  const islandOf = ({ island }: typeof inside) => island?.islandId
  await vi.waitFor(
    () => expect([islandOf(outside), islandOf(inside)]).toEqual([islandOf(inside), expect.any(String)]),
    20 * SECONDS,
  )
  expect(outside.island?.connStr.split('?')[0]).toBe(`livekit:${signalling}`)

  const address = await podAddress({ kubeconfig, namespace, kube })
  const ofOutside = await withoutRoute({ address, ports: MEDIA_PORTS }, () => livekit.join(outside.island?.connStr ?? ''))
  const ofInside = await livekit.join(inside.island?.connStr ?? '')
  await vi.waitFor(() => expect([ofInside.others(), ofOutside.others()]).toEqual([[outside.peer], [inside.peer]]), 10 * SECONDS)
  await ofInside.send('come in')
  await vi.waitFor(() => expect(ofOutside.received).toEqual([{ from: inside.peer, text: 'come in' }]), 10 * SECONDS)
  await ofOutside.send('I am')
  await vi.waitFor(() => expect(ofInside.received).toEqual([{ from: outside.peer, text: 'I am' }]), 10 * SECONDS)
  for (const room of [ofInside, ofOutside]) await room.leave()
  for (const player of [inside, outside]) player.close()
  await seeEachOtherMove({ host: '127.0.0.1', port: Number(relayPort) }, relay)
  forward.signal('SIGINT')
  expect(await forward.ended).toBe(0)
}

/** Has a player at each of two addresses of a relay see the other one walk. */
async function seeEachOtherMove(...relays: RelayAddress[]): Promise<void> {
  const players = await Promise.all(
    relays.map((relay) => connectMovingPlayer(relay, { wallet: createWallet(), realm: 'main', returns: true })),
  )
  let step = 0
  await vi.waitFor(() => {
    step += 1
    for (const player of players) player.walk(step % 250)
    for (const { happened } of players) expect(happened).toContain('playerStateDelta')
  }, 20 * SECONDS)
  for (const player of players) await player.stop()
}

async function podAddress({ kubeconfig, namespace, kube }: Pick<Place, 'kubeconfig' | 'namespace' | 'kube'>): Promise<string> {
  const of = ['-n', namespace, '-l', 'comms.decentraland.org/realm=main,app.kubernetes.io/component=livekit']
  const words = ['--kubeconfig', kubeconfig, 'get', 'pods', ...of, '-o', 'jsonpath={.items[*].status.podIP}']
  const address = await runCommand(join(kube, 'kubectl'), words)
  expect(address).toMatch(/^[\d.]+$/)
  return address
}
