/** What a participant may do in a room (gatekeeper.md §5). */
export interface Grant {
  canPublish: boolean
  canUpdateOwnMetadata: boolean
  /** Undefined: from every source, a camera and a screen too. */
  canPublishSources?: readonly 'microphone'[]
}

const MICROPHONE = ['microphone'] as const

/** The grants of every kind of participant. All of them may subscribe and send data. */
export const grants = {
  /** A player in an island or a scene: a microphone only, so that no player shares a screen or a camera with a room. */
  player: { canPublish: true, canUpdateOwnMetadata: true, canPublishSources: MICROPHONE },
  /** A participant of a voice chat who may talk. */
  speaker: { canPublish: true, canUpdateOwnMetadata: false, canPublishSources: MICROPHONE },
  /** A participant who receives, and sends data. */
  listener: { canPublish: false, canUpdateOwnMetadata: false, canPublishSources: MICROPHONE },
  /** A person who streams to a scene. */
  streamer: { canPublish: true, canUpdateOwnMetadata: true },
  /** The program that presents slides in a scene. */
  presentationBot: { canPublish: true, canUpdateOwnMetadata: false },
} satisfies Record<string, Grant>

/** The claim `video` of a token. */
export const videoGrant = (room: string, { canPublish, canUpdateOwnMetadata, canPublishSources }: Grant) => ({
  roomJoin: true,
  room,
  roomList: false,
  canPublish,
  canSubscribe: true,
  canPublishData: true,
  canUpdateOwnMetadata,
  ...(canPublishSources && { canPublishSources }),
})
