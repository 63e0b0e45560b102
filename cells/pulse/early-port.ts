import { NO_PEER_ID, peerIdOf } from './enet/datagram.ts'
import { EnetHost } from './enet/host.ts'
import { openUdp, type UdpOptions, type UdpPort } from './enet/udp.ts'

export interface EarlyPortOptions extends Pick<UdpOptions, 'port' | 'address'> {
  /** Whether another relay may have the clients that send something: it, and not this one, knows whether they are connected. */
  hasPredecessor(): Promise<boolean>
}

/**
 * The UDP port of a relay whose program is still being loaded, which takes longer than all else in its start. A client of a relay that crashed
 * comes back two seconds after it was told that its connection is gone: it is told so here, and finds the relay ready. No client can connect yet;
 * clients repeat that.
 */
export class EarlyPort {
  readonly #udp: UdpPort
  #receive: UdpOptions['onDatagram'] = () => {}

  /** @throws when the port is taken, or the address is not one of this machine */
  static async open({ hasPredecessor, ...place }: EarlyPortOptions): Promise<EarlyPort> {
    const early: EarlyPort = new EarlyPort(await openUdp({ ...place, onDatagram: (...datagram) => early.#receive(...datagram) }))
    const ignore = early.#receive
    hasPredecessor().then(
      (others) => {
        if (!others && early.#receive === ignore) early.#receive = strangersOnly(early.#udp)
      },
      () => {},
    )
    return early
  }

  private constructor(udp: UdpPort) {
    this.#udp = udp
  }

  get port(): number {
    return this.#udp.port
  }

  /** The relay is there: from now on it receives the datagrams, and closes the port. */
  handTo(receive: UdpOptions['onDatagram']): UdpPort {
    this.#receive = receive
    return this.#udp
  }
}

/** A host without peers knows no client, and says so to each. */
function strangersOnly({ send }: UdpPort): UdpOptions['onDatagram'] {
  const nothing = () => {}
  const clock = () => performance.now()
  const host = new EnetHost({ clock, send, onConnect: nothing, onMessage: nothing, onDisconnect: nothing })
  return (bytes, address, port) => {
    if (bytes.length >= 2 && peerIdOf(bytes.readUInt16BE(0)) !== NO_PEER_ID) host.receive(bytes, address, port)
  }
}
