import { z } from 'zod'
import { MAX_DOTS, MAX_MAP_ISLANDS, MAX_TILES, type RealmMap } from '../../wire/realm-map.ts'

/** Longest `/map` that is read: all tiles and islands with the longest numbers take less. */
export const MAX_MAP_BYTES = 512 * 1024

const MAX_SLOTS = 32
const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)
const whole = z.number().int().min(-1e12).max(1e12)
const triples = (most: number) =>
  z
    .array(whole)
    .max(3 * most)
    .refine(({ length }) => length % 3 === 0)

const schema = z.object({
  ok: z.literal(true),
  instance: z.string().max(64),
  peers: count,
  tile: z
    .number()
    .int()
    .min(1)
    .max(1 << 20),
  tiles: triples(MAX_TILES),
  dots: triples(MAX_DOTS).optional(),
  islandCount: count,
  islands: z
    .array(
      z.object({ id: z.string().max(128), center: z.tuple([whole, whole]), radius: z.number().min(0).max(1e9), peers: count }),
    )
    .max(MAX_MAP_ISLANDS),
  cells: z
    .array(
      z.object({
        slot: z
          .number()
          .int()
          .min(0)
          .max(MAX_SLOTS - 1),
        healthy: z.boolean(),
        userCount: count,
        islands: count,
        peers: count,
        heartbeats: count,
        joins: count,
        leaves: count,
      }),
    )
    .max(MAX_SLOTS),
})

/** Reads the body of `/map` of statistics, which a tenant may have written; undefined when it is not valid. */
export function readRealmMap(body: unknown): RealmMap | undefined {
  const parsed = schema.safeParse(body)
  // All that was parsed came from JSON, which has no undefined.
  return parsed.success ? (parsed.data as RealmMap) : undefined
}
