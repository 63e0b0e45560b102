import { createRequire } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import { readAdapter } from '../cells/wire/adapter.ts'

/** The part of `@livekit/rtc-node` that is used here: the package is a part of the tests, not one of ours. */
interface RtcNode {
  Room: new () => RtcRoom
  RoomEvent: { DataReceived: string; Disconnected: string }
  dispose(): Promise<void>
}

interface RtcRoom {
  readonly metadata?: string
  readonly remoteParticipants: ReadonlyMap<string, { metadata: string }>
  readonly localParticipant?: { metadata: string; publishData(bytes: Uint8Array, options: { reliable: boolean }): Promise<void> }
  connect(url: string, token: string, options: { autoSubscribe: boolean; dynacast: boolean }): Promise<void>
  on(event: string, listener: (payload: Uint8Array, from?: { identity: string }) => void): void
  disconnect(): Promise<void>
}

/** A participant of a LiveKit room, as an explorer joins it for its player. */
export interface InRoom {
  /** The identities of the other participants. */
  others(): string[]
  /** Whether the server ended the connection. */
  readonly ended: boolean
  /** Of the room, as this participant received it. */
  readonly roomMetadata: string
  /** Of this participant. */
  readonly metadata: string
  send(text: string): Promise<void>
  /** The messages received from others so far. */
  readonly received: readonly { from: string | undefined; text: string }[]
  leave(): Promise<void>
}

/** Joins a room as a LiveKit client; `path` is that of the part `rtc`. */
export function liveKitClient(path: string): { join(connStr: string): Promise<InRoom>; dispose(): Promise<void> } {
  const { Room, RoomEvent, dispose } = createRequire(import.meta.url)(path) as RtcNode
  return {
    dispose: async () => {
      await dispose()
      // The native library logs a panic when the process ends before the room is released.
      await sleep(100)
    },
    join: async (connStr) => {
      const comms = readAdapter(connStr)
      if (comms.kind !== 'livekit') throw new Error(`${connStr} is no LiveKit room`)
      const room = new Room()
      const received: { from: string | undefined; text: string }[] = []
      room.on(RoomEvent.DataReceived, (payload, from) =>
        received.push({ from: from?.identity, text: Buffer.from(payload).toString() }),
      )
      let ended = false
      room.on(RoomEvent.Disconnected, () => {
        ended = true
      })
      await room.connect(comms.url, comms.token, { autoSubscribe: false, dynacast: false })
      return {
        others: () => [...room.remoteParticipants.keys()],
        get ended() {
          return ended
        },
        get roomMetadata() {
          return room.metadata ?? ''
        },
        get metadata() {
          return room.localParticipant?.metadata ?? ''
        },
        send: async (text) => room.localParticipant?.publishData(Buffer.from(text), { reliable: true }),
        received,
        leave: () => room.disconnect(),
      }
    },
  }
}
