/** A scene that has players in it, in the body of `GET /hot-scenes` of stats (comms.md §8.1). */
export interface HotScene {
  id: string
  name?: string
  /** The parcel a visitor arrives at: x, y. */
  baseCoords: [number, number]
  usersTotalCount: number
  parcels: [number, number][]
  /** URL of an image. */
  thumbnail?: string
  projectId?: string
  creator?: string
  description?: string
}

/** The longest list of hot scenes that stats and the realm provider answer with (comms.md §8.1). */
export const MAX_HOT_SCENES = 100
