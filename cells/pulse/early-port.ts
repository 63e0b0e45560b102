import { NO_PEER_ID, peerIdOf } from './enet/datagram.ts'
import { EnetHost } from './enet/host.ts'
import type { EnetHostOptions } from './enet/host-options.ts'
import { openUdp } from './enet/udp.ts'
import type { UdpOptions } from './enet/udp-port.ts'

export interface EarlyPortOptions extends Pick<UdpOptions, 'port' | 'address'> {
  /** Whether another relay may have the clients that send something: it, and not this one, knows whether they are connected. */
  hasPredecessor(): Promise<boolean>
}

/** The UDP port of a relay that is still being started. */
export interface EarlyPort {
  readonly port: number
  /** Frees the port for the relay. */
  close(): Promise<void>
}

/**
 * Opens the UDP port of a relay whose process is still being started, which takes half a second or more. A client of a relay that crashed
 * comes back two seconds after it was told that its connection is gone: it is told so here, and finds the relay ready. No client can
 * connect yet; clients repeat that.
 *
 * @throws when the port is taken, or the address is not one of this machine
 */
export async function openEarlyPort({ hasPredecessor, ...place }: EarlyPortOptions): Promise<EarlyPort> {
  let answers = false
  const host = hostWithoutPeers({ clock: () => performance.now(), send: (...datagram) => udp.send(...datagram) })
  const udp = await openUdp({
    ...place,
    onDatagram: (...datagram) => {
      if (answers) host.receive(...datagram)
    },
  })
  hasPredecessor().then(
    (others) => {
      answers = !others
    },
    () => {},
  )
  return { port: udp.port, close: () => udp.close() }
}

/**
 * What answers at that port, without a socket: a host without peers knows no client, and says so to each. It hears nothing of clients that
 * want to connect.
 */
export function hostWithoutPeers(
  options: Pick<EnetHostOptions, 'clock' | 'send' | 'random'>,
): Pick<EnetHost, 'receive' | 'service'> {
  const nothing = () => {}
  const host = new EnetHost({ ...options, onConnect: nothing, onMessage: nothing, onDisconnect: nothing })
  return {
    receive: (bytes, address, port) => {
      if (bytes.length >= 2 && peerIdOf(bytes.readUInt16BE(0)) !== NO_PEER_ID) host.receive(bytes, address, port)
    },
    service: () => host.service(),
  }
}
