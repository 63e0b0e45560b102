import { randomInt } from 'node:crypto'
import { Authenticator } from '@dcl/crypto'
import { createUnsafeIdentity } from '@dcl/crypto/dist/crypto.js'
import WebSocket from 'ws'
import { messageOf } from '../../../cells/chassis/errors.ts'
import { awaitedPackets } from '../../../cells/sockets/awaited-packets.ts'
import { clientPackets, decodeServerPacket } from '../../../cells/wire/packets.ts'

/** `message` names the step that failed, and why. */
export type JoinOutcome = { ok: true } | { ok: false; message: string }

/** In metres; so far from all players that none of them shares the island, whatever the join distance. */
const FAR = 1_000_000
/** Longest packet that is accepted. */
const MAX_PACKET_BYTES = 64 * 1024

/**
 * Joins a cell as a player would, with a throw-away wallet: connects, signs the challenge, is welcomed, sends its position,
 * is given an island, disconnects (comms.md §4). `timeoutMs` is for each step. Never throws.
 */
export async function joinCell(url: string, timeoutMs: number): Promise<JoinOutcome> {
  let step = 'connecting'
  const socket = new WebSocket(url, ['archipelago'], {
    perMessageDeflate: false,
    maxPayload: MAX_PACKET_BYTES,
    handshakeTimeout: timeoutMs,
  })
  const packets = awaitedPackets(socket, decodeServerPacket, timeoutMs)
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
