import { z } from 'zod'

const liveData = z.object({
  data: z.object({ perWorld: z.array(z.object({ worldName: z.string(), users: z.int().min(0) })) }),
})

/**
 * The players of each world of a gatekeeper, by the name of the world: what it answers to `GET /live-data`, as Decentraland's server of
 * worlds does. Undefined for an answer of another shape.
 */
export function playersOfWorlds(body: unknown): ReadonlyMap<string, number> | undefined {
  const read = liveData.safeParse(body)
  return read.success ? new Map(read.data.data.perWorld.map(({ worldName, users }) => [worldName, users])) : undefined
}
