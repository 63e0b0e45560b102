import { clientPackets, type IslandChangedMessage } from '../../cells/wire/packets.ts'
import type { PeerId, Position } from '../../cells/wire/peer.ts'
import { type Ending, openSocket, type PlayerSocket, type SocketOptions } from './socket.ts'
import { type ChainKind, chainOf, type Wallet } from './wallet.ts'

/** The wallet of a player, and the options of the connection. */
export interface PlayerOptions extends SocketOptions {
  wallet: Wallet
  /** Two links by default. */
  chain?: ChainKind
  /** Called with every island change on arrival. */
  onIsland?: (island: IslandChangedMessage) => void
}

/** A simulated explorer, which implements the public protocol and records what it receives. */
export interface Player {
  readonly peer: PeerId
  readonly wallet: Wallet
  readonly socket: PlayerSocket
  /** Whether the challenge said that this wallet has another session here. */
  readonly alreadyConnected: boolean
  /** Every island change so far, oldest first. */
  readonly islands: readonly IslandChangedMessage[]
  /** The island of the last island change; undefined before the first. */
  readonly island: IslandChangedMessage | undefined
  /** Whether `kicked` was received. */
  readonly kicked: boolean
  /** Resolves when the connection has ended; never rejects. */
  readonly closed: Promise<Ending>
  heartbeat(position: Position, desiredRoom?: string): void
  /** The first island change that was not returned yet. @throws when none arrives in time or the connection ends first */
  nextIsland(timeoutMs: number): Promise<IslandChangedMessage>
  /** Sends a packet of any kind. */
  send(bytes: Uint8Array): void
  close(): void
}

/**
 * Connects and shakes hands as the strictest explorer does: each answer must be the very next frame (comms.md §9).
 *
 * @throws when the server answers anything else, closes, or takes longer than `timeoutMs` for an answer
 */
export async function connectPlayer(options: PlayerOptions): Promise<Player> {
  const socket = await openSocket(options)
  try {
    return playOn(socket, options, await shakeHands(socket, options))
  } catch (error) {
    socket.terminate()
    throw error
  }
}

/** Requests a challenge and returns it, unsigned. @throws when it is not one that explorers would sign */
export async function requestChallenge(
  socket: PlayerSocket,
  address: string,
): Promise<{ challenge: string; alreadyConnected: boolean }> {
  socket.send(clientPackets.challengeRequest(address))
  const message = await socket.next()
  if (message.$case !== 'challengeResponse') throw new Error(`expected challengeResponse, got ${message.$case}`)
  const { challengeToSign: challenge, alreadyConnected } = message.challengeResponse
  // Without these checks a server could make a wallet sign a transaction or a request to another service.
  if (!challenge.startsWith('dcl-') || challenge.includes(':')) throw new Error(`no explorer signs ${JSON.stringify(challenge)}`)
  return { challenge, alreadyConnected }
}

async function shakeHands(socket: PlayerSocket, { wallet, chain = 'two' }: PlayerOptions): Promise<boolean> {
  const { challenge, alreadyConnected } = await requestChallenge(socket, wallet.address)
  socket.send(clientPackets.signedChallenge(JSON.stringify(chainOf(chain, wallet, challenge))))
  const message = await socket.next()
  if (message.$case !== 'welcome') throw new Error(`expected welcome, got ${message.$case}`)
  if (message.welcome.peerId !== wallet.peer) throw new Error(`welcomed as ${message.welcome.peerId}, not ${wallet.peer}`)
  return alreadyConnected
}

function playOn(socket: PlayerSocket, { wallet, onIsland }: PlayerOptions, alreadyConnected: boolean): Player {
  const islands: IslandChangedMessage[] = []
  let handedOut = 0
  let kicked = false
  let wake: (() => void) | undefined
  socket.onMessage((message) => {
    if (message.$case === 'kicked') kicked = true
    if (message.$case !== 'islandChanged') return
    islands.push(message.islandChanged)
    onIsland?.(message.islandChanged)
    wake?.()
  })
  return {
    peer: wallet.peer,
    wallet,
    socket,
    alreadyConnected,
    islands,
    get island() {
      return islands.at(-1)
    },
    get kicked() {
      return kicked
    },
    closed: socket.closed,
    heartbeat: (position, desiredRoom) => socket.send(clientPackets.heartbeat({ position, desiredRoom })),
    async nextIsland(timeoutMs) {
      if (handedOut === islands.length) {
        await new Promise<void>((resolve, reject) => {
          const timer = setTimeout(() => reject(new Error(`no island within ${timeoutMs} ms`)), timeoutMs)
          wake = () => {
            clearTimeout(timer)
            resolve()
          }
          void socket.closed.then(({ code }) => {
            clearTimeout(timer)
            reject(new Error(`the connection ended with ${code} before an island came`))
          })
        })
      }
      const island = islands[handedOut++]
      if (!island) throw new Error('nextIsland has two readers')
      return island
    },
    send: (bytes) => socket.send(bytes),
    close: () => socket.close(),
  }
}
