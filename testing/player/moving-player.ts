import { ModelClient } from '../../cells/pulse/core/fixtures.ts'
import { decodeServerMessage, encodeRequest } from '../../cells/pulse/core/messages/fixtures.ts'
import { EnetClient } from '../../cells/pulse/enet/client.ts'
import { openUdp } from '../../cells/pulse/enet/udp.ts'
import { handshakeOf } from '../../cells/pulse/fixtures.ts'
import type { RelayAddress } from '../../cells/wire/relay-address.ts'
import type { Wallet } from './wallet.ts'

export interface MovingPlayerOptions {
  wallet: Wallet
  realm: string
  /** Whether it comes back two seconds after it was disconnected, as explorers do; not when another session took its wallet over. */
  returns?: boolean
}

/** A player of a movement relay, over a real socket. */
export interface MovingPlayer {
  /** The names of the messages that it received, and `ended N` with the reason of a disconnect. */
  readonly happened: readonly string[]
  /** What it knows of the other players. */
  readonly model: ModelClient
  readonly wallet: `0x${string}`
  /** When the last message about another player arrived, by `performance.now()`. */
  readonly heardAt: number
  /** Sends a step within its parcel; a position is a code from 0 to 255. */
  walk(positionX: number): void
  stop(): Promise<void>
}

const PARCEL = 48_490
const GROUNDED = 1
const RETURN_MS = 2_000
const SUPERSEDED = 4

/** Connects to a relay by its IP address, signs in and enters a realm, as an explorer does. */
export async function connectMovingPlayer(
  { host, port }: RelayAddress,
  { wallet, realm, returns = false }: MovingPlayerOptions,
): Promise<MovingPlayer> {
  const happened: string[] = []
  let heardAt = performance.now()
  let client: EnetClient
  let returning: NodeJS.Timeout | undefined
  const send = (message: object) => client.peer.sendReliable(0, encodeRequest(message))
  const model = new ModelClient(undefined, (subjectId, knownSeq) => send({ resync: { subjectId, knownSeq } }))
  const udp = await openUdp({ port: 0, onDatagram: (...datagram) => client.receive(...datagram) })
  const connect = () => {
    client = new EnetClient({
      ...{ clock: () => performance.now(), send: udp.send, address: udp.addressOf(host), port },
      onConnect: () => client.peer.sendReliable(0, handshakeOf(wallet)),
      onMessage: (_, channel, bytes) => {
        const [[kind = '', fields = {}] = []] = Object.entries(decodeServerMessage(bytes))
        happened.push(kind)
        if (fields.success) send({ teleport: { parcelIndex: PARCEL, realm } })
        if (kind === 'handshake') return
        heardAt = performance.now()
        if (channel === 0 || model.arrives()) model.sendReliable(bytes)
      },
      onDisconnect: (_, reason) => {
        happened.push(`ended ${reason}`)
        // The numbers of a relay that starts anew are those of other players.
        model.known.clear()
        model.requested.clear()
        if (returns && reason !== SUPERSEDED) returning = setTimeout(connect, RETURN_MS)
      },
    })
  }
  connect()
  const timer = setInterval(() => client.service(), 10)
  return {
    ...{ happened, model, wallet: wallet.address.toLowerCase() as `0x${string}` },
    get heardAt() {
      return heardAt
    },
    walk: (positionX) =>
      void client.peer.sendUnreliable(
        1,
        encodeRequest({ input: { state: { parcelIndex: PARCEL, positionX, stateFlags: GROUNDED } } }),
      ),
    async stop() {
      clearTimeout(returning)
      clearInterval(timer)
      client.peer.disconnectNow(0)
      await udp.close()
    },
  }
}
