import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'vitest'
import type { HostedWorld, WorldsFile } from '../../../crds/world.ts'
import { freshFolder } from '../../../testing/fresh-folder.ts'
import { signedFetch } from '../../../testing/player/signed-fetch.ts'
import type { Wallet } from '../../../testing/player/wallet.ts'
import type { PeerId } from '../../wire/peer.ts'
import { aGatekeeper } from '../fixtures.ts'

export const aWorld = (world: Partial<HostedWorld> = {}): HostedWorld => ({
  name: 'plaza',
  realmName: 'Plaza',
  room: 'world:realms.plaza',
  scenes: ['bafkScene'],
  access: { type: 'Public' },
  capacity: 100,
  ...world,
})

/** Embedded rooms whose members the test sets. */
export function someRooms() {
  const inRooms = new Map<string, PeerId[]>()
  return {
    inRooms,
    removed: [] as [PeerId, string][],
    members: (room: string) => inRooms.get(room) ?? [],
    remove(peer: PeerId, room: string) {
      this.removed.push([peer, room])
      inRooms.set(
        room,
        (inRooms.get(room) ?? []).filter((other) => other !== peer),
      )
      return true
    },
  }
}

/** A file with worlds, which the test may change. */
export function aWorldsFile(...worlds: HostedWorld[]) {
  const file = join(freshFolder(), 'worlds.json')
  const write = (...all: HostedWorld[]) => writeFileSync(file, JSON.stringify({ worlds: all } satisfies WorldsFile))
  write(...worlds)
  return { file, write }
}

/** A gatekeeper that serves worlds in rooms whose members the test sets. */
export async function aWorldGatekeeper(
  t: TestContext,
  options: Parameters<typeof aGatekeeper>[1] & { worlds?: HostedWorld[] } = {},
) {
  const { worlds = [aWorld()], config, ...rest } = options
  const rooms = someRooms()
  const worldsFile = aWorldsFile(...worlds)
  const livekit = { LIVEKIT_HOST: undefined, LIVEKIT_API_KEY: undefined, LIVEKIT_API_SECRET: undefined }
  const transport = {
    kind: 'ws-room' as const,
    connectionString: async (_: PeerId, room: string) => `ws-room:wss://here/rooms/${encodeURIComponent(room)}`,
  }
  const gatekeeper = await aGatekeeper(t, {
    ...{ rooms, transport },
    config: { ...livekit, WORLDS_FILE: worldsFile.file, ...config },
    ...rest,
  })
  const enter = (wallet: Wallet, metadata: Record<string, unknown> = {}, path = '/worlds/plaza/comms', more: object = {}) =>
    signedFetch(gatekeeper.url + path, {
      wallet,
      method: 'POST',
      metadata: { intent: 'dcl:explorer:comms-handshake', signer: 'dcl:explorer', isGuest: false, ...metadata },
      timestamp: gatekeeper.clock.now(),
      ...more,
    })
  return { ...gatekeeper, rooms, worldsFile, enter }
}
