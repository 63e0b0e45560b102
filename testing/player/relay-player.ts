import { encodeRequest } from '../../cells/pulse/core/messages/fixtures.ts'
import { parcelIndex } from '../../cells/pulse/core/parcel-grid.ts'
import { EnetClient } from '../../cells/pulse/enet/client.ts'
import { openUdp } from '../../cells/pulse/enet/udp.ts'
import { handshakeOf } from '../../cells/pulse/fixtures.ts'
import type { Wallet } from './wallet.ts'

/** A player at a movement relay, over UDP. */
export interface RelayPlayer {
  /** Goes to a parcel, in any realm. */
  goTo(realm: string, parcelX: number, parcelZ: number): void
  stop(): Promise<void>
}

/** Signs in at the relay on a port of this machine. */
export async function connectRelayPlayer(port: number, wallet: Wallet): Promise<RelayPlayer> {
  const udp = await openUdp({ port: 0, address: '127.0.0.1', onDatagram: (...datagram) => client.receive(...datagram) })
  let signedIn = () => {}
  const isSignedIn = new Promise<void>((resolve) => {
    signedIn = resolve
  })
  const client: EnetClient = new EnetClient({
    ...{ clock: () => performance.now(), send: udp.send, address: '127.0.0.1', port },
    onConnect: () => client.peer.sendReliable(0, handshakeOf(wallet)),
    onMessage: () => signedIn(),
    onDisconnect: () => {},
  })
  const timer = setInterval(() => client.service(), 10)
  await isSignedIn
  return {
    goTo: (realm, x, z) =>
      client.peer.sendReliable(0, encodeRequest({ teleport: { parcelIndex: parcelIndex(x, z), realm, positionX: 128 } })),
    async stop() {
      clearInterval(timer)
      await udp.close()
    },
  }
}
