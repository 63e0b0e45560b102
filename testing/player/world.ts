import { joinRoom } from '../../cells/rooms/fixtures.ts'
import { readAdapter } from '../../cells/wire/adapter.ts'
import { followAbout } from './about.ts'
import { signedFetch } from './signed-fetch.ts'
import type { Wallet } from './wallet.ts'

const handshake = { intent: 'dcl:explorer:comms-handshake', signer: 'dcl:explorer', isGuest: false }

/** What an explorer does that enters a world: reads `/about`, signs in where that says, and follows the answer. */
export async function enterWorld(
  aboutUrl: string,
  wallet: Wallet,
  metadata: object = {},
): Promise<{ status: number; room?: string }> {
  const { comms } = await followAbout(aboutUrl)
  if (comms.kind !== 'signed-login') throw new Error(`${aboutUrl} is not the /about of a world`)
  const request = { wallet, method: 'POST', metadata: { ...handshake, ...metadata }, format: 'current' } as const
  const answer = await signedFetch(comms.url, request)
  if (answer.status !== 200) return { status: answer.status }
  const room = readAdapter(((await answer.json()) as { fixedAdapter: string }).fixedAdapter)
  if (room.kind !== 'ws-room') throw new Error(`the room is of kind ${room.kind}`)
  return { status: 200, room: room.url }
}

/** Joins the room at a URL. */
export async function joinRoomAt(url: string, wallet: Wallet) {
  const [, base = '', name = ''] = /^(.*)\/rooms\/([^/]+)$/.exec(url.replace(/^ws/, 'http')) ?? []
  return joinRoom(base, decodeURIComponent(name), wallet)
}
