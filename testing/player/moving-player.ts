import { decodeServerMessage, encodeRequest } from '../../cells/pulse/core/messages/fixtures.ts'
import { EnetClient } from '../../cells/pulse/enet/client.ts'
import { openUdp } from '../../cells/pulse/enet/udp.ts'
import { handshakeOf } from '../../cells/pulse/fixtures.ts'
import type { RelayAddress } from '../../cells/wire/relay-address.ts'
import type { Wallet } from './wallet.ts'

/** A player of a movement relay, over a real socket. */
export interface MovingPlayer {
  /** The names of the messages that it received, and `ended N` with the reason of a disconnect. */
  readonly happened: readonly string[]
  /** Sends a step within its parcel; a position is a code from 0 to 255. */
  walk(positionX: number): void
  stop(): Promise<void>
}

const PARCEL = 48_490
const GROUNDED = 1

/** Connects to a relay by its IP address, signs in and enters a realm, as an explorer does. */
export async function connectMovingPlayer(
  { host, port }: RelayAddress,
  { wallet, realm }: { wallet: Wallet; realm: string },
): Promise<MovingPlayer> {
  const happened: string[] = []
  const udp = await openUdp({ port: 0, onDatagram: (...datagram) => client.receive(...datagram) })
  const client: EnetClient = new EnetClient({
    clock: () => performance.now(),
    send: udp.send,
    address: udp.addressOf(host),
    port,
    onConnect: () => client.peer.sendReliable(0, handshakeOf(wallet)),
    onMessage: (_, _channel, bytes) => {
      const [[kind = '', fields = {}] = []] = Object.entries(decodeServerMessage(bytes))
      happened.push(kind)
      if (fields.success) client.peer.sendReliable(0, encodeRequest({ teleport: { parcelIndex: PARCEL, realm } }))
    },
    onDisconnect: (_, reason) => happened.push(`ended ${reason}`),
  })
  const timer = setInterval(() => client.service(), 10)
  return {
    happened,
    walk: (positionX) =>
      void client.peer.sendUnreliable(
        1,
        encodeRequest({ input: { state: { parcelIndex: PARCEL, positionX, stateFlags: GROUNDED } } }),
      ),
    async stop() {
      clearInterval(timer)
      await udp.close()
    },
  }
}
