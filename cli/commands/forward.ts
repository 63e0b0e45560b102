import { messageOf, UserError } from '../../cells/chassis/errors.ts'
import type { Running } from '../../cells/chassis/lifecycle.ts'
import { isStatus } from '../../cells/kube/kube-error.ts'
import { relayText } from '../../cells/wire/relay-address.ts'
import { type Realm, realmNameOf } from '../../crds/realm.ts'
import { isWorldRealm } from '../../crds/world.ts'
import type { Terminal } from '../adapters/terminal.ts'
import { isAllowed } from '../cluster/access-review.ts'
import { type ClusterOptions, explained, type OpenCluster, realmNamed } from '../cluster/cluster.ts'
import { installedPrograms } from '../cluster/installation.ts'
import { seenValue } from '../cluster/seen.ts'
import type { Provider } from '../forward/forwarded-realm.ts'
import { type Forwarding, startForwarding } from '../forward/forwarding.ts'
import { createServicePods, type ServicePort } from '../forward/service-pods.ts'
import { createTunnels } from '../forward/tunnel.ts'
import { plain } from '../output/table.ts'

export interface ForwardOptions extends ClusterOptions {
  /** 0 = a free one. */
  port: number
}

/** Side effects of `forward`. */
export interface ForwardPorts {
  terminal: Terminal
  openCluster(): Promise<OpenCluster>
  /** Milliseconds since an arbitrary start. */
  now(): number
  random(): number
}

const STATUS_PERIOD_MS = 1_000
/** The same problem is told again after this time. */
const TELL_AGAIN_MS = 10_000

/**
 * Opens a realm of a cluster on this machine until it is stopped, so that explorers enter a realm that is exposed nowhere.
 *
 * @throws UserError 1 where there is no such Realm or a right is missing, 3 where the port is taken, 4 where the cluster or the realm does
 * not answer
 */
export async function forward(name: string, { port }: Pick<ForwardOptions, 'port'>, ports: ForwardPorts): Promise<Running> {
  const { terminal, now, random } = ports
  const cluster = await ports.openCluster()
  const { client, access } = cluster
  let forwarding: Forwarding | undefined
  try {
    const realm = await realmNamed(cluster, name)
    await checkRight(cluster, realm)
    const programs = await installedPrograms(cluster).then(seenValue)
    forwarding = await startForwarding({
      ...{ realm, provider: providerOf(programs), relay: relayOf(realm, programs), port },
      choosePod: createServicePods({ client, now, random }),
      openTunnel: createTunnels(access),
      onProblem: teller((error) => terminal.say(plain(messageOf(refused(error, client.server)))), now),
    })
    await forwarding.check()
    terminal.say(introduction(realm, forwarding))
  } catch (error) {
    await forwarding?.stop()
    await cluster.stop()
    throw refused(error, client.server)
  }
  const { stop } = forwarding
  const status = () => terminal.status(`${forwarding.connections} connections to pods`)
  const ticking = setInterval(status, STATUS_PERIOD_MS)
  return {
    async stop() {
      clearInterval(ticking)
      await stop()
      await cluster.stop()
      terminal.say('Stopped.')
    },
  }
}

type Programs = readonly { program: string; namespace: string; name: string }[] | undefined

/** Where the pods of the relay that the chart installed are found: connectors report to them there. */
function relayOf({ spec }: Realm, programs: Programs): ServicePort | undefined {
  const relay = spec.movement.type === 'Managed' ? programs?.find(({ program }) => program === 'movement') : undefined
  return relay && { namespace: relay.namespace, service: `${relay.name}-reports`, port: 'http' }
}

function providerOf(programs: Programs): Provider {
  const provider = programs?.find(({ program }) => program === 'provider')
  return provider && { namespace: provider.namespace, service: provider.name }
}

const NEEDED = 'Forwarding needs get and create of pods/portforward, which the ClusterRole edit grants, and view does not.'

/** @throws UserError 1 where the person may not port-forward, before the first connection to a pod tells so */
async function checkRight({ client }: OpenCluster, { metadata: { namespace } }: Realm): Promise<void> {
  const right = { namespace, verb: 'get', group: '', resource: 'pods', subresource: 'portforward' }
  if (await isAllowed(client, right)) return
  throw new UserError(`A right is missing: you may not get pods/portforward in the namespace ${namespace}. ${NEEDED}`)
}

/** Newer API servers ask for another verb, too. */
function refused(error: unknown, server: string): unknown {
  if (!isStatus(error, 403) || !error.message.includes('pods/portforward')) return explained(error, server)
  const message = error.message.replace(/^port-forward to \S+: /, '')
  return new UserError(`A right is missing: ${message}. ${NEEDED}`, 1, { cause: error })
}

/** Tells each problem once in a while. */
function teller(tell: (error: unknown) => void, now: () => number): (error: unknown) => void {
  const saidAt = new Map<string, number>()
  return (error) => {
    const text = messageOf(error)
    if (now() - (saidAt.get(text) ?? Number.NEGATIVE_INFINITY) < TELL_AGAIN_MS) return
    // Messages name pods, of which there is no end.
    if (saidAt.size > 100) saidAt.clear()
    saidAt.set(text, now())
    tell(error)
  }
}

/** What is open, and what no forwarding can carry. */
export function introduction(
  realm: Realm,
  { url, mediaPort, relayPort }: Pick<Forwarding, 'url' | 'mediaPort' | 'relayPort'>,
): string {
  const { metadata, spec, status } = realm
  const socket = url.replace(/^http/, 'ws')
  const isWorld = isWorldRealm(realm)
  const rows: [string, string][] = [
    ['about', `${url}/about`],
    ...(isWorld ? [] : [['sockets', `${socket}/cells/0/ws`] satisfies [string, string]]),
    ['gatekeeper', `${url}/gatekeeper`],
    ...(isWorld ? [] : [['stats', `${url}/stats/peers`] satisfies [string, string]]),
    ...roomRows(realm, socket, mediaPort),
    ...movementRows(spec.movement.type === 'None' ? undefined : status?.movement?.host, url, relayPort),
  ]
  return [
    `The realm ${metadata.namespace}/${metadata.name} (${realmNameOf(realm)}) is on this machine at ${url}\n`,
    ...rows.map(([label, text]) => `    ${label.padEnd(12)}${plain(text)}`),
    '',
    `  Point an explorer at ${url}, or try: realmctl join ${url}`,
    '  Unity cannot enter over ws://. Programs and web pages of this machine reach the realm until Ctrl-C.\n',
  ].join('\n')
}

function roomRows({ spec, status }: Realm, socket: string, mediaPort: number | undefined): [string, string][] {
  if (mediaPort !== undefined)
    return [
      ['rooms', `LiveKit of the realm: signalling at ${socket}, media over TCP at 127.0.0.1:${mediaPort}`],
      ['', 'media over UDP is not carried: voice may stutter on a slow connection'],
    ]
  if (spec.livekit.type === 'None') return [['rooms', 'embedded (ws-room), below the sockets']]
  return [['rooms', `LiveKit at ${status?.livekit?.url ?? spec.livekit.url}, not through here: this machine has to reach it`]]
}

function movementRows(relay: string | undefined, url: string, port: number | undefined): [string, string][] {
  if (port !== undefined) {
    const here = relayText({ host: '127.0.0.1', port })
    return [
      ['movement', `relay at UDP ${here}, carried over TCP`],
      ['', `Bevy: PULSE_SERVER=${here}; Godot: decentraland://?realm=${url}&pulse-server=${here}`],
    ]
  }
  if (relay === undefined) return [['movement', 'no relay']]
  return [['movement', `relay at UDP ${relay}, not through here: this machine has to reach it`]]
}
