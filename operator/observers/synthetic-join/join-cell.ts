import { randomInt } from 'node:crypto'
import { Authenticator } from '@dcl/crypto'
import { createUnsafeIdentity } from '@dcl/crypto/dist/crypto.js'
import WebSocket from 'ws'
import { messageOf } from '../../../cells/chassis/errors.ts'
import { clientPackets, decodeServerPacket } from '../../../cells/wire/packets.ts'

type ServerMessage = NonNullable<ReturnType<typeof decodeServerPacket>>
type Case = ServerMessage['$case']

/** `message` names the step that failed, and why. */
export type JoinOutcome = { ok: true } | { ok: false; message: string }

/** In metres; so far from all players that none of them shares the island, whatever the join distance. */
const FAR = 1_000_000
/** Longest packet that is accepted. */
const MAX_PACKET_BYTES = 64 * 1024
/** Packets that may come before the awaited one, such as island changes of other peers. */
const MAX_OTHERS = 16

/**
 * JoinCounts a cell as a player would, with a throw-away wallet: connects, signs the challenge, is welcomed, sends its position,
 * is given an island, disconnects (comms.md §4). `timeoutMs` is for each step. Never throws.
 */
export async function joinCell(url: string, timeoutMs: number): Promise<JoinOutcome> {
  let step = 'connecting'
  const socket = new WebSocket(url, ['archipelago'], {
    perMessageDeflate: false,
    maxPayload: MAX_PACKET_BYTES,
    handshakeTimeout: timeoutMs,
  })
  const packets = packetsOf(socket, timeoutMs)
  try {
    await packets.open
    const wallet = createUnsafeIdentity()
    step = 'asking for a challenge'
    socket.send(clientPackets.challengeRequest(wallet.address))
    const { challengeResponse } = await packets.next('challengeResponse')
    step = 'signing in'
    socket.send(clientPackets.signedChallenge(JSON.stringify(chainOf(wallet, challengeResponse.challengeToSign))))
    await packets.next('welcome')
    step = 'waiting for an island'
    socket.send(clientPackets.heartbeat({ position: { x: FAR + randomInt(FAR), y: 0, z: FAR + randomInt(FAR) } }))
    await packets.next('islandChanged')
    return { ok: true }
  } catch (error) {
    return { ok: false, message: `${step}: ${messageOf(error)}` }
  } finally {
    socket.close()
    setTimeout(() => socket.terminate(), CLOSE_MS).unref()
  }
}

const CLOSE_MS = 1_000

function chainOf(wallet: ReturnType<typeof createUnsafeIdentity>, challenge: string): object[] {
  return [
    { type: 'SIGNER', payload: wallet.address, signature: '' },
    { type: 'ECDSA_SIGNED_ENTITY', payload: challenge, signature: Authenticator.createSignature(wallet, challenge) },
  ]
}

/** The packets that a socket receives; each is waited for at most `timeoutMs`. */
function packetsOf(socket: WebSocket, timeoutMs: number) {
  const arrived: ServerMessage[] = []
  let ended: Error | undefined
  let check = () => {}
  const end = (error: Error) => {
    ended ??= error
    check()
  }
  socket.on('message', (bytes: Buffer) => {
    try {
      const message = decodeServerPacket(bytes)
      if (message && arrived.length < MAX_OTHERS) arrived.push(message)
    } catch {
      end(new Error('it sent something that is not a packet'))
    }
    check()
  })
  socket.on('open', () => check())
  socket.on('error', end)
  socket.on('close', (code) => end(new Error(`the socket was closed with ${code}`)))

  function until<T>(found: () => T | undefined, missing: string): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(missing)), timeoutMs)
      check = () => {
        const value = found()
        if (value === undefined && !ended) return
        clearTimeout(timer)
        if (value === undefined) reject(ended)
        else resolve(value)
      }
      check()
    })
  }

  return {
    open: until(() => (socket.readyState === WebSocket.OPEN ? true : undefined), `no connection within ${timeoutMs} ms`),
    next<Expected extends Case>(expected: Expected): Promise<Extract<ServerMessage, { $case: Expected }>> {
      const found = () => {
        const at = arrived.findIndex(({ $case }) => $case === expected)
        const [message] = at < 0 ? [] : arrived.splice(0, at + 1).slice(-1)
        return message as Extract<ServerMessage, { $case: Expected }> | undefined
      }
      return until(found, `no ${expected} within ${timeoutMs} ms`)
    },
  }
}
