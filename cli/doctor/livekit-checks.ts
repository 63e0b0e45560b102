import type { FetchResult } from '../../cells/chassis/fetch-json.ts'
import type { Realm } from '../../crds/realm.ts'
import { LIVEKIT_PORT } from '../../operator/desired/manifests/realm-paths.ts'
import { livekitMediaName, partName } from '../../operator/desired/naming.ts'
import type { Check } from '../output/checks.ts'
import { failed, passed, skipped } from './check.ts'
import type { MediaAnswer, MediaPort, MediaProbe } from './media-probe.ts'

// Pure but for the reading: from what a LiveKit for players outside answers this machine to its checks.

/** What the LiveKit of a realm answers from this machine. */
export interface LivekitFacts {
  /** To a request below `/rtc` that has no token. */
  signalling: FetchResult
  media: { port: MediaPort; answer: MediaAnswer }[]
}

interface LivekitProbes {
  fetch(url: string): Promise<FetchResult>
  media: MediaProbe
}

/** Asks the LiveKit that players outside the cluster reach; undefined where they reach none that is Managed. */
export async function readLivekit({ status }: Realm, { fetch, media }: LivekitProbes): Promise<LivekitFacts | undefined> {
  if (!status?.livekit) return undefined
  const { url, addresses, udpPort, tcpPort } = status.livekit
  const ports = addresses.flatMap((address): MediaPort[] => [
    { protocol: 'UDP', address, port: udpPort },
    ...(tcpPort === undefined ? [] : [{ protocol: 'TCP' as const, address, port: tcpPort }]),
  ])
  const [signalling, answers] = await Promise.all([
    fetch(`${url.replace(/^ws/, 'http')}/rtc/validate`),
    Promise.all(ports.map(async (port) => ({ port, answer: await media(port) }))),
  ])
  return { signalling, media: answers }
}

/** Those of a realm with a Managed LiveKit. */
export function livekitChecks(realm: Realm, facts: LivekitFacts | undefined): Check[] {
  const { livekit } = realm.spec
  // Of one that is reached inside the cluster only, the condition ExplorersSupported tells.
  if (livekit.type !== 'Managed' || !livekit.service) return []
  if (!facts) return [{ name: 'livekit-media', ...skipped('its LiveKit has no address yet; see DependenciesReady') }]
  return [
    { name: 'livekit-signalling', ...signallingState(realm, facts.signalling) },
    ...facts.media.map(({ port, answer }) => ({ name: 'livekit-media', ...mediaState(realm, port, answer) })),
  ]
}

/** LiveKit refuses a request without a token by 401. */
function signallingState(realm: Realm, answer: FetchResult): Omit<Check, 'name'> {
  const at = `${realm.status?.livekit?.url}/rtc`
  const fix = realm.spec.livekit.url
    ? `let your route lead /rtc there to port ${LIVEKIT_PORT} of the Service ${partName(realm, 'livekit')}`
    : 'see RouteAccepted, and what is in front of the Ingress or the Gateway: /rtc has to reach it'
  if (!answer.ok) return failed(`${at} does not answer: ${answer.reason}`, fix)
  return answer.status === 401
    ? passed(`LiveKit answers at ${at}`)
    : failed(`${at} answers ${answer.status}, which LiveKit does not`, fix)
}

function mediaState(realm: Realm, { protocol, address, port }: MediaPort, answer: MediaAnswer): Omit<Check, 'name'> {
  const at = `${protocol} ${address.includes(':') ? `[${address}]` : address}:${port}`
  const { name, namespace } = { name: livekitMediaName(realm), namespace: realm.metadata.namespace }
  switch (answer) {
    case 'answered':
      return passed(`${at} is open`)
    case 'noRoute':
      return skipped(`this machine has no route to ${at}`)
    case 'refused':
      return failed(
        `${at} refuses: no process listens there`,
        `does the address lead to nodes of the cluster? kubectl describe -n ${namespace} service ${name}`,
      )
    case 'silent':
      return protocol === 'UDP'
        ? skipped(`no refusal from ${at}, where LiveKit answers only players in its rooms: enter with an explorer from here`)
        : failed(
            `${at} does not answer`,
            'open it in each firewall between here and the nodes, or correct livekit.service.addresses',
          )
  }
}
