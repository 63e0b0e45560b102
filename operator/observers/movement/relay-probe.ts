import { createSocket } from 'node:dgram'
import { Resolver } from 'node:dns/promises'
import { isIP, isIPv6 } from 'node:net'
import type { Clock } from '../../../cells/chassis/clock.ts'
import type { Log } from '../../../cells/chassis/log.ts'
import { EnetClient } from '../../../cells/pulse/enet/client.ts'
import { EndReason } from '../../../cells/pulse/enet/peer-identity.ts'
import { relayText } from '../../../cells/wire/relay-address.ts'
import type { ChosenRelay } from '../../desired/movement.ts'
import type { RelayAnswer } from '../../observed/relay-state.ts'
import type { MayConnect } from '../dependencies/public-addresses.ts'

/** Connects to a relay as an explorer does, and leaves at once. It takes no longer than its time limit, and throws nothing. */
export type RelayProbe = (relay: ChosenRelay) => Promise<RelayAnswer>

export interface RelayProbeOptions {
  /** Which addresses may be sent to for a user; the relay of the installation may be anywhere. */
  mayConnect: MayConnect
  /** Names of this domain are those of the cluster, which players cannot resolve. */
  clusterDomain: string
  clock: Clock
  log: Log
  timeoutMs?: number
  /** Name servers, `192.0.2.1:53`; those of the system by default. */
  nameServers?: readonly string[]
}

const TIMEOUT_MS = 4_000
/** Each name server is asked again after one second. */
const NAME_SERVER = { timeout: 1_000, tries: 2 }
/** Of each family. */
const MAX_ADDRESSES = 2
/** Between two looks at what to send again. */
const SERVICE_MS = 50
/** An answer is one datagram; more than these are no relay's. */
const MAX_DATAGRAMS = 16

/**
 * Sends an ENet CONNECT and waits for the VERIFY_CONNECT with the same number, then disconnects. A relay that was not reached is always
 * reported after the same time and without a reason: users write its host, and must not learn which addresses and ports of the operator's
 * network are there. Names are looked up as they are, without the search domains of the pod.
 */
export function createRelayProbe(options: RelayProbeOptions): RelayProbe {
  const { mayConnect, clusterDomain, clock, log, timeoutMs = TIMEOUT_MS } = options
  return async ({ address, isManaged }) => {
    const late = new Promise<undefined>((resolve) => clock.after(timeoutMs, () => resolve(undefined)))
    const isHidden = !isManaged && address.host.toLowerCase().endsWith(`.${clusterDomain}`)
    const found = isHidden ? [] : await addressesOf(address.host, options)
    const allowed = isManaged ? found : found.filter(mayConnect)
    const answer = await firstAnswer(allowed, address.port, clock, late)
    if (answer) return answer
    await late
    const state = found.length === 0 ? 'hostNotResolved' : 'noAnswer'
    log.debug({ relay: relayText(address), addresses: found, state }, 'a movement relay was not reached')
    return state
  }
}

/** Addresses of both families that name servers know within half of the time limit: the other half is for the relay. */
async function addressesOf(host: string, { nameServers, clock, timeoutMs = TIMEOUT_MS }: RelayProbeOptions): Promise<string[]> {
  if (isIP(host)) return [host]
  const resolver = new Resolver(NAME_SERVER)
  if (nameServers) resolver.setServers(nameServers)
  const absolute = `${host}.`
  const cancel = clock.after(timeoutMs / 2, () => resolver.cancel())
  const found = await Promise.allSettled([resolver.resolve4(absolute), resolver.resolve6(absolute)])
  cancel()
  return found.flatMap((family) => (family.status === 'fulfilled' ? family.value.slice(0, MAX_ADDRESSES) : []))
}

/** What a relay itself answers. */
type OwnAnswer = 'reachable' | 'full'

/** The first answer of one of the addresses; undefined when there is none before `late`. */
async function firstAnswer(
  addresses: readonly string[],
  port: number,
  clock: Clock,
  late: Promise<undefined>,
): Promise<OwnAnswer | undefined> {
  const { promise, resolve } = Promise.withResolvers<OwnAnswer>()
  const attempts = addresses.map((address) => connect(address, port, clock, resolve))
  const answer = await Promise.race([promise, late])
  for (const stop of attempts) stop()
  return answer
}

/** Begins a connection; the returned function ends the attempt. */
function connect(address: string, port: number, clock: Clock, onAnswer: (answer: OwnAnswer) => void): () => void {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
  let cancel = () => {}
  let received = 0
  let isOver = false
  // A refusal is not told apart from silence.
  socket.on('error', () => {})
  // The kernel then passes on only what comes from there.
  socket.connect(port, address, (error?: Error) => {
    if (error || isOver) return
    const client: EnetClient = new EnetClient({
      clock: () => clock.monotonic(),
      send: (bytes, offset, length) => socket.send(Buffer.from(bytes.subarray(offset, offset + length)), () => {}),
      address,
      port,
      onConnect(peer) {
        peer.disconnectNow(0)
        onAnswer('reachable')
      },
      onDisconnect(_, reason) {
        if (reason === EndReason.SERVER_FULL) onAnswer('full')
      },
    })
    socket.on('message', (bytes) => {
      if (++received <= MAX_DATAGRAMS) client.receive(bytes, address, port)
    })
    const service = () => {
      client.service()
      cancel = clock.after(SERVICE_MS, service)
    }
    cancel = clock.after(SERVICE_MS, service)
  })
  return () => {
    isOver = true
    cancel()
    socket.close()
  }
}
